"""Accounts against the profile of their gateway, forms and what is shown of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mdhub.accounts.check import check, problems_of
from mdhub.accounts.edit import secrets_of, shown, with_kept_secrets
from mdhub.accounts.errors import BadAccount
from mdhub.accounts.keyring import new_keyring
from mdhub.accounts.kinds import FORMS
from mdhub.accounts.memory import MemoryAccounts
from mdhub.accounts.model import AccountHealth, Draft, GatewayType
from mdhub.accounts.vault import Vault
from mdhub.runtime.secret import Value

GOOD: dict[str, Value] = {
    "user_id": "123",
    "password": "canary-word",
    "broker_id": "9999",
    "td_address": "tcp://front.example:41205",
    "md_address": "tcp://front.example:41213",
}
DRAFT = Draft(id="CTP1", gateway_type="ctp", settings=GOOD)


def wrong(kind: GatewayType, **settings: Value) -> dict[str, str]:
    return problems_of(Draft(id="X", gateway_type=kind, settings=settings))


def test_a_good_account_has_no_problem() -> None:
    """In English or with the gateway's own names, sealed, or by reference."""
    profile = FORMS["ctp"]
    native = {profile.key_of(name): value for name, value in GOOD.items()}
    sealed = Vault(new_keyring()).seal(DRAFT)

    for settings in (GOOD, native, sealed.settings, GOOD | {"user_id": "env:USER1"}):
        check(replace(DRAFT, settings=settings))
    assert wrong("sim", seed=7, ticks_per_s=120.0, sessions="full", jump=True) == {}
    assert wrong("ib") == {}
    other: dict[str, Value] = {"class": "vnpy_x:XGateway", "anything": 1}
    assert wrong("vnpy", **other) == {}


def test_every_problem_is_named_and_no_value() -> None:
    """So that a form can show each beside its field."""
    settings = {**GOOD, "password": "", "md_address": "canary-word", "brokerid": "9999"}
    del settings["broker_id"]

    with pytest.raises(BadAccount) as caught:
        check(replace(DRAFT, settings=settings))

    assert caught.value.problems == {
        "settings.password": "is missing",
        "settings.broker_id": "is missing",
        "settings.md_address": "expected tcp://host:port or ssl://host:port",
        "settings.brokerid": "is unknown; did you mean broker_id?",
    }
    assert "canary-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "settings", "field", "words"),
    [
        ("ctp", GOOD | {"environment": "tset"}, "environment", "one of live, test"),
        ("ctp", GOOD | {"用户名": "123"}, "user_id", "given twice"),
        ("ctp", GOOD | {"user_id": "1\n2"}, "user_id", "one line"),
        ("ib", {"tws_port": "x"}, "tws_port", "whole number"),
        ("ib", {"tws_port": True}, "tws_port", "whole number"),
        ("sim", {"jump": "maybe"}, "jump", "true or false"),
        ("sim", {"ticks_per_s": "nan"}, "ticks_per_s", "a number"),
        ("vnpy", {}, "class", "is missing"),
        ("vnpy", {"class": "os.system"}, "class", "module:Class"),
        ("vnpy", {"class": "vnpy_ctp:CtpGateway"}, "user_id", "is missing"),
    ],
)
def test_wrong_settings(
    kind: GatewayType, settings: dict[str, Value], field: str, words: str
) -> None:
    """Choices, types and forms come from the profile."""
    assert words in wrong(kind, **settings)[f"settings.{field}"]


def test_subscription_and_canaries_are_checked() -> None:
    """At least one rule; contracts name their exchange."""
    health = AccountHealth(canaries=("rb2701",), silence_ms={"rb2701.SHFE": 900})
    problems = problems_of(replace(DRAFT, subscribe=(), health=health))
    assert set(problems) == {"subscribe", "health.canaries"}


@pytest.mark.parametrize("kind", FORMS)
def test_every_field_of_a_form_has_words_in_both_languages(kind: str) -> None:
    """Label and help; a secret is one by its profile."""
    profile = FORMS[kind]
    assert all(profile.label)
    for field in profile.fields:
        assert all(field.label) and all(field.help[:1]) == all(field.help[1:])
        assert profile.is_secret(field.name) == field.secret
        assert all(choice.label_zh and choice.own for choice in field.choices)
    names = [field.name for field in profile.fields]
    assert len(names) == len(set(names)) > 0


def test_what_is_shown_holds_no_secret() -> None:
    """Only which secrets there are, by their English names."""
    sealed = Vault(new_keyring()).seal(replace(DRAFT, settings={**GOOD, "授权编码": "file:/run/x"}))
    account = MemoryAccounts().create(sealed, by="ann")

    told = shown(account)

    assert "sealed:" not in str(told) and "canary-word" not in str(told)
    assert told["secrets"] == {"password": "sealed", "auth_code": "reference"}
    assert told["settings"]["授权编码"] == "file:/run/x" and told["revision"] == 1
    assert secrets_of(replace(DRAFT, settings={})) == {"password": "missing"}


def test_secrets_that_are_not_given_again_are_kept() -> None:
    """By either name; an empty one is taken away; another gateway keeps nothing."""
    before = Vault(new_keyring()).seal(DRAFT)
    rest = {name: value for name, value in GOOD.items() if name != "password"}
    draft = replace(DRAFT, settings=rest)

    assert with_kept_secrets(draft, before).settings == before.settings
    for given in ({"密码": "new"}, {"password": ""}):
        kept = with_kept_secrets(replace(DRAFT, settings=rest | given), before)
        assert kept.settings == rest | given
    other = replace(draft, gateway_type="sopt")
    assert with_kept_secrets(other, before) == other
