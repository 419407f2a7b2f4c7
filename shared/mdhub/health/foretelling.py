"""What a word about a source would do, and what covers it meanwhile: sentences. Pure.

The command line says it with `--dry-run`, the console before it asks for a confirmation.
"""

from __future__ import annotations

from typing import Final

from mdhub.health.cover import Cover

__all__ = ["DOES", "told"]

DOES: Final = {
    "mute": "the arbiters refuse {name}'s ticks until it is unmuted",
    "unmute": "the arbiters hear {name} again",
    "prefer": "{name} becomes the active source where exchanges are in mode priority",
    "restart": "{name}'s process is killed and a new one logs in",
    "start": "{name} runs, whatever the schedule says",
    "stop": "{name}'s process ends",
    "hold": "{name}'s process ends and stays ended",
    "resume": "the schedule decides over {name} again",
}
TAKES_AWAY: Final = frozenset({"mute", "restart", "stop", "hold"})
GAPS: Final = {
    "none": "expected gap: none",
    "some": "expected gap: {uncovered} contracts that only {source} has confirmed",
    "all": "expected gap: every tick until {source} delivers again",
}


def told(action: str, cover: Cover) -> list[str]:
    """What would happen, in sentences."""
    lines = [f"would do: {DOES[action].format(name=cover.source)}"]
    won = "not known" if cover.win_rate is None else f"{100 * cover.win_rate:.1f} %"
    lines.append(
        f"now: {cover.source} delivers {cover.ticks_per_s:.0f} ticks/s, "
        f"share of ticks it delivers first {won}; session {cover.session or 'not known'}"
    )
    if action in TAKES_AWAY:
        others = ", ".join(cover.covered_by) or "nobody"
        lines.append(f"meanwhile: {others} covers")
        lines.append(GAPS[cover.gap].format(uncovered=cover.uncovered, source=cover.source))
    return lines
