"""`mdhub alerts` against a real server."""

import json
import time

import pytest

from mdhub.cli.alerts import list_alerts, read_book, tell_alerting
from mdhub.cli.hubs import HubAddress
from mdhub.health.alerts import Alert, AlertBook, ChannelFacts, Silence, encode_book
from mdhub.health.model import Finding
from mdhub.runtime.errors import ServiceError
from mdhub.streams import open_log


@pytest.fixture
def hub(server_url: str, prefix: str) -> HubAddress:
    return HubAddress(url=server_url, prefix=prefix, shards=1, silent_ms=3_000)


def save(hub: HubAddress, book: bytes) -> None:
    log = open_log(hub.url, service="monitor", prefix=hub.prefix)
    log.save_note("alerts", book)
    log.close()


def a_book(ts_ns: int) -> bytes:
    finding = Finding(
        key="source_silent:A", rule="source_silent", subject="A", severity="error", since_ns=1
    )
    return encode_book(
        AlertBook(
            ts_ns=ts_ns,
            alerts=[Alert(finding=finding, told_ns=2, tellings=1, acked_by="cli")],
            silences=[Silence(pattern="gap:*", until_ns=ts_ns, by="cli", reason="works")],
            channels=[ChannelFacts(name="ops", kind="dingtalk", sent=3, problem="refused")],
        )
    )


def test_the_list_says_who_knows_what(hub: HubAddress, capsys: pytest.CaptureFixture[str]) -> None:
    """For people in their language, for programs as one object."""
    save(hub, a_book(time.time_ns()))

    assert list_alerts(hub, as_json=False, language="zh") == 0
    shown = capsys.readouterr().out
    for words in ("行情源 A 静默", "acknowledged by cli", "gap:*: works", "ops (dingtalk): 3 sent"):
        assert words in shown
    assert list_alerts(hub, as_json=True, language="en") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["alerts"][0]["key"] == "source_silent:A"
    assert told["channels"][0]["problem"] == "refused"


def test_a_monitor_that_is_gone_is_said(hub: HubAddress) -> None:
    """Nobody is told of anything then: never run, not running now, or of another release."""
    with pytest.raises(ServiceError, match="no monitor has run"):
        read_book(hub)
    save(hub, b"\xc1")
    with pytest.raises(ServiceError, match="does not understand"):
        read_book(hub)
    save(hub, a_book(time.time_ns() - 60_000_000_000))
    with pytest.raises(ServiceError, match="60 s old"):
        list_alerts(hub, as_json=False, language="en")


def test_without_an_answer_the_command_has_expired(
    hub: HubAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence for people, an object for programs."""
    with pytest.raises(ServiceError, match=r"no answer within 0\.5 s"):
        tell_alerting(hub, "ack", {"pattern": "*"}, timeout_s=0.5, as_json=False)
    assert tell_alerting(hub, "ack", {"pattern": "*"}, timeout_s=0.5, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
