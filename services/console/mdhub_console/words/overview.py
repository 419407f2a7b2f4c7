"""Words of the overview."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "overview.title": ("Overview", "总览"),
    "overview.sources": ("Sources", "行情源"),
    "overview.no_sources": (
        "No source has reported yet. Add an account, or start one with mdhub run ingest.",
        "尚无行情源上报。请添加账户，或用 mdhub run ingest 启动。",
    ),
    "overview.no_report": (
        "The monitor has written no health report. Start it with mdhub run monitor.",
        "监控尚未写出健康报告。请用 mdhub run monitor 启动。",
    ),
    "overview.race": ("Race", "竞速"),
    "overview.race_hint": ("share of ticks delivered first, last hour", "首达率，最近一小时"),
    "overview.rate": ("ticks/s", "笔/秒"),
    "overview.latency": ("latency p50 / p99", "延迟 p50 / p99"),
    "overview.rejected": ("rejected/min", "拒绝/分钟"),
    "overview.window": ("last 15 min", "最近 15 分钟"),
    "overview.canaries": ("Canary contracts", "哨兵合约"),
    "overview.canary_hint": (
        "{name}: newest tick {age} ago, silent after {limit}",
        "{name}：最新行情 {age} 前，超过 {limit} 视为静默",
    ),
    "overview.canary_closed": ("{name}: its session is closed", "{name}：未在交易时段"),
    "overview.no_canaries": (
        "No canary contract is set. Name some under [health] canaries.",
        "未设置哨兵合约。请在 [health] canaries 中设置。",
    ),
    "overview.closed": ("closed", "休市"),
    "overview.alerts": ("Alerts", "告警"),
    "overview.no_alerts": ("Nothing needs you.", "无需处理。"),
    "overview.recent": ("What happened last", "最近发生"),
    "overview.since": ("since {at}", "自 {at} 起"),
    "overview.hub": ("Hub", "系统"),
    "overview.leader": ("Leader", "主"),
    "overview.standby": ("Standby", "备"),
    "overview.in_step": ("in step", "同步"),
    "overview.nobody": ("nobody", "无"),
    "overview.shard": ("shard {n}", "分片 {n}"),
    "overview.epoch": ("epoch {n}", "纪元 {n}"),
    "overview.publishers": ("Publishers", "发布器"),
    "overview.no_publishers": ("none runs", "未运行"),
    "overview.clients": ("{n} clients", "{n} 个客户端"),
    "overview.server": ("Redis", "Redis"),
    "overview.memory": ("memory {percent}", "内存 {percent}"),
    "overview.memory_unlimited": ("{size}, no limit", "{size}，无上限"),
    "overview.fsync": ("{n} slow fsync", "{n} 次慢落盘"),
    "overview.coverage": ("Coverage", "覆盖率"),
    "overview.coverage_of": ("{seen} of {wanted}", "{seen} / {wanted}"),
    "overview.silent": ("{n} silent", "{n} 个停滞"),
    "overview.gap": ("Gap today", "今日断档"),
    "overview.calendar": ("Calendar", "日历"),
    "overview.calendar_days": ("{n} days left", "剩余 {n} 天"),
    "overview.timeline": ("Trading day {day}", "交易日 {day}"),
    "overview.no_timeline": ("The calendar says nothing about today.", "日历未覆盖今日。"),
    "overview.phase.auction": ("call auction", "集合竞价"),
    "overview.phase.continuous": ("open", "连续交易"),
    "overview.phase.break": ("break", "小节休息"),
    "overview.phase.closed": ("closed", "休市"),
    "overview.phase.settlement": ("settlement", "结算"),
    "overview.no_race": ("Nobody has raced in the last hour.", "最近一小时无竞速。"),
}
