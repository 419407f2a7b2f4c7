"""Recomputing a range of the log: fold raw from a known state, compare page by page.

Nothing is written and memory is bounded by a page. Pages are small: no call keeps the server busy
for more than a millisecond or two. The hub may go on meanwhile; retention may overtake the run,
which is noticed and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mdhub.streams.errors import StreamsError
from mdhub.streams.ids import OUTPUTS_PER_ENTRY, clean_id, id_less, raw_id_of
from mdhub.streams.port import FIRST_ID, Entry, Log, Manifest, Positions
from mdhub.streams.topology import CLEAN, RAW, REJECTED, Stream
from mdhub.wire.codec import DecodeError, decode_control
from mdhub.wire.entries import ControlKind
from mdhub_arbiter.decide import decide
from mdhub_arbiter.recovery import digest_text, load_snapshot
from mdhub_arbiter.state import State
from mdhub_arbiter.verify.rows import Difference, Field, Row, explain, first_difference, found_row
from mdhub_arbiter.verify.rows import outputs as outputs_of

__all__ = ["Checked", "NotCheckable", "Start", "recheck", "starts"]

PAGE: Final = 500
STREAMS: Final = {"clean": CLEAN, "rejected": REJECTED}


class NotCheckable(StreamsError):
    """The log no longer has what a proof needs; the message says what it still has."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Start:
    """A point from which the log can be recomputed."""

    after: bytes
    """State is that after this raw entry; `0-0` = before the first one."""
    manifest: Manifest | None = None

    def __str__(self) -> str:
        if self.manifest is None:
            return "the first entry"
        return f"the snapshot at {self.after.decode()}"


@dataclass(slots=True)
class Checked:
    """What a run has compared."""

    start: Start
    upto: bytes
    """Newest raw entry compared."""
    raw: int = 0
    clean: int = 0
    rejected: int = 0
    trimmed: dict[str, int] = field(default_factory=lambda: {"clean": 0, "rejected": 0})
    """Entries of f(raw) that are older than what the stream still has."""
    difference: Difference | None = None


def starts(log: Log, shard: int) -> list[Start]:
    """Points to start from, the oldest first."""
    oldest = log.entries(RAW, shard=shard, count=1)
    if not oldest:
        return []
    found = [
        Start(manifest.raw, manifest)
        for manifest in reversed(log.manifests(shard))
        if not id_less(manifest.raw, oldest[0][0])
    ]
    return [Start(FIRST_ID), *found] if _is_the_first(oldest[0]) else found


def recheck(
    log: Log, shard: int, start: Start, *, tell: Callable[[Checked], None] = lambda _: None
) -> Checked:
    """Recompute from `start` to the committed position; stops at the first difference.

    Raises NotCheckable if the snapshot cannot be read or retention overtakes the run.
    """
    at = log.positions(shard)
    state = _state(log, shard, start)
    checked = Checked(start, start.after)
    for page in _raw_pages(log, shard, start.after, at.raw):
        expected: dict[str, list[Row]] = {"clean": [], "rejected": []}
        for raw_id, fields in page:
            for stream, row in outputs_of(raw_id, decide(state, raw_id, fields)):
                expected[stream].append(row)
        after, checked.upto = checked.upto, page[-1][0]
        checked.raw += len(page)
        _compare(log, shard, checked, after=after, expected=expected)
        tell(checked)
        if checked.difference is not None:
            return checked
    checked.difference = _position_difference(state, at)
    return checked


def _state(log: Log, shard: int, start: Start) -> State:
    if start.manifest is None:
        return State()
    state = load_snapshot(log, shard, start.manifest)
    if state is None:
        raise NotCheckable(f"{start} cannot be read (any more); try another start with --from")
    return state


def _raw_pages(log: Log, shard: int, after: bytes, upto: bytes) -> Iterator[list[Entry]]:
    begun = after
    while id_less(after, upto):
        page = log.entries(RAW, shard=shard, first=b"(" + after, last=upto, count=PAGE)
        first = _first_id(log, RAW, shard)
        if not page or first is None or not _follows(page[0], after, first):
            raise NotCheckable(
                f"raw was trimmed up to {(first or upto).decode()} while the range from "
                f"{begun.decode()} was compared as far as {after.decode()}; start later: "
                "--from newest"
            )
        yield page
        after = page[-1][0]


def _follows(entry: Entry, after: bytes, first: bytes) -> bool:
    """Whether nothing between `after` and an entry can have been trimmed: `first` is what is left.

    Read in this order: the entry, then `first`.
    """
    return _is_the_first(entry) if after == FIRST_ID else not id_less(after, first)


def _compare(
    log: Log, shard: int, checked: Checked, *, after: bytes, expected: dict[str, list[Row]]
) -> None:
    """Compare the outputs of one page of raw with the log."""
    worst: tuple[bytes, Row | None, Row | None] | None = None
    where = ""
    for name, stream in STREAMS.items():
        found = [found_row(name, e) for e in _outputs_between(log, shard, stream, after, checked)]
        rows = expected[name]
        if log.trimmed(stream, shard=shard):
            first = _first_id(log, stream, shard)
            rows, found = _from(rows, first), _from(found, first)
            checked.trimmed[name] += len(expected[name]) - len(rows)
        differs = first_difference(rows, found)
        if differs and (worst is None or id_less(differs[0], worst[0])):
            worst, where = differs, name
        if name == "clean":
            checked.clean += len(rows)
        else:
            checked.rejected += len(rows)
    if worst is not None:
        entry_id, ours, theirs = worst
        checked.difference = explain(where, raw_id_of(entry_id), ours, theirs)


def _outputs_between(
    log: Log, shard: int, stream: Stream, after: bytes, checked: Checked
) -> Iterator[Entry]:
    first = clean_id(after, OUTPUTS_PER_ENTRY - 1) if after != FIRST_ID else FIRST_ID
    last = clean_id(checked.upto, OUTPUTS_PER_ENTRY - 1)
    while page := log.entries(stream, shard=shard, first=b"(" + first, last=last, count=PAGE):
        yield from page
        first = page[-1][0]


def _from(rows: list[Row], first: bytes | None) -> list[Row]:
    """Rows that a stream which begins at `first` can have."""
    return [row for row in rows if first is not None and not id_less(row.id, first)]


def _position_difference(state: State, at: Positions) -> Difference | None:
    """All outputs are equal; n and the running checksum of the commit must be so, too."""
    digest = digest_text(state.digest)
    if at.raw == FIRST_ID or (state.n == at.n and digest == at.digest):
        return None
    pairs = (("n", state.n, at.n), ("digest", digest, at.digest))
    fields = [Field(name, ours, theirs) for name, ours, theirs in pairs if ours != theirs]
    return Difference("committed position", at.clean.decode(), at.raw.decode(), fields)


def _first_id(log: Log, stream: Stream, shard: int) -> bytes | None:
    first = log.entries(stream, shard=shard, count=1)
    return first[0][0] if first else None


def _is_the_first(entry: Entry) -> bool:
    """Whether it is the entry by which the first leader of all took over."""
    try:
        control = decode_control(entry[1][1])
    except (DecodeError, IndexError):
        return False
    return (control.kind, control.session) == (ControlKind.LEAD, 1)
