"""The tables. Lengths fit MariaDB's index limits; times are nanoseconds since 1970 UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

__all__ = ["AUDIT", "LAYOUT", "METADATA", "SESSIONS", "STATE", "TOKENS", "USERS"]

LAYOUT: Final = 1
"""Number of the layout below; a database that says another one is refused."""

METADATA: Final = MetaData()

STATE: Final = Table(
    "console_state",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("layout", Integer, nullable=False),
    Column("audit_n", BigInteger, nullable=False),
    Column("audit_digest", String(64), nullable=False),
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
    Column("totp_secret", String(64), nullable=False),
    Column("totp_step", BigInteger, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
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
)
