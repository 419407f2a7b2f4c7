"""Tables of the SQL store, such that SQLite and MariaDB keep the same."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = ["ACCOUNTS", "CHANGES", "LAYOUT", "METADATA"]

METADATA: Final = MetaData()
_MYSQL: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_bin",
}  # fmt: skip
"""Names differ by case, so text is compared byte for byte."""
_JSON: Final = Text(length=1 << 24)
"""JSON as text: the same in every database, and keys of any spelling."""
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""Only INTEGER counts up by itself in SQLite; it has 64 bits there as well."""

ACCOUNTS: Final = Table(
    "market_data_accounts",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("gateway_type", String(16), nullable=False),
    Column("settings", _JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("description", String(500), nullable=False),
    Column("schedule_group", String(32), nullable=False),
    Column("subscribe", _JSON, nullable=False),
    Column("health", _JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    **_MYSQL,
)
CHANGES: Final = Table(
    "market_data_account_changes",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("changed_by", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("fields", _JSON, nullable=False),
    Index("market_data_account_changes_of", "id", "number"),
    **_MYSQL,
)
LAYOUT: Final = Table(
    "market_data_accounts_layout",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("layout", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    **_MYSQL,
)
"""One row: which migrations have been made, and how many writes there were."""
