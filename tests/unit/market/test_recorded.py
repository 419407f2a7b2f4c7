"""Recordings become markets."""

import gzip
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard

from mdhub.market.dates import SECOND_NS, midnight_ns
from mdhub.market.errors import MarketError
from mdhub.market.recorded import Recording, recorded_snapshots
from mdhub.market.snapshot import NO_VALUE, Snapshot
from tests.unit.market.recordings import recording_path

HEADER = (
    "TradingDay,ActionDay,InstrumentID,ExchangeID,UpdateTime,UpdateMillisec,LastPrice,Volume,"
    "OpenInterest,ClosePrice,UpperLimitPrice,BidPrice1,BidVolume1,AskPrice1,AskVolume1"
)
EVENING_NS = midnight_ns("20171110") + 21 * 3600 * SECOND_NS


def row(  # noqa: PLR0913 - the cells a test may want to choose
    symbol: str = "i1801",
    exchange: str = "DCE",
    time: str = "21:00:00",
    *,
    ms: str = "0",
    last: str = "463",
    volume: str = "10",
    day: str = "20171110",
) -> str:
    return f"20171113,{day},{symbol},{exchange},{time},{ms},{last},{volume},5.0,,500,463,1,463.5,2"


def file_of(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "ticks.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def read(folder: Path, *rows: str) -> list[Snapshot]:
    return list(recorded_snapshots(file_of(folder, *rows)))


def test_row_becomes_a_snapshot(tmp_path: Path) -> None:
    """Cells become numbers; what the source did not record is None."""
    (snapshot,) = read(tmp_path, row(ms="97"))
    assert (snapshot.symbol, snapshot.last, snapshot.volume) == ("i1801", 463.0, 10)
    assert (snapshot.update_time, snapshot.update_ms) == ("21:00:00", 97)
    assert (snapshot.close, snapshot.turnover, snapshot.limit_up) == (None, None, 500.0)
    assert (snapshot.bids, snapshot.asks) == ([(463.0, 1)], [(463.5, 2)])
    assert snapshot.made_ns == snapshot.exchange_ns == EVENING_NS + 97_000_000
    assert snapshot.day == 20171113


def test_dates_are_as_fronts_send_them_at_night(tmp_path: Path) -> None:
    """DCE sends its trading day twice, CZCE the natural day, SHFE what is right."""
    rows = [row(), row("MA801", "CZCE"), row("rb1801", "SHFE")]
    days = [(s.trading_day, s.action_day) for s in read(tmp_path, *rows)]
    assert days == [("20171113", "20171113"), ("20171110", "20171110"), ("20171113", "20171110")]


def test_exchange_column_may_be_missing(tmp_path: Path) -> None:
    """Without ExchangeID the habits follow from the symbol, and the field stays empty."""
    header = HEADER.replace(",ExchangeID", "")
    path = file_of(tmp_path, row().replace(",DCE", ""), header=header)
    (snapshot,) = recorded_snapshots(path)
    assert (snapshot.exchange, snapshot.action_day) == ("", "20171113")


def test_missing_column_is_named(tmp_path: Path) -> None:
    """A file that is no recording is refused with the names of what it lacks."""
    path = file_of(tmp_path, header="TradingDay,InstrumentID,LastPrice")
    with pytest.raises(MarketError, match="ActionDay, UpdateTime, UpdateMillisec, Volume"):
        list(recorded_snapshots(path))


def test_missing_file_is_a_market_error(tmp_path: Path) -> None:
    """A wrong path is told with the path."""
    with pytest.raises(MarketError, match=r"nowhere\.csv"):
        list(recorded_snapshots(tmp_path / "nowhere.csv"))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_file_may_be_compressed(tmp_path: Path, suffix: str) -> None:
    """Plain, gzip and zstandard files read the same."""
    plain = file_of(tmp_path, row(), row(ms="500"))
    packers: dict[str, Callable[[bytes], bytes]] = {
        "": bytes,
        ".gz": gzip.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }
    packed = tmp_path / f"packed.csv{suffix}"
    packed.write_bytes(packers[suffix](plain.read_bytes()))
    assert list(recorded_snapshots(packed)) == list(recorded_snapshots(plain))


def test_czce_second_is_spread_evenly(tmp_path: Path) -> None:
    """The k-th of m rows of a contract is made k/m into the second; others keep their time."""
    czce = [row("MA801", "CZCE", volume=str(volume)) for volume in (1, 2, 3, 4)]
    made = read(tmp_path, *czce[:2], row(ms="300"), row("SR801", "CZCE"), *czce[2:])
    offsets = [(s.symbol, (s.made_ns - EVENING_NS) // 1_000_000) for s in made]
    assert offsets == [
        ("MA801", 0),
        ("SR801", 0),
        ("MA801", 250),
        ("i1801", 300),
        ("MA801", 500),
        ("MA801", 750),
    ]


def test_row_pushed_again_later_is_made_with_its_neighbours(tmp_path: Path) -> None:
    """A stale stamp keeps its text and true time, but market time does not fall."""
    made = read(tmp_path, row(time="21:05:00"), row("m1801", time="21:00:00"), row(time="21:05:01"))
    stale = made[1]
    assert (stale.update_time, stale.exchange_ns) == ("21:00:00", EVENING_NS)
    assert stale.made_ns == made[0].made_ns


def test_adjacent_repeat_of_a_contract_is_marked(tmp_path: Path) -> None:
    """The same row again is delivered as a repeat, also with other contracts in between."""
    made = read(tmp_path, row(), row("m1801"), row(), row(volume="11"), row())
    assert [s.repeat for s in made if s.symbol == "i1801"] == [False, True, False, False]


def test_rows_before_the_wanted_time_are_left_out(tmp_path: Path) -> None:
    """Starting inside a CZCE second gives the rest of that second."""
    rows = [row("MA801", "CZCE", volume=str(volume)) for volume in (1, 2)]
    path = file_of(tmp_path, *rows, row(time="21:00:05"))
    made = list(recorded_snapshots(path, from_ns=EVENING_NS + 1))
    assert [s.volume for s in made] == [2, 10]


def test_no_value_stays_as_received(tmp_path: Path) -> None:
    """DBL_MAX is a number the front sent, and is passed on as such."""
    (snapshot,) = read(tmp_path, row(last="1.7976931348623157e+308"))
    assert snapshot.last == NO_VALUE


def test_start_of_an_empty_recording_is_an_error(tmp_path: Path) -> None:
    """A header alone is no market."""
    with pytest.raises(MarketError, match="no snapshot"):
        Recording(file_of(tmp_path)).start_ns()


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "rows", "repeats"),
    [
        ("20171113-market", 350_727, 29),
        ("AP010_20200803", 12_515, 1),
        ("AP010_20200804", 11_871, 1),
        ("IF2101_20210104", 27_955, 0),
        ("IF2101_20210105", 28_254, 0),
        ("ru1901_20181008", 38_536, 0),
        ("ru1901_20181009", 39_541, 0),
    ],
)
def test_real_recording_is_read_whole(name: str, rows: int, repeats: int) -> None:
    """Every row the README counts is delivered, in an order in which market time never falls."""
    recording = Recording(recording_path(f"{name}.csv.zst"))
    made = [(s.made_ns, s.repeat) for s in recording.snapshots()]
    assert (len(made), recording.report.rows, recording.report.bad) == (rows, rows, False)
    assert sum(repeat for _, repeat in made) == repeats
    assert all(a[0] <= b[0] for a, b in pairwise(made))
