"""Channels: where alerts go. The only importer of Apprise, which knows some hundred of them.

An address holds secrets (tokens, passwords): it is in no error, log line, event or repr from here.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import Hidden
from mdhub.wire.ops import Severity
from mdhub_monitor.alerts.post import Outcome
from mdhub_monitor.alerts.robots import (
    ROBOTS,
    TOO_MANY,
    look_at_answers,
    refusal_of_this_thread,
)
from mdhub_monitor.alerts.text import Letter

__all__ = ["Channel", "ChannelError", "kind_of", "open_channel"]

LINES: Final = "jsonl"
LIMIT_BYTES: Final = 15_000
LIMITS_BYTES: Final = {"wecombot": 2_048}
_SHORTEST_SECRET: Final = 6
_SHOWN: Final = 300


class ChannelError(ServiceError):
    """An address that no channel can be made of; the message does not quote it."""


class Channel(Protocol):
    """One way to people."""

    @property
    def limit_bytes(self) -> int:
        """What title and body may take together."""

    def send(self, letter: Letter) -> Outcome:
        """Send, and wait for the other side's word. Never raises."""


def kind_of(address: str) -> str:
    """Scheme of an address, the only part of it that may be shown."""
    scheme = address.partition("://")[0].lower()
    return scheme if scheme.isidentifier() and "://" in address else "unknown"


def open_channel(address: str) -> Channel:
    """Make a channel of an address. Raises ChannelError."""
    if kind_of(address) == LINES:
        return _Lines(Path(unquote(urlsplit(address).path)))
    return _AppriseChannel(address)


class _Lines:
    """Appends each message as a line of JSON to a file: for programs, and for tests."""

    limit_bytes = LIMIT_BYTES

    def __init__(self, file: Path) -> None:
        if not file.is_absolute():
            raise ChannelError(f"{LINES}:// was expected with a whole path: {LINES}:///var/x.jsonl")
        self._file = file

    def send(self, letter: Letter) -> Outcome:
        begin_s = time.monotonic()
        head = {"ts_ns": letter.message.ts_ns, "severity": letter.severity, "title": letter.title}
        items = [msgspec.to_builtins(_named(item)) for item in letter.message.items]
        line = head | {"id": letter.message.id, "items": items, "body": letter.body}
        try:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            return Outcome(ok=False, problem=f"the file cannot be written: {error.strerror}")
        return Outcome(ok=True, took_ms=_since_ms(begin_s))


def _named(item: Any) -> dict[str, Any]:
    finding = item.finding
    return {
        "change": item.change,
        "key": finding.key,
        "rule": finding.rule,
        "subject": finding.subject,
        "severity": finding.severity,
        "since_ns": finding.since_ns,
        "ended_ns": item.ended_ns,
        "facts": finding.facts,
        "done": finding.done,
        "also": item.also,
    }


class _AppriseChannel:
    """One address that Apprise understands."""

    def __init__(self, address: str) -> None:
        apprise = _apprise()
        self._kind = kind_of(address)
        self._hidden = Hidden(_secrets_in(address))
        self.limit_bytes = LIMITS_BYTES.get(self._kind, LIMIT_BYTES)
        asset = apprise.AppriseAsset(app_id="mdhub", app_desc="mdhub alerts", storage_mode="memory")
        plugin = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if plugin is None:
            raise ChannelError(
                f"the address ({self._kind}://...) was not understood by Apprise; "
                "expected for example mailtos://, dingtalk://, wecombot://, feishu://, json://"
            )
        plugin.request_rate_per_sec = 0  # our own limits, see post.LIMITS
        if self._kind in ROBOTS:
            look_at_answers(plugin)
        self._plugin = plugin

    def __repr__(self) -> str:
        return f"<channel {self._kind}>"

    def send(self, letter: Letter) -> Outcome:
        begin_s = time.monotonic()
        types = _apprise().NotifyType
        kinds = {Severity.ERROR: types.FAILURE, Severity.WARNING: types.WARNING}
        _words.take()
        try:
            ok = bool(
                self._plugin.notify(
                    title=letter.title,
                    body=letter.body,
                    notify_type=kinds.get(Severity(letter.severity), types.SUCCESS),
                    body_format=_apprise().NotifyFormat.TEXT,
                )
            )
            problem = _words.take()
        except Exception as error:  # noqa: BLE001 - some hundred plugins of others, and none may end this thread
            ok, problem = False, f"{type(error).__name__}: {error}"
        refused = refusal_of_this_thread()
        if refused is not None:
            problem = f"refused with code {refused[0]}: {refused[1]}"
        shown = "" if ok else self._hidden(problem)[:_SHOWN] or "refused without a reason"
        throttled = refused is not None and refused[0] in TOO_MANY
        return Outcome(ok, shown, throttled, _since_ms(begin_s))


class _Words(logging.Handler):
    """Keeps what Apprise warns of in this thread, in the place of printing it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._held = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._held.text = f"{getattr(self._held, 'text', '')} {record.getMessage()}"[-_SHOWN:]

    def take(self) -> str:
        text: str = getattr(self._held, "text", "")
        self._held.text = ""
        return text.strip()


_words: Final = _Words()


def _apprise() -> Any:
    """Load Apprise, and keep its log lines, which may quote addresses, to ourselves."""
    try:
        import apprise  # noqa: PLC0415 - takes a while and is needed with channels only
    except ImportError:
        raise ChannelError('alerts need Apprise: pip install "mdhub[monitor]"') from None
    log = logging.getLogger("apprise")
    if _words not in log.handlers:
        log.addHandler(_words)
        log.propagate = False
        log.setLevel(logging.WARNING)
    return apprise


def _secrets_in(address: str) -> list[str]:
    """Address and every part of it that may be a token."""
    rest = address.partition("://")[2]
    parts = rest.translate(str.maketrans("/:@?&=", "      ")).split()
    return [
        address,
        rest,
        *(p for each in parts for p in (each, unquote(each)) if len(p) >= _SHORTEST_SECRET),
    ]


def _since_ms(begin_s: float) -> int:
    return round((time.monotonic() - begin_s) * 1_000)
