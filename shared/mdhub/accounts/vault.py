"""Seals the secrets of accounts, and opens them where a gateway needs them.

An envelope: a random data key seals the secrets of one account, the master key seals the data
key. AES-256-GCM both times; what each is for (account, field, key id) is authenticated with it, so
a sealed text opens nowhere but where it was put.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from mdhub.accounts.errors import BadAccount, SealBroken
from mdhub.accounts.keyring import Keyring
from mdhub.accounts.kinds import is_secret
from mdhub.accounts.model import Draft
from mdhub.accounts.sealed import (
    NONCE_BYTES,
    Sealed,
    is_sealed,
    key_of,
    read_sealed,
    write_sealed,
)
from mdhub.runtime.secret import Value, Values, in_plain_text

__all__ = ["Vault", "keys_of"]

SECRET_MAX: Final = 4_000
"""Bytes of a secret as JSON; its sealed text fits into a setting then."""
_D = TypeVar("_D", bound=Draft)
_VALUE: Final = "value"
_DATA_KEY: Final = "data key"


class Vault:
    """Master keys at work. Printing it shows ids of keys only."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, draft: _D) -> _D:
        """Return it with its plain secrets sealed under the active key.

        References stay as they are, and so do values that are sealed, which must open here.
        Raises SealBroken for one that does not, BadAccount for a secret that is too long.
        """
        data_key = secrets.token_bytes(32)
        sealed: dict[str, Value] = {}
        for name, value in draft.settings.items():
            if is_sealed(value):
                self._open(draft.id, name, str(value))
                continue
            secret = is_secret(draft.gateway_type, name, draft.settings)
            if secret and in_plain_text(name, value, secret=True):
                sealed[name] = self._seal(draft.id, name, value, data_key)
        return replace(draft, settings={**draft.settings, **sealed})

    def open(self, account_id: str, settings: Mapping[str, Value]) -> Values:
        """Return settings with the sealed ones opened; references stay. Raises SealBroken."""
        opened = Values()
        for name, value in settings.items():
            opened[name] = self._open(account_id, name, str(value)) if is_sealed(value) else value
        return opened

    def reseal(self, draft: _D) -> _D:
        """Return it with everything sealed under the active key. Raises SealBroken."""
        data_key = secrets.token_bytes(32)
        sealed: dict[str, Value] = {
            name: self._seal(draft.id, name, self._open(draft.id, name, str(value)), data_key)
            for name, value in draft.settings.items()
            if is_sealed(value)
        }
        return replace(draft, settings={**draft.settings, **sealed})

    def seal_text(self, owner: str, name: str, text: str) -> str:
        """Return a text sealed that is no account's; no id of an account may be its `owner`."""
        return self._seal(owner, name, text, secrets.token_bytes(32))

    def open_text(self, owner: str, name: str, text: str) -> str:
        """Return what `seal_text` sealed for this owner and name. Raises SealBroken."""
        return str(self._unseal(owner, name, text))

    @property
    def active(self) -> str:
        """Id of the key that seals."""
        return self._keyring.active

    def __repr__(self) -> str:
        return f"Vault({self._keyring!r})"

    def _seal(self, account_id: str, name: str, value: Value, data_key: bytes) -> str:
        text = msgspec.json.encode(value)
        if len(text) > SECRET_MAX:
            words = f"expected at most {SECRET_MAX} bytes"
            raise BadAccount(f"settings.{name}: {words}", {f"settings.{name}": words})
        key_id = self._keyring.active
        wrapped = _encrypt(self._keyring.key(key_id), data_key, _DATA_KEY, account_id, "", key_id)
        return write_sealed(
            Sealed(key_id, wrapped, _encrypt(data_key, text, _VALUE, account_id, name, key_id))
        )

    def _open(self, account_id: str, name: str, text: str) -> Value:
        try:
            return self._unseal(account_id, name, text)
        except SealBroken as error:
            raise SealBroken(f"account {account_id}, setting {name}: {error}") from None

    def _unseal(self, owner: str, name: str, text: str) -> Value:
        sealed = read_sealed(text)
        key = self._keyring.key(sealed.key_id)
        data_key = _decrypt(key, sealed.data_key, _DATA_KEY, owner, "", sealed.key_id)
        plain = _decrypt(data_key, sealed.secret, _VALUE, owner, name, sealed.key_id)
        value: Value = msgspec.json.decode(plain, type=Value)
        return value


def keys_of(draft: Draft) -> set[str]:
    """Return the ids of the master keys that an account's secrets need.

    Raises SealBroken for a sealed text of another form.
    """
    return {key_of(value) for value in draft.settings.values() if is_sealed(value)}


def _encrypt(key: bytes, data: bytes, *purpose: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, _associated(purpose))


def _decrypt(key: bytes, data: bytes, *purpose: str) -> bytes:
    try:
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _associated(purpose))
    except InvalidTag:
        raise SealBroken(
            "it does not open: another master key of the same id, text of another account or "
            "field, or altered; give the secret anew"
        ) from None


def _associated(purpose: tuple[str, ...]) -> bytes:
    """Join parts so that no two lists of them look alike."""
    return msgspec.msgpack.encode(("mdhub", "sealed:v1", *purpose))
