"""`mdhub accounts` as an operator types it: secrets go in, and never come out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mdhub.accounts.keyring import read_keyring
from mdhub.accounts.open import open_store
from mdhub.accounts.vault import Vault
from mdhub.cli.app import app
from mdhub.wire.errors import MdhubError

CANARY = "canary-Word-7731"
CTP = (
    "--type", "ctp", "--set", "user_id=123", "--set", "broker_id=9999", "--set",
    "td_address=tcp://h:1", "--set", "md_address=tcp://h:2",
)  # fmt: skip

Asking = Callable[..., str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A store and a key file beside the configuration."""
    file = tmp_path / "hub.toml"
    file.write_text('[accounts]\nurl = "sqlite:///a.db"\nkey_file = "keys/accounts.key"\n')
    return file


@pytest.fixture
def ask(config: Path) -> Asking:
    """Runs a command; everything it printed is searched for the secret."""

    def asking(*words: str, stdin: str = "", code: int = 0) -> str:
        result = CliRunner().invoke(app, ["accounts", *words, "--config", str(config)], input=stdin)
        if isinstance(result.exception, MdhubError):
            assert (result.exception.exit_code, code) != (0, 0), result.exception
            said = result.exception.sentence
        else:
            assert result.exit_code == code, result.output
            said = result.output
        assert CANARY not in said + result.output
        return said

    return asking


def told(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)
    return answer


def password_in(config: Path, account_id: str) -> object:
    keyring = read_keyring(str(config.parent / "keys" / "accounts.key"), {})
    store = open_store(f"sqlite:///{config.parent / 'a.db'}")
    settings = store.get(account_id).settings
    store.close()
    return Vault(keyring).open(account_id, settings)["password"]


def test_a_life_of_an_account(ask: Asking, config: Path) -> None:
    """Key, account, change, rotation, removal; history tells all of it."""
    ask("new-key")
    made = told(
        ask("add", "CTP1", *CTP, "--secret-from-stdin", "password", "--json", stdin=f"{CANARY}\n")
    )
    assert made["secrets"] == {"password": "sealed"} and "password" not in made["settings"]
    assert password_in(config, "CTP1") == CANARY

    ask("set", "CTP1", "--priority", "5", "--set", "environment=test", "--canary", "rb2701.SHFE")
    shown = told(ask("show", "CTP1", "--json"))
    assert (shown["priority"], shown["settings"]["environment"]) == (5, "test")
    assert password_in(config, "CTP1") == CANARY
    assert told(ask("disable", "CTP1", "--json"))["is_enabled"] is False
    assert told(ask("enable", "CTP1", "--json"))["is_enabled"] is True

    rotation = told(ask("rotate-key", "--drop-old", "--json"))
    assert rotation["resealed"] == ["CTP1"] and len(rotation["dropped"]) == 1
    assert password_in(config, "CTP1") == CANARY
    ask("remove", "CTP1")
    changes = told(ask("history", "CTP1", "--json"))["changes"]
    assert [each["action"] for each in changes] == [
        "deleted", "resealed", "changed", "changed", "changed", "created",
    ]  # fmt: skip
    assert told(ask("list", "--json")) == {"accounts": []}


def test_no_secret_comes_by_argument(ask: Asking) -> None:
    """Other users of the machine read command lines; a reference may come that way."""
    for name in ("password", "密码"):
        said = ask("add", "CTP1", *CTP, "--set", f"{name}={CANARY}", code=1)
        assert "--secret-from-stdin" in said
    ask("add", "CTP1", *CTP, "--set", "password=env:CTP1_PASSWORD")
    shown = told(ask("show", "CTP1", "--json"))
    assert shown["settings"]["password"] == "env:CTP1_PASSWORD"
    assert shown["secrets"] == {"password": "reference"}


def test_a_terminal_is_asked_for_what_is_needed(
    ask: Asking, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only there; elsewhere the field is named."""
    ask("new-key")
    assert "settings.password: is missing" in ask("add", "CTP1", *CTP, code=1)
    assert "no terminal" in ask("add", "CTP1", *CTP, "--secret", "password", code=1)
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return CANARY

    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr("mdhub.cli.accounts_edit.sys", _Terminal())

    ask("add", "CTP1", *CTP)

    assert asked == ["password: "]
    assert password_in(config, "CTP1") == CANARY


class _Terminal:
    """`sys` of a process whose stdin is a terminal."""

    class stdin:  # noqa: N801 - stands for sys.stdin
        @staticmethod
        def isatty() -> bool:
            return True

    stdout = sys.stdout


def test_a_secret_needs_a_key(ask: Asking) -> None:
    """Without a key file nothing is written, and the way out is named."""
    said = ask("add", "CTP1", *CTP, "--secret-from-stdin", "password", stdin=CANARY, code=2)
    assert "mdhub accounts new-key" in said
    assert told(ask("list", "--json")) == {"accounts": []}


def test_a_setting_can_be_taken_away_and_keeps_its_type(ask: Asking) -> None:
    """NAME= takes it away; numbers and truth are read as the form says."""
    ask("add", "S", "--type", "sim", "--set", "seed=7", "--set", "jump=false", "--set", "rate=2.5")
    assert told(ask("show", "S", "--json"))["settings"] == {"seed": 7, "jump": False, "rate": 2.5}
    ask("set", "S", "--set", "jump=")
    assert told(ask("show", "S", "--json"))["settings"] == {"seed": 7, "rate": 2.5}
    assert "settings.seed: expected a whole number" in ask("set", "S", "--set", "seed=x", code=1)


def test_accounts_travel_without_secrets(ask: Asking, tmp_path: Path) -> None:
    """What lacks one comes in disabled, and the command says so by its code."""
    ask("new-key")
    ask("add", "CTP1", *CTP, "--secret-from-stdin", "password", stdin=CANARY)
    file = tmp_path / "accounts.json"
    ask("export", "--file", str(file))
    assert CANARY not in file.read_text() and ask("export") == file.read_text()
    ask("remove", "CTP1")

    done = told(ask("import", str(file), "--json", code=1))

    assert done["accounts"] == [{"id": "CTP1", "change": "created", "missing": ["password"]}]
    assert "settings.password: is missing" in ask("enable", "CTP1", code=1)


def test_what_is_not_there_is_said(ask: Asking, config: Path) -> None:
    """Account, history, type, store."""
    assert "no account NIX" in ask("show", "NIX", code=1)
    assert "nothing is known" in ask("history", "NIX", code=1)
    assert "expected one of ctp" in ask("add", "X", "--type", "nix", code=1)
    config.write_text("")
    assert "no account store is configured" in ask("list", code=1)
