"""What must hold at the end of a run. Counts and keys of its own; of the hub only `decide` anew.

Payloads are read as plain MessagePack arrays, by position, as a program in another language would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from mdhub.streams.topology import CLEAN, RAW
from mdhub_arbiter.decide import Clean, decide
from mdhub_arbiter.state import State
from simulation.world import Violation

if TYPE_CHECKING:
    from simulation.hub import Hub

__all__ = ["check"]

_read: Final = msgspec.msgpack.decode
# RawTick: v, source, session, seq, recv_ns, symbol, ..., last at 11, volume at 12
SOURCE, SESSION, SEQ, SYMBOL, RAW_LAST, RAW_VOLUME = 1, 2, 3, 5, 11, 12
# CleanTick: v, symbol, exchange, trading_day, ts_ns, recv_ns, source, flags, last, volume
CLEAN_SYMBOL, CLEAN_LAST, CLEAN_VOLUME = 1, 8, 9
Key = tuple[str, int]


def check(hub: Hub) -> None:
    """Compare what was made, taken, decided, published and received. Raises Violation."""
    raw = [fields for _, fields in hub.server.history[RAW.name] if fields[0] == b"t"]
    ticks = [_read(fields[1]) for fields in raw]
    clean = [
        (entry_id, *_read(fields[1])[1:4], fields[2], fields[3])
        for entry_id, fields in hub.server.history[CLEAN.name]
    ]
    _check_raw(hub, ticks)
    _check_fold(hub, clean)
    _check_ticks(hub, ticks, clean)
    _check_published(hub, clean)
    _check_view(hub, clean)


def _check_raw(hub: Hub, ticks: list[Any]) -> None:
    """Each run's ticks stand in raw once, in its order; those of a living run all of them."""
    found: dict[tuple[str, int], list[Key]] = {}
    for tick in ticks:
        run = found.setdefault((tick[SOURCE], tick[SESSION]), [])
        run.append((tick[SYMBOL], tick[RAW_VOLUME]))
        if tick[SEQ] != len(run):
            raise Violation(f"raw has seq {tick[SEQ]} of {tick[SOURCE]} where {len(run)} is next")
    for source in hub.sources:
        for taken in source.runs:
            wanted = [(made.symbol, made.volume) for made in taken.made]
            got = found.get((taken.source, taken.session), [])
            lives = taken.process is source.process
            if got != (wanted if lives else wanted[: len(got)]):
                raise Violation(
                    f"raw has {len(got)} ticks of {taken.source}, session {taken.session}, which "
                    f"took {len(wanted)}" + ("" if lives else " before it died")
                )


def _check_fold(hub: Hub, clean: list[Any]) -> None:
    """Fold raw anew: clean == f(raw), byte for byte but for arb_ns."""
    state, wanted = State(), []
    upto = hub.server.shard(0).positions.raw
    for entry_id, fields in hub.server.history[RAW.name]:
        ms, _, seq = entry_id.partition(b"-")
        for j, out in enumerate(decide(state, entry_id, fields)):
            if isinstance(out, Clean):
                clean_id = b"%b-%d" % (ms, int(seq) * 65_536 + j)
                wanted.append((clean_id, out.n, out.k, out.epoch, out.field, out.payload))
        if entry_id == upto:
            break
    if clean != wanted:
        at = next(
            (i for i, (a, b) in enumerate(zip(clean, wanted, strict=False)) if a != b),
            min(len(clean), len(wanted)),
        )
        raise Violation(
            f"clean is not f(raw): {len(clean)} entries, {len(wanted)} expected, first other at "
            f"number {at + 1}"
        )


def _check_ticks(hub: Hub, ticks: list[Any], clean: list[Any]) -> None:
    """Clean has each snapshot that came to raw before any newer one: once, with what was made."""
    newest: dict[str, int] = {}
    wanted: list[Key] = []
    for tick in ticks:
        key = (tick[SYMBOL], tick[RAW_VOLUME])
        if key[1] > newest.get(key[0], 0):
            newest[key[0]] = key[1]
            wanted.append(key)
    got: list[Key] = []
    for *_, field, payload in clean:
        if field == b"t":
            tick = _read(payload)
            key = (tick[CLEAN_SYMBOL], tick[CLEAN_VOLUME])
            got.append(key)
            made = hub.market.made.get(key)
            if made is None or made.last != tick[CLEAN_LAST]:
                raise Violation(f"clean has {key} at {tick[CLEAN_LAST]}, the market made {made}")
    if got != wanted:
        raise Violation(f"clean has {len(got)} ticks, {len(wanted)} were new in raw")


def _check_published(hub: Hub, clean: list[Any]) -> None:
    """What a publisher sent and clean has not is behind the cut of a later epoch."""
    standing = {n: (epoch, payload) for _, n, _, epoch, _, payload in clean}
    cuts = list(_cuts(clean))
    told = {epoch for epoch, _ in cuts}
    for (epoch, n), payload in hub.sent.items():
        if standing.get(n) != (epoch, payload) and not any(
            (later > epoch or epoch not in told) and resume_n < n for later, resume_n in cuts
        ):
            raise Violation(f"n {n} of epoch {epoch} was published, is gone, and no epoch says so")


def _cuts(clean: list[Any]) -> Any:
    for _, n, _, epoch, field, payload in clean:
        if field == b"m":
            mark = _read(payload)
            if mark[1] == "epoch":
                yield epoch, min(mark[3][1], n - 1)


def _check_view(hub: Hub, clean: list[Any]) -> None:
    """The strategy has what clean has, from where it joined."""
    view = hub.client.view
    if view is None:
        raise Violation("the client never joined")
    wanted = [(epoch, n, payload) for _, n, _, epoch, _, payload in clean if n > view.joined_n]
    got = [(epoch, n, payload) for epoch, n, _, payload in view.rows][: len(wanted)]
    if got != wanted:
        raise Violation(f"the strategy has {len(got)} entries that are not clean's {len(wanted)}")
