"""GET /api/instruments..., /api/replay, /api/quality: reads back from the log, bounded."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from mdhub.streams.topology import CLEAN, REJECTED
from mdhub.wire.topics import shard_of
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.live.choice import BadChoice
from mdhub_console.live.tape import Dot, QualityRow, Snapshot, quality_row
from mdhub_console.parts import Parts
from mdhub_console.read.contracts import Found, Kind, Sort, search
from mdhub_console.read.paging import After, Shard, shard_in
from mdhub_console.read.scan import LOOKED_AT, backwards, between, ms_of, raw_between, split
from mdhub_console.read.tapes import followed_tape, fresh_tape
from mdhub_console.read.verdicts import CleanRow, RawRow, clean_rows, raw_rows

__all__ = ["instrument", "instruments", "prices", "quality", "replay"]

LONGEST_MS: Final = 3_600_000
REJECTED_SHOWN: Final = 20
PATTERN: Final = r"^[A-Za-z0-9&_. -]{1,80}$"
"""Combinations have a space and an ampersand in their names."""

Symbol = Annotated[
    str, PathParameter(description="`symbol` or `symbol.EXCHANGE`.", pattern=PATTERN)
]
Contract = Annotated[
    str, QueryParameter(description="`symbol` or `symbol.EXCHANGE`.", pattern=PATTERN)
]
SearchText = Annotated[
    str, QueryParameter(description="Every word of it is in the name, in any case.", max_length=80)
]
Exchange = Annotated[str, QueryParameter(description="Such as `SHFE`; empty = all.", max_length=16)]
KindOrAll = Annotated[
    Kind | Literal[""], QueryParameter(description="`future`, `option`, `other`; empty = all.")
]
SortBy = Annotated[Sort, QueryParameter(description="Numbers: the largest first.")]
First = Annotated[int, QueryParameter(description="Rows to leave out.", ge=0, le=1_000_000)]
PageSize = Annotated[int, QueryParameter(description="Rows at most.", ge=1, le=500)]
From = Annotated[
    int, QueryParameter(name="from", description="UTC ms.", ge=0, le=4_000_000_000_000)
]
To = Annotated[int, QueryParameter(name="to", description="UTC ms.", ge=0, le=4_000_000_000_000)]
Most = Annotated[int, QueryParameter(description="Raw ticks at most.", ge=1, le=2_000)]


class Instrument(Snapshot, frozen=True, kw_only=True):
    """One contract now."""

    looked_at: int
    """Entries of raw that were looked at: a source may be quiet for longer."""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a contract that is followed, oldest first."""

    dots: list[Dot]


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one contract within a time, and what was made of it."""

    symbol: str
    exchange: str
    shard: int
    raw: list[RawRow]
    """Oldest first."""
    clean: list[CleanRow]
    next_ms: int | None
    """Go on from here; None = this is all of the range."""
    looked_at: int


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """The newest word on the quality of each contract, among the newest entries of a shard."""

    rows: list[QualityRow]
    looked_at: int
    since_ms: int | None
    """Older changes were not looked at; None = there are none."""


@get("/api/instruments", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def instruments(  # noqa: PLR0913 - parameters of a request
    parts: NamedDependency[Parts],
    *,
    text: SearchText = "",
    exchange: Exchange = "",
    kind: KindOrAll = "",
    sort: SortBy = "symbol",
    first: First = 0,
    limit: PageSize = 50,
) -> Found:
    """Search all contracts by name; newest ticks are as of the arbiter's newest snapshot."""
    with parts.log.borrow() as log:
        book = parts.contracts.book(log)
    return search(
        book, text=text, exchange=exchange, kind=kind, sort=sort, first=first, limit=limit
    )


@get("/api/instruments/{name:str}", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def instrument(parts: NamedDependency[Parts], name: Symbol) -> Instrument:
    """The newest tick of every source beside the clean one, with verdicts."""
    tape, looked_at = fresh_tape(parts, name)
    now = msgspec.structs.asdict(tape.look())
    return Instrument(**now | {"rejected": now["rejected"][:REJECTED_SHOWN]}, looked_at=looked_at)


@get("/api/instruments/{name:str}/prices", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def prices(parts: NamedDependency[Parts], name: Symbol, after: After = "") -> Prices:
    """Prices of clean and of refused ticks; the contract is followed for ten seconds more."""
    return Prices(dots=followed_tape(parts, name).dots(after))


@get("/api/replay", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def replay(
    parts: NamedDependency[Parts],
    *,
    contract: Contract,
    begin: From,
    end: To,
    limit: Most = 500,
) -> Replay:
    """Raw ticks of each source and clean ticks of a contract within an hour at most."""
    if not begin <= end <= begin + LONGEST_MS:
        raise BadChoice(f"from was {begin} and to {end}, expected an hour at most, in order")
    symbol, exchange = split(contract)
    with parts.log.borrow() as log:
        shard = shard_of(symbol, log.shards() or 1)
        raw, looked_at, next_ms = raw_between(log, shard, symbol, begin, end, limit)
        until = next_ms - 1 if next_ms is not None else end
        decided = log.positions(shard).raw
        clean_entries = list(between(log, CLEAN, shard, begin, until))
        refused = list(between(log, REJECTED, shard, begin, until))
    clean = clean_rows(clean_entries, symbol, exchange)
    return Replay(
        symbol=symbol,
        exchange=exchange,
        shard=shard,
        raw=raw_rows(raw, symbol, exchange, clean=clean, rejected=refused, decided=decided),
        clean=clean,
        next_ms=next_ms,
        looked_at=looked_at,
    )


@get("/api/quality", guards=[requires(Role.VIEWER)], sync_to_thread=True)
def quality(parts: NamedDependency[Parts], shard: Shard = 0) -> Quality:
    """The newest change of quality of each contract, newest first."""
    found: dict[tuple[str, str], QualityRow] = {}
    looked_at, oldest = 0, b""
    with parts.log.borrow() as log:
        shard_in(log, shard)
        for entry in backwards(log, CLEAN, shard):
            looked_at, oldest = looked_at + 1, entry[0]
            row = quality_row(entry)
            if row is not None:
                found.setdefault((row.mark.symbol, row.mark.exchange), row)
    more = looked_at >= LOOKED_AT
    return Quality(
        rows=list(found.values()), looked_at=looked_at, since_ms=ms_of(oldest) if more else None
    )
