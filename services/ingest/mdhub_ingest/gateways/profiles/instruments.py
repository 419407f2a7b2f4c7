"""Contracts: a raw row of `onRspQryInstrument`, or vnpy's ContractData, as an Instrument.

The raw row is preferred: vnpy drops products it has no name for and rows it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final

from mdhub.market.products import product_of
from mdhub_ingest.gateways.port import INSTRUMENTS_MAX, Instrument
from mdhub_ingest.gateways.told import amount

__all__ = ["CTP_CLASSES", "SOPT_CLASSES", "Changes", "of_contract", "of_row"]

OPTION: Final = "2"
CTP_CLASSES: Final = {"6": OPTION}
"""Classes that CTP numbers otherwise than the hub: option on spot."""
SOPT_CLASSES: Final = {"6": OPTION, "7": OPTION}
"""Option on spot, ETF option (7 is TAS for CTP)."""
_VNPY_CLASSES: Final = {"FUTURES": "1", "OPTION": OPTION, "SPREAD": "3"}
_CALLS: Final = {"1": True, "2": False, "CALL": True, "PUT": False}
_DATE_LENGTH: Final = 8


class Changes:
    """Remembers contracts and tells which are new or changed: a reconnection lists all again."""

    def __init__(self, cached: Sequence[Instrument] = ()) -> None:
        """`cached`: known from an earlier life; told once like new ones."""
        self._known: dict[tuple[str, str], Instrument] = {}
        self._changed: dict[tuple[str, str], Instrument] = {}
        self._lock = Lock()
        self.left_out = 0
        for instrument in cached:
            self.add(instrument)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, instrument: Instrument) -> None:
        """Take one, from any thread."""
        key = (instrument.symbol, instrument.exchange)
        with self._lock:
            if self._known.get(key) == instrument:
                return
            if key not in self._known and len(self._known) >= INSTRUMENTS_MAX:
                self.left_out += 1
                return
            self._known[key] = self._changed[key] = instrument

    def drain(self) -> list[Instrument]:
        """Return what is new or changed since the last call."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return list(changed.values())


def of_row(row: Mapping[str, Any], classes: Mapping[str, str]) -> Instrument:
    """Read a raw row. Raises KeyError without symbol or exchange, ValueError if they are empty."""
    symbol, exchange = row["InstrumentID"], row["ExchangeID"]
    if not (symbol and exchange):
        raise ValueError(f"contract {symbol!r} of exchange {exchange!r}")
    sent = row.get("ProductClass", "")
    product_class = classes.get(sent, sent)
    option = product_class == OPTION
    return Instrument(
        symbol=symbol,
        exchange=exchange,
        product=product_of(symbol) or row.get("ProductID", ""),
        product_class=product_class,
        multiplier=amount(row.get("VolumeMultiple")),
        price_tick=amount(row.get("PriceTick")),
        expiry=_date(row.get("ExpireDate", "")),
        underlying=row.get("UnderlyingInstrID", "") if option else "",
        strike=amount(row.get("StrikePrice")) if option else 0.0,
        call=_CALLS.get(row.get("OptionsType", "")) if option else None,
    )


def of_contract(contract: Any) -> Instrument:
    """Read a ContractData."""
    product_class = _VNPY_CLASSES.get(contract.product.name, "")
    option = product_class == OPTION
    expiry = contract.option_expiry
    kind = contract.option_type
    return Instrument(
        symbol=contract.symbol,
        exchange=contract.exchange.value,
        product=product_of(contract.symbol) or (contract.option_portfolio if option else "") or "",
        product_class=product_class,
        multiplier=amount(contract.size),
        price_tick=amount(contract.pricetick),
        expiry=int(f"{expiry:%Y%m%d}") if expiry else 0,
        underlying=(contract.option_underlying or "") if option else "",
        strike=amount(contract.option_strike) if option else 0.0,
        call=_CALLS.get(kind.name) if option and kind else None,
    )


def _date(text: str) -> int:
    return int(text) if len(text) == _DATE_LENGTH and text.isdecimal() else 0
