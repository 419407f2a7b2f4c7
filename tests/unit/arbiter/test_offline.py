"""`mdhub arbitrate`: recordings through the rules, one verdict per row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mdhub.market.errors import MarketError
from mdhub.runtime.errors import ServiceError
from mdhub.wire.errors import MdhubError
from mdhub.wire.ticks import Flag
from mdhub_arbiter.offline.app import main
from mdhub_arbiter.offline.arrivals import TickFiles
from mdhub_arbiter.offline.desk import Desk
from mdhub_arbiter.settings import RULES_VERSION
from tests.unit.arbiter.builders import china_ns

COLUMNS = (
    "TradingDay,ActionDay,InstrumentID,ExchangeID,UpdateTime,UpdateMillisec,LastPrice,Volume,"
    "BidPrice1,BidVolume1,AskPrice1,AskVolume1"
)


def row(time: str, *, symbol: str = "rb2701", last: str = "3000", volume: str = "100") -> str:
    """A row of Wednesday 2026-11-18; `time` is HH:MM:SS.mmm."""
    text, _, ms = time.partition(".")
    return f"20261118,20261118,{symbol},,{text},{int(ms or 0)},{last},{volume},2999,5,3001,7"


def captured(time: str, received: str, source: str = "A", **fields: str) -> str:
    """The same with Source and ReceiveTime (China time)."""
    return f"{row(time, **fields)},{source},{china_ns('2026-11-18 ' + received)}"


def write(path: Path, *rows: str, capture: bool = False) -> Path:
    header = COLUMNS + (",Source,ReceiveTime" if capture else "")
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: Path | str) -> list[dict[str, Any]]:
    assert main([str(argument) for argument in arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def verdicts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["reason"] or line["verdict"] for line in lines]


def test_every_row_has_its_line_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All fields are there; those that make no sense for a verdict are null."""
    file = write(
        tmp_path / "day.csv",
        captured("10:00:00.500", "10:00:00.510"),
        captured("10:00:00.500", "10:00:00.530", "B"),
        captured("10:00:00.000", "10:00:00.540", "B"),
        captured("10:00:01.000", "10:00:01.040", "B", last="-1"),
        captured("10:00:01.000", "10:00:01.040", "B", symbol="xx2701"),
        capture=True,
    )
    lines = run(capsys, file)

    assert verdicts(lines) == [
        "accept", "duplicate", "late", "price_not_positive", "unknown_symbol",
    ]  # fmt: skip
    assert [line["row"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[0] == {
        "row": 1, "source": "A", "instrument": "rb2701.SHFE", "verdict": "accept", "reason": None,
        "n": 2, "trading_day": 20261118, "ts_ns": china_ns("2026-11-18 10:00:00.500"), "flags": 0,
    }  # fmt: skip
    assert [line["n"] for line in lines[1:]] == [None] * 4
    assert lines[4]["instrument"] == "xx2701"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("1,2,3", "row has 3 cells, expected 14"),
        (captured("10:00:00.500", "10:00:00", last="x"), "could not convert string to float: 'x'"),
        (captured("10:00:00.500", "10:00:00", volume="9" * 20), "does not fit 64 bits"),
        (captured("10:00:00.500", "10:00:00", volume="1.5"), "'1.5'"),
        (row("10:00:00.500") + ",A,soon", "ReceiveTime was 'soon', expected ns since 1970"),
        (row("10:00:00.500") + ",A,", "ReceiveTime was '', expected ns since 1970"),
    ],
)
def test_a_row_that_cannot_be_read_is_malformed_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, said: str
) -> None:
    """It has a line and a reason; the rows around it are decided."""
    good = captured("10:00:00.000", "10:00:00.010"), captured("10:00:01.000", "10:00:01.010")
    lines = run(capsys, write(tmp_path / "day.csv", good[0], bad, good[1], capture=True))

    assert [line["verdict"] for line in lines] == ["accept", "malformed", "accept"]
    assert said in lines[1]["reason"]


def test_what_a_front_said_reaches_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A time that is none is not malformed but refused by rule, as it would be live."""
    file = write(
        tmp_path / "day.csv",
        captured("10:00:00.000", "10:00:00.010"),
        captured("24:61:00.000", "10:00:00.020"),
        captured("", "10:00:00.020"),
        captured("10:05:00.000", "10:00:00.020"),
        captured("10:00:01.000", "10:00:01.020", last="nan"),
        capture=True,
    )

    assert verdicts(run(capsys, file)) == [
        "accept", "bad_time", "bad_time", "time_ahead", "no_last_although_traded",
    ]  # fmt: skip


def test_without_receive_time_nothing_true_is_ahead_of_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows arrive at their exchange time, over breaks; the summary says so."""
    rows = [row("10:15:00.000"), row("10:30:00.500"), row("13:30:00.500"), row("14:59:59.500")]
    file = write(tmp_path / "day.csv", *rows)

    assert verdicts(run(capsys, file)) == ["accept"] * 4
    main([str(file), "--summary-only"])
    assert "off: clock faults of sources" in capsys.readouterr().out


def test_a_wild_stamp_does_not_move_the_clock_of_a_file_without_receive_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next rows do not reach it: it is ahead of time, and what follows is not late."""
    times = ["10:00:00.000", "14:00:00.000", "10:00:01.000", "10:00:01.500", "10:00:02.000"]
    file = write(tmp_path / "day.csv", *map(row, times))

    assert verdicts(run(capsys, file)) == ["accept", "time_ahead", "accept", "accept", "accept"]


def test_the_clock_jumps_over_a_weekend(tmp_path: Path) -> None:
    """Ten seconds of clock entries, then one: not two million."""
    first, monday = row("14:59:59.500"), row("09:00:00.500").replace("20261118", "20261123")
    with TickFiles([write(tmp_path / "day.csv", first, monday)], {}) as files:
        desk = Desk()
        outcomes = desk.fold(files.arrivals())

    assert [bool(outcome.outputs) for outcome in outcomes if outcome.arrival] == [True, True]
    assert 100 < desk.entries < 110
    assert desk.state.log_ns == china_ns("2026-11-23 09:00:00.500")


def test_the_clock_is_never_ahead_of_the_row(tmp_path: Path) -> None:
    """Log time before a row is the last tenth of a second at or before its arrival."""
    file = write(
        tmp_path / "day.csv",
        *[
            captured("10:00:00.000", f"10:00:0{ms // 1000}.{ms % 1000:03}")
            for ms in (90, 377, 1250)
        ],
        capture=True,
    )
    desk = Desk()
    reached = []
    with TickFiles([file], {}) as files:
        for arrival in files.arrivals():
            desk.fold([arrival])
            reached.append((arrival.recv_ns - desk.state.log_ns) // 1_000_000)

    assert reached == [90, 77, 50]


def test_files_are_merged_by_arrival_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without a Source column is a source of its own, by its name."""
    a = write(tmp_path / "a.csv", row("10:00:00.000"), row("10:00:01.000"))
    b = write(tmp_path / "b.1118.csv", row("10:00:00.500"), row("10:00:01.000"))
    lines = run(capsys, a, b)

    assert [(line["file"], line["row"], line["source"]) for line in lines] == [
        ("a.csv", 1, "a"), ("b.1118.csv", 1, "b"), ("a.csv", 2, "a"), ("b.1118.csv", 2, "b"),
    ]  # fmt: skip
    assert verdicts(lines) == ["accept", "accept", "accept", "duplicate"]


def test_arrival_times_of_one_file_only_are_refused(tmp_path: Path) -> None:
    """Receive times of one and exchange times of another say nothing about who was first."""
    a = write(tmp_path / "a.csv", captured("10:00:00.000", "10:00:00.010"), capture=True)
    b = write(tmp_path / "b.csv", row("10:00:00.500"))

    with pytest.raises(MarketError, match=r"b\.csv has no ReceiveTime"):
        main([str(a), str(b)])


def test_lines_can_be_chosen_and_written_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--only and --output; the summary still counts every row."""
    file = write(tmp_path / "day.csv", row("10:00:00.000"), row("10:00:00.000"))
    out = tmp_path / "out.ndjson"
    main([str(file), "--only", "duplicate,reject", "--output", str(out), "--json"])
    shown = capsys.readouterr()
    summary = json.loads(shown.err)

    assert shown.out == ""
    assert [json.loads(line)["row"] for line in out.read_text().splitlines()] == [2]
    assert summary["rows"] == 2
    assert {(c["verdict"], c["rows"]) for c in summary["counts"]} == {
        ("accept", 1), ("duplicate", 1),
    }  # fmt: skip
    assert summary["decide_rows_per_s"] > 0


def test_wrong_words_are_told_with_the_right_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with code 2, a file that cannot be read or written with one sentence."""
    file = write(tmp_path / "day.csv", row("10:00:00.000"))
    with pytest.raises(SystemExit) as ended:
        main([str(file), "--only", "rejected"])

    assert ended.value.code == 2
    assert "found rejected, expected some of accept, duplicate" in capsys.readouterr().err
    with pytest.raises(MarketError, match="lacks the columns TradingDay"):
        main([str(bad(tmp_path))])
    with pytest.raises(MdhubError, match="cannot be read"):
        main([str(tmp_path / "absent.csv")])
    with pytest.raises(ServiceError, match="cannot be written"):
        main([str(file), "--output", str(tmp_path / "no" / "out")])


def bad(tmp_path: Path) -> Path:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    return tmp_path / "bad.csv"


CONTRACTS = "InstrumentID,ExchangeID,InstrumentName,ProductID,VolumeMultiple,PriceTick\n"


def test_the_contract_table_reaches_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a table knows the grid of prices; a symbol it lists elsewhere is another contract."""
    file = write(
        tmp_path / "day.csv",
        row("10:00:00.000"),
        row("10:00:01.000", last="3000.3", volume="101"),
        row("10:00:00.000", symbol="rb2705"),
    )
    table = tmp_path / "contracts.csv"
    table.write_text(CONTRACTS + "rb2701,SHFE,rb,rb,10,1\nrb2705,INE,rb,rb,10,1\n")

    assert verdicts(run(capsys, file)) == ["accept", "accept", "accept"]
    lines = run(capsys, file, "--contracts", table)
    assert verdicts(lines)[:2] == ["accept", "off_grid"]
    assert (lines[1]["verdict"], lines[2]["instrument"]) == ("hold", "rb2705.INE")
    main([str(file), "--contracts", str(table), "--summary-only"])
    assert f"contracts: 2 of {table} given to the rules" in capsys.readouterr().out


def test_a_hold_ends_with_a_second_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The third tick that agrees with the held ones releases all three, itself included."""
    file = write(
        tmp_path / "day.csv",
        captured("10:00:00.000", "10:00:00.010"),
        *[
            captured(f"10:00:00.{i}00", f"10:00:00.{i}10", last="3000.3", volume=str(100 + i))
            for i in (1, 2, 3)
        ],
        capture=True,
    )
    table = tmp_path / "contracts.csv"
    table.write_text(CONTRACTS + "rb2701,SHFE,rb,rb,10,1\n")
    lines = run(capsys, file, "--contracts", table)
    released = [line for line in lines if "released_by" in line]

    assert verdicts(lines)[:4] == ["accept", *["off_grid"] * 3]
    assert [(line["row"], line["verdict"], line["released_by"]) for line in released] == [
        (2, "accept", 4), (3, "accept", 4), (4, "accept", 4),
    ]  # fmt: skip
    assert {line["flags"] for line in released} == {Flag.UNCONFIRMED}
    main([str(file), "--contracts", str(table), "--summary-only", "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["released"]) == (4, 3)


def test_in_priority_mode_the_standby_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its row has no output of its own; the active source's copy is accepted although later."""
    file = write(
        tmp_path / "day.csv",
        captured("10:00:00.000", "10:00:00.010", "B"),
        captured("10:00:00.000", "10:00:00.030", "A"),
        capture=True,
    )
    lines = run(capsys, file, "--mode", "priority", "--preference", "A,B")

    assert verdicts(lines) == ["waits", "accept"]
    with pytest.raises(ServiceError, match="needs --preference"):
        main([str(file), "--mode", "priority"])


def test_a_configuration_decides_unless_an_option_says_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rules, contracts and calendar; the summary says what was used."""
    (tmp_path / "table.csv").write_text(CONTRACTS + "rb2705,SHFE,rb,rb,10,1\n")
    config = tmp_path / "hub.toml"
    config.write_text(
        '[arbiter]\ncontracts = "table.csv"\n[arbiter.rules]\nunknown_instrument = "hold"\n'
        'modes = { SHFE = "priority" }\npreference = ["A", "B"]\n'
    )
    file = write(tmp_path / "A.csv", row("10:00:00.000"))

    assert verdicts(run(capsys, file, "--config", config)) == ["unknown_instrument"]
    assert verdicts(run(capsys, file, "--config", config, "--unknown", "flag")) == ["accept"]
    assert verdicts(run(capsys, file, "--config", config, "--rules", "1")) == ["accept"]
    main([str(file), "--config", str(config), "--mode", "race", "--summary-only", "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert summary["rules"] == {
        "version": RULES_VERSION, "modes": {}, "preference": ["A", "B"],
        "unknown_instrument": "hold",
    }  # fmt: skip
    assert str(tmp_path / "table.csv") in summary["contracts"]
    assert (summary["config"], "digest" in summary["calendar"]) == (str(config), True)
    with pytest.raises(ServiceError, match="rules version was 99"):
        main([str(file), "--rules", "99"])


@pytest.mark.parametrize(
    "content",
    [
        "InstrumentID\nrb2701\n",
        CONTRACTS + "rb2701,XXXX,rb,rb,10,1\n",
        CONTRACTS + "rb2701,SHFE,r\n",
        CONTRACTS + "rb2701,SHFE,rb,rb,10,-1\n",
        CONTRACTS + "rb2701,SHFE,rb,rb,ten,1\n",
    ],
)
def test_a_wrong_contract_table_is_refused(tmp_path: Path, content: str) -> None:
    """The error names file and line and says what is expected."""
    file = write(tmp_path / "day.csv", row("10:00:00.000"))
    table = tmp_path / "contracts.csv"
    table.write_text(content)

    with pytest.raises(MarketError, match=r"contracts\.csv (lacks the columns|line 2: .*expected)"):
        main([str(file), "--contracts", str(table)])


def test_markers_are_lines_between_rows_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is told of phases and qualities, with the log time at which it is told."""
    rows = [captured(f"10:{n // 60:02}:{n % 60:02}.000", f"10:{n // 60:02}:{n % 60:02}.010")
            for n in range(70)]  # fmt: skip
    file = write(tmp_path / "day.csv", *rows, capture=True)

    assert all("row" in line for line in run(capsys, file))
    lines = [line for line in run(capsys, file, "--markers") if "marker" in line]
    phases = [line for line in lines if line["marker"] == "phase"]
    assert [(line["product"], line["phase"]) for line in phases] == [("rb", "continuous")]
    alone = next(line for line in lines if line["marker"] == "quality")
    assert (alone["instrument"], alone["quality"], alone["cause"]) == (
        "rb2701.SHFE", "single_source", "A",
    )  # fmt: skip
    assert alone["log_ns"] >= china_ns("2026-11-18 10:00:30")


def test_repaired_ticks_are_shown_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only where a value was replaced: the clean tick as it is on the wire."""
    broken = row("10:00:01.000").replace(",3001,7", ",3001,-7")
    file = write(tmp_path / "day.csv", row("10:00:00.000"), broken)

    assert all("tick" not in line for line in run(capsys, file))
    good, repaired = run(capsys, file, "--repaired")
    assert "tick" not in good
    assert repaired["flags"] == Flag.VALUE_REPAIRED
    assert repaired["tick"][-2:] == [[[2999.0, 5]], [[None, 0]]]
