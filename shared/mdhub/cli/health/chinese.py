"""Chinese for what `mdhub health` shows: headings, and the words of states and sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["HEADINGS", "in_words", "shown_state"]

HEADINGS: Final[Mapping[str, str]] = {
    "all is well": "一切正常", "findings": "发现问题", "SEVERITY": "级别", "FINDING": "问题",
    "since": "开始时间", "facts": "事实", "done": "系统已做", "what to do": "如何处理",
    "SOURCE": "行情源", "state": "状态", "rank": "排名", "ticks/s": "笔/秒", "newest": "最新",
    "won": "率先", "lag p99": "延迟p99", "gaps/h": "缺口/时", "confirmed": "已订阅",
    "standing": "处境", "SERVICE": "服务", "heartbeat": "心跳", "SHARD": "分片",
    "leader": "主", "standby": "备", "behind": "积压", "coverage": "覆盖", "silent": "静默",
    "session": "交易时段", "latency p50/p99": "延迟 p50/p99", "gaps today": "今日缺口",
    "calendar": "日历", "days": "天", "report": "报告", "old": "前",
}  # fmt: skip
_WORDS: Final[Mapping[str, str]] = {
    # verdicts and severities
    "OK": "正常", "WARNING": "警告", "CRITICAL": "严重",
    "error": "错误", "warning": "警告", "info": "提示",
    # sessions
    "night": "夜盘", "day": "日盘", "break": "小节休息", "closed": "休市", "holiday": "假日",
    # where a source stands
    "muted": "已静音", "down": "中断", "frozen": "冻结", "closed by schedule": "计划休市",
    # services
    "leading": "主用", "standby": "备用", "ineligible": "不得接管", "watching": "监控中",
    "ok": "正常", "stalled": "停滞", "holding": "等待主进程", "loading": "加载中", "live": "在线",
    "serving": "服务中", "starting": "启动中", "running": "运行中", "ended": "已结束",
    "absent": "未出现", "quarantined": "已隔离",
    # sources
    "connected": "已连接", "connecting": "连接前置", "md_login": "行情登录", "td_login": "交易登录",
    "contracts": "查询合约", "subscribing": "订阅中", "degraded": "降级", "disconnected": "已断开",
    "closing": "关闭中", "stopped": "已停止", "failed": "启动失败",
}  # fmt: skip
_OF: Final = re.compile(r"(\w+) (\d+) of (\d+)")


def in_words(word: str, language: str) -> str:
    """A word of the report in a language; one that is not known stays as it is."""
    return _WORDS.get(word, word) if language == "zh" else word


def shown_state(state: str, language: str) -> str:
    """A state as its own heartbeat says it, such as `running 1 of 2`."""
    found = _OF.fullmatch(state)
    if language == "zh" and found is not None:
        return f"{in_words(found[1], language)} {found[2]}/{found[3]}"
    return in_words(state, language)
