"""Words of the search that `/` opens."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "search.title": ("Search", "搜索"),
    "search.hint": ("Source, contract or page", "行情源、合约或页面"),
    "search.found": ("Found", "搜索结果"),
    "search.kind.page": ("page", "页面"),
    "search.kind.source": ("source", "行情源"),
    "search.kind.contract": ("contract", "合约"),
    "search.none": (
        "Nothing is called “{text}”. Contracts are written as their exchange does: rb2701, IF2612.",
        "未找到“{text}”。合约按交易所写法输入：rb2701、TA701、IF2612。",
    ),
    "search.no_contracts": (
        "The contract table cannot be read now: sources and pages only.",
        "暂时无法读取合约表：仅搜索行情源和页面。",
    ),
}
