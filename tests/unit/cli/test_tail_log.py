"""`mdhub tail --rejected` and `--events` read the log."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from typing import cast

import pytest
from msgspec.structs import replace

from mdhub.cli.hubs import HubAddress
from mdhub.cli.tail_log import LogFilter, follow_events, follow_lines, follow_rejected
from mdhub.streams import open_log
from mdhub.streams.ids import clean_id, id_parts
from mdhub.streams.port import FIRST_ID, CleanBatch, LeadRequest, Log, Positions, RejectedOut
from mdhub.streams.topology import EVENTS, LOGS, RAW
from mdhub.wire.codec import encode
from mdhub.wire.entries import RejectedHeader, Verdict
from mdhub.wire.ops import Event, EventKind, LogLine, Severity
from mdhub.wire.ticks import RawTick
from tests.support.wait import until
from tests.unit.wire.samples import SAMPLES

TICK = cast("RawTick", SAMPLES["RawTick"])


@pytest.fixture
def hub(server_url: str, prefix: str) -> HubAddress:
    """A log with three rejections (the last one unreadable) and three events."""
    log = open_log(server_url, service="arbiter", prefix=prefix)
    try:
        reject(log, replace(TICK, symbol="rb2701", exchange="SHFE"), "bad_time", "A")
        reject(log, replace(TICK, symbol="IF2612", last=float("nan")), "no_last", "B")
        reject(log, None, "undecodable", "")
        for kind, subject in (
            (EventKind.SERVICE, "arbiter:A"),
            (EventKind.SERVICE, "ingest:A"),
            (EventKind.SOURCE, "A"),
        ):
            log.append(EVENTS, encode(event(kind, subject)))
        log.append(EVENTS, b"\xc1")
    finally:
        log.close()
    return HubAddress(server_url, prefix, 1, 3_000)


def event(kind: str, subject: str) -> Event:
    return Event(1, "i", time.time_ns(), "monitor", kind, subject, "info", "", {"change": "up"})


def reject(log: Log, tick: RawTick | None, reason: str, source: str) -> None:
    at = log.positions(0)
    token = log.leadership(0).token
    if not token:
        token = log.take(0, LeadRequest(0, FIRST_ID, 5, b"lead")).token
    seq = log.writer_position(0, "arbiter").seq + 1
    log.raw_append(0, writer="arbiter", session=token, first_seq=seq, kinds="c", payloads=[b"x"])
    raw = log.entries(RAW)[-1][0]
    header = encode(RejectedHeader(1, raw.decode(), Verdict.REJECT, reason, source))
    out: RejectedOut = (clean_id(raw, 0), header, b"\xc1" if tick is None else encode(tick))
    log.clean_append(0, CleanBatch(token, at.raw, Positions(raw=raw), rejected=[out]))


def test_rejections_are_lines_with_their_reason(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """Source, verdict, reason, contract; what cannot be read says so."""
    follow_rejected(hub, "lines", LogFilter(count=3))

    first, _, last = capsys.readouterr().out.splitlines()
    assert first.split(" ", 1)[1] == "A reject bad_time rb2701 21:00:01 211.5"
    assert last.endswith("undecodable (unreadable)")


def test_rejections_as_json_have_field_names(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """Header and raw tick in one object."""
    follow_rejected(hub, "json", LogFilter(count=3))

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["reason"] for row in rows] == ["bad_time", "no_last", "undecodable"]
    assert [row["last"] for row in rows] == [211.5, None, None]
    assert rows[0].keys() == rows[2].keys() > {"ts", "raw_id", "verdict", "symbol", "bids"}


def test_rejections_as_csv_have_the_same_columns(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also the one whose tick cannot be read."""
    follow_rejected(hub, "csv", LogFilter(count=3))

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["symbol"] for row in rows] == ["rb2701", "IF2612", ""]
    assert all(None not in row for row in rows)


@pytest.mark.parametrize(
    ("chosen", "reasons"),
    [
        (LogFilter(source="B", count=1), ["no_last"]),
        (LogFilter(("rb*.SHFE",), count=1), ["bad_time"]),
        (LogFilter(("IF*.CFFEX",), count=1), ["no_last"]),
        (LogFilter(last=1, count=1), ["undecodable"]),
        (LogFilter(reasons=("no_last", "late"), count=1), ["no_last"]),
        (LogFilter(last=1, since_ms=0, count=3), ["bad_time", "no_last", "undecodable"]),
    ],
)
def test_rejections_are_filtered(
    hub: HubAddress,
    capsys: pytest.CaptureFixture[str],
    chosen: LogFilter,
    reasons: list[str],
) -> None:
    """By source, reason and instrument (also where the front left the exchange empty), by time."""
    follow_rejected(hub, "json", chosen)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["reason"] for row in rows] == reasons


@pytest.mark.parametrize(
    ("chosen", "subjects"),
    [
        (LogFilter(count=3), ["arbiter:A", "ingest:A", "A"]),
        (LogFilter(source="ingest:A", count=1), ["ingest:A"]),
        (LogFilter(kinds=(EventKind.SOURCE,), count=1), ["A"]),
        (LogFilter(since_ms=1, count=2), ["arbiter:A", "ingest:A"]),
    ],
)
def test_events_are_chosen_by_subject_kind_and_time(
    hub: HubAddress,
    capsys: pytest.CaptureFixture[str],
    chosen: LogFilter,
    subjects: list[str],
) -> None:
    """All of them, where nothing is asked for."""
    follow_events(hub, "json", chosen)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["subject"] for row in rows] == subjects
    assert rows[0]["body"] == {"change": "up"}


def test_events_as_lines_name_their_facts(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """Time, severity, kind, subject, facts."""
    follow_events(hub, "lines", LogFilter(count=1))

    assert capsys.readouterr().out.endswith("info service arbiter:A change=up\n")


def test_events_of_a_severity_and_above(
    server_url: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of a later release is above all."""
    log = open_log(server_url, service="monitor", prefix=prefix)
    for severity in ("info", "warning", "error", "fatal"):
        log.append(EVENTS, encode(replace(event("service", severity), severity=severity)))
    log.close()

    chosen = LogFilter(severity=Severity.WARNING, count=3)
    follow_events(HubAddress(server_url, prefix, None, 3_000), "json", chosen)

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["subject"] for row in rows] == ["warning", "error", "fatal"]


def test_a_moment_begins_in_the_middle(
    server_url: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written in its millisecond is shown, what came before is not."""
    log = open_log(server_url, service="monitor", prefix=prefix)
    first = id_parts(log.append(EVENTS, encode(event("service", "before"))))[0]
    until(lambda: log.server_facts().now_ms > first, "the server's next millisecond")
    since_ms = id_parts(log.append(EVENTS, encode(event("service", "then"))))[0]
    log.append(EVENTS, encode(event("service", "after")))
    log.close()

    follow_events(
        HubAddress(server_url, prefix, None, 3_000), "json", LogFilter(since_ms=since_ms, count=2)
    )

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["subject"] for row in rows] == ["then", "after"]


@pytest.mark.parametrize("follow", [follow_events, follow_rejected])
def test_streams_of_the_log_are_tables_too(
    hub: HubAddress, capsys: pytest.CaptureFixture[str], follow: Callable[..., int]
) -> None:
    """With a column per fact."""
    follow(hub, "table", LogFilter(count=2))

    shown = capsys.readouterr().out
    names = ("severity", "arbiter:A") if follow is follow_events else ("reason", "no_last")
    assert [name for name in names if name not in shown] == []


def test_log_lines_are_shown_from_a_level_on(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """With who said them and the command they come of; all or one service's."""
    log = open_log(hub.url, service="ingest", prefix=hub.prefix)
    try:
        for level, name, instance in (
            ("info", "source_started", "A"), ("error", "source_failed", "B"),
            ("warning", "source_died", "supervisor"),
        ):  # fmt: skip
            fields = {"instance": instance, "exit_code": -9}
            line = LogLine(1, time.time_ns(), level, "ingest", name, "c1", fields)
            log.append(LOGS, encode(line))
        log.append(LOGS, b"\xc1")
    finally:
        log.close()

    follow_lines(hub, "lines", LogFilter(level="warning", count=2))
    shown = capsys.readouterr().out.splitlines()
    assert [row.split(" ", 1)[1] for row in shown] == [
        "error ingest:B source_failed exit_code=-9 command=c1",
        "warning ingest:supervisor source_died exit_code=-9 command=c1",
    ]
    follow_lines(hub, "json", LogFilter(source="ingest:A", count=1))
    (row,) = capsys.readouterr().out.splitlines()
    named = json.loads(row)
    assert (named["event"], named["fields"]["instance"]) == ("source_started", "A")
