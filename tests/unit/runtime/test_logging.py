"""A log line is one line of facts; logging never fails its caller."""

from __future__ import annotations

import io
import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.runtime.log_limits import EVENT_BURST, EVENT_PER_S
from mdhub.runtime.logging import Logger, correlated, service_logger


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
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(), inner, max_size=3)
    ),
    max_leaves=10,
), max_size=4))  # fmt: skip
def test_any_fields_make_one_line(fields: dict[str, Any]) -> None:
    """Each line stands alone and can be read back."""
    stream = io.StringIO()
    Logger("ingest", "A", stream).info("odd", **fields)
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()).keys() >= fields.keys()


def test_a_flood_is_bounded_and_says_how_much_was_left_out() -> None:
    """A burst of an event passes whole; then so many a second, the next one with the count."""
    now_s, stream = 0.0, io.StringIO()
    logger = Logger("ingest", "A", stream, monotonic=lambda: now_s)
    for _ in range(EVENT_BURST + 1_000):
        logger.warning("loop")
    assert len(stream.getvalue().splitlines()) == EVENT_BURST
    now_s = 1.0
    for _ in range(1_000):
        logger.warning("loop")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == EVENT_BURST + EVENT_PER_S
    assert lines[EVENT_BURST]["left_out"] == 1_000
    assert "left_out" not in lines[EVENT_BURST + 1]


def test_a_flood_that_just_ends_is_said() -> None:
    """No later line of the event tells of it: the logger does."""
    now_s, stream = 0.0, io.StringIO()
    logger = Logger("ingest", "A", stream, monotonic=lambda: now_s)
    for _ in range(EVENT_BURST + 7):
        logger.info("loop")
    now_s = 2.0
    logger.tell_left_out()
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["event"], last["lines"], last["events"]) == ("lines_left_out", 7, {"loop": 7})


def test_lines_carry_the_id_of_the_command_they_come_of() -> None:
    """Only while it is carried out, and only in the thread that does."""
    stream = io.StringIO()
    logger = Logger("arbiter", "A", stream)
    with correlated("c1"):
        logger.info("muted")
        other = threading.Thread(target=logger.info, args=("elsewhere",))
        other.start()
        other.join()
    logger.info("idle")
    ids = [json.loads(line).get("correlation_id") for line in stream.getvalue().splitlines()]
    assert ids == ["c1", None, None]


def test_lines_below_the_level_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The level is a variable; one that is none is said, and `info` is meant."""
    for named, shown in (("debug", 3), ("", 2), ("ERROR", 1), ("loud", 3)):
        monkeypatch.setenv("MDHUB_LOGS__LEVEL", named)
        stream = io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
        logger = service_logger("ingest", "A")
        logger.debug("a")
        logger.info("b")
        logger.error("c")
        assert len(stream.getvalue().splitlines()) == shown, named


def test_errors_are_heard_through_a_flood_of_other_lines() -> None:
    """They have an allowance of their own."""
    stream = io.StringIO()
    logger = Logger("ingest", "A", stream, monotonic=lambda: 0.0)
    for i in range(2_000):
        name = f"loop {i % 50}"
        logger.info(name)
    logger.error("stopped")
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "stopped"


def test_a_line_said_while_another_is_written_waits_for_nobody() -> None:
    """As a finalizer does that runs in the middle of it, in the same thread."""

    class Finalizer(io.StringIO):
        def write(self, text: str) -> int:
            if "outer" in text:
                logger.warning("inner")
            return super().write(text)

    stream = Finalizer()
    logger = Logger("ingest", "A", stream)
    logger.info("outer")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["inner", "outer"]
