"""Bad rows cost themselves, bad files are named; nothing a file holds stops the rest of it."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub.market.errors import MarketError
from mdhub.market.lines import LINE_MAX
from mdhub.market.playlist import Playlist
from mdhub.market.recorded import Recording
from mdhub.market.snapshot import raw_tick
from mdhub.wire.codec import decode_raw_tick, encode
from tests.unit.market.test_recorded import HEADER, file_of, row

ZSTD = zstandard.ZstdCompressor().compress
GOOD = [row(ms=str(ms)) for ms in range(0, 900, 100)]


def raw_file(folder: Path, content: bytes, name: str = "ticks.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("bad", "kind", "reason"),
    [
        ("too,short", "columns", "2 cells, expected 15"),
        (row() + ",7", "columns", "16 cells"),
        (row(time="24:61:00"), "time", "24:61:00"),
        (row(ms="1000"), "time", "UpdateMillisec was '1000'"),
        (row(day="2017"), "date", "ActionDay"),
        (row(day="20171114"), "date", "up to TradingDay 20171113"),
        (row(day="20160101"), "date", "up to TradingDay"),
        (row(last="abc"), "number", "abc"),
        (row(volume="x"), "number", "x"),
        (row(volume="9" * 30), "number", "64 bits"),
        (row(volume="9" * 5_000), "number", "not a number"),
        (row(symbol=""), "symbol", "InstrumentID is empty"),
        (row(symbol='"i1801'), "quotes", "quote"),
        (row(symbol="i18\x0001"), "nul", "NUL"),
        (row(symbol="i" * LINE_MAX), "too_long", "longer than"),
        (row(symbol="é").encode("latin-1"), "encoding", "not UTF-8"),
    ],
)
def test_bad_row_costs_itself_only(
    tmp_path: Path, bad: str | bytes, kind: str, reason: str
) -> None:
    """It is counted by kind with line and reason; every row around it is played."""
    line = bad if isinstance(bad, bytes) else bad.encode()
    before, after = "\n".join([HEADER, *GOOD[:4]]), "\n".join(GOOD[4:])
    content = before.encode() + b"\n" + line + b"\n" + after.encode()
    recording = Recording(raw_file(tmp_path, content))
    assert [s.update_ms for s in recording.snapshots()] == list(range(0, 900, 100))
    assert recording.report.skipped == {kind: 1}
    (example,) = recording.report.examples
    assert (example.line, example.kind) == (6, kind)
    assert reason in example.reason
    assert recording.report.rows == 9
    assert recording.report.cut is None


def test_first_ten_bad_rows_are_kept(tmp_path: Path) -> None:
    """All are counted, ten shown, with the numbers of their lines."""
    recording = Recording(file_of(tmp_path, row(), *["bad"] * 25, row(ms="500")))
    assert len(list(recording.snapshots())) == 2
    assert recording.report.skipped == {"columns": 25}
    assert [example.line for example in recording.report.examples] == list(range(3, 13))
    assert str(recording.report.examples[0]).startswith("ticks.csv:3: columns: row has 1 cells")


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    """An empty line at the end of a file is not worth a word."""
    recording = Recording(file_of(tmp_path, row(), "", row(ms="500"), "", " "))
    assert len(list(recording.snapshots())) == 2
    assert not recording.report.bad


def many_rows(count: int) -> bytes:
    times = [f"{21 + i // 3600}:{i // 60 % 60:02}:{i % 60:02}" for i in range(count)]
    rows = [row(time=time, volume=str(i)) for i, time in enumerate(times)]
    return "\n".join([HEADER, *rows]).encode()


@pytest.mark.parametrize("pack", [gzip.compress, ZSTD])
def test_truncated_archive_is_played_up_to_its_end(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """A file cut short while it was copied says after which line it broke off."""
    whole = pack(many_rows(9_000))
    suffix = ".gz" if pack is gzip.compress else ".zst"
    recording = Recording(raw_file(tmp_path, whole[: len(whole) * 3 // 4], f"cut.csv{suffix}"))
    played = list(recording.snapshots())
    assert [s.volume for s in played] == list(range(len(played)))
    assert 0 < len(played) < 9_000
    assert recording.report.cut is not None
    assert f"after line {len(played) + 1}: " in recording.report.cut


def test_archive_of_several_frames_is_read_whole(tmp_path: Path) -> None:
    """Archives may be appended to one another."""
    content = many_rows(200)
    packed = ZSTD(content[:4_000]) + ZSTD(content[4_000:])
    recording = Recording(raw_file(tmp_path, packed, "parts.csv.zst"))
    assert len(list(recording.snapshots())) == 200
    assert not recording.report.bad


def test_missing_and_found_columns_are_named(tmp_path: Path) -> None:
    """The error says what is missing and what was there instead."""
    path = file_of(tmp_path, header="TradingDay;ActionDay,last")
    with pytest.raises(MarketError, match=r"lacks .* LastPrice.* found 'TradingDay;ActionDay, l"):
        Recording(path).start_ns()


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "ticks.csv", "is empty"),
        (b"x" * (LINE_MAX + 2), "ticks.csv", "more than"),
        (HEADER.encode(), "ticks.csv.zst", "holds not compressed data"),
        (gzip.compress(HEADER.encode()), "ticks.csv", "holds gzip data"),
        (gzip.compress(HEADER.encode()), "ticks.csv.zst", "rename it to end in .gz"),
        (ZSTD(HEADER.encode())[:6], "ticks.csv.zst", "cannot be read"),
        (HEADER.encode(), "ticks.csv", "no snapshot"),
        (HEADER.encode() + b"\nbad\n", "ticks.csv", "columns 1.*ticks.csv:2"),
    ],
)
def test_unusable_file_is_a_clear_error(
    tmp_path: Path, content: bytes, name: str, words: str
) -> None:
    """One sentence with the path, what was found and what to do."""
    path = raw_file(tmp_path, content, name)
    with pytest.raises(MarketError, match=words) as raised:
        Playlist([path]).start_ns()
    assert str(path) in str(raised.value)


def test_folder_and_missing_file_are_clear_errors(tmp_path: Path) -> None:
    """What is no file is said to be none."""
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(MarketError, match=str(path)):
            Recording(path).start_ns()


def test_file_without_permission_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that permissions are the matter."""
    path = file_of(tmp_path, row())
    if os.geteuid():
        path.chmod(0)
    else:  # root may read everything

        def denied(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(MarketError, match="permissions"):
        Recording(path).start_ns()


LINES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from([*row().split(","), '"', "", "nan", "-1", "1e999"]), max_size=16).map(
        lambda cells: ",".join(cells).encode()
    ),
    st.sampled_from([row().encode(), row("MA801", "CZCE").encode()]),
)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(LINES, max_size=12),
    suffix=st.sampled_from(["", ".gz", ".zst"]),
    packed=st.booleans(),
    header=st.booleans(),
    cut=st.integers(0, 20),
    loops=st.integers(1, 2),
)
def test_whatever_a_file_holds_only_the_typed_error_comes_out(  # noqa: PLR0913 - drawn
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    suffix: str,
    *,
    packed: bool,
    header: bool,
    cut: int,
    loops: int,
) -> None:
    """Arbitrary bytes are played, counted or refused, and every tick played can be written."""
    content = b"\n".join([HEADER.encode() if header else b"", *lines])
    if packed and suffix:
        content = {".gz": gzip.compress, ".zst": ZSTD}[suffix](content)
    content = content[: len(content) - cut]
    path = raw_file(tmp_path_factory.getbasetemp(), content, f"any.csv{suffix}")
    playlist = Playlist([path], loops=loops)
    reached_ns = 0
    try:
        playlist.start_ns()
        for seq, snapshot in enumerate(playlist.snapshots(), start=1):
            assert snapshot.made_ns >= reached_ns
            reached_ns = snapshot.made_ns
            tick = raw_tick(snapshot, source="A", session=1, seq=seq, recv_ns=1)
            assert decode_raw_tick(encode(tick)).symbol == snapshot.symbol
    except MarketError as error:
        named = str(path) in str(error)
    else:
        named = True
    assert named
