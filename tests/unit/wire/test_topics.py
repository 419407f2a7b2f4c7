"""Topics and patterns: what a subscription covers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdhub.wire import (
    HEARTBEAT_TOPIC,
    Selection,
    WireError,
    epoch_topic,
    heartbeat_topic,
    instrument_matcher,
    log_topic,
    marker_topic,
    phase_topic,
    quality_topic,
    shard_of,
    status_topic,
    subscription_prefixes,
    tick_topic,
)

symbols = st.from_regex(r"[a-cIF]{1,3}[12]{0,3}(-[CP]-1)?(&a1)?", fullmatch=True)
exchanges = st.sampled_from(["SHFE", "SSE", "CFFEX", "CZCE", "INE"])
pattern_parts = st.text("abcIF12*?[]!-SHE", min_size=1, max_size=6)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Patterns near real names, so that many match: a name with pieces replaced, or any text."""
    if draw(st.booleans()):
        return f"{draw(pattern_parts)}.{draw(pattern_parts)}"
    name = f"{draw(symbols)}.{draw(exchanges)}"
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(name))] * 2)))
    wild = draw(st.sampled_from(["*", "?", "[a-z]", "[!a]", "[.]", "", "[", "]"]))
    return name[:start] + wild + name[end:]


def test_every_topic_ends_with_a_dot() -> None:
    """ZeroMQ matches prefixes: without the dot one name would swallow its longer brothers."""
    topics = [
        tick_topic("SHFE", "cu2610"),
        quality_topic("SHFE", "cu2610"),
        heartbeat_topic(0),
        epoch_topic(0),
        phase_topic("SHFE", "cu"),
        marker_topic(0),
        status_topic("leadership"),
        log_topic("error", "ingest"),
        HEARTBEAT_TOPIC,
    ]

    assert [topic for topic in topics if not topic.endswith(b".")] == []
    assert len(set(topics)) == len(topics)


def test_a_future_is_not_its_options() -> None:
    """Who subscribes to cu2610 gets no tick of cu2610C80000."""
    tick, quality = subscription_prefixes("cu2610.SHFE")

    assert tick_topic("SHFE", "cu2610").startswith(tick)
    assert quality_topic("SHFE", "cu2610").startswith(quality)
    assert not tick_topic("SHFE", "cu2610C80000").startswith(tick)
    assert not heartbeat_topic(10).startswith(heartbeat_topic(1))


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("*", b"tick."),
        ("*.SHFE", b"tick.SHFE."),
        ("IF*.CFFEX", b"tick.CFFEX.IF"),
        ("IF?612.CFFEX", b"tick.CFFEX.IF"),
        ("rb2610.SHFE", b"tick.SHFE.rb2610."),
        ("rb2610.S*", b"tick.S"),
        ("rb2610[.]SHFE", b"tick."),
    ],
)
def test_subscriptions_are_as_narrow_as_prefixes_can_be(pattern: str, prefix: bytes) -> None:
    """The part before the first wildcard is left to ZeroMQ, the rest to the matcher."""
    assert subscription_prefixes(pattern)[0] == prefix


@pytest.mark.parametrize("pattern", ["", "rb2610", "rb*", ".SHFE", "rb2610.", "."])
def test_a_pattern_without_exchange_is_refused(pattern: str) -> None:
    """The mistake is named together with what was expected."""
    with pytest.raises(WireError, match=r"expected symbol\.EXCHANGE"):
        subscription_prefixes(pattern)


@given(pattern=patterns(), symbol=symbols, exchange=exchanges)
def test_subscriptions_cover_what_a_pattern_matches(
    pattern: str, symbol: str, exchange: str
) -> None:
    """No instrument that a client asked for is withheld by ZeroMQ."""
    name = f"{symbol}.{exchange}"
    try:
        tick, quality = subscription_prefixes(pattern)
    except WireError:
        return
    if instrument_matcher([pattern]).match(name):
        assert tick_topic(exchange, symbol).startswith(tick)
        assert quality_topic(exchange, symbol).startswith(quality)


@given(chosen=st.lists(patterns() | st.just("*"), max_size=4), symbol=symbols, exchange=exchanges)
def test_a_selection_agrees_with_the_matcher(chosen: list[str], symbol: str, exchange: str) -> None:
    """The fast way for many names answers like the simple one, also when asked twice."""
    name = f"{symbol}.{exchange}"
    selection = Selection(chosen)
    expected = instrument_matcher(chosen).match(name) is not None

    assert [selection.matches(name), selection.matches(name)] == [expected, expected]


def test_patterns_are_case_sensitive() -> None:
    """CFFEX and CZCE write upper case, SHFE and DCE lower case: `IF` is not `if`."""
    assert not instrument_matcher(["IF*.CFFEX"]).match("if2612.CFFEX")


def test_no_pattern_matches_nothing() -> None:
    """An empty list is not everything."""
    assert not instrument_matcher([]).match("IF2612.CFFEX")


@pytest.mark.parametrize(
    ("symbol", "shard"),
    [("rb2610", 2), ("IF2612", 4), ("SR701C5800", 6), ("10004567", 4), ("沪铜", 0)],
)
def test_symbols_stay_in_their_shard(symbol: str, shard: int) -> None:
    """A shard holds a symbol's whole history, so the answer never changes."""
    assert shard_of(symbol, 8) == shard
    assert shard_of(symbol, 1) == 0
