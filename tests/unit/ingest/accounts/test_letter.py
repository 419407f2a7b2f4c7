"""What a process is told in a pipe, and where a supervisor takes it from."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mdhub.accounts.keyring import BadKeys, new_keyring, write_keyring
from mdhub.accounts.model import Draft
from mdhub.accounts.places import KEY_VARIABLE, URL_VARIABLE
from mdhub.accounts.vault import Vault
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.metrics import Address
from mdhub.runtime.secret import SecretError, Value
from mdhub_ingest.accounts.letter import BY_PIPE, Letter, received, write_letter
from mdhub_ingest.accounts.opening import opened, secrets_of
from mdhub_ingest.accounts.preference import due
from mdhub_ingest.accounts.settings import taken_settings
from mdhub_ingest.measured import PORTS, late_address
from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import parse_spec

SPEC = parse_spec(
    '{"name": "ACC1", "gateway": {"type": "ctp", "settings": {"password": "env:PW_OF_TEST"}}}'
)


def test_a_letter_arrives_as_it_was_written() -> None:
    """And printing it shows no key."""
    letter = Letter(spec=SPEC, keys="MASTER")
    assert received(BY_PIPE, io.BytesIO(write_letter(letter))) == letter
    assert "MASTER" not in repr(letter)


@pytest.mark.parametrize("text", [b"", b"SECRET", b'{"spec": "SECRET"}'])
def test_what_is_no_letter_is_refused_without_quoting_it(text: bytes) -> None:
    """It may hold a key."""
    with pytest.raises(SourceError, match="pipe was not understood") as caught:
        received(BY_PIPE, io.BytesIO(text))
    assert "SECRET" not in str(caught.value)


def test_seals_are_opened_and_references_followed_together() -> None:
    """Both kinds are secrets that no log may show."""
    keyring = new_keyring()
    settings: dict[str, Value] = {
        "password": "geheim",
        "auth_code": "env:CODE",
        "user_id": "tester",
    }
    sealed = Vault(keyring).seal(Draft(id="ACC1", gateway_type="ctp", settings=settings)).settings
    letter = Letter(spec=SPEC, keys=keyring.secret_text())
    values = opened("ACC1", sealed, letter, {"CODE": "0123"})
    assert values == {"password": "geheim", "auth_code": "0123", "user_id": "tester"}
    assert set(secrets_of(sealed, values)) == {"geheim", "0123"}
    with pytest.raises(SecretError, match="password"):
        opened("ANOTHER", sealed, letter, {"CODE": "0123"})
    with pytest.raises(SecretError, match="password: sealed, and there is no key file"):
        opened("ACC1", sealed, Letter(spec=SPEC), {"CODE": "0123"})


def test_address_and_keys_are_taken_out_of_the_environment(tmp_path: Path) -> None:
    """A child would inherit them."""
    keyring = new_keyring()
    environment = {URL_VARIABLE: "sqlite:///x", KEY_VARIABLE: "env:KEYS",
                   "KEYS": keyring.secret_text(), "HOME": "/"}  # fmt: skip
    settings = taken_settings(environment, part="2/2", prefer=True)
    assert environment == {"HOME": "/"}
    assert settings is not None and (settings.part, settings.parts) == (1, 2)
    assert not settings.prefer, "one of several speaks for all"
    assert settings.keys.read() == keyring.secret_text()
    assert "sqlite" not in repr(settings)

    file = tmp_path / "keys"
    write_keyring(file, keyring)
    by_file = {URL_VARIABLE: "sqlite:///x", KEY_VARIABLE: str(file)}
    settings = taken_settings(by_file, part="1/1", prefer=True)
    assert settings is not None and settings.prefer
    assert settings.keys.read() == keyring.secret_text()
    file.chmod(0o644)
    with pytest.raises(BadKeys, match="chmod 600"):
        settings.keys.read()


@pytest.mark.parametrize("part", ["", "0/1", "3/2", "1", "1/0", "x/y"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    """Two supervisors with the same accounts would throw each other out."""
    with pytest.raises(ServiceError, match="accounts-part"):
        taken_settings({URL_VARIABLE: "sqlite:///x"}, part=part, prefer=False)
    assert taken_settings({}, part=part, prefer=False) is None, "nothing is dealt out"


def test_late_sources_have_ports_that_no_other_supervisor_uses() -> None:
    """The lowest that is free; beyond the range there is none."""
    first = Address("127.0.0.1", 9_300)
    ports: dict[int, list[Address]] = {0: [], 1: []}
    for part, taken in ports.items():
        taken += [late_address(first, 3, part, 2, taken=[])]
        taken += [late_address(first, 3, part, 2, taken=taken)]
    assert [[each.port for each in taken] for taken in ports.values()] == [
        [9_303, 9_305], [9_304, 9_306]
    ]  # fmt: skip
    assert late_address(first, PORTS, 0, 1, taken=[]).port == 0
    assert late_address(Address(), 3, 0, 1, taken=[]).port == 0


def test_only_accounts_that_the_arbiters_know_are_preferred() -> None:
    """The others follow when they have run once."""
    assert due(("B", "A", "C"), {"A", "X"}, ()) == ("A",)
    assert due(("B", "A", "C"), {"A", "C"}, ("B",)) == ("B", "A", "C")
