"""The functions of the server, the reader, and the arbiter's whole step, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from bench.model import Value
from bench.settings import Settings as BenchSettings
from bench.stages.core import LOG_RATE
from bench.stages.raw_log import payloads_of, synthetic_log
from bench.stages.timing import rate, server
from mdhub.runtime.garbage import Garbage
from mdhub.streams.ids import clean_id
from mdhub.streams.open import open_log
from mdhub.streams.port import FIRST_ID, CleanBatch, Entry, LeadRequest, Log, Positions
from mdhub.streams.server import Profile
from mdhub.streams.topology import RAW
from mdhub_arbiter.leader import Leader
from mdhub_arbiter.recovery import recover
from mdhub_arbiter.settings import Settings, Wanted

BATCH = 100
HEADER = b"header-of-20-bytes.."
PROFILES: tuple[Profile, ...] = ("fast", "single")


def functions(settings: BenchSettings) -> list[Value]:
    """`raw_append` and `clean_append` at batch 100, both profiles."""
    payloads = payloads_of(synthetic_log(settings.few(100_000), LOG_RATE))[:50_000]
    return [value for profile in PROFILES for value in _written(profile, payloads, settings)]


def reader(settings: BenchSettings) -> list[Value]:
    """Read raw from its begin, replies decoded to entries."""
    payloads = payloads_of(synthetic_log(settings.few(100_000), LOG_RATE))
    with server("fast") as url:
        log = _led(url, "bench:")
        _append(log, payloads, session=1)
        read = rate("raw tail", lambda: _read_all(log), len(payloads), settings.rounds)
        log.close()
    return [read]


def arbiter(settings: BenchSettings) -> list[Value]:
    """Read, decide and commit a raw log that is there already, as a leader does."""
    entries = synthetic_log(settings.few(100_000), LOG_RATE)
    Garbage()  # as the service does
    return [_arbiter(profile, entries, settings.rounds) for profile in PROFILES]


def _written(profile: Profile, payloads: list[bytes], settings: BenchSettings) -> Iterator[Value]:
    with server(profile) as url:
        sessions, prefixes = count(1), count()
        log = _led(url, "bench:")
        yield rate(
            f"raw_append, {profile}",
            lambda: _append(log, payloads, session=next(sessions)),
            len(payloads),
            settings.rounds,
        )
        log.close()
        logs = [_led(url, f"clean{next(prefixes)}:") for _ in range(settings.rounds)]
        waiting = iter(logs)
        yield rate(
            f"clean_append, {profile}",
            lambda: _commit(next(waiting), payloads),
            len(payloads),
            settings.rounds,
        )
        for led in logs:
            led.close()


def _led(url: str, prefix: str) -> Log:
    log = open_log(url, service="arbiter", prefix=prefix)
    log.take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    return log


def _append(log: Log, payloads: list[bytes], *, session: int) -> None:
    for start in range(0, len(payloads), BATCH):
        chunk = payloads[start : start + BATCH]
        log.raw_append(
            0, writer="A", session=session, first_seq=start + 1,
            kinds="t" * len(chunk), payloads=chunk,
        )  # fmt: skip


def _commit(log: Log, payloads: list[bytes]) -> None:
    token = log.leadership(0).token
    at = FIRST_ID
    for start in range(0, len(payloads), BATCH):
        raw = b"%d-0" % (start + 1)
        chunk = payloads[start : start + BATCH]
        clean = [(clean_id(raw, j), HEADER, b"t", p) for j, p in enumerate(chunk)]
        log.clean_append(0, CleanBatch(token, at, Positions(raw=raw, n=start), clean))
        at = raw


def _read_all(log: Log) -> None:
    tail = log.tail(RAW, after=FIRST_ID)
    while tail.read(block_ms=0, count=128):
        pass
    tail.close()


def _arbiter(profile: Profile, entries: list[Entry], rounds: int) -> Value:
    rates = []
    for number in range(rounds):
        with server(profile) as url:
            log = open_log(url, service="arbiter", prefix=f"arbiter{number}:")
            log.take(0, LeadRequest(0, FIRST_ID, 1, entries[0][1][1]))
            _fill(log, entries)
            rates += rate("", lambda log=log: _lead(log), len(entries), 1).rounds  # type: ignore[misc]
            log.close()
    return Value(f"{profile}, one core", "raw/s", rates)


def _fill(log: Log, entries: list[Entry]) -> None:
    for start in range(1, len(entries), 500):
        chunk = entries[start : start + 500]
        log.raw_append(
            0, writer="bench", session=1, first_seq=start,
            kinds="".join(f[0].decode() for _, f in chunk), payloads=[f[1] for _, f in chunk],
        )  # fmt: skip


def _lead(log: Log) -> None:
    """The leader's loop without clock and housekeeping."""
    leader = Leader(
        log, shard=0, instance="bench", leadership=log.leadership(0),
        recovered=recover(log, 0), since_ns=0, wanted=Wanted(Settings()),
    )  # fmt: skip
    tail = log.tail(RAW, after=FIRST_ID)
    while leader.step(tail, block_ms=0):
        pass
    tail.close()
    log.positions(0)  # the reply to the last commit
