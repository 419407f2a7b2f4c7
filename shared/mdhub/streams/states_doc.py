"""`python -m mdhub.streams.states_doc`: docs/server-states.md from the table."""

from __future__ import annotations

from typing import Final

from mdhub.streams.states import STATES, ServerState

__all__ = ["states_markdown"]

_HEAD: Final = """\
# States of the server

Written from `shared/mdhub/streams/states.py` by `make state-docs`; a test compares them.

A service that cannot use its log says the state once per outage (`log_unavailable`, with what it
means and the way out) and once that it is over (`log_back`); `mdhub up` says it too, and
`mdhub status` shows it first. Heartbeats count: `outages`, and `outage:<state>`.

| state | what it means | what mdhub does | way out |
|---|---|---|---|
"""
_WAITS: Final = "waits: sources buffer and resend, all goes on by itself when it is over"
_ENDS: Final = "at start: exit code 2; in the middle of a run: waits, and goes on when it is mended"
_TAIL: Final = """
**What is kept while it lasts.** A source keeps 500,000 ticks that the log lacks, and the last 10 s
of those it has; what goes beyond is counted (`dropped`) and declared in raw as `lost`. The arbiter
forgets its state and recovers from the log, under the same epoch. The publisher goes on serving
what it holds and says `stalled`; while only writes are refused (`oom`, `readonly`, `misconf`,
`noreplicas`) it goes on reading, too.

**`oom` and retention.** Trimming is a function, and the server refuses functions that may write
while its memory is full: the hub does not free memory by itself then. Set `maxmemory` well above
the sum of the budgets of `[retention]` (defaults: 1,152 MB for each shard).
"""


def states_markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_row, STATES.values())) + _TAIL


def _row(state: ServerState) -> str:
    does = _WAITS if state.heals else _ENDS
    return f"| `{state.name}` | {state.meaning} | {does} | {state.way_out} |\n"


if __name__ == "__main__":
    print(states_markdown(), end="")  # noqa: T201 - its result is what it prints
