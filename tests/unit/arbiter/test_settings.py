"""Settings and contracts get into the log, once, and only what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mdhub.market.errors import MarketError
from mdhub.wire.entries import ConfigChange, ContractRow, ControlKind, RulesChange
from mdhub.wire.ticks import Flag
from mdhub_arbiter.contracts import read_contracts
from mdhub_arbiter.settings import (
    RULES_VERSION,
    Settings,
    SettingsError,
    Wanted,
    missing,
    parse_settings,
)
from tests.unit.arbiter.builders import Desk, clean_tick, control_entry

HEAD = (
    "InstrumentID,ExchangeID,InstrumentName,ProductID,ProductClass,"
    "VolumeMultiple,PriceTick,ExpireDate"
)
RB = ContractRow("rb2701", "SHFE", "rb", "1", 10.0, 1.0, 20270115)


def settle(desk: Desk, wanted: Wanted) -> list[str]:
    """Fold what is missing; return its kinds and names."""
    found = []
    for kind, body in list(missing(desk.state, wanted)):
        desk.fold(control_entry(kind, body))
        found.append(body.name if isinstance(body, ConfigChange) else str(kind))
    return found


def test_settings_are_settled_once() -> None:
    """Only what differs is written; the next leader with the same settings writes nothing."""
    desk = Desk()
    wanted = Wanted(Settings(modes={"SHFE": "priority"}, preference=["A"]), [RB])
    assert settle(desk, wanted) == ["rules", "modes", "preference", "contracts"]
    assert settle(desk, wanted) == []
    assert (desk.state.policy.rules, desk.state.active) == (RULES_VERSION, "A")


def test_an_operators_preference_outlives_a_restart() -> None:
    """The configured order is written when it changes, not over an operator's word."""
    desk = Desk()
    wanted = Wanted(Settings(preference=["A", "B"]))
    settle(desk, wanted)
    desk.fold(control_entry(ControlKind.OPERATOR, ["B", "prefer", ""]))
    assert settle(desk, wanted) == []
    assert desk.state.policy.preference == ["B", "A"]


def test_large_tables_come_in_parts() -> None:
    """At most 500 rows an entry."""
    rows = [ContractRow(f"IO2612-C-{i}", "CFFEX", "IO", "2", 100.0, 0.2) for i in range(1_201)]
    desk = Desk()
    assert settle(desk, Wanted(Settings(), rows)) == ["rules", *["contracts"] * 3]
    assert len(desk.state.instruments) == 1_201
    outputs = desk.folds(control_entry(ControlKind.CONTRACTS, rows))
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("policy", "says", "flags"), [("flag", "clean", Flag.UNKNOWN_INSTRUMENT), ("hold", "", 0)]
)
def test_a_contract_missing_in_the_table_is_never_silent(
    policy: Any, says: str, flags: int
) -> None:
    """Its ticks are flagged, or held until the table has it; other exchanges are not concerned."""
    desk = Desk()
    settle(desk, Wanted(Settings(unknown_instrument=policy), [RB]))
    out = desk.see(symbol="rb2705", source="A")
    if says == "clean":
        assert clean_tick(out).flags == flags
    assert desk.state.reasons == ({} if says else {"unknown_instrument": 1})
    assert clean_tick(desk.see(symbol="rb2701")).flags == 0
    assert clean_tick(desk.see(symbol="m2701", exchange="DCE")).flags == 0


def test_a_table_is_read(tmp_path: Path) -> None:
    """CTP's columns; class and expiry may be missing."""
    path = tmp_path / "contracts.csv"
    path.write_text(f"{HEAD}\nrb2701,SHFE,rb2701,rb,1,10,1,20270115\n")
    assert read_contracts(path) == [RB]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("InstrumentID,PriceTick\n", "lacks the columns ExchangeID, ProductID, VolumeMultiple"),
        (f"{HEAD}\nrb2701,NYSE,,rb,1,10,1,\n", "line 2: found contract 'rb2701'"),
        (f"{HEAD}\nrb2701,SHFE,,rb,1,ten,1,\n", "line 2"),
        (f"{HEAD}\nrb2701,SHFE,,rb,1,10,-1,\n", "line 2: found '-1'"),
        (f"{HEAD}\nrb2701,SHFE,,rb,1,10,1,soon\n", "line 2: found the date 'soon'"),
        (f"{HEAD}\nrb2701\n", "line 2"),
    ],
)
def test_a_broken_table_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """What was found, and where."""
    path = tmp_path / "contracts.csv"
    path.write_text(text)
    with pytest.raises(MarketError, match=words):
        read_contracts(path)


@pytest.mark.parametrize(
    "text", ['{"version": 3}', '{"version": 0}', '{"modes": {"SHFE": "both"}}', '{"mode": 1}', "x"]
)
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    """With an example of what would."""
    with pytest.raises(SettingsError, match="expected"):
        parse_settings(text)


def test_settings_are_parsed() -> None:
    """What is not given keeps its default."""
    assert parse_settings('{"preference": ["A"]}') == Settings(preference=["A"])
    assert RulesChange(RULES_VERSION).version == Settings().version
