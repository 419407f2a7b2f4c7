"""Contract tables: CSV (plain, .gz or .zst) with the columns of CTP's instrument query."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mdhub.market.errors import MarketError
from mdhub.market.products import EXCHANGES
from mdhub.market.recorded import open_text
from mdhub.wire.entries import ContractRow

__all__ = ["read_contracts"]

NEEDED: Final = ("InstrumentID", "ExchangeID", "ProductID", "VolumeMultiple", "PriceTick")
OPTIONAL: Final = ("ProductClass", "ExpireDate")
_DATE_LENGTH: Final = 8


def read_contracts(path: Path) -> list[ContractRow]:
    """The rows of a table. Raises MarketError naming the line that cannot be read."""
    with open_text(path) as text:
        lines = csv.reader(text)
        try:
            return list(_rows(lines, path))
        except csv.Error as error:
            raise MarketError(f"{path} line {lines.line_num}: {error}") from error
        except (ValueError, IndexError) as error:
            raise MarketError(
                f"{path} line {lines.line_num}: {error}; expected a symbol, one of "
                f"{', '.join(EXCHANGES)}, a multiplier from 0, a price tick from 0 and a last "
                "trading day YYYYMMDD or nothing"
            ) from error


def _rows(lines: Iterator[list[str]], path: Path) -> Iterator[ContractRow]:
    header = next(lines, [])
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise MarketError(f"{path} lacks the columns {', '.join(missing)}; found {header}")
    at = [header.index(name) for name in NEEDED]
    others = [header.index(name) if name in header else None for name in OPTIONAL]
    for cells in lines:
        symbol, exchange, product, multiplier, tick = (cells[i] for i in at)
        product_class, expiry = ("" if i is None else cells[i] for i in others)
        if not symbol or exchange not in EXCHANGES:
            raise ValueError(f"found contract {symbol!r} of exchange {exchange!r}")
        yield ContractRow(
            symbol, exchange, product, product_class,
            _amount(multiplier), _amount(tick), _date(expiry),
        )  # fmt: skip


def _amount(text: str) -> float:
    amount = float(text or 0)
    if not 0 <= amount < float("inf"):
        raise ValueError(f"found {text!r}")
    return amount


def _date(text: str) -> int:
    if text and (len(text) != _DATE_LENGTH or not text.isdigit()):
        raise ValueError(f"found the date {text!r}")
    return int(text or 0)
