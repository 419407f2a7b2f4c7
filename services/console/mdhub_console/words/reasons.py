"""Why a tick was refused, in words; the English ones are those of docs/rules.md."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "reason.undecodable": (
        "not MessagePack, or wrong arity or types",
        "不是 MessagePack，或字段数、类型不符",
    ),
    "reason.unknown_field": (
        "an entry of raw that is neither tick nor control",
        "原始流中的条目既不是行情也不是控制条目",
    ),
    "reason.too_many_sources": (
        "more than 256 names of sources",
        "行情源名称超过 256 个",
    ),
    "reason.source_muted": (
        "an operator has muted the source",
        "操作员已静音该行情源",
    ),
    "reason.unknown_symbol": (
        "the spelling fits no product of the eight exchanges",
        "代码写法不属于八家交易所的任何品种",
    ),
    "reason.wrong_exchange": (
        "the exchange sent is not the one the symbol belongs to",
        "所报交易所不是该代码所属的交易所",
    ),
    "reason.bad_time": (
        "update time is not HH:MM:SS, or ms not 0 to 999",
        "更新时间不是 HH:MM:SS，或毫秒不在 0 至 999 之间",
    ),
    "reason.outside_calendar": (
        "the calendar in force does not cover that day",
        "生效的日历未覆盖该日",
    ),
    "reason.out_of_session": (
        "the product does not trade then, or another volume after the close than at the close",
        "该品种此时不交易，或收盘后成交量与收盘时不同",
    ),
    "reason.negative_volume": (
        "cumulative volume below zero",
        "累计成交量为负",
    ),
    "reason.no_last_although_traded": (
        "no last price, yet volume above zero",
        "有成交量却没有最新价",
    ),
    "reason.price_not_positive": (
        "last of a traded outright is zero or less (combinations may)",
        "有成交的单腿合约最新价为零或负（组合合约允许）",
    ),
    "reason.above_limit": (
        "last above the day's upper limit, where one is sent and the contract has traded today",
        "最新价高于当日涨停价（报有涨停价且当日已有成交时）",
    ),
    "reason.below_limit": (
        "the same below the lower limit",
        "最新价低于当日跌停价（报有跌停价且当日已有成交时）",
    ),
    "reason.conflict": (
        "same time as the accepted snapshot, other content (not CZCE)",
        "与已接受快照时间相同而内容不同（郑商所除外）",
    ),
    "reason.volume_regress": (
        (
            "newer time, lower volume, same trading day; 10 such ticks in a row that do not "
            "fall are the exchange's correction: then accepted, flagged UNCONFIRMED"
        ),
        (
            "同一交易日内时间更新而成交量更低；"
            "连续 10 笔且不再下降视为交易所更正：此后接受并标记 UNCONFIRMED"
        ),
    ),
    "reason.late": (
        "older than the contract's mark; CZCE: lower volume in the current second",
        "早于该合约的最新位置；郑商所：当前秒内成交量更低",
    ),
    "reason.time_ahead": (
        "more than 60 s of market time plus 5 s of wall time ahead; rules version 1 rejects",
        "超前市场时间 60 秒加墙钟 5 秒以上；规则版本 1 直接拒绝",
    ),
    "reason.time_behind": (
        "older than the mark, yet with more volume than at the mark: one of the two times is wrong",
        "早于最新位置而成交量更大：两个时间必有一个有误",
    ),
    "reason.unknown_instrument": (
        (
            "the contract table of its exchange lacks it and `unknown_instrument` is `hold`; "
            "never released"
        ),
        "该交易所的合约表中没有，且 `unknown_instrument` 为 `hold`；不会放行",
    ),
    "reason.crossed_book": (
        "best bid at or above best ask, both with size; not in auctions",
        "买一不低于卖一且两边均有量；集合竞价除外",
    ),
    "reason.off_grid": (
        "last is no multiple of the price tick (to 0.001 of it); needs a contract table",
        "最新价不是最小变动价位的整数倍（精度为其 0.001）；需要合约表",
    ),
    "reason.ohlc": (
        "last outside the day's high and low, or high fell, low rose, open changed",
        "最新价超出当日最高最低价，或最高价下降、最低价上升、开盘价改变",
    ),
    "reason.scale": (
        (
            "last moved by a factor of 1.5 (option: 3, and by more than 20 price ticks, or 10"
            " where the price tick is not known)"
        ),
        "最新价变动达 1.5 倍（期权：3 倍且超过 20 个最小变动价位，价位未知时超过 10）",
    ),
    "reason.volume_jump": (
        (
            "more than 20,000 lots at once; after a silence 20,000 more per second, at most 2"
            " times what was traded before"
        ),
        "一次超过 20,000 手；静默后每秒再加 20,000 手，至多为此前成交量的 2 倍",
    ),
    "reason.last_without_volume": (
        "last changed although nothing traded; not in auctions",
        "无成交而最新价改变；集合竞价除外",
    ),
    "reason.turnover": (
        (
            "money per lot since the last tick outside the day's prices (not CZCE); needs a "
            "contract table"
        ),
        "自上一笔起的每手金额超出当日价格范围（郑商所除外）；需要合约表",
    ),
    "reason.limits_changed": (
        "upper or lower limit changed within the day",
        "日内涨停价或跌停价改变",
    ),
    "reason.pre_changed": (
        "yesterday's close or settlement changed within the day",
        "日内昨收盘价或昨结算价改变",
    ),
}
