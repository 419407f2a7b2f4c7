"""Who may come in: logging in and out, sessions, tokens, the first user, the second factor.

Everything here blocks (database, hashing): call it in a thread.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mdhub.runtime.clock import SYSTEM, Clock
from mdhub_console.identity.audit import Deed, Record
from mdhub_console.identity.errors import (
    CodeNeeded,
    LockedOut,
    LoginRefused,
    SetupRefused,
    WeakPassword,
    WrongProof,
)
from mdhub_console.identity.first_run import SetupToken
from mdhub_console.identity.hashing import Hasher
from mdhub_console.identity.model import SCOPES, Member, Role, Scope, Session, Token, User
from mdhub_console.identity.passwords import LONGEST, check_password
from mdhub_console.identity.seal import Seal
from mdhub_console.identity.store.attempts import Attempts, Kind
from mdhub_console.identity.store.database import Database
from mdhub_console.identity.store.people import People
from mdhub_console.identity.store.records import Records
from mdhub_console.identity.totp import matching_step

__all__ = ["ABSOLUTE_S", "IDLE_S", "PROOF_S", "Identity", "visit_of"]

IDLE_S: Final = 1_800
ABSOLUTE_S: Final = 43_200
PROOF_S: Final = 300
"""For so long after the password was given nobody asks for it again."""
TOUCH_S: Final = 30
"""A session's last use is noted this exactly: not every request writes."""
SECRET_BYTES: Final = 32
_S_NS: Final = 1_000_000_000
_TOKEN_PARTS: Final = 3
_SESSION: Final = "session:"
_TOKEN: Final = "token:"  # noqa: S105 - a kind of visit


class Identity:
    """One per console. May be used from any thread."""

    def __init__(
        self,
        database: Database,
        *,
        folder: Path,
        hasher: Hasher | None = None,
        seal: Seal | None = None,
        clock: Clock = SYSTEM,
        tell: Callable[[Record], None] = lambda _: None,
    ) -> None:
        """`tell` gets each audit record after it is written; it must neither wait nor raise."""
        self.people = People(database)
        self.records = Records(database)
        self.hasher = hasher or Hasher()
        self.setup_token = SetupToken(folder, clock)
        self._database = database
        self._clock = clock
        self._tell = tell
        self.seal = seal or Seal()
        self._attempts = Attempts(database)
        self._has_users = False

    def needs_setup(self) -> bool:
        """Whether there is no user yet."""
        self._has_users = self._has_users or self.people.count() > 0
        return not self._has_users

    def set_up(self, token: str, *, name: str, password: str, address: str) -> str:
        """Make the first user, an admin; return the secret of its session.

        Raises SetupRefused, WeakPassword, LockedOut, TooBusy.
        """
        self._check_lockout("", address)
        if not self.needs_setup():
            raise SetupRefused("the set-up is over: there is a user already")
        if not self.setup_token.is_right(token):
            self._failed("", address)
        else:  # a password that is refused shall not cost the token
            check_password(password, name=name)
        self.setup_token.use(token)
        kept = self.hasher.hash(password)
        return self.open_session(self.make_first(name, kept).user, address=address)

    def preset(self, line: str) -> bool:
        """Make the first user from `name:argon2id hash`; False if there are users already.

        Raises WeakPassword if it is something else.
        """
        name, _, kept = line.strip().partition(":")
        if not name or not self.hasher.is_fit(kept):
            raise WeakPassword(
                "the file of the first user was expected to hold NAME:$argon2id$... with at least "
                "19 MiB and 2 passes"
            )
        if not self.needs_setup():
            return False
        self.make_first(name, kept)
        return True

    def make_first(self, name: str, password_hash: str) -> Member:
        """Make the first user, an admin. Raises SetupRefused if there is one already."""
        return self.people.add(
            name=name, role=Role.ADMIN, password_hash=password_hash,
            now_ns=self._clock.wall_ns(), first=True,
        )  # fmt: skip

    def log_in(self, name: str, password: str, *, code: str = "", address: str = "") -> str:
        """Return the secret of a new session.

        Raises LoginRefused (the same for unknown names), CodeNeeded, LockedOut, TooBusy.
        """
        self._check_lockout(name, address)
        member = self.people.named(name) if len(name) <= LONGEST else None
        usable = member is not None and member.is_enabled
        kept = member.password_hash if usable and member else None
        right = self.hasher.matches(kept, password[: LONGEST + 1])
        if not right or member is None:
            self._failed(name, address)
            raise LoginRefused("name or password is wrong")
        self._check_code(member, code, name=name, address=address)
        self._attempts.succeeded("name", name)
        if self.hasher.is_outdated(member.password_hash):
            self.people.change(member.id, password_hash=self.hasher.hash(password))
        return self.open_session(member.user, address=address)

    def prove(self, user: User, session: Session, *, password: str, code: str = "") -> None:
        """Note that the user is still there. Raises WrongProof, LockedOut, TooBusy."""
        self._check_lockout(user.name, session.address)
        member = self.people.get(user.id)
        if not self.hasher.matches(member.password_hash, password[: LONGEST + 1]):
            self._failed(user.name, session.address)
            raise WrongProof("the password is wrong")
        try:
            self._check_code(member, code, name=user.name, address=session.address)
        except LoginRefused as error:
            raise WrongProof("the code is wrong") from error
        self.people.touch_session(session.digest, proved_ns=self._clock.wall_ns())

    def has_proved(self, session: Session) -> bool:
        """Whether the password was given lately."""
        return self._clock.wall_ns() - session.proved_ns <= PROOF_S * _S_NS

    def open_session(self, user: User, *, address: str = "") -> str:
        """Return the secret that a browser keeps in its cookie."""
        secret, now_ns = secrets.token_urlsafe(SECRET_BYTES), self._clock.wall_ns()
        session = Session(
            digest=_digest(secret), user_id=user.id, created_ns=now_ns, used_ns=now_ns,
            proved_ns=now_ns, address=address[:64],
        )  # fmt: skip
        self.people.open_session(session, forget_before_ns=now_ns - ABSOLUTE_S * _S_NS)
        return secret

    def of_session(self, secret: str) -> tuple[User, Session] | None:
        """Who a cookie belongs to; None if it is over, or its user may not come in any more."""
        found = self.people.session(_digest(secret))
        if found is None or not found[1].is_enabled:
            return None
        session, member = found
        now_ns = self._clock.wall_ns()
        if _has_ended(session, now_ns):
            self.people.close_session(session.digest)
            return None
        if now_ns - session.used_ns > TOUCH_S * _S_NS:
            self.people.touch_session(session.digest, used_ns=now_ns)
        return member.user, session

    def over(self, visits: frozenset[str]) -> frozenset[str]:
        """Which visits (`visit_of`) have ended, however that came. Raises StoreAway."""
        now_ns = self._clock.wall_ns()
        going = {
            _SESSION + session.digest
            for session in self.people.sessions_in(_of_kind(visits, _SESSION))
            if not _has_ended(session, now_ns)
        }
        tokens = self.people.tokens_in(_of_kind(visits, _TOKEN))
        return visits - going - {_TOKEN + each.id for each in tokens if now_ns < each.expires_at}

    def close_session(self, secret: str) -> None:
        """Log out."""
        self.people.close_session(_digest(secret))

    def new_token(self, user: User, *, name: str, scope: Scope, days: int) -> tuple[Token, str]:
        """Return a token, and the text that is shown this once."""
        now_ns = self._clock.wall_ns()
        token = Token(
            id=secrets.token_hex(4), name=name, user_id=user.id, scope=scope, created_at=now_ns,
            expires_at=now_ns + days * 86_400 * _S_NS,
        )  # fmt: skip
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self.people.add_token(token, _digest(secret))
        return token, f"mdh_{token.id}_{secret}"

    def of_token(self, text: str) -> User | None:
        """Who a token speaks for, with no more rights than its scope and its owner have."""
        parts = text.split("_", 2)
        found = self.people.token(parts[1]) if len(parts) == _TOKEN_PARTS else None
        if found is None or parts[0] != "mdh":
            return None
        token, digest, owner = found
        now_ns = self._clock.wall_ns()
        right = secrets.compare_digest(digest, _digest(parts[2]))
        if not right or now_ns >= token.expires_at or not owner.is_enabled:
            return None
        if now_ns - token.used_at > TOUCH_S * _S_NS:
            self.people.touch_token(token.id, now_ns)
        role = min(owner.role, SCOPES[token.scope])
        return User(id=owner.id, name=owner.name, role=role, token=token.id)

    def change_password(self, user_id: int, password: str, *, keep: str = "") -> None:
        """Set a password; all sessions of the user end, but the one with the digest `keep`."""
        member = self.people.get(user_id)
        check_password(password, name=member.name)
        self.people.change(user_id, password_hash=self.hasher.hash(password))
        self.people.close_sessions(user_id, but=keep)

    def add_user(self, name: str, password: str, role: Role) -> Member:
        """Raises WeakPassword, UserExists, TooBusy."""
        check_password(password, name=name)
        kept = self.hasher.hash(password)
        return self.people.add(
            name=name, role=role, password_hash=kept, now_ns=self._clock.wall_ns()
        )

    def confirm_second_factor(self, user_id: int, secret: str, code: str) -> None:
        """Turn the second factor on once an app has shown a right code.

        Raises WrongProof, NoMasterKey.
        """
        self.seal.check()
        step = matching_step(secret, code, now_s=self._clock.wall_ns() // _S_NS, after=0)
        if step is None:
            raise WrongProof("the code is wrong: compare the clocks of this machine and your phone")
        self.people.change(user_id, totp_secret=self.seal.seal(user_id, secret), totp_step=step)

    def seal_second_factors(self) -> tuple[int, int]:
        """Seal what lies open or under an older key.

        Return how many were sealed, and how many were not for want of a key.
        """
        kept = {each.id: each.totp_secret for each in self.people.all() if each.totp_secret}
        if not self.seal.has_key:
            return 0, len(kept)
        done = 0
        for user_id, old in kept.items():
            new = self.seal.renewed(user_id, old)
            done += new is not None and self.people.reseal(user_id, old, new)
        return done, sum(not self.seal.is_current(each.totp_secret) for each in self.people.all())

    def drop_second_factor(self, user_id: int) -> None:
        """Turn it off."""
        self.people.change(user_id, totp_secret="")

    def record(self, deed: Deed) -> Record:
        """Write to the audit log. Raises StoreAway."""
        record = self.records.append(deed, self._clock.wall_ns())
        self._tell(record)
        return record

    def close(self) -> None:
        """Give connections back."""
        self._database.close()

    def _check_code(self, member: Member, code: str, *, name: str, address: str) -> None:
        if not member.totp_secret:
            return
        if not code:
            raise CodeNeeded("the second factor is on: give its code too")
        now_s = self._clock.wall_ns() // _S_NS
        secret = self.seal.open(member.id, member.totp_secret)
        step = matching_step(secret, code, now_s=now_s, after=0)
        if step is None or not self.people.take_step(member.id, step):
            self._failed(name, address)
            raise LoginRefused("name or password is wrong")

    def _check_lockout(self, name: str, address: str) -> None:
        now_ns = self._clock.wall_ns()
        waits = (self._attempts.wait_s(kind, key, now_ns) for kind, key in _kinds(name, address))
        wait_s = max(waits)
        if wait_s > 0:
            raise LockedOut(int(wait_s) + 1)

    def _failed(self, name: str, address: str) -> None:
        for kind, key in _kinds(name, address):
            self._attempts.failed(kind, key, self._clock.wall_ns())


def _kinds(name: str, address: str) -> tuple[tuple[Kind, str], ...]:
    return ("name", name), ("address", address)


def visit_of(user: User, session: Session | None) -> str:
    """Name what a request came by: its session, or its token."""
    return _SESSION + session.digest if session is not None else _TOKEN + user.token


def _of_kind(visits: frozenset[str], kind: str) -> list[str]:
    return [each.removeprefix(kind) for each in visits if each.startswith(kind)]


def _has_ended(session: Session, now_ns: int) -> bool:
    idle_ns, age_ns = now_ns - session.used_ns, now_ns - session.created_ns
    return idle_ns > IDLE_S * _S_NS or age_ns > ABSOLUTE_S * _S_NS


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
