"""Rows as lines, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import cast

import pytest
from msgspec.structs import replace

from mdhub.cli.formats import Format, named_tick, writer
from mdhub.cli.tail import TickFilter
from mdhub.wire.ticks import CleanTick
from tests.unit.wire.samples import SAMPLES

CLEAN_TICK = cast("CleanTick", SAMPLES["CleanTick"])


def tick(symbol: str, volume: int, source: str = "A") -> CleanTick:
    return replace(CLEAN_TICK, symbol=symbol, volume=volume, source=source)


def printed(form: Format, capsys: pytest.CaptureFixture[str], *ticks: CleanTick) -> str:
    write = writer(form, line=lambda each: each.symbol, named=named_tick)
    for each in ticks:
        write(each)
    return capsys.readouterr().out


def test_json_has_every_field_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """And the exchange time in words."""
    parsed = json.loads(printed("json", capsys, CLEAN_TICK))

    assert parsed["symbol"] == CLEAN_TICK.symbol
    assert parsed["ts"] == CLEAN_TICK.ts.isoformat()
    assert parsed.keys() == {*CleanTick.__struct_fields__, "ts"}


def test_json_stays_json_whatever_a_front_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN and infinity, which JSON has not, become null."""
    odd = replace(CLEAN_TICK, last=float("nan"), open=float("inf"))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    parsed = json.loads(printed("json", capsys, odd), parse_constant=refuse)

    assert (parsed["last"], parsed["open"]) == (None, None)


def test_csv_has_one_header_and_the_same_columns_in_every_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Books become columns, so that any table program reads them."""
    rows = list(csv.DictReader(io.StringIO(printed("csv", capsys, CLEAN_TICK, tick("x", 5)))))

    assert [row["symbol"] for row in rows] == [CLEAN_TICK.symbol, "x"]
    price, volume = CLEAN_TICK.bids[0]
    assert (rows[0]["bid_price_1"], rows[0]["bid_volume_1"]) == (str(price), str(volume))
    assert all(None not in row and None not in row.values() for row in rows)


def test_lines_are_the_row_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    """One row, one line."""
    assert printed("lines", capsys, tick("a", 1), tick("b", 1)) == "a\nb\n"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (TickFilter(), ["a1A", "b1B", "a1B", "a2A", "b1A"]),
        (TickFilter(source="B"), ["b1B", "a1B"]),
        (TickFilter(changed=True), ["a1A", "b1B", "a2A"]),
        (TickFilter(count=2), ["a1A", "b1B"]),
        (TickFilter(source="A", changed=True, count=2), ["a1A", "a2A"]),
    ],
)
def test_filters_pass_what_was_asked_for(chosen: TickFilter, expected: list[str]) -> None:
    """By source, by change of volume, so many."""
    ticks = [tick("a", 1), tick("b", 1, "B"), tick("a", 1, "B"), tick("a", 2), tick("b", 1)]

    passed = [f"{each.symbol}{each.volume}{each.source}" for each in chosen.of(iter(ticks))]

    assert passed == expected
