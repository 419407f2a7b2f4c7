"""What clean still says of the state, for when raw no longer can.

Without a usable snapshot and with raw trimmed the fold begins in the middle. Numbers must go on
all the same: n and the times are in the committed positions; per instrument k, the newest clean
tick and the mark come from the newest snapshot's last clean ticks (readable also where the state
beside them is not, such as after an upgrade) and from the clean entries after it. Only an
instrument that neither of them has begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from mdhub.streams.ids import OUTPUTS_PER_ENTRY, clean_id, id_less, id_parts, raw_id_of
from mdhub.streams.port import FIRST_ID, Log, Manifest, Positions
from mdhub.streams.topology import CLEAN
from mdhub.wire.codec import DecodeError, decode_clean_header, decode_clean_tick, decoder
from mdhub.wire.entries import MarketClock
from mdhub.wire.ticks import Flag
from mdhub_arbiter import identity as ident
from mdhub_arbiter.state import State

__all__ = ["restore"]

READ_COUNT: Final = 2_000
LAST_OUTPUT: Final = 65_535

_LastRow = tuple[bytes, bytes, bytes]
_decode_last: Final = decoder(list[_LastRow])


def restore(log: Log, shard: int, state: State, at: Positions) -> None:
    """Bring a state that does not agree with the log to what the log has committed."""
    state.n = at.n
    state.digest = int(at.digest or "0", 16)
    _restore_time(state, at)
    restored: set[str] = set()
    after, rows = _newest_last_rows(log, shard, at)
    for row in rows:
        with suppress(DecodeError):
            _take_tick(state, row, restored)
    for entry_id, fields in _clean_between(log, shard, after, at.clean):
        # An entry that cannot be read is a stranger's: it has no number and moved no mark.
        with suppress(DecodeError, IndexError):
            state.epoch = decode_clean_header(fields[1]).epoch
            if fields[2] == b"t":
                _take_tick(state, (entry_id, fields[1], fields[3]), restored)


def _restore_time(state: State, at: Positions) -> None:
    state.log_ns = at.log_ns
    if state.market_ns != at.market_ns:
        # The setting in force is gone from raw: market time goes on from where it was.
        state.market_clock = MarketClock(at.market_ns, at.log_ns, state.market_clock.rate)
    state.set_market_ns(at.market_ns)


def _take_tick(state: State, row: _LastRow, restored: set[str]) -> None:
    """Fold a clean tick: it moved the mark once, and moves it the same way again."""
    entry_id, header, payload = row
    head, tick = decode_clean_header(header), decode_clean_tick(payload)
    state.epoch = max(state.epoch, head.epoch)
    if tick.symbol not in restored:
        restored.add(tick.symbol)
        state.new_instrument(tick.symbol, tick.exchange)
    instrument = state.instruments[tick.symbol]
    instrument.k = head.k or instrument.k
    raw_id, j = raw_id_of(entry_id), id_parts(entry_id)[1] % OUTPUTS_PER_ENTRY
    instrument.last = (raw_id, j, head.n, instrument.k, head.epoch, payload)
    sight = ident.sighting_of(tick)
    found = ident.compare(instrument, sight)
    if found not in {ident.NEW, ident.SETTLEMENT} and not tick.flags & Flag.UNCONFIRMED:
        # It was accepted, so market time had been set back before it.
        instrument.forget_mark()
    if found is ident.SETTLEMENT:
        instrument.closing = ident.merged_closing(instrument, sight)
    else:
        ident.move(instrument, sight)
    instrument.ref = tick
    # Sources find their place in a CZCE second again by what they send.
    instrument.cursors = {}


def _newest_last_rows(log: Log, shard: int, at: Positions) -> tuple[bytes, list[_LastRow]]:
    """Last clean ticks of the newest snapshot that has them all, and the clean id they reach."""
    for manifest in log.manifests(shard):
        if not id_less(at.raw, manifest.raw):
            rows = _last_rows(log, shard, manifest)
            if rows is not None:
                return clean_id(manifest.raw, LAST_OUTPUT), rows
    return FIRST_ID, []


def _last_rows(log: Log, shard: int, manifest: Manifest) -> list[_LastRow] | None:
    rows: list[_LastRow] = []
    for i in range(manifest.last_chunks):
        chunk = log.load_chunk(shard, snapshot=manifest.raw, part=f"last-{i}")
        try:
            rows += _decode_last(chunk or b"")
        except DecodeError:
            return None
    return rows


def _clean_between(
    log: Log, shard: int, after: bytes, upto: bytes
) -> Iterator[tuple[bytes, list[bytes]]]:
    while True:
        entries = log.entries(CLEAN, shard=shard, first=b"(" + after, last=upto, count=READ_COUNT)
        if not entries:
            return
        yield from entries
        after = entries[-1][0]
