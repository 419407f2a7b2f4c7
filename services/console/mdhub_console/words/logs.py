"""Words of the live logs."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "logs.title": ("Logs", "日志"),
    "logs.level": ("Level", "级别"),
    "logs.level.debug": ("Debug", "调试"),
    "logs.level.info": ("Info and above", "信息及以上"),
    "logs.level.warning": ("Warnings and above", "警告及以上"),
    "logs.level.error": ("Errors", "错误"),
    "logs.service": ("Service", "服务"),
    "logs.text": ("Lines that contain", "包含文字"),
    "logs.lines": ("Log lines", "日志行"),
    "logs.count": ("{held} lines", "共 {held} 行"),
    "logs.matches": ("{matches} of {held} lines match", "{held} 行中有 {matches} 行符合"),
    "logs.since": ("since {at}", "自 {at} 起"),
    "logs.new": ("{n} new", "{n} 条新日志"),
    "logs.follow": ("Follow", "跟随最新"),
    "logs.download": ("Download", "下载"),
    "logs.clear": ("Clear filters", "清除筛选"),
    "logs.none": (
        "No line matches. Clear the filters, or choose a lower level.",
        "没有符合的日志。请清除筛选，或选择更低的级别。",
    ),
    "logs.nothing": (
        "No service has written a line yet. Lines appear here by themselves.",
        "尚无服务写入日志。有日志时会自动显示。",
    ),
    "logs.loading": ("Reading lines…", "正在读取日志…"),
    "logs.failed": ("The lines could not be read. It is tried again.", "日志读取失败，正在重试。"),
    "logs.skipped": ("{n} lines left out here: they came too fast", "此处略过 {n} 行：速度过快"),
    "logs.unsure": ("and more that are no longer held", "另有部分已不再保留"),
    "logs.around": ("Lines around {at}", "{at} 前后的日志"),
    "logs.gone": (
        "That line is no longer kept; these are the ones after it.",
        "该行已不再保留，以下为其后的日志。",
    ),
    "logs.newest": ("Go to the newest", "回到最新"),
    "logs.full": (
        "The list is full. Narrow the filter to see older lines.",
        "列表已满，请缩小筛选范围以查看更早的日志。",
    ),
    "logs.line": ("Line", "日志行"),
    "logs.time": ("Time", "时间"),
    "logs.event": ("Event", "事件"),
    "logs.correlation": ("Correlation", "关联标识"),
    "logs.context": ("All lines of this correlation", "查看同一关联的全部日志"),
    "logs.permalink": ("Link to this line", "此行链接"),
    "logs.id": ("Stream id", "流编号"),
}
