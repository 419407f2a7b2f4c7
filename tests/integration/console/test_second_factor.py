"""Secrets of second factors: sealed with the console's own key, refused without one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from httpx import Response

from mdhub.accounts.errors import SealBroken
from mdhub.accounts.keyring import Keyring, new_keyring
from mdhub.accounts.vault import Vault
from mdhub_console.identity.errors import NoMasterKey
from mdhub_console.identity.model import Role
from mdhub_console.identity.seal import Seal
from mdhub_console.identity.service import Identity
from mdhub_console.identity.totp import STEP_S, code_at
from mdhub_console.server.csrf import HEADER
from tests.support.clocks import Hands
from tests.support.console import PASSWORD, Console, client_of, make_identity, make_parts

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HTML = {"accept": "text/html"}


def enrolled(hands: Hands, keyring: Keyring) -> Identity:
    """An admin whose second factor is on."""
    identity = make_identity(clock=hands.clock(), seal=Seal(Vault(keyring)))
    identity.confirm_second_factor(admin_of(identity), SECRET, code_at(SECRET, hands.s // STEP_S))
    return identity


def admin_of(identity: Identity) -> int:
    member = identity.people.named("admin")
    assert member is not None
    return member.id


def log_in(client: Console, hands: Hands) -> Response:
    hands.turn(STEP_S)
    client.headers[HEADER] = "1"
    code = code_at(SECRET, hands.s // STEP_S)
    return client.post("/api/login", json={"name": "admin", "password": PASSWORD, "code": code})


def test_the_database_holds_no_second_factor_in_plain_text() -> None:
    """What is kept opens with the key, for this user, in this field, and nowhere else."""
    hands, keyring = Hands(), new_keyring()
    identity = enrolled(hands, keyring)
    kept = identity.people.get(admin_of(identity)).totp_secret
    with client_of(make_parts(identity=identity), None) as client:
        assert log_in(client, hands).status_code == 200
    identity.close()
    folder = identity.setup_token.file.parent
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert identity.seal.open(admin_of(identity), kept) == SECRET
    for wrong in (Seal(Vault(new_keyring())), identity.seal):
        with pytest.raises(SealBroken):
            wrong.open(99, kept)


def test_without_a_master_key_no_second_factor_is_turned_on() -> None:
    """A sentence that says what to do, before a secret is shown; the account stays as it was."""
    identity = make_identity(seal=Seal())
    with client_of(make_parts(identity=identity), Role.ADMIN) as client:
        begun = client.post("/profile/second-factor", data={"action": ""}, headers=HTML)
        assert begun.status_code == 409
        assert "key_file" in begun.text and not re.search(r"<code>[A-Z2-7]{32}", begun.text)
        told = {"secret": SECRET, "code": "123456"}
        assert client.post("/profile/second-factor", data=told, headers=HTML).status_code == 409
    assert identity.people.get(admin_of(identity)).totp_secret == ""


def test_a_key_that_is_gone_lets_nobody_in_by_the_password_alone() -> None:
    """The right password and code: 409 that names the key file, no session."""
    hands = Hands()
    identity = enrolled(hands, new_keyring())
    identity.seal = Seal()
    with client_of(make_parts(identity=identity), None) as client:
        answer = log_in(client, hands)
    assert (answer.status_code, answer.json()["type"]) == (409, "mdhub:no-master-key")
    assert "set-cookie" not in answer.headers


def plain(identity: Identity, _: Keyring) -> Seal:
    """As an older console kept it."""
    identity.people.change(admin_of(identity), totp_secret=SECRET)
    return Seal(Vault(new_keyring()))


def under_an_older_key(_: Identity, keyring: Keyring) -> Seal:
    return Seal(Vault(keyring.with_new()))


@pytest.mark.parametrize("before", [plain, under_an_older_key])
def test_what_was_kept_before_is_sealed_at_the_next_start(
    before: Callable[[Identity, Keyring], Seal],
) -> None:
    """Once; the login goes on as before; nothing is left on the old key."""
    hands, keyring = Hands(), new_keyring()
    identity = enrolled(hands, keyring)
    identity.seal = before(identity, keyring)
    assert identity.seal_second_factors() == (1, 0)
    assert identity.seal_second_factors() == (0, 0)
    assert identity.seal.is_current(identity.people.get(admin_of(identity)).totp_secret)
    with client_of(make_parts(identity=identity), None) as client:
        assert log_in(client, hands).status_code == 200


def test_what_cannot_be_sealed_is_counted_and_still_asked_for() -> None:
    """A plain secret of before guards its login without a key, too; a lost key is counted."""
    hands, keyring = Hands(), new_keyring()
    identity = enrolled(hands, keyring)
    identity.seal = Seal(Vault(new_keyring()))
    assert identity.seal_second_factors() == (0, 1)
    plain(identity, keyring)
    identity.seal = Seal()
    assert identity.seal_second_factors() == (0, 1)
    with client_of(make_parts(identity=identity), None) as client:
        assert log_in(client, hands).status_code == 200
    with pytest.raises(NoMasterKey, match="key_file"):
        identity.seal.check()
