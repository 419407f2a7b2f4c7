"""`mdhub keys`, as one types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app
from mdhub.cli.hubs import Overrides, load_hub, plan_of
from mdhub.config import ConfigError
from mdhub.runtime.errors import ServiceError
from mdhub.sdk.errors import BadKey
from mdhub.sdk.keys import new_pair, read_pair, read_public, write_public


@pytest.fixture(autouse=True)
def bare_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keys(*words: str) -> str:
    result = CliRunner().invoke(app, ["keys", *words], prog_name="mdhub")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def listed() -> list[tuple[str, str]]:
    return [(row["name"], row["state"]) for row in json.loads(keys("list", "--json"))]


def test_a_client_is_made_revoked_and_allowed_again() -> None:
    """The list says where each one is."""
    keys("server")
    keys("new", "ann")
    keys("new", "bob")
    keys("revoke", "ann")
    assert listed() == [("server", "publisher"), ("bob", "allowed"), ("ann", "revoked")]

    keys("allow", "mdhub-keys/revoked/ann.key")
    assert listed() == [("server", "publisher"), ("ann", "allowed"), ("bob", "allowed")]


def test_secrets_are_in_files_of_their_own_and_not_printed() -> None:
    """With --json and without."""
    printed = keys("server") + keys("new", "ann", "--json") + keys("list") + keys("list", "--json")
    for name in ("server", "ann"):
        file = Path(f"mdhub-keys/{name}.key_secret")
        assert read_pair(file).secret not in printed
        assert file.stat().st_mode & 0o777 == 0o600
    assert "public_key" in printed


def test_a_client_may_bring_its_own_public_key() -> None:
    """Then its secret never leaves its host."""
    keys("server")
    write_public(Path("carol.key"), new_pair().public, name="carol")
    keys("allow", "carol.key")

    assert read_public(Path("mdhub-keys/clients/carol.key")) == read_public(Path("carol.key"))
    with pytest.raises(ServiceError, match="allowed already, as carol"):
        keys("allow", "carol.key")


def test_what_cannot_be_done_is_said_with_what_can() -> None:
    """One sentence each."""
    with pytest.raises(ServiceError, match="begin with mdhub keys server"):
        keys("list")
    keys("server")
    keys("new", "ann")
    with pytest.raises(BadKey, match="is there already"):
        keys("server")
    with pytest.raises(ServiceError, match="allowed already"):
        keys("new", "ann")
    with pytest.raises(ServiceError, match="allowed: ann"):
        keys("revoke", "an")
    for name in ("server", "../x", ".x", ""):
        with pytest.raises(ServiceError, match="name was"):
            keys("new", name)


def test_a_hub_gives_its_publishers_their_keys(tmp_path: Path) -> None:
    """Paths count from the file's folder; command lines hold paths, no keys."""
    folder = tmp_path / "etc"
    folder.mkdir()
    keys("server", "--folder", "etc/keys")
    file = folder / "hub.toml"
    file.write_text(
        '[[publishers]]\ncurve_key = "keys/server.key_secret"\ncurve_clients = "keys/clients"\n'
    )
    (publisher,) = plan_of(load_hub(file, Overrides()).config).publishers

    assert publisher.curve == (
        "--curve-key", folder / "keys/server.key_secret", "--curve-clients", folder / "keys/clients"
    )  # fmt: skip


def test_a_second_publisher_by_option_has_the_keys_of_the_first(tmp_path: Path) -> None:
    """It must not be the open door beside the locked one."""
    keys("server", "--folder", "keys")
    file = tmp_path / "hub.toml"
    file.write_text(
        '[[publishers]]\ncurve_key = "keys/server.key_secret"\ncurve_clients = "keys/clients"\n'
    )
    plan = plan_of(load_hub(file, Overrides(second_port=5_565)).config)

    assert [publisher.name for publisher in plan.publishers] == ["A", "B"]
    assert plan.publishers[0].curve == plan.publishers[1].curve != ()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('curve_key = "keys/server.key_secret"', "expected both curve_key and curve_clients"),
        ('curve_key = "no"\ncurve_clients = "keys/clients"', "no cannot be read"),
        ('curve_key = "keys/server.key_secret"\ncurve_clients = "no"', "no was not found"),
    ],
)
def test_wrong_key_files_are_found_before_anything_starts(
    tmp_path: Path, lines: str, words: str
) -> None:
    """By `mdhub up` and `mdhub config check`."""
    keys("server", "--folder", "keys")
    file = tmp_path / "hub.toml"
    file.write_text(f"[[publishers]]\n{lines}\n")

    with pytest.raises(ConfigError, match=words):
        load_hub(file, Overrides())
