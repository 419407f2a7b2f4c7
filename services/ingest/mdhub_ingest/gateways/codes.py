"""Error codes of the CTP family, what they mean and what the hub does: one table.

Codes and Chinese texts are those of the vendor's `error.xml`; 137 and 138 exist in SOPT only.
`python -m mdhub_ingest.gateways.codes` prints the tables as markdown for docs/gateways.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = [
    "CTP_FAMILY",
    "DISCONNECTS",
    "ERRORS",
    "Action",
    "Code",
    "disconnect",
    "error",
    "markdown",
]

CTP_FAMILY: Final = frozenset({"ctp", "sopt", "tts"})
"""Types of sources whose codes these are."""


class Action(StrEnum):
    """What the hub does when a login is refused with a code."""

    STOP = "stop"
    """The source stays down until an operator has acted."""
    RETRY = "retry"
    """A fresh process tries again, under the login budget."""
    ALARM = "alarm"
    """As `retry`, and somebody must look now."""
    WAIT = "wait"
    """Normal early in the day: a fresh process tries again after a pause, without an alarm."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code."""

    number: int
    en: str
    zh: str
    action: Action
    todo: str
    todo_zh: str
    wrong: bool = False
    """The same credentials will be refused again: counts as a wrong login."""
    broker: bool = False
    """Stops every account of this broker on this host."""
    wait_s: float = 0.0
    """No login before so long has passed."""


_LOGIN: Final = "check user id, password and broker id; then restart the source"
_LOGIN_ZH: Final = "核对用户名、密码、经纪商代码，然后重启该行情源"
_CHANGE: Final = "change the password with the broker's own client, put the new one into the secret"
_CHANGE_ZH: Final = "用期货公司客户端修改密码，再更新密码引用"
_AUTH: Final = "check app_id and auth_code, and that this front belongs to their environment"
_AUTH_ZH: Final = "核对 AppID 与授权码，以及前置是否属于对应环境（生产或穿透式测试）"
_BAN: Final = "ask the broker to unlock; then clear the mark (mdhub_ingest.gateways.logins --clear)"
_BAN_ZH: Final = "联系期货公司解锁，然后清除记录（mdhub_ingest.gateways.logins --clear）"
_EARLY: Final = "nothing before the open; after it ask the broker"
_EARLY_ZH: Final = "开盘前无需处理；开盘后仍如此请联系期货公司"
_SESSIONS: Final = "end other programs logged in with this user; the hub tries again after 60 s"
_SESSIONS_ZH: Final = "关闭使用同一用户登录的其他程序；60 秒后自动重试"
_API: Final = "install the set of gateways that fits this front (make gateways)"
_API_ZH: Final = "安装与该前置匹配的接口版本（make gateways）"


def _stop(number: int, en: str, zh: str, todo: str, todo_zh: str, *, wrong: bool = False) -> Code:
    return Code(
        number=number, en=en, zh=zh, action=Action.STOP, todo=todo, todo_zh=todo_zh, wrong=wrong
    )


def _ban(number: int, en: str, zh: str) -> Code:
    return Code(
        number=number, en=en, zh=zh, action=Action.STOP, todo=_BAN, todo_zh=_BAN_ZH, wrong=True,
        broker=True,
    )  # fmt: skip


def _wait(
    number: int, en: str, zh: str, wait_s: float, todo: str = _EARLY, todo_zh: str = _EARLY_ZH
) -> Code:
    return Code(
        number=number, en=en, zh=zh, action=Action.WAIT, todo=todo, todo_zh=todo_zh, wait_s=wait_s
    )


_ERRORS: Final = (
    Code(
        number=3, en="invalid login", zh="不合法的登录", action=Action.RETRY, wrong=True,
        todo=f"{_LOGIN}; on MD also: the TD side must log in from this address first",
        todo_zh=f"{_LOGIN_ZH}；行情侧还可能因为交易侧今日未从本机登录",
    ),
    _wait(4, "user not active", "用户不活跃", 60.0, "ask the broker if it lasts",
          "如持续请联系期货公司"),
    _wait(5, "duplicate login", "重复的登录", 60.0, _SESSIONS, _SESSIONS_ZH),
    _wait(7, "counter not initialised yet", "还没有初始化", 30.0),
    _wait(8, "front not active", "前置不活跃", 30.0),
    _stop(9, "no privilege", "无此权限", "ask the broker what this user may do",
          "联系期货公司确认权限"),
    _stop(11, "user not found", "找不到该用户", _LOGIN, _LOGIN_ZH, wrong=True),
    _stop(12, "broker not found", "找不到该经纪公司", _LOGIN, _LOGIN_ZH, wrong=True),
    _stop(13, "investor not found", "找不到投资者", _LOGIN, _LOGIN_ZH, wrong=True),
    _stop(48, "wrong user or password", "无效的投资者或者密码", _LOGIN, _LOGIN_ZH,
          wrong=True),
    _stop(49, "address not allowed", "不合法的登录IP地址",
          "have the broker allow this host's address; then restart the source",
          "请期货公司放行本机 IP，然后重启该行情源"),
    _stop(57, "wrong one-time password", "动态令牌校验错误",
          "use an account without one-time passwords", "使用不需要动态口令的账户", wrong=True),
    _wait(60, "too many sessions of this user", "用户在线会话超出上限", 60.0, _SESSIONS,
          _SESSIONS_ZH),
    _stop(63, "authentication failed", "客户端认证失败", _AUTH, _AUTH_ZH, wrong=True),
    _stop(64, "not authenticated", "客户端未认证", _AUTH, _AUTH_ZH, wrong=True),
    _ban(75, "too many failed logins, login forbidden", "连续登录失败次数超限，登录被禁止"),
    _wait(90, "not ready, try again later", "查询未就绪，请稍后重试", 30.0),
    _stop(131, "weak password: must be changed", "当前密码为弱密码，请修改成强密码后重新登录",
          _CHANGE, _CHANGE_ZH, wrong=True),
    _stop(137, "library too old for this front", "API版本过低", _API, _API_ZH),
    _stop(138, "library too new for this front", "API版本过高", _API, _API_ZH),
    _stop(140, "first login: password must be changed", "首次登录必须修改密码",
          _CHANGE, _CHANGE_ZH, wrong=True),
    _stop(141, "password expired", "当前密码已过期，请修改后登录", _CHANGE, _CHANGE_ZH, wrong=True),
    _ban(143, "too many failed logins, address forbidden", "登录失败次数过多，IP被禁止登入CTP"),
    _ban(144, "address on the black list", "当前IP在黑名单中，被禁止登录和认证"),
    _stop(145, "no right to authenticate here", "终端在本系统没有认证权限", _AUTH, _AUTH_ZH,
          wrong=True),
    _stop(4042, "address not authorised", "IP授权验证失败", _AUTH, _AUTH_ZH, wrong=True),
    _stop(4043, "user not authorised for this client", "用户与客户端授权验证失败", _AUTH, _AUTH_ZH,
          wrong=True),
    _ban(4060, "too many failed authentications, address forbidden",
         "认证失败次数过多，IP进入认证禁止列表"),
    _wait(6000, "too many contracts, or logins too fast", "订阅合约过多或登录过频", 60.0,
          "subscribe to less with this account, or divide it among several",
          "减少该账户订阅的合约，或分给多个账户"),
)  # fmt: skip


def _lost(number: int, en: str, zh: str) -> Code:
    return Code(
        number=number, en=en, zh=zh, action=Action.RETRY, todo="nothing: it reconnects by itself",
        todo_zh="无需处理：会自动重连",
    )  # fmt: skip


_DISCONNECTS: Final = (
    _lost(4097, "network read failed", "网络读失败"),
    _lost(4098, "network write failed", "网络写失败"),
    _lost(8193, "nothing heard for 120 s", "接收心跳超时"),
    _lost(8194, "nothing could be sent for 40 s", "发送心跳失败"),
    _lost(8195, "bad packet", "收到错误报文"),
)

ERRORS: Final[Mapping[int, Code]] = MappingProxyType({code.number: code for code in _ERRORS})
DISCONNECTS: Final[Mapping[int, Code]] = MappingProxyType(
    {code.number: code for code in _DISCONNECTS}
)


def error(number: int, kind: str = "ctp") -> Code:
    """Return what a refusal means for a source of this type; what is not known is alarmed."""
    known = ERRORS.get(number) if kind in CTP_FAMILY else None
    return known or Code(
        number=number, en="unknown error", zh="未知错误", action=Action.ALARM,
        todo="read the gateway's own text beside it; ask the broker",
        todo_zh="查看接口返回的文字说明；联系期货公司",
    )  # fmt: skip


def disconnect(number: int, kind: str = "ctp") -> Code:
    """Return what the reason of a disconnection means."""
    known = DISCONNECTS.get(number) if kind in CTP_FAMILY else None
    return known or _lost(number, "connection lost", "连接断开")


def markdown() -> str:
    """Both tables, as docs/gateways.md shows them."""
    rows = ["| code | meaning | 含义 | the hub | what to do |", "|---|---|---|---|---|"]
    rows += [
        f"| {c.number} | {c.en} | {c.zh} | {_deed(c)} | {c.todo}<br>{c.todo_zh} |"
        for c in ERRORS.values()
    ]
    rows += ["", "| reason | meaning | 含义 |", "|---|---|---|"]
    rows += [f"| {c.number} (0x{c.number:04x}) | {c.en} | {c.zh} |" for c in DISCONNECTS.values()]
    return "\n".join(rows)


def _deed(code: Code) -> str:
    match code.action:
        case Action.STOP if code.broker:
            return "stops every account of this broker"
        case Action.STOP:
            return "stops"
        case Action.WAIT:
            return f"waits {code.wait_s:g} s or more"
        case Action.RETRY if code.wrong:
            return "tries once more, then stops"
        case Action.RETRY | Action.ALARM:
            return "tries again"


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
