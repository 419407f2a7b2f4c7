"""Samples: what clients note, what is kept of it, what follows from it."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from bench.measure import numbers_of
from bench.samples import Samples, read_clients, read_csv, taken_between, write_csv

SECOND_NS = 1_000_000_000


def client_file(path: Path, ticks: int, *, latency_us: int = 400, stamped: bool = True) -> Path:
    """One tick each ms, each hop a quarter of the latency."""
    words = array("q")
    for number in range(ticks):
        recv_ns = number * 1_000_000
        hop_ns = latency_us * 250
        raw_ms = recv_ns // 1_000_000 if stamped else 0
        arb_ns, pub_ns = (recv_ns + 2 * hop_ns, recv_ns + 3 * hop_ns) if stamped else (0, 0)
        words.extend((recv_ns, raw_ms, arb_ns, pub_ns, recv_ns + 4 * hop_ns))
    path.write_bytes(words.tobytes())
    return path


def test_warm_up_is_left_out(tmp_path: Path) -> None:
    """Ticks received before the end of the warm-up do not count."""
    samples = read_clients([client_file(tmp_path / "c", 3_000)], warm_up_s=1.0)
    assert samples.total == 2_000
    assert samples.ticks[0][0] == 1_000_000


def test_hops_add_up_to_the_latency(tmp_path: Path) -> None:
    """The hops of a tick, leaving out the one that is part of another, are its latency."""
    samples = read_clients([client_file(tmp_path / "c", 100)], warm_up_s=0)
    hops = samples.hops_ms()
    assert hops["source to arbiter"] == [0.2, 0.2]
    parts = ("source to arbiter", "arbiter to publisher", "publisher to client")
    assert sum(hops[part][0] for part in parts) == pytest.approx(samples.percentile_ms(0.5))


def test_chains_without_stamps_have_no_hops(tmp_path: Path) -> None:
    """Floor and peers send no stamps: there is a latency and nothing made up."""
    samples = read_clients([client_file(tmp_path / "c", 100, stamped=False)], warm_up_s=0)
    assert samples.hops_ms() == {}
    assert samples.percentile_ms(0.5) == 0.4


def test_thinned_samples_keep_their_bound_and_order(tmp_path: Path) -> None:
    """However many ticks came, a bounded number is kept, and how many there were is known."""
    samples = read_clients([client_file(tmp_path / "c", 5_000)], warm_up_s=0, kept=300)
    assert (len(samples.ticks), samples.total) == (300, 5_000)
    assert list(samples.ticks) == sorted(samples.ticks)


def test_kept_samples_give_the_same_numbers(tmp_path: Path) -> None:
    """What is reported can be computed again from the file."""
    files = [client_file(tmp_path / "a", 900), client_file(tmp_path / "b", 900, latency_us=800)]
    samples = read_clients(files, warm_up_s=0.1, kept=500)
    write_csv(samples, tmp_path / "kept" / "s.csv.zst")
    again = read_csv(tmp_path / "kept" / "s.csv.zst")
    assert numbers_of(again, 2) == numbers_of(samples, 2)
    assert again.hops_ms() == samples.hops_ms()


def test_rate_counts_distinct_ticks(tmp_path: Path) -> None:
    """Two clients that took every tick do not double the rate."""
    files = [client_file(tmp_path / name, 2_001) for name in "ab"]
    samples = read_clients(files, warm_up_s=0)
    assert numbers_of(samples, 2)["ticks_per_s"] == pytest.approx(1_000, rel=0.01)


def test_growing_backlog_shows_as_growth() -> None:
    """Latency that rises by 5 ms each second is a growth of 5 ms/s."""
    ticks = [(at * 1_000, 500 + at * 5) for at in range(10_000)]
    assert Samples(ticks, len(ticks)).growth_ms_per_s() == pytest.approx(5.0)


def test_ticks_of_a_stretch_are_counted_by_their_arrival(tmp_path: Path) -> None:
    """CPU time is divided by the ticks that arrived while it was spent."""
    path = client_file(tmp_path / "c", 1_000)
    assert taken_between(path, 0, SECOND_NS // 2) == 500


def test_a_run_without_ticks_is_seen(tmp_path: Path) -> None:
    """An empty file is no samples, not an error of arithmetic."""
    (tmp_path / "c").write_bytes(b"")
    assert read_clients([tmp_path / "c"], warm_up_s=0) == Samples([], 0)
