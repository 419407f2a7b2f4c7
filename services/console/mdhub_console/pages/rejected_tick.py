"""One refused tick beside the last clean one: what differs, what the rule looked at. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mdhub.wire import ticks
from mdhub_console.identity.model import Language
from mdhub_console.live.named import RawTick
from mdhub_console.live.rows import RejectedRow
from mdhub_console.pages.formats import NO_VALUE, clock
from mdhub_console.pages.rejected_model import reason_words, verdict_tone
from mdhub_console.read.verdicts import CleanRow
from mdhub_console.words.catalogue import Translate, catalogue, translator

__all__ = ["Compared", "tick_of"]

_MONEY: Final = 1e9
"""Ten digits do not tell its cents any more."""
_OWN: Final = frozenset({"v", "source", "session", "seq", "recv_ns", "symbol", "exchange"})
_FIELDS: Final = tuple(n for n in ticks.RawTick.__struct_fields__ if n not in _OWN)
_OWN_WORDS: Final = frozenset({"update_ms", "bids", "asks"})
"""Here all levels stand, and the time in two fields, as the gateway sent it."""
_TIMES: Final = ("trading_day", "action_day", "update_time", "update_ms")
_ASKED: Final = {
    "above_limit": ("last", "limit_up"),
    "bad_time": ("update_time", "update_ms"),
    "below_limit": ("last", "limit_down"),
    "conflict": _FIELDS[4:],
    "crossed_book": ("bids", "asks"),
    "last_without_volume": ("last", "volume"),
    "late": _TIMES,
    "limits_changed": ("limit_up", "limit_down"),
    "negative_volume": ("volume",),
    "no_last_although_traded": ("last", "volume"),
    "off_grid": ("last",),
    "ohlc": ("last", "open", "high", "low"),
    "out_of_session": _TIMES,
    "outside_calendar": _TIMES,
    "pre_changed": ("pre_close", "pre_settlement"),
    "price_not_positive": ("last", "volume"),
    "scale": ("last",),
    "time_ahead": _TIMES,
    "time_behind": (*_TIMES, "volume"),
    "turnover": ("turnover", "volume"),
    "volume_jump": ("volume",),
    "volume_regress": ("update_time", "update_ms", "volume"),
}
"""Fields that a rule looks at, where it looks at some."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of both ticks."""

    name: str
    key: str
    """Of its words."""
    raw: str
    clean: str
    differs: bool
    asked: bool
    """Whether the rule looks at it."""


def tick_of(
    row: RejectedRow, before: CleanRow | None, released: CleanRow | None, language: Language
) -> dict[str, Any]:
    """Context of `rejected_tick.html`."""
    t = translator(language)
    raw = row.tick
    return {
        "row": row,
        "tone": verdict_tone(row.verdict),
        "title": _title(row, t),
        "rule": reason_words(row.reason, language),
        "before": before,
        "fields": [] if raw is None else _compared(raw, before, row.reason, t),
        "outcome": _outcome(row, released, t),
        "off": _off(row, before, t),
    }


def _title(row: RejectedRow, t: Translate) -> str:
    key = f"rejected.why.{row.verdict}"
    name = f"{row.symbol}.{row.exchange}".rstrip(".") or t("rejected.unreadable")
    return t(key if key in catalogue() else "rejected.why", name=name)


def _outcome(row: RejectedRow, released: CleanRow | None, t: Translate) -> str:
    if released is not None:
        return t("rejected.outcome.released", at=clock(released.arb_ns, ms=True), n=released.n)
    key = f"rejected.outcome.{row.verdict}"
    return t(key if key in catalogue() else "rejected.outcome.reject")


def _compared(raw: RawTick, before: CleanRow | None, reason: str, t: Translate) -> list[Compared]:
    asked = _ASKED.get(reason, ())
    found = []
    for name in _FIELDS:
        mine, clean = getattr(raw, name), _clean(before, name)
        said = (_said(mine, t), "" if before is None else _said(clean, t))
        # A clean tick has one time of its own instead of the front's date of action.
        differs = before is not None and name != "action_day" and said[0] != said[1]
        own = name in _OWN_WORDS
        word = f"rejected.field.{name}" if own else f"instrument.field.{name}"
        found.append(Compared(name, word, *said, differs, name in asked))
    return found


def _clean(row: CleanRow | None, name: str) -> Any:
    if row is None or name == "action_day":
        return ""
    if name == "trading_day":
        return str(row.tick.trading_day)
    if name == "update_time":
        return clock(row.tick.ts_ns)
    if name == "update_ms":
        return row.tick.ts_ns // 1_000_000 % 1000
    return getattr(row.tick, name)


def _said(value: Any, t: Translate) -> str:
    if isinstance(value, list | tuple):
        return " / ".join(_level(each, t) for each in value[:5]) or t("rejected.no_value")
    if value is None or (isinstance(value, float) and abs(value) > NO_VALUE):
        return t("rejected.no_value")
    if isinstance(value, float):
        return f"{value:.2f}".removesuffix(".00") if abs(value) >= _MONEY else f"{value:.10g}"
    return str(value)


def _level(level: Sequence[Any], t: Translate) -> str:
    price, volume = (*level, None, None)[:2]
    return f"{_said(price, t)} × {volume or 0}" if price is not None else "–"


def _off(row: RejectedRow, before: CleanRow | None, t: Translate) -> list[str]:
    """What strategies would have seen if it had been passed on."""
    if before is None or row.tick is None:
        return [t("rejected.off.unknown")]
    pairs = (
        ("rejected.off.step", before.tick.last, row.tick.last),
        ("rejected.off.volume", before.tick.volume, row.tick.volume),
    )
    said = [
        t(key, before=_said(old, t), after=_said(new, t), step=f"{new - old:+.10g}")
        for key, old, new in pairs
        if old is not None and new is not None and abs(new) < NO_VALUE and new != old
    ]
    if row.verdict == "late" or row.reason == "time_behind":
        said.append(t("rejected.off.late"))
    return said or [t("rejected.off.same")]
