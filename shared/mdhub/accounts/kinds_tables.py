"""What is known of the settings of each kind of gateway, in the order of a form. Data only."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["CTP", "IB", "SIM", "SOPT", "TTS", "VNPY", "Choice", "Field", "FieldType"]

FieldType = Literal["text", "address", "class", "integer", "number", "truth"]
"""`address`: tcp://host:port or ssl://host:port; `class`: module:Class."""


class Choice(msgspec.Struct, frozen=True):
    """One value that a setting may have."""

    value: str
    own: str
    """The gateway's own word for it."""
    label_zh: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, as a form shows it."""

    name: str
    """In English; the key of the account's settings."""
    key: str = ""
    """The gateway's own; empty = the hub's alone."""
    label: tuple[str, str]
    """English, Chinese."""
    help: tuple[str, str] = ("", "")
    """English, Chinese; one sentence."""
    type: FieldType = "text"
    unit: str = ""
    required: bool = False
    secret: bool = False
    choices: tuple[Choice, ...] = ()


_ADDRESS_HELP: Final = ("tcp://host:port or ssl://host:port", "tcp://主机:端口 或 ssl://主机:端口")
_ACCOUNT: Final = (
    Field(
        name="user_id", key="用户名", required=True,
        label=("User id", "用户名"),
        help=("The account's number at the broker, not its SimNow login name",
              "经纪商处的投资者代码，不是 SimNow 登录名"),
    ),
    Field(
        name="password", key="密码", required=True, secret=True,
        label=("Password", "密码"),
        help=("Kept sealed, never shown again", "加密保存，不再显示"),
    ),
    Field(
        name="broker_id", key="经纪商代码", required=True,
        label=("Broker id", "经纪商代码"),
        help=("Such as 9999 for SimNow", "如 SimNow 为 9999"),
    ),
    Field(
        name="td_address", key="交易服务器", required=True, type="address",
        label=("Trading front", "交易前置"), help=_ADDRESS_HELP,
    ),
    Field(
        name="md_address", key="行情服务器", required=True, type="address",
        label=("Market data front", "行情前置"), help=_ADDRESS_HELP,
    ),
    Field(
        name="app_id", key="产品名称",
        label=("App id", "产品名称"),
        help=("Of the client authentication; the broker gives it", "终端认证用，由经纪商提供"),
    ),
    Field(
        name="auth_code", key="授权编码", secret=True,
        label=("Authentication code", "授权编码"),
        help=("Of the client authentication; kept sealed, never shown again",
              "终端认证用；加密保存，不再显示"),
    ),
)  # fmt: skip

CTP: Final = (
    *_ACCOUNT,
    Field(
        name="environment", key="柜台环境",
        label=("Environment", "柜台环境"),
        help=("test: fronts for penetration tests only", "测试：仅用于看穿式监管测试前置"),
        choices=(Choice("live", "实盘", "实盘"), Choice("test", "测试", "测试")),
    ),
)  # fmt: skip
SOPT: Final = _ACCOUNT
TTS: Final = _ACCOUNT
IB: Final = (
    Field(
        name="tws_address", key="TWS地址",
        label=("TWS host", "TWS 地址"), help=("Such as 127.0.0.1", "如 127.0.0.1"),
    ),
    Field(
        name="tws_port", key="TWS端口", type="integer",
        label=("TWS port", "TWS 端口"), help=("Such as 7497", "如 7497"),
    ),
    Field(
        name="client_id", key="客户号", type="integer",
        label=("Client id", "客户号"),
        help=("Each program at one TWS needs its own", "同一 TWS 的每个程序须不同"),
    ),
    Field(
        name="account", key="交易账户",
        label=("Account", "交易账户"),
        help=("Empty: the first of the login", "留空：登录下的第一个账户"),
    ),
)  # fmt: skip
VNPY: Final = (
    Field(
        name="class", type="class", required=True,
        label=("Gateway class", "接口类"),
        help=("module:Class; its other settings are those of its default_setting",
              "module:Class；其余设置见其 default_setting"),
    ),
)  # fmt: skip
SIM: Final = (
    Field(
        name="seed", type="integer",
        label=("Seed", "随机种子"),
        help=("Simulated sources with the same seed play the same market", "种子相同则行情相同"),
    ),
    Field(
        name="ticks_per_s", type="number", unit="1/s",
        label=("Ticks per second", "每秒笔数"),
        help=("Over all contracts, in market time", "全部合约合计，按行情时间"),
    ),
    Field(
        name="rate", type="number",
        label=("Rate", "速度倍数"),
        help=("Market seconds per second", "每秒走过的行情秒数"),
    ),
    Field(
        name="sessions",
        label=("Sessions", "交易时段"),
        help=("full: whole trading days with night and auctions",
              "完整：含夜盘与集合竞价的整个交易日"),
        choices=(Choice("liquid", "liquid", "活跃时段"), Choice("full", "full", "完整")),
    ),
    Field(
        name="contracts", type="integer",
        label=("Contracts", "合约数"),
        help=("Listed on each trading day", "每个交易日挂牌的合约数"),
    ),
    Field(
        name="jump", type="truth",
        label=("Jump", "跳过休市"),
        help=("Skip the time in which nothing trades", "跳过无交易的时间"),
    ),
    Field(
        name="misbehave",
        label=("Misbehave", "故障模拟"),
        help=("Such as lose=0.01,lag_ms=5-30", "如 lose=0.01,lag_ms=5-30"),
    ),
)  # fmt: skip
