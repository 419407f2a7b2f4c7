"""Messages as people read them."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mdhub.health.alerts import Item, Message
from mdhub_monitor.alerts.settings import AlertSettings
from mdhub_monitor.alerts.text import write
from tests.unit.monitor.alerts.builders import START_NS, S, finding


def message(*items: Item) -> Message:
    return Message(id="m", ts_ns=START_NS + 75 * S, severity="error", items=list(items))


def test_a_message_says_all_that_somebody_needs() -> None:
    """What, since when, what it means, what the hub did, what to do, where more stands."""
    found = replace(finding("source_silent:CTP1", done="restarted"), facts={"age_ms": 6_200})
    item = Item(change="new", finding=found, also=["source_lagging:CTP1"])
    settings = AlertSettings(hub="prod", docs_url="https://docs.example/")

    letter = write(message(item), settings, limit_bytes=10_000)

    assert letter.title == "[prod] ERROR: Source CTP1 is silent"
    for words in (
        "(1 min 15 s)",
        "age 6.2 s",
        "stand still while other sources move",
        "its process was restarted",
        "To do:",
        "https://docs.example/docs/ops/source-down.md",
        "Belongs to it: source_lagging:CTP1.",
        "mdhub alerts ack source_silent:CTP1",
    ):
        assert words in letter.body


def test_what_is_over_asks_for_nothing() -> None:
    """Only how long it was."""
    item = Item(change="resolved", finding=finding("slow_clients:"), ended_ns=START_NS + 7_260 * S)
    letter = write(message(item), AlertSettings(), limit_bytes=10_000)
    assert letter.title == "[mdhub] resolved: Slow clients"
    assert "for 2 h 1 min" in letter.body
    assert "To do" not in letter.body


def test_both_languages_are_two_halves() -> None:
    """Chinese first."""
    item = Item(change="new", finding=finding("slow_clients:"))
    letter = write(message(item), AlertSettings(language="both"), limit_bytes=10_000)
    assert letter.title == "[mdhub] 错误：客户端过慢"
    assert letter.body.index("处理：") < letter.body.index("To do:")


@given(
    subjects=st.lists(st.text(max_size=200), min_size=1, max_size=30),
    limit=st.integers(600, 5_000),
    language=st.sampled_from(["en", "zh", "both"]),
)
def test_no_message_is_longer_than_the_channel_takes(
    subjects: list[str], limit: int, language: str
) -> None:
    """In bytes; whatever others call things, the title is one line."""
    items = [Item(change="new", finding=finding(f"slow_clients:{subject}")) for subject in subjects]
    settings = AlertSettings(language=language)  # type: ignore[arg-type] # one of them

    letter = write(message(*items), settings, limit_bytes=limit)

    assert len(letter.title.encode()) + len(letter.body.encode()) + 2 <= limit
    assert "\n" not in letter.title
    assert letter.body.strip()
