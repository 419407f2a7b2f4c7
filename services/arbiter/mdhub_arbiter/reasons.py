"""Every reason the arbiter can give, for people: meaning, parameters, source, example.

docs/rules.md holds these rows; `python -m mdhub_arbiter.reasons` prints them. A test compares the
page with this table, and this table with what the rules can say.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mdhub_arbiter import identity as ident
from mdhub_arbiter import suspicion as sus
from mdhub_arbiter.holds import UNCONFIRMED
from mdhub_arbiter.judge import MAX_SOURCES, REGRESS_TICKS
from mdhub_arbiter.quality import (
    ALONE_NS,
    GAP,
    MAYBE_STALE,
    MAYBE_STALE_NS,
    MAYBE_STALE_PAUSES,
    SECOND_NS,
    SINGLE_SOURCE,
    STALE,
    STALE_NS,
    STALE_PAUSES,
)
from mdhub_arbiter.state import AHEAD_NS, AHEAD_WALL_S

__all__ = ["QUALITIES", "REASONS", "Reason", "reason_rows"]


class Reason(NamedTuple):
    """One row of the page."""

    code: str
    verdict: str
    meaning: str
    """With its parameters."""
    source: str
    example: str


_DESIGN: Final = "design"
_FIELDS: Final = "CTP field semantics"
_MEASURED: Final = "measured in recordings"
_MANUAL: Final = "exchange manuals"

REASONS: Final = (
    Reason("undecodable", "reject", "not MessagePack, or wrong arity or types", _DESIGN,
           "three bytes `c1 00 ff` in raw"),
    Reason("unknown_field", "reject", "an entry of raw that is neither tick nor control", _DESIGN,
           "`XADD raw * x 1` by a stranger"),
    Reason("too_many_sources", "reject", f"more than {MAX_SOURCES} names of sources", _DESIGN,
           "a gateway that takes a new name with every tick"),
    Reason("source_muted", "reject", "an operator has muted the source", _DESIGN,
           "after `mdhub sources mute A`"),
    Reason("unknown_symbol", "reject", "the spelling fits no product of the eight exchanges",
           _MANUAL, "`QQQ99`"),
    Reason("wrong_exchange", "reject", "the exchange sent is not the one the symbol belongs to",
           _MANUAL, "`rb2701` sent as DCE"),
    Reason("bad_time", "reject", "update time is not HH:MM:SS, or ms not 0 to 999", _FIELDS,
           "`24:00:00`, ms 1000"),
    Reason("outside_calendar", "reject", "the calendar in force does not cover that day", _DESIGN,
           "a tick of 2031 with days known up to 2026"),
    Reason("out_of_session", "reject", "the product does not trade then, or another volume after "
           "the close than at the close", _MANUAL, "`m2701` at 03:00:00"),
    Reason("negative_volume", "reject", "cumulative volume below zero", _FIELDS, "volume -1"),
    Reason("no_last_although_traded", "reject", "no last price, yet volume above zero", _FIELDS,
           "last DBL_MAX, volume 812"),
    Reason("price_not_positive", "reject", "last of a traded outright is zero or less "
           "(combinations may)", _FIELDS, "`cu2701` last 0, volume 812"),
    Reason("above_limit", "reject", "last above the day's upper limit, where one is sent and the "
           "contract has traded today", _MANUAL, "last 4012 at limit 4010"),
    Reason("below_limit", "reject", "the same below the lower limit", _MANUAL,
           "last 3188 at limit 3190"),
    Reason(ident.CONFLICT, "reject", "same time as the accepted snapshot, other content (not CZCE)",
           _MEASURED, "two sources at 10:00:00.500, volume 812 and 813"),
    Reason(ident.VOLUME_REGRESS, "reject", "newer time, lower volume, same trading day; "
           f"{REGRESS_TICKS} such ticks in a row that do not fall are the exchange's correction: "
           "then accepted, flagged UNCONFIRMED", _FIELDS, "volume 812, then 640"),
    Reason(ident.LATE, "late", "older than the contract's mark; CZCE: lower volume in the current "
           "second", _DESIGN, "10:00:00.000 after 10:00:00.500"),
    Reason(sus.TIME_AHEAD, "hold", f"more than {AHEAD_NS // SECOND_NS} s of market time plus "
           f"{AHEAD_WALL_S} s of wall time ahead; rules version 1 rejects", _DESIGN,
           "stamp 10:05:00 at market time 10:01:00"),
    Reason(sus.TIME_BEHIND, "hold", "older than the mark, yet with more volume than at the mark: "
           "one of the two times is wrong", _DESIGN,
           "10:00:00 with volume 900 at mark 10:00:30 with 812"),
    Reason(sus.UNKNOWN_INSTRUMENT, "hold", "the contract table of its exchange lacks it and "
           "`unknown_instrument` is `hold`; never released", _DESIGN, "`rb9912` not in the table"),
    Reason(sus.CROSSED_BOOK, "hold", "best bid at or above best ask, both with size; not in "
           "auctions", _MEASURED, "bid 4001, ask 4000"),
    Reason(sus.OFF_GRID, "hold", f"last is no multiple of the price tick (to {sus.GRID:g} of it); "
           "needs a contract table", _MEASURED, "4000.3 at price tick 1"),
    Reason(sus.OHLC, "hold", "last outside the day's high and low, or high fell, low rose, open "
           "changed", _MEASURED, "last 4005, high 4000"),
    Reason(sus.SCALE, "hold", f"last moved by a factor of {sus.SCALE_FUTURE:g} (option: "
           f"{sus.SCALE_OPTION:g}, and by more than {sus.OPTION_MOVE_TICKS} price ticks, or "
           f"{sus.OPTION_MOVE:g} where the price tick is not known)", _MANUAL, "4000, then 400.0"),
    Reason(sus.VOLUME_JUMP, "hold", f"more than {sus.JUMP_LOTS:,} lots at once; after a silence "
           f"{sus.JUMP_LOTS_PER_S:,} more per second, at most {sus.JUMP_SHARE} times what was "
           "traded before", _MEASURED, "volume 812, then 80,812"),
    Reason(sus.LAST_WITHOUT_VOLUME, "hold", "last changed although nothing traded; not in "
           "auctions", _MEASURED, "last 4000, then 4001, volume 812 both times"),
    Reason(sus.TURNOVER, "hold", "money per lot since the last tick outside the day's prices (not "
           "CZCE); needs a contract table", _MEASURED, "one lot for a tenth of the price"),
    Reason(sus.LIMITS_CHANGED, "hold", "upper or lower limit changed within the day", _MANUAL,
           "limit 4400, then 4040"),
    Reason(sus.PRE_CHANGED, "hold", "yesterday's close or settlement changed within the day",
           _MANUAL, "pre-settlement 4000, then 3000"),
)  # fmt: skip

_USUAL: Final = f"silent for {MAYBE_STALE_PAUSES} times its own longest usual pause"
QUALITIES: Final = (
    (SINGLE_SOURCE, f"one source alone has delivered it for {ALONE_NS // SECOND_NS} s"),
    (MAYBE_STALE, f"{_USUAL}, at least {MAYBE_STALE_NS // SECOND_NS} s"),
    (STALE, f"silent for {STALE_PAUSES} times that pause, at least {STALE_NS // SECOND_NS} s"),
    (GAP, "lots were traded in the silence that just ended: snapshots are missing"),
    (UNCONFIRMED, "held ticks were released without a second source agreeing"),
)


def reason_rows() -> list[str]:
    """The rows of both tables of docs/rules.md."""
    rows = [
        f"| `{r.code}` | {r.verdict} | {r.meaning} | {r.source} | {r.example} |" for r in REASONS
    ]
    return rows + [f"| `{name}` | {meaning} |" for name, meaning in QUALITIES]


if __name__ == "__main__":
    print("\n".join(reason_rows()))  # noqa: T201 - its result is what it prints
