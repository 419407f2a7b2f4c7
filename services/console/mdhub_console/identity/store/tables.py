"""The tables. Lengths fit MariaDB's index limits; times are nanoseconds since 1970 UTC."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

__all__ = ["AUDIT", "FAILURES", "LAYOUT", "METADATA", "SESSIONS", "STATE", "TOKENS", "USERS"]

LAYOUT: Final = 2
"""Number of the layout below; a database that says another one is refused."""

METADATA: Final = MetaData()
_MYSQL: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_bin",
}  # fmt: skip
"""Names differ by case, so text is compared byte for byte, as SQLite does."""

STATE: Final = Table(
    "console_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("layout", Integer, nullable=False),
    Column("audit_n", BigInteger, nullable=False),
    Column("audit_digest", String(64), nullable=False),
    **_MYSQL,
)
"""One row."""

USERS: Final = Table(
    "console_users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("language", String(8), nullable=False),
    Column("theme", String(8), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("totp_secret", String(512), nullable=False),
    Column("totp_step", BigInteger, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    **_MYSQL,
)

SESSIONS: Final = Table(
    "console_sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("used_ns", BigInteger, nullable=False),
    Column("proved_ns", BigInteger, nullable=False),
    Column("address", String(64), nullable=False),
    Index("console_sessions_user", "user_id"),
    **_MYSQL,
)

TOKENS: Final = Table(
    "console_tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("user_id", Integer, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Index("console_tokens_user", "user_id"),
    **_MYSQL,
)

AUDIT: Final = Table(
    "console_audit",
    METADATA,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("action", String(200), nullable=False),
    Column("target", String(200), nullable=False),
    Column("address", String(200), nullable=False),
    Column("result", String(16), nullable=False),
    Column("detail", String(200), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    **_MYSQL,
)

FAILURES: Final = Table(
    "console_failures",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
    Index("console_failures_newest", "kind", "last_ns"),
    **_MYSQL,
)
"""Failed logins. The order of the columns matters: MariaDB sets them one after the other."""
