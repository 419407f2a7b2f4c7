"""Opens the secrets of an account, in the process that logs in with them and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from mdhub.accounts.errors import AccountsError
from mdhub.accounts.keyring import parse_keyring
from mdhub.accounts.sealed import is_sealed
from mdhub.runtime.secret import SecretError, Value, Values, is_reference, resolve
from mdhub_ingest.accounts.letter import Letter

__all__ = ["opened", "secrets_of"]


def opened(
    account: str,
    settings: Mapping[str, Value],
    letter: Letter,
    environment: MutableMapping[str, str],
) -> Values:
    """Return settings with references followed and seals opened.

    Raises SecretError naming every setting that cannot be had, never a value.
    """
    values = resolve(settings, environment)
    sealed = [name for name, value in settings.items() if is_sealed(value)]
    if sealed and (letter.problem or not letter.keys):
        why = letter.problem or "there is no key file: set key_file of [accounts]"
        raise SecretError(f"{', '.join(sealed)}: sealed, and {why}")
    if sealed:
        # Only now: who has nothing sealed does not load the cipher.
        from mdhub.accounts.vault import Vault  # noqa: PLC0415 - see above

        try:
            vault = Vault(parse_keyring(letter.keys))
            values |= vault.open(account, {name: settings[name] for name in sealed})
        except AccountsError as error:
            raise SecretError(str(error)) from error
    return values


def secrets_of(settings: Mapping[str, Value], values: Values) -> list[Value]:
    """Values that must never be shown: what was referred to, and what was sealed."""
    return [
        values[name] for name, value in settings.items() if is_reference(value) or is_sealed(value)
    ]
