"""Makes tapes of what the log has of a contract: the newest entries, or those of its last tick."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mdhub.streams.ids import id_less
from mdhub.streams.port import Entry, Log
from mdhub.streams.topology import CLEAN, RAW, REJECTED
from mdhub.wire.topics import shard_of
from mdhub_console.live.tape import Tape
from mdhub_console.parts import Parts
from mdhub_console.read.errors import UnknownInstrument
from mdhub_console.read.scan import between, ms_of, newest_of, raw_between, split

__all__ = ["followed_tape", "fresh_tape", "tape_of"]

AROUND_MS: Final = 3_000
"""Copies of a snapshot by other sources come within it."""
AROUND_TICKS: Final = 200


def followed_tape(parts: Parts, name: str) -> Tape:
    """The tape of a contract, which is followed from now on for as long as somebody looks.

    Raises TooManyContracts, UnknownInstrument, StreamsError.
    """
    return parts.live.tapes.tape(name, lambda: fresh_tape(parts, name)[0])


def fresh_tape(parts: Parts, name: str) -> tuple[Tape, int]:
    """A tape as of now, and how many entries of raw were looked at for it.

    Raises UnknownInstrument, StreamsError.
    """
    symbol, exchange = split(name)
    with parts.log.borrow() as log:
        contract = parts.contracts.book(log).contracts.get(symbol)
        if contract is not None and exchange not in {"", contract.exchange}:
            contract = None
        tape, looked_at = tape_of(log, name, contract.clean_id if contract else "")
    if contract is None and not tape.look().sources:
        raise UnknownInstrument(
            f"no tick of {name} among the newest {looked_at} entries of raw, and no contract of "
            "this name is known: case counts, as the exchange writes it"
        )
    return tape, looked_at


def tape_of(log: Log, name: str, last_clean: str = "") -> tuple[Tape, int]:
    """What the log has of a contract, and how many entries of raw were looked at.

    `last_clean`: where its newest clean tick stands, if it is known: a contract that has been quiet
    for longer than is looked at is shown as it was then. Raises StreamsError.
    """
    symbol, exchange = split(name)
    shard = shard_of(symbol, log.shards() or 1)
    begin = log.positions(shard).raw
    raw, looked_at = newest_of(log, RAW, shard, symbol)
    decided = log.positions(shard).raw
    clean, _ = newest_of(log, CLEAN, shard, symbol)
    since_ms = ms_of(raw[0][0]) if raw else 0
    if not clean and last_clean:
        since_ms = max(0, ms_of(last_clean.encode()) - AROUND_MS)
        until_ms = since_ms + 2 * AROUND_MS
        older, _, _ = raw_between(log, shard, symbol, since_ms, until_ms, AROUND_TICKS)
        raw = [*(e for e in older if not raw or id_less(e[0], raw[0][0])), *raw]
        clean = _about(between(log, CLEAN, shard, since_ms, until_ms), symbol)
    refused = _about(_newest_since(log, shard, since_ms), symbol) if raw else []
    tape = Tape(symbol, exchange, shard)
    tape.take(raw=raw, clean=clean, rejected=refused, decided=decided)
    tape.begin(begin)
    return tape, looked_at


def _about(entries: Iterable[Entry], symbol: str) -> list[Entry]:
    word = symbol.encode()
    return [entry for entry in entries if word in entry[1][-1]]


def _newest_since(log: Log, shard: int, since_ms: int) -> list[Entry]:
    found = log.entries(
        REJECTED, shard=shard, first=b"%d-0" % since_ms, count=1_000, newest_first=True
    )
    return found[::-1]
