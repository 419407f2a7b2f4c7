"""Sealed secrets: they open where they were put, with the key they need, and nowhere else."""

from __future__ import annotations

import copy
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mdhub.accounts.errors import BadAccount, RevisionConflict, SealBroken
from mdhub.accounts.keyring import (
    BadKeys,
    Keyring,
    add_key,
    new_keyring,
    parse_keyring,
    read_keyring,
    write_keyring,
)
from mdhub.accounts.memory import MemoryAccounts
from mdhub.accounts.model import Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.rotation import key_use, reseal_all
from mdhub.accounts.sealed import Sealed, is_sealed, read_sealed, write_sealed
from mdhub.accounts.vault import Vault, keys_of
from mdhub.runtime.secret import Value

KEYRING = new_keyring()
CANARY = "canary-Word-7731"
DRAFT = Draft(
    id="CTP1",
    gateway_type="ctp",
    settings={"user_id": "123", "password": CANARY, "auth_code": "env:CTP1_CODE"},
)


def test_secrets_are_sealed_and_open_again() -> None:
    """Only what the profile calls secret; references stay what they are."""
    vault = Vault(new_keyring())

    sealed = vault.seal(DRAFT)

    assert sealed.settings["user_id"] == "123"
    assert sealed.settings["auth_code"] == "env:CTP1_CODE"
    assert str(sealed.settings["password"]).startswith(f"sealed:v1:{vault.active}:")
    assert CANARY not in str(sealed)
    assert vault.open("CTP1", sealed.settings) == DRAFT.settings
    assert keys_of(sealed) == {vault.active}


@pytest.mark.parametrize("value", [True, False, 0, -7, 2**62, 1.5, "1", "密码", "x" * 3_000])
def test_a_secret_keeps_its_type(value: Value) -> None:
    """True is not 1 and 1 is not "1"."""
    vault = Vault(new_keyring())
    draft = Draft(id="X", gateway_type="vnpy", settings={"api_secret": value})

    opened = vault.open("X", vault.seal(draft).settings)["api_secret"]

    assert (type(opened), opened) == (type(value), value)


def test_the_same_secret_never_looks_the_same() -> None:
    """Nonces and data keys are random."""
    vault = Vault(new_keyring())
    assert len({vault.seal(DRAFT).settings["password"] for _ in range(20)}) == 20


def test_a_sealed_text_opens_only_where_it_was_put() -> None:
    """Neither in another account nor in another field of its own."""
    vault = Vault(new_keyring())
    both = replace(DRAFT, settings={"password": CANARY, "auth_code": "another-word"})
    here = vault.seal(both).settings
    there = vault.seal(replace(both, id="CTP2")).settings

    for account_id, settings in (
        ("CTP1", there),
        ("CTP1", {"password": here["auth_code"], "auth_code": here["password"]}),
    ):
        with pytest.raises(SealBroken, match="setting password") as caught:
            vault.open(account_id, settings)
        assert CANARY not in str(caught.value)
    with pytest.raises(SealBroken):
        vault.seal(replace(both, settings=there))


def test_parts_of_two_sealed_texts_do_not_mix() -> None:
    """The data key of one does not open the secret of another."""
    vault = Vault(new_keyring())
    one, two = (read_sealed(str(vault.seal(DRAFT).settings["password"])) for _ in range(2))
    mixed = write_sealed(one._replace(secret=two.secret))

    with pytest.raises(SealBroken):
        vault.open("CTP1", {"password": mixed})


def test_each_altered_byte_is_noticed() -> None:
    """At whatever place of the text."""
    vault = Vault(new_keyring())
    text = str(vault.seal(DRAFT).settings["password"])
    for place in range(len("sealed:"), len(text)):
        other = "A" if text[place] != "A" else "B"
        with pytest.raises(SealBroken):
            vault.open("CTP1", {"password": text[:place] + other + text[place + 1 :]})


def test_a_wrong_or_missing_key_is_said() -> None:
    """By id; a key of the same id with other bytes opens nothing either."""
    keyring = new_keyring()
    sealed = Vault(keyring).seal(DRAFT).settings

    with pytest.raises(SealBroken, match=f"master key {keyring.active}, which is not here"):
        Vault(new_keyring()).open("CTP1", sealed)
    with pytest.raises(SealBroken, match="does not open"):
        Vault(Keyring({keyring.active: os.urandom(32)})).open("CTP1", sealed)


def test_a_secret_has_a_bound() -> None:
    """Beyond it nothing is sealed, and nothing quoted."""
    with pytest.raises(BadAccount, match=r"settings\.password: expected at most 4000 bytes"):
        Vault(new_keyring()).seal(replace(DRAFT, settings={"password": "x" * 4_000}))


@given(st.text(max_size=300) | st.text(alphabet="sealed:v1kA_-=0", max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    """What is read is written again as it was; the rest is one kind of error."""
    try:
        read = read_sealed(text)
    except SealBroken:
        return
    assert write_sealed(read) == text


@given(data_key=st.binary(min_size=60, max_size=60), secret=st.binary(min_size=29, max_size=99))
def test_a_well_formed_text_of_random_bytes_opens_nothing(data_key: bytes, secret: bytes) -> None:
    """Also where it names a key that is here."""
    text = write_sealed(Sealed(KEYRING.active, data_key, secret))
    with pytest.raises(SealBroken):
        Vault(KEYRING).open("CTP1", {"password": text})


def test_nothing_printed_shows_a_key_or_a_secret() -> None:
    """Keyring, vault and opened settings tell names only; a keyring is not copied by accident."""
    keyring = new_keyring()
    vault = Vault(keyring)
    key = keyring.secret_text().partition(":")[2].strip()

    opened = vault.open("CTP1", vault.seal(DRAFT).settings)

    shown = f"{keyring!r} {keyring} {vault!r} {vault} {opened!r} {opened}"
    assert CANARY not in shown and key not in shown
    with pytest.raises(TypeError):
        copy.copy(keyring)


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It is made with mode 0600, grows by new active keys, and refused when others may read it."""
    file = tmp_path / "keys" / "accounts.key"
    first = add_key(file)
    second = add_key(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert second.ids == (second.active, first.active)
    assert read_keyring(str(file), {}).ids == second.ids
    assert [path.name for path in file.parent.iterdir()] == ["accounts.key"]
    file.chmod(0o640)
    with pytest.raises(BadKeys, match=r"mode is 0640.*chmod 600"):
        read_keyring(f"file:{file}", {})


def test_keys_may_come_from_a_variable() -> None:
    """Separated by commas; what is missing is named."""
    keyring = new_keyring().with_new()
    text = keyring.secret_text().strip().replace("\n", ",")

    assert read_keyring("env:KEYS", {"KEYS": text}).ids == keyring.ids
    with pytest.raises(BadKeys, match="variable KEYS is not set"):
        read_keyring("env:KEYS", {})


@pytest.mark.parametrize(
    "text", ["", "# only words", "k1", "k1:short", "k1:!!!!", "k 1:" + "A" * 43 + "=", "k1:\n" * 17]
)
def test_wrong_keys_are_refused_without_quoting_them(text: str) -> None:
    """Neither too few nor too many, each of 32 bytes."""
    with pytest.raises(BadKeys) as caught:
        parse_keyring(text)
    assert "short" not in str(caught.value)


def test_a_missing_key_file_is_said(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(BadKeys, match="mdhub accounts new-key"):
        read_keyring(str(tmp_path / "none"), {})


def test_rotation_under_load_leaves_no_record_on_the_old_key(tmp_path: Path) -> None:
    """While two writers who still know only the old key change accounts; readers never fail."""
    old = new_keyring()
    new = old.with_new()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store = open_store(url)
    for number in range(12):
        store.create(Vault(old).seal(replace(DRAFT, id=f"A{number}")), by="t")
    stop, failures, written = threading.Event(), list[str](), list[str]()

    def write(begin: int) -> None:
        own = open_store(url)
        turn = 0
        while not stop.is_set() and turn < 30:
            account = own.get(f"A{(begin + turn) % 12}")
            turn += 1
            if Vault(new).open(account.id, account.settings)["password"] != CANARY:
                failures.append(account.id)
            fresh = Vault(old).seal(replace(DRAFT, id=account.id, priority=turn))
            try:
                own.replace(fresh, revision=account.revision, by="w")
                written.append(account.id)
            except RevisionConflict:
                continue
        own.close()

    threads = [threading.Thread(target=write, args=(begin,)) for begin in (0, 6)]
    for thread in threads:
        thread.start()
    reseal_all(store, Vault(new), by="ann")
    stop.set()
    for thread in threads:
        thread.join()
    rotation = reseal_all(store, Vault(new), by="ann")

    assert failures == []
    assert rotation.left == () and rotation.broken == ()
    assert key_use(store) == {new.active: 12}
    only_new = Vault(new.only_active())
    assert all(only_new.open(each.id, each.settings)["password"] == CANARY for each in store.all())
    assert {each.action for each in store.history("A0")} >= {"created", "resealed"}
    store.close()


def test_rotation_names_what_does_not_open() -> None:
    """The others are done; an account without secrets is left alone."""
    old, lost = new_keyring(), new_keyring()
    store = MemoryAccounts()
    store.create(Vault(old).seal(replace(DRAFT, id="GOOD")), by="t")
    store.create(Vault(lost).seal(replace(DRAFT, id="LOST")), by="t")
    store.create(replace(DRAFT, id="ODD", settings={"password": "sealed:v9:x"}), by="t")
    store.create(replace(DRAFT, id="PLAIN", settings={"password": "env:X"}), by="t")

    rotation = reseal_all(store, Vault(old.with_new()), by="ann")

    assert rotation.resealed == ("GOOD",)
    assert set(rotation.left) == set(rotation.broken) == {"LOST", "ODD"}
    assert store.get("PLAIN").revision == 1


def test_a_key_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A folder stands where the file should be."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "x").touch()
    with pytest.raises(BadKeys, match="cannot be written"):
        write_keyring(tmp_path / "keys", new_keyring())
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_what_looks_sealed_is_found_by_its_beginning() -> None:
    """Whether it opens is another question."""
    assert is_sealed("sealed:nonsense") and not is_sealed("env:SEALED") and not is_sealed(7)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to somebody else takes root")
def test_a_new_key_made_by_root_stays_readable_for_the_services(tmp_path: Path) -> None:
    """A key file that is there keeps its owner; else the services could not read it any more."""
    file = tmp_path / "accounts.key"
    write_keyring(file, new_keyring())
    os.chown(file, 12_345, 12_346)
    add_key(file)
    found = file.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12_345, 12_346, 0o600)
