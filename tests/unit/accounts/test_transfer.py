"""Accounts in a file: no secret leaves, those that are there stay."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mdhub.accounts.errors import BadAccount
from mdhub.accounts.keyring import new_keyring
from mdhub.accounts.memory import MemoryAccounts
from mdhub.accounts.model import Draft
from mdhub.accounts.transfer import Imported, export_accounts, export_sealed, import_accounts
from mdhub.accounts.vault import Vault

VAULT = Vault(new_keyring())
DRAFT = VAULT.seal(
    Draft(
        id="CTP1",
        gateway_type="ctp",
        settings={
            "user_id": "123", "password": "canary-word", "broker_id": "9999",
            "td_address": "tcp://h:1", "md_address": "tcp://h:2", "auth_code": "env:CODE",
        },
    )
)  # fmt: skip


def filled() -> MemoryAccounts:
    store = MemoryAccounts()
    store.create(DRAFT, by="ann")
    store.create(Draft(id="SIM", gateway_type="sim", settings={"seed": 7}), by="ann")
    return store


def test_an_export_has_no_secret() -> None:
    """Neither plain nor sealed; references stay, for they say only where one is."""
    text = export_accounts(filled().all()).decode()
    assert "sealed:" not in text and "canary-word" not in text and "env:CODE" in text


def test_what_is_imported_where_it_came_from_changes_nothing() -> None:
    """The secrets of the same id are kept."""
    store = filled()
    version = store.version()

    done = import_accounts(store, export_accounts(store.all()), by="bob")

    assert done == [Imported(id="CTP1", change="same"), Imported(id="SIM", change="same")]
    assert store.version() == version


def test_elsewhere_an_account_without_its_secret_comes_in_disabled() -> None:
    """What is missing is named; an account that needs none runs."""
    store = MemoryAccounts()

    done = import_accounts(store, export_accounts(filled().all()), by="bob")

    assert done[0] == Imported(id="CTP1", change="created", missing=("password",))
    assert done[1] == Imported(id="SIM", change="created")
    assert not store.get("CTP1").is_enabled and store.get("SIM").is_enabled
    assert import_accounts(store, export_accounts(store.all()), by="bob")[0].change == "same"


def test_an_import_changes_what_differs_and_keeps_the_secret() -> None:
    """Everything but the password comes from the file."""
    store, other = filled(), filled()
    other.replace(replace(DRAFT, priority=1), revision=1, by="ann")

    (done, _) = import_accounts(store, export_accounts(other.all()), by="bob")

    assert done == Imported(id="CTP1", change="changed")
    account = store.get("CTP1")
    assert (account.priority, account.settings) == (1, DRAFT.settings)


def test_a_sealed_export_brings_secrets_back() -> None:
    """For a backup: the master keys open them."""
    store = MemoryAccounts()
    import_accounts(store, export_sealed(filled().all()), by="bob")
    account = store.get("CTP1")
    assert VAULT.open("CTP1", account.settings)["password"] == "canary-word"
    assert account.is_enabled


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no export"),
        (b'{"format": "mdhub-accounts", "version": 2, "accounts": []}', "no export"),
        (export_accounts(filled().all()).replace(b"SIM", b"CTP1"), "CTP1 twice"),
        (export_accounts(filled().all()).replace(b"tcp://h:2", b"h:2"), "settings.md_address"),
        (
            export_accounts(filled().all()).replace(b"env:CODE", b"canary-word"),
            "settings.auth_code: is a secret in plain text",
        ),
    ],
)
def test_a_wrong_file_changes_nothing(content: bytes, words: str) -> None:
    """All of it is checked before anything is written; no value is quoted."""
    store = MemoryAccounts()
    with pytest.raises(BadAccount, match=words) as caught:
        import_accounts(store, content, by="bob")
    assert store.version() == 0 and "canary-word" not in str(caught.value)
