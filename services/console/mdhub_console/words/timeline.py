"""Words of the timeline."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "timeline.title": ("Timeline", "时间线"),
    "timeline.kinds": ("Kinds", "类别"),
    "timeline.group.failover": ("Failovers and epochs", "切换与纪元"),
    "timeline.group.restart": ("Restarts", "启停与重启"),
    "timeline.group.source": ("Sources", "行情源"),
    "timeline.group.session": ("Sessions", "交易时段"),
    "timeline.group.operator": ("Operators", "操作"),
    "timeline.group.alert": ("Alerts", "告警"),
    "timeline.group.hub": ("Hub", "系统"),
    "timeline.ordered": ("{what}, ordered by {who}", "{what}（由 {who} 下达）"),
    "timeline.finding.began": ("{what}", "{what}"),
    "timeline.finding.ended": ("Over: {what}", "已恢复：{what}"),
    "timeline.cause": ("Because of", "起因"),
    "timeline.effect": ("Led to", "结果"),
    "timeline.logs": ("log lines", "相关日志"),
    "timeline.older": ("Older", "更早"),
    "timeline.newest": ("Go to the newest", "回到最新"),
    "timeline.end": (
        "This is the oldest event that the console holds. Older ones: GET /api/events.",
        "已到控制台保留的最早事件。更早的请用 GET /api/events 查询。",
    ),
    "timeline.none": (
        "Nothing of these kinds has happened. Choose others above.",
        "没有这些类别的事件。请在上方选择其他类别。",
    ),
    "timeline.nothing": (
        "Nothing has happened yet. Events appear here when a service starts.",
        "尚无事件。服务启动后会显示在此。",
    ),
}
