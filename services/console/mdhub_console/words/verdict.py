"""The one sentence on top of the overview: one for each rule of the monitor."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "verdict.fine": ("All fine", "一切正常"),
    "verdict.closed": ("Market closed, all quiet", "休市中，一切正常"),
    "verdict.unknown": ("Nobody can say how the hub is", "目前无法判断系统状态"),
    "verdict.log_away": (
        "The log's server has not answered for {time}",
        "日志服务器已 {time} 无应答",
    ),
    "verdict.of_then": ("what is shown is of {at}", "以下为 {at} 的数据"),
    "verdict.log_act": (
        "Start the server again (mdhub up does it by itself); the console goes on by itself.",
        "请重新启动服务器（mdhub up 会自动启动）；控制台会自行恢复。",
    ),
    "verdict.more": ("{n} more", "另有 {n} 项"),
    "verdict.live": ("{n} of {of} sources live", "{n}/{of} 路行情源在线"),
    "verdict.rate": ("{rate} ticks/s", "{rate} 笔/秒"),
    "verdict.until": ("{session}, until {at} (in {left})", "{session}，至 {at}（还有 {left}）"),
    "verdict.opens": ("opens {at} (in {left})", "{at} 开市（还有 {left}）"),
    "verdict.covers": ("{names} cover", "由 {names} 覆盖"),
    "verdict.covers_one": ("{names} covers", "由 {names} 覆盖"),
    "verdict.covers_none": ("nobody covers", "无其他行情源覆盖"),
    "verdict.done": ("{what} at {at}", "{at} {what}"),
    "verdict.and": (" and ", " 和 "),
    "verdict.session.night": ("night session", "夜盘"),
    "verdict.session.day": ("day session", "日盘"),
    "verdict.session.break": ("break", "小节休息"),
    "verdict.session.closed": ("closed", "休市"),
    "verdict.session.holiday": ("holiday", "假日"),
    "verdict.back": (
        "{subject} is back after trouble; watched until it is steady",
        "{subject} 已恢复，正在观察是否稳定",
    ),
    "verdict.played": ("market played, its time {at}", "模拟行情，行情时间 {at}"),
    "verdict.rule.service_down": (
        "{subject} has been silent for {time}",
        "{subject} 已失联 {time}",
    ),
    "verdict.rule.shard_unled": (
        "Nobody has led {subject} for {time}: strategies get nothing of it",
        "{subject} 无主 {time}：策略收不到其行情",
    ),
    "verdict.rule.no_standby": (
        "There has been no standby arbiter for {time} {subject}",
        "缺少备用仲裁器 {time} {subject}",
    ),
    "verdict.rule.standby_ineligible": (
        "Standby {subject} computed something else and may not take over",
        "备机 {subject} 计算结果不一致，不得接管",
    ),
    "verdict.rule.log_stalled": (
        "The log has stood still for {time} {subject}",
        "日志已停滞 {time} {subject}",
    ),
    "verdict.rule.all_sources_silent": (
        "All sources have been silent for {time}",
        "所有行情源已静默 {time}",
    ),
    "verdict.rule.source_silent": (
        "{subject} has been silent for {time}",
        "{subject} 已静默 {time}",
    ),
    "verdict.rule.source_disconnected": (
        "{subject} has not been connected for {time}",
        "{subject} 已断开 {time}",
    ),
    "verdict.rule.source_frozen": (
        "{subject} has repeated old data for {time}",
        "{subject} 行情冻结 {time}",
    ),
    "verdict.rule.source_lagging": (
        "{subject} has lagged behind for {time}",
        "{subject} 落后 {time}",
    ),
    "verdict.rule.source_restarting": (
        "{subject} keeps restarting, for {time} now",
        "{subject} 反复重启，已 {time}",
    ),
    "verdict.rule.source_quarantined": (
        "{subject} has been in quarantine for {time}",
        "{subject} 已隔离 {time}",
    ),
    "verdict.rule.canary_silent": (
        "Canary {subject} has had no tick for {time}",
        "哨兵合约 {subject} 已 {time} 无行情",
    ),
    "verdict.rule.contract_silent": (
        "{subject} has been quieter than usual for {time}",
        "{subject} 已 {time} 异常安静",
    ),
    "verdict.rule.coverage_low": (
        "Too few contracts deliver, for {time} now {subject}",
        "覆盖率过低，已 {time} {subject}",
    ),
    "verdict.rule.gap": (
        "Market data has been missing for {time} {subject}",
        "行情断档 {time} {subject}",
    ),
    "verdict.rule.rejections_high": (
        "Far more ticks than usual are refused, for {time} now {subject}",
        "拒绝的行情异常增多，已 {time} {subject}",
    ),
    "verdict.rule.server_memory": (
        "The log's server has been filling up for {time} {subject}",
        "日志服务器内存告急，已 {time} {subject}",
    ),
    "verdict.rule.server_fsync": (
        "The log's server has waited for its disk for {time} {subject}",
        "日志服务器等待磁盘，已 {time} {subject}",
    ),
    "verdict.rule.server_away": (
        "The log's server has not answered for {time}",
        "日志服务器已 {time} 无应答",
    ),
    "verdict.rule.clock_offset": (
        "The clock of {subject} has been off for {time}",
        "{subject} 的时钟偏差已 {time}",
    ),
    "verdict.rule.disk_space": (
        "The disk has been filling up for {time} {subject}",
        "磁盘空间不足，已 {time} {subject}",
    ),
    "verdict.rule.calendar_horizon": ("The trading calendar ends soon", "交易日历即将到期"),
    "verdict.rule.reader_behind": (
        "Reader {subject} has been falling behind for {time}",
        "读取方 {subject} 落后 {time}",
    ),
    "verdict.rule.reader_overtaken": (
        "Reader {subject} lost entries {time} ago",
        "读取方 {subject} 在 {time} 前丢失条目",
    ),
    "verdict.rule.slow_clients": (
        "Clients of {subject} have been too slow for {time}",
        "{subject} 的客户端过慢，已 {time}",
    ),
    "verdict.rule.checklist_failed": (
        "The pre-open checklist of {subject} failed {time} ago",
        "{subject} 的开盘前检查在 {time} 前未通过",
    ),
    "verdict.rule.schedule_missed": (
        "A step of the schedule came late {time} ago {subject}",
        "作息计划的一步在 {time} 前延误 {subject}",
    ),
    "verdict.rule.error_logged": (
        "{subject} logged an error {time} ago",
        "{subject} 在 {time} 前记录了错误",
    ),
}
