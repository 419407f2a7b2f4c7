"""What the proof asks for (issue 4, item 9; design.md sections 5 and 8), and whether it was met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from truth.holds import RECOVERY_S
from truth.score import Score

__all__ = ["IDENTITY_LOST", "KIND_TARGET", "Check", "checks", "share_lost"]

KIND_TARGET: Final[dict[str, float]] = {
    **dict.fromkeys("A01 A02 A03 A04 A05 A08 A09 A10 A11 A12 A13 A15 A21 A22".split(), 1.0),
    "A06": 1.0,
    **dict.fromkeys("A07 A14 A16 A17 A18 A19 A23".split(), 0.99),
    **dict.fromkeys("A20 A24 A25".split(), 1.0),
    **dict.fromkeys(("A24 told", "A25 told"), 1.0),
}
"""Share to be caught."""
NEEDS_FULL_ROWS: Final = ("A11", "A17", "A18", "A23")
"""Not measured on the file of 2017: it has no limits, turnover or open, high, low."""
HELD_SHARE: Final = 0.0005
IDENTITY_LOST: Final[dict[str, float]] = {"CZCE": 0.0002}
"""Share of the snapshots that came in time; 0 for the exchanges not named."""


class Check(NamedTuple):
    """One target."""

    name: str
    found: str
    wanted: str
    met: bool


def checks(kinds: Score, clean: Score, traps: Score, holds: Score) -> Iterator[Check]:
    """Yield every target with what was found; nothing measured is not met."""
    yield from _kinds(kinds)
    rows, dropped, held = (clean.total(m, "") for m in ("rows", "dropped", "held"))
    yield Check("clean rows dropped", f"{dropped} of {rows:,}", "0", rows > 0 and dropped == 0)
    yield Check("clean rows held", _share(held, rows), "<= 0.05 %", held <= HELD_SHARE * rows > 0)
    misdated = clean.total("misdated", "")
    yield Check("clean rows with a wrong date", f"{misdated}", "0", rows > 0 and misdated == 0)
    yield from _identity(clean)
    yield from _traps(traps)
    stuck = sum(1 for r in holds.recoveries if r.seconds is None or r.seconds > RECOVERY_S)
    of = len(holds.recoveries)
    yield Check("permanent changes not accepted in 3 s", f"{stuck} of {of}", "0", of > 0 == stuck)


def _kinds(score: Score) -> Iterator[Check]:
    for kind, target in sorted(KIND_TARGET.items()):
        injected, caught = score.total("injected", kind), score.total("caught", kind)
        met = injected > 0 and caught >= target * injected
        missing = "" if met else f", {injected - caught} not"
        word = "repaired" if kind in {"A06", "A09", "A20"} else "caught"
        found = f"{_share(caught, injected)} {word}{missing}"
        yield Check(kind, found, f">= {target:.0%}" if target < 1 else "100 %", met)


def _identity(clean: Score) -> Iterator[Check]:
    for exchange in sorted({key.exchange for key in clean.counts if key.measure == "snapshots"}):
        limit = IDENTITY_LOST.get(exchange, 0.0)
        in_time = clean.total("snapshots", None, exchange) - clean.total("late", None, exchange)
        lost = clean.total("lost", None, exchange)
        yield Check(
            f"{exchange} lost by identity",
            f"{lost} of {in_time:,} ({_percent(lost, in_time)})",
            f"<= {limit:.2%}" if limit else "0",
            in_time > 0 and lost <= limit * in_time,
        )
        doubled = clean.total("doubled", None, exchange)
        yield Check(f"{exchange} emitted twice", f"{doubled}", "0", doubled == 0)


def _traps(traps: Score) -> Iterator[Check]:
    for kind in sorted({key.kind for key in traps.counts if key.kind.startswith("trap ")}):
        rows, dropped = traps.total("rows", kind), traps.total("dropped", kind)
        held = traps.total("held", kind)
        found = f"{dropped} dropped, {held} held of {rows:,}"
        yield Check(kind, found, "0", rows > 0 and dropped == held == 0)


def share_lost(score: Score, exchange: str) -> str:
    """Return the share of snapshots lost by identity, as text."""
    in_time = score.total("snapshots", None, exchange) - score.total("late", None, exchange)
    return _percent(score.total("lost", None, exchange), in_time)


def _share(part: int, whole: int) -> str:
    return f"{_percent(part, whole)} ({part:,} of {whole:,})"


def _percent(part: int, whole: int) -> str:
    """Round down: 99.99 % is not 100 %."""
    if not whole:
        return "not measured"
    return f"{part * 100_000 // whole / 1000:g} %"
