"""Words of kinds of events, as the timeline and the overview name them."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "event.change.took_over": ("took over", "已接管"),
    "event.change.hands_over": ("hands over", "移交中"),
    "event.change.opens": ("opens", "即将开始"),
    "event.change.opened": ("opened", "已开始"),
    "event.change.closing": ("closing", "正在结束"),
    "event.change.closed": ("closed", "已结束"),
    "event.change.started": ("started", "已启动"),
    "event.change.stopped": ("stopped", "已停止"),
    "event.change.up": ("is up", "已上线"),
    "event.change.down": ("is down", "已失联"),
    "event.change.restarted": ("has restarted", "已重启"),
    "event.change.ended": ("has ended", "已结束运行"),
    "event.kind.service": ("service", "服务"),
    "event.kind.clock": ("clock", "时钟"),
    "event.kind.source": ("source", "行情源"),
    "event.kind.leadership": ("failover", "切换"),
    "event.kind.command.done": ("order answered", "操作完成"),
    "event.kind.account": ("account", "账户"),
    "event.kind.session": ("session", "交易时段"),
    "event.kind.schedule": ("schedule", "作息计划"),
    "event.kind.checklist": ("pre-open checklist", "开盘前检查"),
    "event.kind.report": ("report of the day", "交易日报告"),
    "event.kind.calendar": ("calendar", "日历"),
    "event.kind.contracts": ("contract table", "合约表"),
    "event.kind.retention": ("entries dropped", "条目被裁剪"),
    "event.kind.schema_mismatch": ("schema mismatch", "格式不一致"),
    "event.kind.access_denied": ("client refused", "客户端被拒"),
    "event.kind.alert": ("alert sent", "告警发送"),
    "event.kind.finding": ("finding", "问题"),
    "event.kind.audit": ("audit", "审计"),
}
