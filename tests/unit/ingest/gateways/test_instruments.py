"""Contracts as gateways tell them."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from mdhub_ingest.gateways.port import Instrument
from mdhub_ingest.gateways.profiles import instruments
from mdhub_ingest.gateways.profiles.instruments import (
    CTP_CLASSES,
    SOPT_CLASSES,
    Changes,
    of_contract,
    of_row,
)
from tests.gateways.front.market import DBL_MAX, etf_option, future, option

RB = Instrument(
    symbol="rb2610", exchange="SHFE", product="rb", product_class="1",
    multiplier=10.0, price_tick=1.0, expiry=20270115,
)  # fmt: skip


def test_a_future_is_read_from_its_row() -> None:
    """What futures have no use for is empty, whatever the row says there."""
    row = future("rb2610", "SHFE", UnderlyingInstrID="rb", StrikePrice=DBL_MAX, OptionsType="0")
    assert of_row(row, CTP_CLASSES) == RB


@pytest.mark.parametrize(("sent", "call"), [("1", True), ("2", False), ("", None)])
def test_an_option_is_read_from_its_row(sent: str, call: bool | None) -> None:  # noqa: FBT001
    """The product is that of its letters, not CZCE's own name for calls."""
    row = option("SR509C5600", "CZCE", "SR509", ProductID="SRC", OptionsType=sent)
    got = of_row(row, CTP_CLASSES)
    assert (got.product, got.underlying, got.strike, got.call) == ("SR", "SR509", 3000.0, call)


def test_an_etf_option_has_the_class_of_options() -> None:
    """SOPT numbers it 7, which for CTP is TAS."""
    got = of_row(etf_option("10008888"), SOPT_CLASSES)
    assert (got.product_class, got.underlying, got.strike) == ("2", "510050", 2.8)
    assert (got.product, got.multiplier, got.price_tick) == ("ETFO", 10000.0, 0.0001)
    tas = future("sc2609TAS", "INE", ProductClass="7")
    assert of_row(tas, CTP_CLASSES).product_class == "7"


@pytest.mark.parametrize("value", [DBL_MAX, float("nan"), -1.0, float("inf")])
def test_numbers_that_are_none_are_not_told(value: float) -> None:
    """0 = not told; the same of a date that is none."""
    row = future("rb2610", "SHFE", PriceTick=value, VolumeMultiple=value, ExpireDate="never")
    got = of_row(row, CTP_CLASSES)
    assert (got.price_tick, got.multiplier, got.expiry) == (0.0, 0.0, 0)


@pytest.mark.parametrize("changes", [{"InstrumentID": ""}, {"ExchangeID": ""}])
def test_a_row_without_a_name_is_none(changes: dict[str, Any]) -> None:
    """It becomes a fault, not a contract."""
    with pytest.raises(ValueError, match="contract"):
        of_row(future("rb2610", "SHFE") | changes, CTP_CLASSES)


def contract(**changes: Any) -> SimpleNamespace:
    """Build what has the fields of vnpy's ContractData."""
    fields: dict[str, Any] = {
        "symbol": "cu2610C70000", "exchange": SimpleNamespace(value="SHFE"), "size": 5,
        "pricetick": 2.0, "product": SimpleNamespace(name="OPTION"), "option_portfolio": "cu_o",
        "option_underlying": "cu2610", "option_type": SimpleNamespace(name="PUT"),
        "option_strike": 70000.0, "option_expiry": datetime(2026, 9, 24),  # noqa: DTZ001 - as vnpy
    }  # fmt: skip
    return SimpleNamespace(**fields | changes)


def test_a_contractdata_is_read_by_the_names_of_its_enums() -> None:
    """Their values depend on vnpy's language."""
    assert of_contract(contract()) == Instrument(
        symbol="cu2610C70000", exchange="SHFE", product="cu", product_class="2", multiplier=5.0,
        price_tick=2.0, expiry=20260924, underlying="cu2610", strike=70000.0, call=False,
    )  # fmt: skip
    stock = contract(
        symbol="SPY-USD-STK", product=SimpleNamespace(name="EQUITY"), option_expiry=None,
        option_type=None,
    )  # fmt: skip
    got = of_contract(stock)
    assert (got.product, got.product_class, got.expiry, got.call) == ("", "", 0, None)


def test_only_new_and_changed_contracts_are_told() -> None:
    """Cached ones first, like new ones."""
    changes = Changes([RB])
    assert changes.drain() == [RB]
    changes.add(RB)
    assert changes.drain() == []
    other = Instrument(symbol="rb2610", exchange="SHFE", multiplier=20.0)
    changes.add(other)
    assert changes.drain() == [other]


def test_the_number_of_contracts_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is counted; a change of a known one fits."""
    monkeypatch.setattr(instruments, "INSTRUMENTS_MAX", 1)
    changes = Changes([RB])
    changes.add(Instrument(symbol="cu2610", exchange="SHFE"))
    changed = Instrument(symbol="rb2610", exchange="SHFE")
    changes.add(changed)
    assert (changes.drain(), changes.left_out) == ([changed], 1)
