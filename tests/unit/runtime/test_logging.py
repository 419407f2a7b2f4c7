"""A log line is one line of facts; logging never fails its caller."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.runtime.logging import BURST, LINES_PER_S, Logger


class Terminal(io.StringIO):
    """A stream with a person in front of it."""

    def isatty(self) -> bool:
        return True


class Unshowable:
    """A value that cannot be turned into text."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Broken(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]
ODD = [
    None, b"\xff", math.nan, 1 << 200, "two\nlines", "行情", "\ud800", {1: 2}, {(1, 2): 3},
    {"a": Unshowable()}, Unshowable(), CIRCULAR, Path("x"), ValueError("why"), {1, 2}, object(),
]  # fmt: skip


def test_a_line_is_one_json_object() -> None:
    """Time, level, service, instance and event lead; the fields follow by name."""
    stream = io.StringIO()
    Logger("ingest", "A", stream).warning("source_died", exit_code=-9, reason="two\nlines")
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)

    assert fields.pop("ts_ns") > 0
    assert fields == {
        "level": "warning", "service": "ingest", "instance": "A", "event": "source_died",
        "exit_code": -9, "reason": "two\nlines",
    }  # fmt: skip


def test_a_line_on_a_terminal_is_for_people() -> None:
    """Event and fields, without JSON."""
    stream = Terminal()
    Logger("ingest", "A", stream).error("source_died", exit_code=-9)
    assert "ingest:A source_died exit_code=-9" in stream.getvalue()


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_odd_values_are_shown_somehow(kind: type[io.StringIO], value: object) -> None:
    """One value that cannot be shown does not hide the others."""
    stream = kind()
    Logger("ingest", "A", stream).info("odd", value=value, other="seen")
    assert "odd" in stream.getvalue()
    assert "seen" in stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_values_without_a_bottom_are_shown_somehow(kind: type[io.StringIO]) -> None:
    """Nesting deeper than Python can follow."""
    stream = kind()
    Logger("ingest", "A", stream).info("deep", value=DEEP)
    assert "deep" in stream.getvalue()


def test_a_stream_that_is_gone_does_not_stop_the_service() -> None:
    """A closed or broken stderr is passed over."""
    closed = io.StringIO()
    logger = Logger("ingest", "A", closed)
    closed.close()
    logger.info("to nobody")
    Logger("ingest", "A", Broken()).info("to nobody")


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), st.recursive(
    st.none() | st.floats() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner),
)))  # fmt: skip
def test_any_fields_make_one_line(fields: dict[str, Any]) -> None:
    """Each line stands alone and can be read back."""
    stream = io.StringIO()
    Logger("ingest", "A", stream).info("odd", **fields)
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()).keys() >= fields.keys()


def test_a_flood_is_bounded_and_says_how_much_was_left_out() -> None:
    """A burst passes whole; then so many lines a second, the next one with the count."""
    now_s, stream = 0.0, io.StringIO()
    logger = Logger("ingest", "A", stream, monotonic=lambda: now_s)
    for _ in range(BURST + 1_000):
        logger.warning("loop")
    assert len(stream.getvalue().splitlines()) == BURST
    now_s = 1.0
    for _ in range(1_000):
        logger.warning("loop")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == BURST + LINES_PER_S
    assert lines[BURST]["left_out"] == 1_000
    assert "left_out" not in lines[BURST + 1]


def test_errors_are_heard_through_a_flood_of_other_lines() -> None:
    """They have an allowance of their own."""
    stream = io.StringIO()
    logger = Logger("ingest", "A", stream, monotonic=lambda: 0.0)
    for _ in range(BURST + 1):
        logger.info("loop")
    logger.error("stopped")
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "stopped"
