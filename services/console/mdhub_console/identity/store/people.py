"""Users, their sessions and tokens, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from mdhub_console.identity.errors import LastAdmin, SetupRefused, UnknownUser, UserExists
from mdhub_console.identity.model import ROLES, Member, Role, Session, Token
from mdhub_console.identity.store.database import Database
from mdhub_console.identity.store.tables import SESSIONS, TOKENS, USERS

__all__ = ["People"]


class People:
    """Every method is one transaction and may raise StoreAway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        with self._database.reading() as rows:
            return rows.execute(select(func.count()).select_from(USERS)).scalar_one()

    def all(self) -> Sequence[Member]:
        """By name."""
        with self._database.reading() as rows:
            found = rows.execute(select(USERS).order_by(USERS.c.name)).mappings()
            return [_member(row) for row in found]

    def named(self, name: str) -> Member | None:
        with self._database.reading() as rows:
            row = rows.execute(select(USERS).where(USERS.c.name == name)).mappings().first()
        # MariaDB takes no notice of blanks at the end; the lockout does.
        return None if row is None or row[USERS.c.name] != name else _member(row)

    def get(self, user_id: int) -> Member:
        """Raises UnknownUser."""
        with self._database.reading() as rows:
            row = rows.execute(select(USERS).where(USERS.c.id == user_id)).mappings().first()
        if row is None:
            raise UnknownUser(f"there is no user {user_id}")
        return _member(row)

    def add(
        self, *, name: str, role: Role, password_hash: str, now_ns: int, first: bool = False
    ) -> Member:
        """Raises UserExists; as the `first` user SetupRefused if there is one already."""
        values = {
            "name": name, "role": role.word, "language": "en", "theme": "system",
            "password_hash": password_hash, "totp_secret": "", "totp_step": 0, "is_enabled": True,
            "created_at": now_ns,
        }  # fmt: skip
        if first:  # the number is taken once, however many try
            values["id"] = 1
        try:
            with self._database.writing() as rows:
                if first and rows.execute(select(USERS.c.id)).first() is not None:
                    raise SetupRefused("the set-up is over: there is a user already")
                rows.execute(insert(USERS).values(**values))
        except IntegrityError:
            if first:
                raise SetupRefused("the set-up is over: there is a user already") from None
            raise UserExists(f"there is a user {name} already") from None
        found = self.named(name)
        if found is None:
            raise UnknownUser(f"user {name} was deleted at once")
        return found

    def change(self, user_id: int, *, ends_sessions: bool = False, **values: Any) -> Member:
        """Set columns. Raises UnknownUser, LastAdmin."""
        if "role" in values:
            values["role"] = values["role"].word
        with self._database.writing() as rows:
            changed = rows.execute(update(USERS).where(USERS.c.id == user_id).values(**values))
            if not changed.rowcount:
                raise UnknownUser(f"there is no user {user_id}")
            _check_admins(rows)
            if ends_sessions:
                rows.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id))
        return self.get(user_id)

    def remove(self, user_id: int) -> None:
        """With sessions and tokens. Raises UnknownUser, LastAdmin."""
        with self._database.writing() as rows:
            if not rows.execute(delete(USERS).where(USERS.c.id == user_id)).rowcount:
                raise UnknownUser(f"there is no user {user_id}")
            _check_admins(rows)
            rows.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id))
            rows.execute(delete(TOKENS).where(TOKENS.c.user_id == user_id))

    def take_step(self, user_id: int, step: int) -> bool:
        """Note the step of a code; False if that or a later one was taken before."""
        newer = (USERS.c.id == user_id) & (USERS.c.totp_step < step)
        with self._database.writing() as rows:
            return bool(rows.execute(update(USERS).where(newer).values(totp_step=step)).rowcount)

    def reseal(self, user_id: int, old: str, new: str) -> bool:
        """Put a secret of a second factor in the place of another one, if it is still there."""
        same = (USERS.c.id == user_id) & (USERS.c.totp_secret == old)
        with self._database.writing() as rows:
            return bool(rows.execute(update(USERS).where(same).values(totp_secret=new)).rowcount)

    def open_session(self, session: Session, *, forget_before_ns: int) -> None:
        """Keep a session; those that began before are forgotten."""
        with self._database.writing() as rows:
            rows.execute(delete(SESSIONS).where(SESSIONS.c.created_ns < forget_before_ns))
            rows.execute(
                insert(SESSIONS).values(
                    digest=session.digest, user_id=session.user_id, created_ns=session.created_ns,
                    used_ns=session.used_ns, proved_ns=session.proved_ns, address=session.address,
                )
            )  # fmt: skip

    def session(self, digest: str) -> tuple[Session, Member] | None:
        """Return a session and whose it is."""
        with self._database.reading() as rows:
            row = (
                rows.execute(
                    select(SESSIONS, USERS)
                    .join(USERS, USERS.c.id == SESSIONS.c.user_id)
                    .where(SESSIONS.c.digest == digest)
                )
                .mappings()
                .first()
            )
        return None if row is None else (_session(row), _member(row))

    def sessions(self, user_id: int) -> Sequence[Session]:
        """Of one user, the newest first."""
        newest = select(SESSIONS).where(SESSIONS.c.user_id == user_id)
        with self._database.reading() as rows:
            found = rows.execute(newest.order_by(SESSIONS.c.created_ns.desc())).mappings()
            return [_session(row) for row in found]

    def sessions_in(self, digests: Sequence[str]) -> Sequence[Session]:
        """Those of these sessions that are open and whose user may log in."""
        theirs = select(SESSIONS).join(USERS, USERS.c.id == SESSIONS.c.user_id)
        chosen = theirs.where(SESSIONS.c.digest.in_(digests), USERS.c.is_enabled)
        with self._database.reading() as rows:
            return [_session(row) for row in rows.execute(chosen).mappings()]

    def touch_session(self, digest: str, **times_ns: int) -> None:
        """Note when it was used, or proved."""
        with self._database.writing() as rows:
            rows.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(**times_ns))

    def close_session(self, digest: str) -> None:
        with self._database.writing() as rows:
            rows.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))

    def close_sessions(self, user_id: int, *, but: str = "") -> None:
        """End all sessions of a user, but one."""
        others = (SESSIONS.c.user_id == user_id) & (SESSIONS.c.digest != but)
        with self._database.writing() as rows:
            rows.execute(delete(SESSIONS).where(others))

    def add_token(self, token: Token, digest: str) -> None:
        with self._database.writing() as rows:
            rows.execute(
                insert(TOKENS).values(
                    id=token.id, digest=digest, name=token.name, user_id=token.user_id,
                    scope=token.scope, created_at=token.created_at, expires_at=token.expires_at,
                    used_at=0,
                )
            )  # fmt: skip

    def token(self, token_id: str) -> tuple[Token, str, Member] | None:
        """Return a token, the digest of its secret, and its owner."""
        with self._database.reading() as rows:
            row = rows.execute(select(TOKENS).where(TOKENS.c.id == token_id)).mappings().first()
            if row is None:
                return None
            owner = rows.execute(select(USERS).where(USERS.c.id == row["user_id"])).mappings()
            member = owner.first()
        return None if member is None else (_token(row), row["digest"], _member(member))

    def tokens(self) -> Sequence[Token]:
        """All of them, the newest first."""
        with self._database.reading() as rows:
            found = rows.execute(select(TOKENS).order_by(TOKENS.c.created_at.desc())).mappings()
            return [_token(row) for row in found]

    def tokens_in(self, token_ids: Sequence[str]) -> Sequence[Token]:
        """Those of these tokens that are there and whose owner may log in."""
        theirs = select(TOKENS).join(USERS, USERS.c.id == TOKENS.c.user_id)
        chosen = theirs.where(TOKENS.c.id.in_(token_ids), USERS.c.is_enabled)
        with self._database.reading() as rows:
            return [_token(row) for row in rows.execute(chosen).mappings()]

    def touch_token(self, token_id: str, used_at: int) -> None:
        with self._database.writing() as rows:
            rows.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(used_at=used_at))

    def remove_token(self, token_id: str) -> None:
        """Raises UnknownUser."""
        with self._database.writing() as rows:
            if not rows.execute(delete(TOKENS).where(TOKENS.c.id == token_id)).rowcount:
                raise UnknownUser(f"there is no token {token_id}")


def _check_admins(rows: Any) -> None:
    admins = (USERS.c.role == Role.ADMIN.word) & USERS.c.is_enabled
    if rows.execute(select(USERS.c.id).where(admins)).first() is None:
        raise LastAdmin("this is the last admin who can log in: make another one first")


def _member(row: RowMapping) -> Member:
    return Member(
        id=row[USERS.c.id], name=row[USERS.c.name], role=ROLES[row[USERS.c.role]],
        language=row[USERS.c.language], theme=row[USERS.c.theme],
        password_hash=row[USERS.c.password_hash], totp_secret=row[USERS.c.totp_secret],
        is_enabled=row[USERS.c.is_enabled], created_at=row[USERS.c.created_at],
    )  # fmt: skip


def _session(row: RowMapping) -> Session:
    return Session(
        digest=row[SESSIONS.c.digest], user_id=row[SESSIONS.c.user_id],
        created_ns=row[SESSIONS.c.created_ns], used_ns=row[SESSIONS.c.used_ns],
        proved_ns=row[SESSIONS.c.proved_ns], address=row[SESSIONS.c.address],
    )  # fmt: skip


def _token(row: RowMapping) -> Token:
    return Token(
        id=row["id"], name=row["name"], user_id=row["user_id"], scope=row["scope"],
        created_at=row["created_at"], expires_at=row["expires_at"], used_at=row["used_at"],
    )  # fmt: skip
