"""What the page of one contract shows, ready for its template. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mdhub.wire.entries import Verdict
from mdhub.wire.ticks import Level
from mdhub_console.live.named import CleanTick, RawTick
from mdhub_console.live.tape import Snapshot
from mdhub_console.pages.formats import DASH, NO_VALUE, clock, count, price
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.verdict import Tone
from mdhub_console.read.contracts import Contract
from mdhub_console.read.verdicts import RawRow

__all__ = [
    "VERDICTS", "BookLevel", "Cell", "Direction", "Line", "direction_of", "instrument_of",
]  # fmt: skip

Direction = Literal["up", "fall", "flat"]
LEVELS: Final = 5
SHOWN: Final = 6
VERDICTS: Final[dict[str, Tone]] = {
    "accept": "ok", "duplicate": "off", "late": "warn", "reject": "down", "hold": "warn",
    "settlement": "info", "undecided": "off",
}  # fmt: skip
FIELDS: Final = (
    "update_time", "last", "volume", "turnover", "open_interest", "bids", "asks", "open", "high",
    "low", "close", "settlement", "average", "pre_close", "pre_settlement", "pre_open_interest",
    "limit_up", "limit_down", "trading_day", "action_day", "exchange",
)  # fmt: skip
_SIZES: Final = frozenset({"volume", "turnover", "open_interest", "pre_open_interest"})
_MOSTLY_ALIKE: Final = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one source."""

    text: str
    odd: bool = False
    """Not as most others have it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field across all sources."""

    field: str
    differs: bool
    clean: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class BookLevel:
    """One level of the book; width in per cent of the largest."""

    side: Literal["ask", "bid"]
    n: int
    price: str
    volume: str
    width: float
    direction: Direction


def instrument_of(
    sight: Sight, now: Snapshot, contract: Contract | None, name: str
) -> dict[str, Any]:
    """Context of `instrument.html`."""
    clean = now.clean.tick if now.clean else None
    places = _places(contract, clean, now.sources)
    lines = [_line(field, clean, now.sources, places) for field in FIELDS]
    quality = (now.quality[0].mark.quality or "good") if now.quality else "unknown"
    return {
        "sight": sight,
        "now": now,
        "name": name,
        "contract": contract,
        "tick": clean,
        "places": places,
        "direction": direction_of(clean.last, clean.pre_settlement) if clean else "flat",
        "change": _change(clean),
        "lines": lines,
        "different": sum(line.differs for line in lines),
        "verdicts": VERDICTS,
        "book": _book(clean, places) if clean else [],
        "quality": quality,
        "refused": [
            (row, price(row.last, places)) for row in now.rejected if row.verdict != Verdict.LATE
        ][:SHOWN],
        "qualities": now.quality[:SHOWN],
    }


def direction_of(value: float | None, reference: float | None) -> Direction:
    """Whether a price is above or below another one."""
    if value is None or not reference or value == reference:
        return "flat"
    return "up" if value > reference else "fall"


def _change(tick: CleanTick | None) -> float | None:
    if tick is None or tick.last is None or not tick.pre_settlement:
        return None
    return tick.last / tick.pre_settlement - 1


def _places(contract: Contract | None, clean: CleanTick | None, sources: Sequence[RawRow]) -> int:
    """Decimal places of the contract's prices: those of its price tick, else of what is quoted."""
    known = [contract.price_tick] if contract and contract.price_tick else []
    if not known:
        ticks: list[CleanTick | RawTick] = [row.tick for row in sources]
        ticks += [clean] if clean else []
        known = [p for tick in ticks for p in (tick.last, tick.pre_settlement) if p is not None]
    return max((_decimals(value) for value in known), default=0)


def _decimals(value: float) -> int:
    text = f"{value:.4f}".rstrip("0") if abs(value) < NO_VALUE else ""
    return len(text.partition(".")[2])


def _line(field: str, clean: CleanTick | None, sources: Sequence[RawRow], places: int) -> Line:
    texts = [_raw_text(row.tick, field, places) for row in sources]
    usual = _usual(texts)
    cells = tuple(Cell(text, usual is not None and text != usual) for text in texts)
    shown = _clean_text(clean, field, places) if clean else DASH
    return Line(field, len(set(texts)) > 1, shown, cells)


def _usual(texts: Sequence[str]) -> str | None:
    """What most say; None = they are divided, so all of them are odd."""
    ranked = Counter(texts).most_common(_MOSTLY_ALIKE)
    if not ranked or (len(ranked) == _MOSTLY_ALIKE and ranked[0][1] == ranked[1][1]):
        return None if len(set(texts)) <= 1 else ""
    return ranked[0][0]


def _raw_text(tick: RawTick, field: str, places: int) -> str:
    if field == "update_time":
        return f"{tick.update_time}.{tick.update_ms:03}" if tick.update_time else DASH
    return _text(getattr(tick, field), field, places)


def _clean_text(tick: CleanTick, field: str, places: int) -> str:
    if field == "update_time":
        return clock(tick.ts_ns, ms=True)
    return _text(getattr(tick, field, None), field, places)


def _text(value: Any, field: str, places: int) -> str:
    if field in {"bids", "asks"}:
        return _best(value, places)
    if isinstance(value, str):
        return value or DASH
    if field == "trading_day":
        return str(value) if value else DASH
    if field in _SIZES:
        return count(value) if value is not None and abs(value) < NO_VALUE else DASH
    return price(value, 2 if field == "average" else places)


def _best(levels: Sequence[Level], places: int) -> str:
    if not levels or levels[0][0] is None or not abs(levels[0][0]) < NO_VALUE:
        return DASH
    return f"{price(levels[0][0], places)} × {count(levels[0][1])}"


def _book(tick: CleanTick, places: int) -> list[BookLevel]:
    """Asks from the highest down, then bids."""
    asks = [("ask", n, *level) for n, level in enumerate(tick.asks[:LEVELS], 1)]
    bids = [("bid", n, *level) for n, level in enumerate(tick.bids[:LEVELS], 1)]
    most = max((level[3] or 0 for level in (*asks, *bids)), default=0)
    return [
        BookLevel(
            "ask" if side == "ask" else "bid", n, price(at, places), count(volume),
            round(100 * (volume or 0) / most, 1) if most else 0.0,
            direction_of(at, tick.pre_settlement),
        )
        for side, n, at, volume in (*reversed(asks), *bids)
        if at is not None
    ]  # fmt: skip
