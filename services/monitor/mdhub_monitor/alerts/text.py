"""Pure: a message as people read it, in English, Chinese or both, cut to what a channel takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple

from mdhub.health.alerts import Item, Message
from mdhub.health.words import Language, shown_facts, tell
from mdhub_monitor.alerts.settings import AlertSettings

__all__ = ["Letter", "write"]

CHINA: Final = timezone(timedelta(hours=8))
MAX_TITLE: Final = 120
SECOND_NS: Final = 1_000_000_000


class Letter(NamedTuple):
    """What a channel sends."""

    title: str
    body: str
    severity: str
    message: Message


_TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "new": "{severity}: {title}",
        "worse": "{severity}, it got worse: {title}",
        "again": "{severity}, it still lasts: {title}",
        "resolved": "resolved: {title}",
        "over": "{severity}, over already: {title}",
        "error": "ERROR",
        "warning": "warning",
        "info": "info",
        "since": "Since {moment} ({lasted}).",
        "until": "From {moment}, for {lasted}.",
        "facts": "Facts: {facts}.",
        "also": "Belongs to it: {keys}.",
        "hub": "The hub: {hub}",
        "act": "To do: {act}",
        "page": "More: {page}",
        "ack": "No repeats: mdhub alerts ack {key}",
        "more": "... and {count} more: mdhub alerts list",
        "others": " (+{count})",
        "test": "test of the alerts",
        "tested": "This is a test, asked for at {moment}. Nothing is wrong.",
    },
    "zh": {
        "new": "{severity}：{title}",
        "worse": "{severity}，情况加重：{title}",
        "again": "{severity}，仍未恢复：{title}",
        "resolved": "已恢复：{title}",
        "over": "{severity}，已结束：{title}",
        "error": "错误",
        "warning": "警告",
        "info": "信息",
        "since": "开始于 {moment}（已持续 {lasted}）。",
        "until": "开始于 {moment}，持续 {lasted}。",
        "facts": "数据：{facts}。",
        "also": "相关：{keys}。",
        "hub": "系统：{hub}",
        "act": "处理：{act}",
        "page": "详情：{page}",
        "ack": "不再重复提醒：mdhub alerts ack {key}",
        "more": "……另有 {count} 条：mdhub alerts list",
        "others": "（另 {count} 条）",
        "test": "告警测试",
        "tested": "这是一条测试消息，请求时间 {moment}。系统无异常。",
    },
}


def write(message: Message, settings: AlertSettings, *, limit_bytes: int) -> Letter:
    """Put a message into words; title and body together take at most `limit_bytes` of UTF-8."""
    languages: tuple[Language, ...]
    languages = ("zh", "en") if settings.language == "both" else (settings.language,)
    title = f"[{settings.hub}] {_title(message, languages[0])}"
    title = _clipped(" ".join(title.split()), MAX_TITLE, limit_bytes)
    room = limit_bytes - len(title.encode()) - 2
    share = room // len(languages) - 2
    bodies = [_body(message, settings, language, share) for language in languages]
    return Letter(title, "\n\n".join(bodies), message.severity, message)


def _title(message: Message, language: Language) -> str:
    texts = _TEXTS[language]
    if not message.items:
        return texts["test"]
    others = len(message.items) - 1
    return _headline(message.items[0], language) + (
        texts["others"].format(count=others) if others else ""
    )


def _headline(item: Item, language: Language) -> str:
    texts, finding = _TEXTS[language], item.finding
    severity = texts.get(finding.severity, finding.severity)
    return _put(texts[item.change], severity=severity, title=tell(finding, language).title)


def _body(message: Message, settings: AlertSettings, language: Language, room: int) -> str:
    texts = _TEXTS[language]
    if not message.items:
        return _put(texts["tested"], moment=_moment(message.ts_ns))
    parts: list[str] = []
    for number, item in enumerate(message.items):
        lines = [f"- {_headline(item, language)}", *_lines(item, message, settings, language)]
        part = "\n".join(lines)
        left = len(message.items) - number
        more = _put(texts["more"], count=str(left))
        used = sum(len(each.encode()) + 2 for each in parts)
        spare = room - used - (len(more.encode()) + 2 if left > 1 else 0)
        if len(part.encode()) > spare:
            shortest = _clipped(lines[0], MAX_TITLE, max(0, spare))
            parts.append(more if parts else _clipped(part, len(part), max(0, spare)) or shortest)
            if len(parts) == 1 and left > 1:
                parts.append(_put(texts["more"], count=str(left - 1)))
            break
        parts.append(part)
    return "\n\n".join(parts)


def _lines(
    item: Item, message: Message, settings: AlertSettings, language: Language
) -> Iterator[str]:
    texts, finding, told = _TEXTS[language], item.finding, tell(item.finding, language)
    over = item.change in {"resolved", "over"}
    lasted_ns = (item.ended_ns or message.ts_ns) - finding.since_ns
    when = texts["until" if item.ended_ns else "since"]
    yield _put(when, moment=_moment(finding.since_ns), lasted=_lasted(lasted_ns))
    if item.change == "resolved":
        return
    yield told.means
    if finding.facts:
        yield _put(texts["facts"], facts=shown_facts(finding.facts, language))
    if item.also:
        yield _put(texts["also"], keys=", ".join(item.also))
    yield _put(texts["hub"], hub=told.hub)
    if not over:
        yield _put(texts["act"], act=told.act)
    yield _put(texts["page"], page=f"{settings.docs_url}{told.page}")
    if not over:
        yield _put(texts["ack"], key=finding.key)


def _put(template: str, **values: str) -> str:
    # Not str.format over values: they hold text of others, braces included.
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value, 1)
    return " ".join(template.split())


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND_NS, UTC).astimezone(CHINA).strftime("%m-%d %H:%M:%S")


def _lasted(ns: int) -> str:
    seconds = max(0, ns) // SECOND_NS
    hours, minutes = seconds // 3_600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _clipped(text: str, characters: int, limit_bytes: int) -> str:
    if len(text) <= characters and len(text.encode()) <= limit_bytes:
        return text
    dots = "..."
    room = max(0, limit_bytes - len(dots))
    return text[:characters].encode()[:room].decode(errors="ignore") + dots
