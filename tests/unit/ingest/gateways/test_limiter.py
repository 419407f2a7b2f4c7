"""Lines of a gateway are limited by pattern; what was left out is counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mdhub_ingest.gateways.limiter import Limiter, pattern


def test_a_flood_becomes_a_few_lines_and_a_count() -> None:
    """1,500 lines a second for ten seconds."""
    limiter = Limiter(per_s=0.2, burst=5)
    admitted = [
        limiter.admit(f"行情服务器连接断开，原因4097 ({i})", i / 1_500) for i in range(15_000)
    ]
    told = [count for count in admitted if count is not None]
    assert len(told) == 6
    assert sum(told) + limiter._buckets[pattern("行情服务器连接断开，原因1 (1)")].left_out == 14_994
    assert limiter.left_out == 14_994


def test_other_lines_pass_beside_a_flood() -> None:
    """Each pattern has its own measure."""
    limiter = Limiter(per_s=0.2, burst=1)
    assert [limiter.admit("a 1", 0.0), limiter.admit("a 2", 0.0)] == [0, None]
    assert limiter.admit("b 1", 0.0) == 0


def test_lines_differ_by_words_not_by_numbers() -> None:
    """Numbers and hexadecimal numbers are one pattern."""
    assert pattern("order 12 at 0xFF") == pattern("order 7 at 0x1a")
    assert pattern("login") != pattern("logout")


@given(texts=st.lists(st.text(max_size=3), max_size=300), patterns=st.integers(1, 5))
def test_nothing_is_left_out_uncounted(texts: list[str], patterns: int) -> None:
    """Admitted, told later, still waiting or forgotten: together they are all lines."""
    limiter = Limiter(per_s=1.0, burst=2, patterns=patterns)
    admitted = [limiter.admit(text, number * 0.1) for number, text in enumerate(texts)]
    told = [count for count in admitted if count is not None]
    waiting = sum(bucket.left_out for bucket in limiter._buckets.values())
    assert len(limiter._buckets) <= patterns
    assert len(told) + sum(told) + waiting + limiter.forgotten == len(texts)
    assert limiter.left_out == len(texts) - len(told)
