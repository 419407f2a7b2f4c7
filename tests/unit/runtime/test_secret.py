"""Secrets come by reference and are not seen on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdhub.runtime.secret import (
    Hidden,
    SecretError,
    in_plain_text,
    looks_secret,
    resolve,
    variables_of,
)


def test_references_are_followed_and_other_values_left_alone(tmp_path: Path) -> None:
    """A file holds one line; its line end is not part of the secret."""
    file = tmp_path / "code"
    file.write_text("0123\n")
    settings: dict[str, str | int | float | bool] = {
        "user_id": "u",
        "password": "env:PW",
        "auth_code": f"file:{file}",
        "port": 7,
    }

    found = resolve(settings, {"PW": "hunter2"})

    assert found == {"user_id": "u", "password": "hunter2", "auth_code": "0123", "port": 7}


def test_the_variables_leave_the_environment() -> None:
    """What the process starts later does not inherit them; others stay."""
    environment = {"PW": "hunter2", "HOME": "/h"}
    resolve({"password": "env:PW", "also": "env:PW"}, environment)
    assert environment == {"HOME": "/h"}


def test_resolved_settings_are_printed_without_values() -> None:
    """Neither in logs nor in tracebacks."""
    found = resolve({"password": "env:PW"}, {"PW": "hunter2"})
    assert "hunter2" not in f"{found} {found!r}" and "password" in repr(found)


def test_every_reference_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """With the variable or the file, and what to do."""
    binary, two, empty = tmp_path / "binary", tmp_path / "two", tmp_path / "empty"
    binary.write_bytes(b"hunter2\xff")
    two.write_text("hunter2\nhunter3\n")
    empty.write_text("\n")
    settings = {
        "a": "env:NOT_SET", "b": "env:EMPTY", "c": f"file:{tmp_path}/none", "d": f"file:{binary}",
        "e": f"file:{two}", "f": f"file:{empty}",
    }  # fmt: skip

    with pytest.raises(SecretError) as caught:
        resolve(settings, {"EMPTY": ""})

    words = str(caught.value).split("; ")
    assert [each[:3] for each in words] == ["a: ", "b: ", "c: ", "d: ", "e: ", "f: "]
    assert "variable NOT_SET is not set" in words[0] and "No such file" in words[2]
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "密码",
        "授权编码",
        "auth_code",
        "AuthCode",
        "token",
        "api_key",
        "secretKey",
        "accesskey",
        "AccessKeyId",
        "passcode",
        "私钥",
        "PIN",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    """In English and Chinese, however it is written."""
    assert looks_secret(name) and in_plain_text(name, "x") and in_plain_text(name, 7)
    assert not in_plain_text(name, "env:X") and not in_plain_text(name, "")


@pytest.mark.parametrize(
    "name",
    ["user_id", "broker_id", "产品名称", "app_id", "td_address", "keyboard", "spin", "客户号"],
)
def test_other_names_may_hold_anything(name: str) -> None:
    """An address in plain text helps who reads the file."""
    assert not in_plain_text(name, "x")
    assert in_plain_text(name, "x", secret=True)


def test_secrets_are_taken_out_of_what_others_wrote() -> None:
    """The longer one first; what is too short to be a secret would only spoil the text."""
    hide = Hidden(["hunter2", "hunter22", "a"])
    assert hide("login hunter22, then hunter2 again") == "login ***, then *** again"
    assert Hidden([])("a text") == "a text"


def test_variables_are_known_without_being_read() -> None:
    """So that a supervisor can keep one account's secrets from another's process."""
    assert variables_of({"a": "env:A", "b": "file:/b", "c": "c", "d": 4}) == {"A"}
