"""How long each stage of a gateway's life may take, and what to say when it takes longer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["TEXTS", "Deadline", "Deadlines", "Text", "Watch"]


class Deadline(StrEnum):
    """What is waited for."""

    MD_FRONT = "md_front"
    TD_FRONT = "td_front"
    MD_LOGIN = "md_login"
    TD_LOGIN = "td_login"
    CONTRACTS = "contracts"
    FIRST_TICK = "first_tick"


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the moment a stage could begin until it must have ended."""

    md_front_s: float = 20.0
    """The vendor's library tries a refused front again about every 5 s."""
    td_front_s: float = 20.0
    md_login_s: float = 20.0
    td_login_s: float = 20.0
    contracts_s: float = 60.0
    first_tick_s: float = 30.0
    no_tick_end_s: float = 300.0
    """A session so long without any tick ends the process."""
    closed_front_s: float = 600.0
    """In place of the fronts' while no session is open: then they may be down for hours."""
    by_hand: frozenset[Deadline] = frozenset()
    """Stages an operator has set: these hold at any hour."""

    @classmethod
    def set_to(cls, seconds: Mapping[Deadline, float]) -> Deadlines:
        """Return the defaults with some stages set."""
        fields = {f"{stage}_s": value for stage, value in seconds.items()}
        return msgspec.convert(fields | {"by_hand": frozenset(seconds)}, cls)

    def of(self, deadline: Deadline, *, session_open: bool) -> float:
        """Return the limit of a stage."""
        fronts = {Deadline.MD_FRONT, Deadline.TD_FRONT} - self.by_hand
        if not session_open and deadline in fronts:
            return self.closed_front_s
        limit_s: float = getattr(self, f"{deadline}_s")
        return limit_s


class Text(msgspec.Struct, frozen=True):
    """What happened and what to do, for people."""

    en: str
    zh: str


TEXTS: Final[Mapping[Deadline, Text]] = MappingProxyType(
    {
        Deadline.MD_FRONT: Text(
            "the market data front did not answer: check md_address, network and the front's hours "
            "(mdhub doctor --fronts)",
            "行情前置没有应答：检查行情服务器地址、网络与前置开放时间（mdhub doctor --fronts）",
        ),
        Deadline.TD_FRONT: Text(
            "the trading front did not answer: check td_address, network and the front's hours "
            "(mdhub doctor --fronts)",
            "交易前置没有应答：检查交易服务器地址、网络与前置开放时间（mdhub doctor --fronts）",
        ),
        Deadline.MD_LOGIN: Text(
            "the market data front is connected but does not answer the login: it may be starting "
            "or closed; if it lasts, ask the broker",
            "行情前置已连接但登录无应答：前置可能正在启动或已关闭；如持续请联系期货公司",
        ),
        Deadline.TD_LOGIN: Text(
            "the trading front is connected but authentication or login has no answer: check "
            "app_id, auth_code and the environment of the front; if it lasts, ask the broker",
            "交易前置已连接但认证或登录无应答：检查 AppID、授权码与前置环境；如持续请联系期货公司",
        ),
        Deadline.CONTRACTS: Text(
            "the contract query did not end: the settlement may be unconfirmed or the counter not "
            "ready; it is tried again in a fresh process",
            "合约查询未完成：结算单可能未确认或柜台未就绪；将在新进程中重试",
        ),
        Deadline.FIRST_TICK: Text(
            "logged in and subscribed, a session is open, yet no tick comes: check the market data "
            "rights of the account and the calendar (holiday?)",
            "已登录并订阅，处于交易时段，却没有行情：检查账户行情权限与交易日历（是否节假日）",
        ),
    }
)


class Watch:
    """Since when each stage is waited for. The caller says at each turn which ones are open."""

    def __init__(self) -> None:
        self._since_s: dict[Deadline, float] = {}

    def waited_s(self, deadline: Deadline, now_s: float, *, open_: bool) -> float:
        """Return how long this stage has been open without a break; 0 if it is not."""
        if not open_:
            self._since_s.pop(deadline, None)
            return 0.0
        return now_s - self._since_s.setdefault(deadline, now_s)
