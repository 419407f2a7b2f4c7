"""Raw logs kept in the repository, and the digest of what `decide` makes of them.

`python -m tests.support.golden_log` replays them and prints one JSON object. With --write it
renews the expected digests (a change of the rules changes them on purpose; say so in its commit),
with --make the logs themselves, which is only right for a new kind of entry.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import zstandard

from mdhub.market.snapshot import Snapshot, raw_tick
from mdhub.market.synthetic import SyntheticMarket
from mdhub.streams.ids import make_id
from mdhub.wire.codec import control, encode
from mdhub.wire.entries import (
    Clock,
    ConfigChange,
    ContractRow,
    ControlKind,
    Lead,
    LostRange,
    MarketClock,
    RulesChange,
)
from mdhub.wire.ticks import RawTick
from mdhub_arbiter.decide import decide
from mdhub_arbiter.instrument import encode_instrument
from mdhub_arbiter.state import State, encode_scalars
from mdhub_arbiter.verify.rows import outputs

__all__ = ["EXPECTED", "LOGS", "Digests", "replay_all"]

FOLDER: Final = Path(__file__).parents[1] / "golden"
EXPECTED: Final = FOLDER / "raw_digests.json"
LOGS: Final = ("raw_plain", "raw_hostile")
SECOND_NS: Final = 1_000_000_000
STEP_NS: Final = SECOND_NS // 10
PLAYED_NS: Final = 20 * SECOND_NS
LAG_NS: Final = {"A": 2_000_000, "B": 9_000_000}

Entry = tuple[bytes, list[bytes]]
Digests = dict[str, dict[str, Any]]


def replay_all() -> Digests:
    """Fold every log from nothing; what came out, in a few words."""
    return {name: _replay(_load(name)) for name in LOGS}


def _load(name: str) -> list[Entry]:
    packed = (FOLDER / f"{name}.msgpack.zst").read_bytes()
    return msgspec.msgpack.decode(zstandard.decompress(packed), type=list[Entry])


def _replay(entries: Sequence[Entry]) -> dict[str, Any]:
    state, written = State(), hashlib.sha256()
    for entry_id, fields in entries:
        for stream, row in outputs(entry_id, decide(state, entry_id, fields)):
            written.update(encode((stream, *row)))
    kept = hashlib.sha256(encode_scalars(state))
    for instrument in state.instruments.values():
        kept.update(encode_instrument(instrument))
    return {
        "entries": len(entries),
        "n": state.n,
        "digest": f"{state.digest:08x}",
        "outputs_sha256": written.hexdigest(),
        "state_sha256": kept.hexdigest(),
        "reasons": dict(sorted(state.reasons.items())),
    }


def _make(name: str) -> None:
    entries = list(_log(Random(name), hostile=name == "raw_hostile"))
    packed = zstandard.ZstdCompressor(level=19).compress(encode(entries))
    (FOLDER / f"{name}.msgpack.zst").write_bytes(packed)


def _log(random: Random, *, hostile: bool) -> Iterator[Entry]:
    """Two sources of one synthetic market, interleaved with what a leader writes."""
    for number, (at_ns, fields) in enumerate(_entries(random, hostile=hostile)):
        yield make_id(at_ns // 1_000_000, number), fields


def _entries(random: Random, *, hostile: bool) -> Iterator[tuple[int, list[bytes]]]:
    market = SyntheticMarket(seed=20261121, ticks_per_s=60.0)
    start_ns = market.time_after(0)
    yield start_ns, _control(ControlKind.LEAD, Lead(1, "one", "0-0", 0, 7, start_ns))
    live = msgspec.Raw(encode(MarketClock(start_ns, start_ns, 1.0, "golden")))
    yield start_ns, _control(ControlKind.CONFIG, ConfigChange("market_clock", live))
    yield start_ns, _control(ControlKind.RULES, RulesChange(2))
    table = [
        ContractRow(c.symbol, c.exchange, multiplier=c.multiplier, price_tick=c.tick)
        for c in market.contracts[:400]
    ]
    yield start_ns, _control(ControlKind.CONTRACTS, table)
    clock_ns = start_ns
    for at_ns, tick in _deliveries(random, market, start_ns, hostile=hostile):
        while clock_ns + STEP_NS <= at_ns:
            clock_ns += STEP_NS
            yield clock_ns, _control(ControlKind.CLOCK, Clock(clock_ns))
            if hostile:
                yield from _incident(random, clock_ns)
        yield at_ns, [b"t", encode(tick)]


def _incident(random: Random, at_ns: int) -> Iterator[tuple[int, list[bytes]]]:
    """Now and then something that is no tick and no clock."""
    match random.randrange(25):
        case 0:
            yield at_ns, [b"t", random.randbytes(20)]
        case 1:
            yield at_ns, [b"c", random.randbytes(20)]
        case 2:
            yield at_ns, [b"x", b"y"]
        case 3:
            yield at_ns, _control(ControlKind.LOST, LostRange(5, 9, "golden"), writer="A")
        case 4:
            yield at_ns, _control(ControlKind.CALENDAR, [20261225, 20270101])
        case 5:
            epoch = 7 + random.randrange(3)
            yield at_ns, _control(ControlKind.LEAD, Lead(2, f"s{epoch}", "0-0", 0, epoch, at_ns))
        case _:
            pass


def _deliveries(
    random: Random, market: SyntheticMarket, start_ns: int, *, hostile: bool
) -> Iterator[tuple[int, RawTick]]:
    due: list[tuple[int, int, RawTick]] = []
    seqs = dict.fromkeys(LAG_NS, 0)
    for snapshot in market.snapshots():
        if snapshot.made_ns >= start_ns + PLAYED_NS:
            break
        for source, lag_ns in LAG_NS.items():
            if random.random() < 0.01:
                continue
            for _ in range(2 if random.random() < 0.01 else 1):
                seqs[source] += 1
                at_ns = snapshot.made_ns + lag_ns + random.randrange(3_000_000)
                if random.random() < 0.01:
                    at_ns += random.randrange(2 * SECOND_NS)
                tick = raw_tick(_odd(random, snapshot) if hostile else snapshot,
                    source=source, session=1, seq=seqs[source], recv_ns=at_ns,
                )  # fmt: skip
                due.append((at_ns, len(due), tick))
    yield from ((at_ns, tick) for at_ns, _, tick in sorted(due, key=lambda d: d[:2]))


def _odd(random: Random, snapshot: Snapshot) -> Snapshot:
    """One in thirty snapshots is wrong in one of many ways."""
    if random.random() > 1 / 30:
        return snapshot
    last, volume = snapshot.last or 0.0, snapshot.volume or 0
    changes: tuple[dict[str, Any], ...] = (
        {"volume": -volume - 1}, {"volume": volume + 10**6}, {"volume": 2**31}, {"volume": None},
        {"last": None}, {"last": float("nan")}, {"last": -1.0}, {"last": last * 10},
        {"last": last * 0.1}, {"last": last + 0.3}, {"last": 1.7976931348623157e308},
        {"update_time": ""}, {"update_time": "24:61:00"}, {"update_time": "23:59:59"},
        {"update_ms": 1_000}, {"symbol": snapshot.symbol.swapcase()}, {"exchange": "DCE"},
        {"bids": snapshot.asks, "asks": snapshot.bids}, {"asks": [(last, -5)]}, {"bids": []},
        {"high": last - 10.0}, {"limit_up": 0.0, "limit_down": 0.0}, {"settlement": last},
        {"trading_day": "", "action_day": ""}, {"turnover": 0.0},
    )  # fmt: skip
    return msgspec.structs.replace(snapshot, **random.choice(changes))


def _control(kind: str, body: object, *, writer: str = "arbiter") -> list[bytes]:
    return [b"c", control(kind, writer, 1, 1, 0, body)]


def main(argv: Sequence[str]) -> None:
    if "--make" in argv:
        for name in LOGS:
            _make(name)
    text = json.dumps(replay_all(), indent=2) + "\n"
    if "--write" in argv or "--make" in argv:
        EXPECTED.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
