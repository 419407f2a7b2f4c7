"""The tables of identity, on SQLAlchemy Core: SQLite by default, MariaDB by its address."""
