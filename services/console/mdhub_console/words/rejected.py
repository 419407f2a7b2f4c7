"""Words of the rejected ticks."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "rejected.title": ("Rejected ticks", "被拒行情"),
    "rejected.reasons": ("By reason, last 15 minutes", "按原因统计，最近 15 分钟"),
    "rejected.reason": ("Reason", "原因"),
    "rejected.rule": ("Rule", "规则"),
    "rejected.count": ("Count", "数量"),
    "rejected.trend": ("Per minute", "每分钟"),
    "rejected.newest": ("Newest", "最新"),
    "rejected.held": ("{shown} of {held} held", "显示 {shown} 笔，共保留 {held} 笔"),
    "rejected.came": ("Came", "到达"),
    "rejected.contract": ("Contract", "合约"),
    "rejected.source": ("Source", "行情源"),
    "rejected.verdict": ("Verdict", "判定"),
    "rejected.verdict.reject": ("rejected", "拒绝"),
    "rejected.verdict.hold": ("held", "暂扣"),
    "rejected.verdict.late": ("late", "迟到"),
    "rejected.stamp": ("Exchange time", "交易所时间"),
    "rejected.last": ("Last", "最新价"),
    "rejected.volume": ("Volume", "成交量"),
    "rejected.unreadable": ("cannot be read", "无法解析"),
    "rejected.symbol": ("Contract, such as rb2701", "合约，例如 rb2701"),
    "rejected.find": ("Filter", "筛选"),
    "rejected.clear": ("Clear filters", "清除筛选"),
    "rejected.older": ("Older", "更早"),
    "rejected.calm": ("No tick was refused in the last 15 minutes.", "最近 15 分钟没有被拒行情。"),
    "rejected.none": (
        "No refused tick matches. Clear the filters, or wait: new ones appear here.",
        "没有符合的被拒行情。请清除筛选，新的会自动显示。",
    ),
    "rejected.end": (
        "These are all that the console holds. Older ones: GET /api/rejected.",
        "以上为控制台保留的全部。更早的请用 GET /api/rejected 查询。",
    ),
    "rejected.why": ("Why {name} was refused", "{name} 为何被拒"),
    "rejected.why.hold": ("Why {name} is held", "{name} 为何暂扣"),
    "rejected.why.late": ("Why {name} came too late", "{name} 为何迟到"),
    "rejected.unexplained": (
        "A reason of another release; docs/rules.md of that release explains it.",
        "其他版本的原因，见该版本的 docs/rules.md。",
    ),
    "rejected.beside": ("Beside the last clean tick", "与上一笔清洗后行情对照"),
    "rejected.field": ("Field", "字段"),
    "rejected.field.update_ms": ("Milliseconds", "毫秒"),
    "rejected.field.bids": ("Bids", "买盘"),
    "rejected.field.asks": ("Asks", "卖盘"),
    "rejected.raw": ("This raw tick", "该笔原始行情"),
    "rejected.clean": ("Clean tick before it", "此前的清洗后行情"),
    "rejected.differs": ("differs", "不同"),
    "rejected.asked": ("the rule looks at it", "规则所查字段"),
    "rejected.no_clean": (
        "No clean tick of this contract was found before it.",
        "此前没有找到该合约的清洗后行情。",
    ),
    "rejected.no_value": ("no value", "无值"),
    "rejected.outcome": ("What became of it", "后来如何"),
    "rejected.outcome.reject": (
        "Strategies never got it. A later good tick of the contract takes its place.",
        "策略不会收到。该合约之后的正常行情将取而代之。",
    ),
    "rejected.outcome.late": (
        "Strategies had a newer tick already. This one was left out.",
        "策略已收到更新的行情，该笔已略过。",
    ),
    "rejected.outcome.hold": (
        "It was not let go in what was looked at: it waits, or a newer tick passed it.",
        "在查看范围内未放行：仍在等待，或已被更新的行情越过。",
    ),
    "rejected.outcome.released": (
        "It was let go at {at}, as n {n}.",
        "已于 {at} 放行，序号 n {n}。",
    ),
    "rejected.off": ("What if this rule were off", "若关闭此规则"),
    "rejected.off.step": (
        "Strategies would have seen last go from {before} to {after} ({step}).",
        "策略看到的最新价将从 {before} 变为 {after}（{step}）。",
    ),
    "rejected.off.volume": (
        "Volume would have gone from {before} to {after} ({step}).",
        "成交量将从 {before} 变为 {after}（{step}）。",
    ),
    "rejected.off.late": ("Time would have gone back.", "行情时间将倒退。"),
    "rejected.off.unknown": (
        "There is nothing to compare it with.",
        "没有可对照的数据。",
    ),
    "rejected.off.same": (
        "Last and volume are those of the clean tick.",
        "最新价与成交量与清洗后行情相同。",
    ),
    "rejected.off.trial": (
        "No rule is switched off by itself. Try a change of rules on a day's file:",
        "规则不能逐条关闭。规则变更请用当日文件试算：",
    ),
    "rejected.entry": ("Entry", "条目"),
}
