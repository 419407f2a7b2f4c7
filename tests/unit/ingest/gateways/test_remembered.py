"""The set of symbols that a gateway goes through at a login."""

from __future__ import annotations

import threading

from mdhub_ingest.gateways.profiles.ctp import _Remembered


def test_symbols_may_be_added_while_the_gateway_goes_through_them() -> None:
    """A plain set would raise, and the rest of the symbols would be lost."""
    remembered = _Remembered(["a", "b", "c"])
    seen = []
    for symbol in remembered:
        seen.append(symbol)
        remembered.add(symbol + symbol)
    assert sorted(seen) == ["a", "b", "c"]
    assert sorted(remembered) == ["a", "aa", "b", "bb", "c", "cc"]


def test_another_thread_may_add_symbols_meanwhile() -> None:
    """The main thread subscribes while the vendor's restores."""
    remembered = _Remembered(str(n) for n in range(1_000))
    adding = threading.Thread(
        target=lambda: remembered.update(str(n) for n in range(1_000, 60_000))
    )
    adding.start()
    rounds = 0
    while adding.is_alive() or not rounds:
        assert len(list(remembered)) >= 1_000
        rounds += 1
    adding.join()
    assert len(set(remembered)) == 60_000
