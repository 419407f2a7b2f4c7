"""Symbols lead to exchanges and products."""

import csv
import io
from pathlib import Path

import pytest
import zstandard

from mdhub.market.products import EXCHANGES, PRODUCTS, exchange_of, product_of
from tests.unit.market.recordings import recording_path


@pytest.mark.parametrize(
    ("symbol", "exchange", "product"),
    [
        ("rb2610", "SHFE", "rb"),
        ("sc2612", "INE", "sc"),
        ("sc2612TAS", "INE", "sc"),
        ("cu2610C80000", "SHFE", "cu"),
        ("m2611", "DCE", "m"),
        ("m2611-C-3000", "DCE", "m"),
        ("si2611", "GFEX", "si"),
        ("si2611-P-9000", "GFEX", "si"),
        ("SR611", "CZCE", "SR"),
        ("SR611C5600", "CZCE", "SR"),
        ("IF2612", "CFFEX", "IF"),
        ("T2612", "CFFEX", "T"),
        ("IO2612-C-4000", "CFFEX", "IO"),
        ("10004567", "SSE", "ETFO"),
        ("90004567", "SZSE", "ETFO"),
        ("510050", "SSE", "ETF"),
        ("159915", "SZSE", "ETF"),
        ("SP a2611&a2701", "DCE", "a"),
        ("SP si2611&si2701", "GFEX", "si"),
        ("SPD SR611&SR701", "CZCE", "SR"),
    ],
)
def test_symbol_tells_its_exchange_and_product(symbol: str, exchange: str, product: str) -> None:
    """The spelling of a symbol is enough to place it."""
    assert (exchange_of(symbol), product_of(symbol)) == (exchange, product)


@pytest.mark.parametrize(
    "symbol",
    ["", "RB2610", "rb261", "SR2611", "if2612", "xx2610", "m2611C3000", "cu2610-C-80000", "123",
     "SP a2611&SR611", "SP a2611&", "rb2610 ", "rb2610\n", "１0004567"],
)  # fmt: skip
def test_wrong_spelling_is_placed_nowhere(symbol: str) -> None:
    """Wrong case, wrong number of digits and unknown products belong to no exchange."""
    assert exchange_of(symbol) is None
    assert product_of(symbol) is None


def test_every_product_is_found_on_its_own_exchange() -> None:
    """A future of each product in the table leads back to the table's exchange."""
    for product, exchange in PRODUCTS.items():
        month = "611" if exchange == "CZCE" else "2611"
        assert exchange_of(product + month) == exchange
        assert exchange in EXCHANGES


@pytest.mark.recordings
def test_every_contract_of_a_real_day_is_placed_right() -> None:
    """All 10,468 contracts listed on 2017-11-13 are placed as the exchanges' own table has it."""
    rows = contract_rows(recording_path("contracts.csv.zst"))
    wrong = [symbol for symbol, exchange in rows if exchange_of(symbol) != exchange]
    assert (len(rows), wrong) == (10_468, [])


def contract_rows(path: Path) -> list[tuple[str, str]]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as content:
        rows = csv.DictReader(io.TextIOWrapper(content, "utf-8"))
        return [(row["InstrumentID"], row["ExchangeID"]) for row in rows]
