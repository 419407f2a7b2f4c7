"""Settings of gateways: English and native names, types, choices, all problems at once."""

from __future__ import annotations

from typing import Any

import pytest

from mdhub.accounts.kinds import KINDS, profile_of, secret_keys
from mdhub.runtime.secret import Value
from mdhub_ingest.gateways.settings import BadSettings, gateway_settings

OLD = dict.fromkeys(
    ["用户名", "密码", "经纪商代码", "交易服务器", "行情服务器", "产品名称", "授权编码"], ""
)
NEW: dict[str, Any] = OLD | {"柜台环境": ["实盘", "测试"]}
GIVEN: dict[str, Value] = {
    "user_id": "123",
    "password": "s3cret",
    "broker_id": "9999",
    "td_address": "tcp://127.0.0.1:1",
    "md_address": "tcp://127.0.0.1:2",
}


def ctp(default: dict[str, Any], **changes: Value) -> dict[str, Any]:
    return gateway_settings("CTP1", GIVEN | changes, default, KINDS["ctp"])


def problems(default: dict[str, Any], kind: str, given: dict[str, Value]) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as caught:
        gateway_settings("CTP1", given, default, KINDS[kind])
    return caught.value.problems


def test_english_names_become_the_gateways_own() -> None:
    """What is not given takes the default."""
    assert ctp(OLD) == {
        "用户名": "123",
        "密码": "s3cret",
        "经纪商代码": "9999",
        "交易服务器": "tcp://127.0.0.1:1",
        "行情服务器": "tcp://127.0.0.1:2",
        "产品名称": "",
        "授权编码": "",
    }


def test_native_names_are_as_good() -> None:
    """Also mixed with English ones, but not both for one setting."""
    given = {key: value for key, value in GIVEN.items() if key != "user_id"} | {"用户名": "123"}
    assert gateway_settings("CTP1", given, OLD, KINDS["ctp"]) == ctp(OLD)
    (problem,) = problems(OLD, "ctp", GIVEN | {"用户名": "4"})
    assert problem == "用户名 and user_id mean the same; expected one of them"


@pytest.mark.parametrize(
    ("given", "got"),
    [({}, "实盘"), ({"environment": "test"}, "测试"), ({"environment": "live"}, "实盘"),
     ({"柜台环境": "测试"}, "测试")],
)  # fmt: skip
def test_the_first_of_the_choices_is_the_default(given: dict[str, Value], got: str) -> None:
    """Passing the list through would mean test mode."""
    assert ctp(NEW, **given)["柜台环境"] == got


def test_an_older_gateway_takes_the_choice_it_makes_anyway() -> None:
    """And no other."""
    assert ctp(OLD, environment="live") == ctp(OLD)
    (problem,) = problems(OLD, "ctp", GIVEN | {"environment": "test"})
    assert "knows only live (实盘)" in problem


def test_all_problems_come_at_once_and_show_no_secret() -> None:
    """Unknown, missing, wrong type, no such choice."""
    given: dict[str, Value] = {"user_id": 123, "password": 456789, "pasword": "s3cret"}
    given |= {"td_address": "", "md_address": "tcp://x:1", "environment": "tset"}
    found = problems(NEW, "ctp", given)
    assert found == (
        "pasword is unknown, did you mean password?",
        "user_id was 123, expected text; put it in quotes",
        "password was a value that is not shown, expected text; put it in quotes",
        "broker_id (经纪商代码) is missing",
        "td_address is empty",
        "environment was 'tset', expected one of live (实盘), test (测试)",
    )
    with pytest.raises(BadSettings, match="source 'CTP1': settings: pasword") as caught:
        gateway_settings("CTP1", given, NEW, KINDS["ctp"])
    assert "s3cret" not in str(caught.value) and "456789" not in repr(caught.value)
    assert caught.value.exit_code == 4


MIXED: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 7497,
    "rate": 0.5,
    "tls": False,
    "api_key": "",
}


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"port": 1}, {"port": 1}),
        ({"port": "4002"}, {"port": 4002}),
        ({"rate": 2}, {"rate": 2.0}),
        ({"rate": "2.5"}, {"rate": 2.5}),
        ({"tls": True}, {"tls": True}),
        ({"tls": "True"}, {"tls": True}),
        ({}, {}),
    ],
)
def test_unknown_classes_are_checked_by_their_own_defaults(
    given: dict[str, Value], got: dict[str, Any]
) -> None:
    """References give text, so text is read as what the gateway wants."""
    assert gateway_settings("X", given, MIXED, KINDS["vnpy"]) == MIXED | got


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"port": "many"}, "port was 'many', expected a whole number"),
        ({"port": 1.5}, "port was 1.5, expected a whole number"),
        ({"port": True}, "port was True, expected a whole number"),
        ({"rate": "x"}, "rate was 'x', expected a number"),
        ({"tls": 1}, "tls was 1, expected true or false"),
        ({"host": 1}, "host was 1, expected text; put it in quotes"),
        ({"api_key": 1}, "api_key was a value that is not shown, expected text; put it in quotes"),
        ({"zzz": 1}, "zzz is unknown; there are host, port, rate, tls, api_key"),
    ],
)
def test_wrong_types_are_named(given: dict[str, Value], problem: str) -> None:
    """What was found and what was expected."""
    assert problems(MIXED, "vnpy", given) == (problem,)


def test_secrets_are_known_by_profile_or_by_name() -> None:
    """English and native names; of an unknown class by the look of the name."""
    names = ["user_id", "password", "密码", "auth_code", "授权编码", "app_id"]
    assert secret_keys("ctp", names) == {"password", "密码", "auth_code", "授权编码"}
    assert secret_keys("sopt", names) == secret_keys("tts", names) == secret_keys("ctp", names)
    assert secret_keys("ib", ["tws_address", "tws_port", "client_id", "account"]) == frozenset()
    shady = [
        "Passwd",
        "access_token",
        "api_secret",
        "API_KEY",
        "交易密码",
        "授权码",
        "host",
        "端口",
    ]
    assert secret_keys("vnpy", shady, "a:B") == set(shady[:6])


def test_a_known_class_keeps_its_profile_whatever_the_type() -> None:
    """`vnpy` with the class of CTP is CTP."""
    assert profile_of("vnpy", "vnpy_ctp:CtpGateway") == ("ctp", KINDS["ctp"])
    assert profile_of("vnpy", "other:Gateway") == ("vnpy", KINDS["vnpy"])
    with pytest.raises(KeyError):
        profile_of("nix")
