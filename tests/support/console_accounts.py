"""A made-up account store for the pages, and the test of a connection that failed."""

from __future__ import annotations

from typing import Any, Final

from mdhub.accounts.model import AccountHealth, Draft
from mdhub.runtime.heartbeat import beat_payload
from mdhub.wire.ops import Command, Event
from mdhub_console.accounts.book import AccountBook
from mdhub_console.live.service import Live
from tests.support.console import make_accounts
from tests.support.console_scene import NOW_NS

__all__ = ["accounts_scene", "tested"]

_CTP: Final[dict[str, Any]] = {
    "user_id": "880012", "password": "never shown", "broker_id": "9999",
    "td_address": "tcp://180.168.146.187:10201", "md_address": "tcp://180.168.146.187:10211",
    "app_id": "client_mdhub_1.0", "auth_code": "env:CTP_AUTH_CODE", "environment": "live",
}  # fmt: skip


def accounts_scene() -> AccountBook:
    """Three accounts at work, one switched off, one that came in without its password."""
    book = make_accounts()
    drafts = (
        Draft(id="CTP-A", gateway_type="ctp", settings=_CTP, priority=10,
              description="Main line, Zhangjiang room"),
        Draft(id="CTP-B", gateway_type="ctp", settings={**_CTP, "user_id": "880013"}, priority=20,
              description="Second line over another carrier",
              health=AccountHealth(canaries=("rb2701.SHFE", "IF2612.CFFEX"),
                                   silence_ms={"rb2701.SHFE": 3_000})),
        Draft(id="SOPT-1", gateway_type="sopt", settings={**_CTP, "user_id": "660001"},
              priority=30, schedule_group="options"),
        Draft(id="SIM-trial", gateway_type="sim", settings={"seed": 7, "jump": True}, priority=900,
              is_enabled=False, description="To try rules out"),
    )  # fmt: skip
    for draft in drafts:
        settings = {k: v for k, v in draft.settings.items() if _fits(draft, k)}
        book.create(_with(draft, settings), by="ops")
    book.adjust("CTP-B", revision=1, by="ops", priority=25)
    book.take_in(
        b'{"format": "mdhub-accounts", "version": 1, "accounts": [{"id": "TTS-1", "gateway_type":'
        b' "tts", "priority": 500, "settings": {"user_id": "1", "broker_id": "", "password": "",'
        b' "td_address": "tcp://121.37.80.177:20002", "md_address": "tcp://121.37.80.177:20004"},'
        b' "is_enabled": false}]}',
        by="admin",
    )
    return book


def tested(live: Live) -> Live:
    """Add the heartbeat of the supervisor, and a test that ended in a refused login."""
    counters = {"account:CTP-A": 1, "account:CTP-B": 1, "account:SOPT-1": 1}
    view = live.view
    beat = beat_payload("supervisor", "supervisor:1", "running", counters)
    view.beats = {**view.beats, "supervisor:1": beat}
    sent_ns = NOW_NS - 65_000_000_000
    view.take_commands(
        [Command(1, "t-1", sent_ns, "ops", "account:CTP-B", "test", {}, sent_ns + 45 * 10**9)]
    )
    result = {
        "account": "CTP-B", "ok": False, "error": "invalid login: check user id and password",
        "stages": [
            {"stage": "preflight", "ok": True},
            {"stage": "connecting", "ok": True, "side": "md"},
            {"stage": "md_login", "ok": True},
            {"stage": "login_refused", "ok": False, "side": "td", "code": 3,
             "says": "invalid login", "says_zh": "不合法的登录",
             "todo": "check user id and password; the account is not locked",
             "todo_zh": "检查用户名与密码；账户未被锁定"},
        ],
    }  # fmt: skip
    event = Event(1, "te", sent_ns + 3_200_000_000, "ingest", "command.done", "account:CTP-B",
                  "info", "t-1", {"ok": False, "result": result})  # fmt: skip
    view.take_events([(b"1-1", event)])
    return live


def _fits(draft: Draft, name: str) -> bool:
    return draft.gateway_type != "sopt" or name != "environment"


def _with(draft: Draft, settings: dict[str, Any]) -> Draft:
    fields = {name: getattr(draft, name) for name in Draft.__struct_fields__}
    return Draft(**fields | {"settings": settings})
