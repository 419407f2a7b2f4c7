"""Key files: what ZeroMQ's own tools read and write, and nothing that tells a secret."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zmq.auth

import mdhub
from mdhub.sdk.keys import (
    KeyPair,
    client_keys,
    fingerprint,
    new_pair,
    read_pair,
    read_public,
    write_pair,
    write_public,
)

CANARY = new_pair()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ann.key_secret"
    write_pair(path, CANARY, name="ann")
    return path


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MDHUB_SERVER_KEY", "MDHUB_CLIENT_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_is_read_as_it_was_written(file: Path, tmp_path: Path) -> None:
    """The secret one is its owner's; the public one holds no secret."""
    public = tmp_path / "ann.key"
    write_public(public, CANARY.public, name="ann")

    assert read_pair(file) == CANARY
    assert read_public(public) == read_public(file) == CANARY.public
    assert file.stat().st_mode & 0o777 == 0o600
    assert CANARY.secret not in public.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.key", "ann.key_secret"]


def test_other_tools_of_zeromq_read_and_write_the_same(file: Path, tmp_path: Path) -> None:
    """So a client in another language needs no `mdhub keys`."""
    assert zmq.auth.load_certificate(file) == (CANARY.public.encode(), CANARY.secret.encode())

    public, secret = zmq.auth.create_certificates(tmp_path, "theirs")
    Path(secret).chmod(0o600)
    assert read_pair(Path(secret)).public == read_public(Path(public))


def test_nothing_is_overwritten(file: Path) -> None:
    """A key that is lost locks a strategy out."""
    with pytest.raises(mdhub.BadKey, match="is there already"):
        write_pair(file, new_pair(), name="ann")
    assert read_pair(file) == CANARY


def test_a_secret_that_others_may_read_is_refused(file: Path) -> None:
    """The message says how to mend it."""
    file.chmod(0o640)
    with pytest.raises(mdhub.BadKey, match=r"mode 0640, expected 0600.*chmod 600"):
        read_pair(file)


def test_a_pair_shows_its_public_half_only() -> None:
    """However it is printed."""
    for text in (repr(CANARY), str(CANARY), f"{CANARY}", repr([CANARY])):
        assert CANARY.public in text
        assert CANARY.secret not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(CANARY.public, new_pair().public), "does not belong"),
        (lambda text: text + text, "a second public-key"),
        (lambda text: text.replace(CANARY.secret, CANARY.secret[:-1]), "not 40 characters"),
        (lambda text: text.replace(CANARY.secret, "#" * 40), "not 40 characters"),
        (lambda text: text.replace("secret-key", "sekret-key"), "has no secret-key"),
        (lambda text: text + "#" * 20_000, "larger than"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(file: Path, change: object, words: str) -> None:
    """And its secret is not in the message."""
    file.write_text(change(file.read_text()))  # type: ignore[operator]
    with pytest.raises(mdhub.BadKey, match=words) as found:
        read_pair(file)
    assert CANARY.secret not in str(found.value)
    assert str(file) in str(found.value)


def test_no_damage_makes_it_raise_anything_else_or_tell_the_secret(file: Path) -> None:
    """1,000 files with bytes changed, cut and repeated."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    good = file.read_bytes()
    for _ in range(1_000):
        data = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) or 1)
            match chance.randrange(4):
                case 0:
                    data[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    del data[at : at + chance.randint(1, 40)]
                case 2:
                    data[at:at] = data[at : at + chance.randint(1, 80)]
                case _:
                    data[at:at] = chance.randbytes(chance.randint(1, 9))
        file.write_bytes(data)
        for read in (read_pair, read_public):
            told = ""
            try:
                read(file)
            except mdhub.BadKey as error:
                told = f"{error} {error.__cause__}"
            assert CANARY.secret not in told, f"seed {seed}"


def test_half_of_the_keys_is_an_error(file: Path) -> None:
    """It would connect in plain text, or never."""
    with pytest.raises(mdhub.BadKey, match=r"only server_key was given, expected key too"):
        client_keys(CANARY.public)
    with pytest.raises(mdhub.BadKey, match=r"only key was given, expected server_key too"):
        client_keys(None, file)


def test_variables_name_files_and_arguments_go_first(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without either nothing is encrypted."""
    assert client_keys() is None
    monkeypatch.setenv("MDHUB_SERVER_KEY", str(file))
    monkeypatch.setenv("MDHUB_CLIENT_KEY", str(file))
    found = client_keys()
    assert found is not None and found.pair == CANARY

    other = new_pair()
    given = client_keys(other.public, KeyPair(other.public, other.secret))
    assert given is not None and given.server == given.pair.public == other.public
    assert client_keys("", "") is None


def test_a_file_that_is_not_there_is_named() -> None:
    """With the system's reason."""
    with pytest.raises(mdhub.BadKey, match=r"nowhere\.key cannot be read: No such file"):
        mdhub.connect("tcp://127.0.0.1:1", server_key="nowhere.key", key="nowhere.key_secret")


def test_fingerprints_tell_keys_apart() -> None:
    """Short enough to be compared by eye."""
    keys = {fingerprint(new_pair().public) for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) == 12 for key in keys)
