"""Contracts of a gateway: to the arbiters, and into a file for the next start.

The query takes seconds and needs the trading login; without contracts vnpy delivers no tick. So
what it told is kept, and a start whose trading login fails has them still.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, NamedTuple
from zlib import crc32

from mdhub.market.products import EXCHANGES
from mdhub.runtime.backoff import Backoff
from mdhub.runtime.logging import Logger
from mdhub.streams.asking import Answer, ask, contract_requests
from mdhub.streams.errors import StreamsError
from mdhub.streams.port import Log
from mdhub.wire.codec import DecodeError, decoder, encode
from mdhub.wire.entries import ContractRow
from mdhub_ingest.gateways.port import INSTRUMENTS_MAX, Instrument
from mdhub_ingest.gateways.told import amount

__all__ = ["Cached", "ContractDesk", "read_cache", "row_of", "unexpired", "write_cache"]

QUIET_S: Final = 2.0
"""The file is written when no contract came for so long."""
TIMEOUT_S: Final = 5.0
AT_ONCE: Final = 8
"""Commands under way; each has at most 500 rows."""
_DAYS: Final = range(1990_01_01, 2100_01_01)
_SYMBOL_LENGTH: Final = 80
_HEAD: Final = 4
_decode: Final = decoder(list[Instrument])


class Cached(NamedTuple):
    """Contracts of an earlier start. `problem`: why there are none."""

    instruments: Sequence[Instrument] = ()
    problem: str = ""


def read_cache(path: Path) -> Cached:
    """Read the contracts of an earlier start; a damaged file is as none, and said."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Cached()
    except OSError as error:
        return Cached(problem=f"{path} cannot be read: {error.strerror}")
    if int.from_bytes(data[:_HEAD]) != crc32(data[_HEAD:]):
        return Cached(problem=f"{path} is damaged: its checksum does not match")
    try:
        return Cached(_decode(data[_HEAD:]))
    except DecodeError as error:
        return Cached(problem=f"{path} is of another version: {error}")


def write_cache(path: Path, instruments: Sequence[Instrument]) -> None:
    """Replace the file in one step. Raises OSError."""
    data = encode(instruments)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(crc32(data).to_bytes(_HEAD) + data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def unexpired(instruments: Iterable[Instrument], day: int) -> list[Instrument]:
    """Leave out those whose last trading day was before `day` (YYYYMMDD)."""
    return [each for each in instruments if not each.expiry or each.expiry >= day]


def row_of(instrument: Instrument) -> ContractRow | None:
    """Return the arbiter's row, None if it would refuse it: what makes no sense is "not known"."""
    fits = 0 < len(instrument.symbol) <= _SYMBOL_LENGTH and instrument.exchange in EXCHANGES
    if not fits:
        return None
    return ContractRow(
        instrument.symbol,
        instrument.exchange,
        instrument.product,
        instrument.product_class,
        amount(instrument.multiplier),
        amount(instrument.price_tick),
        instrument.expiry if instrument.expiry in _DAYS else 0,
    )


class ContractDesk:
    """Hands contracts in, each row until it is answered, and keeps the file.

    `learn` and `turn` belong to the main thread and never wait; the log and the disk are spoken to
    by a thread that lives while there is something to do.
    """

    def __init__(
        self,
        *,
        source: str,
        shards: int,
        connect: Callable[[], Log],
        file: Path,
        logger: Logger,
        cached: Sequence[Instrument] = (),
    ) -> None:
        self._source = source
        self._shards = shards
        self._connect = connect
        self._file = file
        self._logger = logger
        self._known = {(each.symbol, each.exchange): each for each in cached}
        self._cached = list(self._known)
        self._pending: dict[str, ContractRow] = {}
        self._lock = Lock()
        self._thread: Thread | None = None
        self._backoff = Backoff(first_s=0.2, ceiling_s=10.0)
        self._next_s = 0.0
        self._save_at_s: float | None = None
        self._counts = {"contracts": 0, "contracts_refused": 0, "contracts_unsent": 0}

    @property
    def known(self) -> int:
        """How many contracts there are, told now or before."""
        return len(self._known)

    def counts(self) -> Mapping[str, int]:
        """Return known, refused (by us or an arbiter) and not yet answered ones."""
        return self._counts | {"contracts": self.known, "contracts_unsent": len(self._pending)}

    def learn(self, instruments: Iterable[Instrument], now_s: float) -> None:
        """Take what the gateway told; hand in what is new or differs from an earlier start."""
        changed = [each for each in instruments if self._remember(each)]
        if changed:
            self._save_at_s = now_s + QUIET_S
            self._hand_in(changed)

    def hand_in_cached(self) -> None:
        """Tell the arbiters of the contracts of an earlier start too, as they are known by now."""
        self._hand_in(self._known[key] for key in self._cached)
        self._cached = []

    def turn(self, now_s: float) -> None:
        """Begin what is due."""
        if self._thread is not None and self._thread.is_alive():
            return
        due = self._save_at_s is not None and now_s >= self._save_at_s
        if not due and not (self._pending and now_s >= self._next_s):
            return
        kept = list(self._known.values()) if due else None
        if due:
            self._save_at_s = None
        self._thread = Thread(target=self._work, args=(kept,), name="contracts", daemon=True)
        self._next_s = now_s + self._backoff.next_s()
        self._thread.start()

    def _hand_in(self, instruments: Iterable[Instrument]) -> None:
        rows = [row_of(each) for each in instruments]
        good = {row.symbol: row for row in rows if row is not None}
        with self._lock:
            self._counts["contracts_refused"] += rows.count(None)
            self._pending |= good

    def _remember(self, instrument: Instrument) -> bool:
        key = (instrument.symbol, instrument.exchange)
        before = self._known.get(key)
        if before is None and len(self._known) >= INSTRUMENTS_MAX:
            self._counts["contracts_refused"] += 1
            return False
        self._known[key] = instrument
        return before != instrument

    def _work(self, kept: Sequence[Instrument] | None) -> None:
        if kept is not None:
            self._save(kept)
        with self._lock:
            rows = list(self._pending.values())
        if not rows:
            return
        try:
            log = self._connect()
            try:
                self._deliver(log, rows)
            finally:
                log.close()
        except StreamsError as error:
            self._logger.warning("contracts_unsent", rows=len(rows), reason=str(error))

    def _save(self, kept: Sequence[Instrument]) -> None:
        try:
            write_cache(self._file, kept)
        except OSError as error:
            self._logger.warning("contracts_not_kept", file=str(self._file), reason=str(error))

    def _deliver(self, log: Log, rows: Sequence[ContractRow]) -> None:
        requests = contract_requests(rows, self._shards)
        refusals: list[Any] = []
        for start in range(0, len(requests), AT_ONCE):
            part = requests[start : start + AT_ONCE]
            answers = ask(log, part, issuer=f"ingest:{self._source}", timeout_s=TIMEOUT_S)
            for request, answer in zip(part, answers, strict=True):
                if answer is None:
                    return  # nobody leads; later again
                self._settle(request.args["rows"], answer, refusals)
        self._backoff.reset()
        self._logger.info("contracts_handed_in", rows=len(rows), refusals=refusals[:3])

    def _settle(self, rows: Sequence[ContractRow], answer: Answer, refusals: list[Any]) -> None:
        with self._lock:
            for row in rows:
                if self._pending.get(row.symbol) is row:
                    del self._pending[row.symbol]
            if not answer.ok:
                self._counts["contracts_refused"] += len(rows)
                refusals.append(answer.result)
