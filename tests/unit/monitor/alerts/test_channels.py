"""Messages reach people: over real sockets, and what refuses is noticed."""

import json
import threading
from pathlib import Path

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from mdhub.health.alerts import Item, Message
from mdhub_monitor.alerts.channels import Channel, ChannelError, kind_of, open_channel
from mdhub_monitor.alerts.robots import refusal
from mdhub_monitor.alerts.settings import AlertSettings
from mdhub_monitor.alerts.text import Letter, write
from tests.unit.monitor.alerts.builders import START_NS, finding
from tests.unit.monitor.alerts.receivers import Web, smtp, web

TOKEN = "a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0abcd"
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"


def letter(channel: Channel, *keys: str, language: str = "zh") -> Letter:
    items = [Item(change="new", finding=finding(key)) for key in keys or ("source_silent:CTP1",)]
    message = Message(id="m1", ts_ns=START_NS, severity="error", items=items)
    settings = AlertSettings(language="zh" if language == "zh" else "en")
    return write(message, settings, limit_bytes=channel.limit_bytes)


def robot(kind: str, there: Web, patch: pytest.MonkeyPatch) -> Channel:
    """Lead a robot's plugin to a server here."""
    patch.setattr(NotifyDingTalk, "notify_url", there.url + "/ding?access_token={token}")
    patch.setattr(NotifyWeComBot, "notify_url", there.url + "/wecom?key={key}")
    patch.setattr(NotifyFeishu, "notify_url", there.url + "/feishu/{token}/")
    return open_channel({"wecombot": f"wecombot://{KEY}"}.get(kind, f"{kind}://{TOKEN}/"))


def test_mail_arrives_at_a_real_server() -> None:
    """Subject and text, Chinese included."""
    with smtp() as box:
        address = f"mailto://127.0.0.1:{box.port}?from=hub@example.com&to=ops@example.com"
        channel = open_channel(address + "&mode=insecure&smtp=127.0.0.1")
        outcome = channel.send(letter(channel))

    assert outcome.ok, outcome
    (mail,) = box.mails
    assert mail["Subject"] == "[mdhub] 错误：行情源 CTP1 静默"
    assert mail["To"] == "ops@example.com"
    body = mail.get_body(("plain", "html"))
    assert body is not None
    assert "mdhub alerts ack source_silent:CTP1" in body.get_content()


def test_a_webhook_gets_json() -> None:
    """Any program can take alerts."""
    with web() as there:
        channel = open_channel(f"json://{there.host}/hook")
        outcome = channel.send(letter(channel, language="en"))

    assert outcome.ok, outcome
    ((path, body),) = there.posts
    assert path.rstrip("/") == "/hook"
    assert body["title"] == "[mdhub] ERROR: Source CTP1 is silent"
    assert "docs/ops/source-down.md" in body["message"]


@pytest.mark.parametrize("kind", ["dingtalk", "wecombot", "feishu"])
def test_robots_get_the_words(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """DingTalk, WeCom and Feishu: title and text in what they are posted."""
    with web() as there:
        channel = robot(kind, there, monkeypatch)
        outcome = channel.send(letter(channel))

    assert outcome.ok, outcome
    assert len(there.posts) == 1
    assert "[mdhub] 错误：行情源 CTP1 静默" in there.texts[0]
    assert "已标记为中断" in there.texts[0]


@pytest.mark.parametrize(
    ("kind", "answer", "throttled"),
    [
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, False),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, True),
        ("wecombot", {"errcode": 45009, "errmsg": "api freq out of limit"}, True),
        ("feishu", {"code": 19024, "msg": "Key Words Not Found"}, False),
    ],
)
def test_a_refusal_within_a_200_is_a_refusal(
    kind: str, answer: dict[str, object], *, throttled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The robots answer 200 to everything; what counts stands in the body."""
    with web() as there:
        there.answer = (200, answer)
        channel = robot(kind, there, monkeypatch)
        refused = channel.send(letter(channel))
        there.answer = (200, {"errcode": 0})
        accepted = channel.send(letter(channel))

    assert not refused.ok
    assert str(next(iter(answer.values()))) in refused.problem
    assert refused.throttled == throttled
    assert accepted.ok


@pytest.mark.parametrize("body", [b"", b"ok", b"[1]", b'"x"', b'{"code": "x"}', b'{"code": true'])
def test_an_answer_that_is_none_of_theirs_is_no_refusal(body: bytes) -> None:
    """A proxy may say anything; the status counts then."""
    assert refusal(body) is None


def test_long_messages_fit_the_robot(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeCom takes 2048 bytes, a Chinese letter has three: what does not fit is counted."""
    with web() as there:
        channel = robot("wecombot", there, monkeypatch)
        outcome = channel.send(letter(channel, *(f"source_silent:CTP{i}" for i in range(40))))

    assert outcome.ok
    ((_, body),) = there.posts
    text = body["text"]["content"]
    assert len(text.encode()) <= 2_048
    assert "mdhub alerts list" in text


def test_nobody_there_is_a_failure_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    """Nor does anything of the address show in errors, reprs or on stderr."""
    with web() as there:
        pass
    channel = open_channel(f"json://user:{TOKEN}@{there.host}/hook/{KEY}")
    outcome = channel.send(letter(channel))
    with pytest.raises(ChannelError) as wrong:
        open_channel(f"wecombot://{TOKEN}%00{KEY}//?key=!")

    assert not outcome.ok
    assert outcome.problem
    shown = f"{outcome} {channel!r} {wrong.value} {capfd.readouterr()}"
    assert TOKEN not in shown
    assert KEY not in shown


@pytest.mark.parametrize("address", ["", "x", "nosuch://y", "mailto://", "jsonl://relative"])
def test_an_address_of_no_use_is_said(address: str) -> None:
    """With what was expected."""
    with pytest.raises(ChannelError, match="expected"):
        open_channel(address)
    assert kind_of(f"{TOKEN}") == "unknown"


def test_channels_do_not_mix_up_what_they_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads, one refused and one accepted at the same time."""
    with web() as good, web() as bad:
        bad.answer = (200, {"errcode": 1, "errmsg": "no"})
        second = robot("wecombot", bad, monkeypatch)
        first = robot("dingtalk", good, monkeypatch)
        found: dict[str, list[bool]] = {"first": [], "second": []}

        def send(name: str, channel: Channel) -> None:
            found[name] += [channel.send(letter(channel)).ok for _ in range(5)]

        threads = [
            threading.Thread(target=send, args=each)
            for each in (("first", first), ("second", second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {"first": [True] * 5, "second": [False] * 5}


def test_lines_are_for_programs(tmp_path: Path) -> None:
    """One JSON object a message; a file that cannot be written is a failure."""
    file = tmp_path / "alerts.jsonl"
    channel = open_channel(f"jsonl://{file}")
    assert channel.send(letter(channel)).ok
    assert channel.send(letter(channel, "slow_clients:")).ok

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [item["key"] for line in lines for item in line["items"]] == [
        "source_silent:CTP1",
        "slow_clients:",
    ]
    gone = open_channel(f"jsonl://{tmp_path}/none/x.jsonl")
    assert "cannot be written" in gone.send(letter(gone)).problem
