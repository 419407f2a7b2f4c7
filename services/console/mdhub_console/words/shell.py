"""Words of what stands around every page, and of the parts that pages share."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "shell.skip": ("Skip to content", "跳到正文"),
    "shell.pages": ("Pages", "页面"),
    "shell.nav.overview": ("Overview", "总览"),
    "shell.nav.sources": ("Sources", "行情源"),
    "shell.language": ("Language", "语言"),
    "shell.theme": ("Theme", "主题"),
    "shell.theme.system": ("As the system", "跟随系统"),
    "shell.theme.dark": ("Dark", "深色"),
    "shell.theme.light": ("Light", "浅色"),
    "shell.user": ("Signed in as {name}, {role}", "已登录：{name}（{role}）"),
    "shell.profile": ("Profile", "个人设置"),
    "shell.logout": ("Log out", "退出登录"),
    "shell.role.viewer": ("viewer", "查看者"),
    "shell.role.operator": ("operator", "操作员"),
    "shell.role.admin": ("admin", "管理员"),
    "shell.zone": ("Times are exchange time, Asia/Shanghai (UTC+8)", "时间均为交易所时间（UTC+8）"),
    "shell.live": ("Live", "实时"),
    "shell.paused": ("Paused", "已暂停"),
    "shell.pause": ("Pause live values", "暂停实时更新"),
    "shell.offline": (
        "Not live since {at}, reconnecting. What you see is of then.",
        "自 {at} 起未实时更新，正在重连。以下为当时数据。",
    ),
    "shell.paused_since": (
        "Paused since {at}. Space goes on.",
        "自 {at} 起已暂停，按空格继续。",
    ),
    "shell.log_away": (
        "The log's server has not answered since {at}. What you see is of then.",
        "日志服务器自 {at} 起无应答。以下为当时数据。",
    ),
    "shell.stale": ("{age} old", "{age}前"),
    "shell.unavailable": ("not known", "未知"),
    "shell.all": ("All", "全部"),
    "shell.details": ("Details", "详情"),
    "shell.keys": ("Keys", "快捷键"),
    "shell.keys.search": ("search", "搜索"),
    "shell.keys.overview": ("overview", "总览"),
    "shell.keys.sources": ("sources", "行情源"),
    "shell.keys.help": ("this help", "本帮助"),
    "shell.keys.space": ("pause and go on", "暂停 / 继续"),
    "shell.keys.esc": ("close", "关闭"),
    "shell.close": ("Close", "关闭"),
    "shell.cancel": ("Cancel", "取消"),
    "shell.tone.ok": ("ok", "正常"),
    "shell.tone.warn": ("degraded", "降级"),
    "shell.tone.down": ("down", "故障"),
    "shell.tone.off": ("closed or unknown", "休市或未知"),
    "shell.tone.info": ("note", "提示"),
    "order.sent": ("Sent", "已发送"),
    "order.done": ("Done", "已完成"),
    "order.failed": ("Failed", "失败"),
    "order.expired": ("Nobody answered in time", "超时无应答"),
    "order.refused": ("Refused", "被拒绝"),
    "order.by": ("by {name}", "由 {name}"),
    "order.after": ("after {time}", "用时 {time}"),
    "order.life": ("Orders", "操作记录"),
    "order.none": ("Nobody has ordered anything yet.", "尚无操作。"),
    "order.unreached": (
        "The console did not answer; it was perhaps not sent.",
        "控制台无应答，可能未发送。",
    ),
}
