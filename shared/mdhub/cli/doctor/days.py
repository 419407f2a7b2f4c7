"""How far the trading calendar is known, and whether the operator's file still says anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from mdhub.calendar import HORIZON_ALARM_DAYS, BadCalendar, Calendar
from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.wire.ticks import CHINA_TIME

__all__ = ["DayFacts", "check_days", "judge_horizon", "judge_override", "says_nothing"]


@dataclass(frozen=True, slots=True)
class DayFacts:
    """The calendar in force, as of a day in China."""

    today: date
    first: date
    horizon: date
    override: Path | None
    error: str
    """Every mistake of the override file; empty = none."""
    idle: bool
    """An override file that changes nothing from today on."""


def check_days(override: Path | None, today: date | None = None) -> list[Finding]:
    """Load the calendar as the hub would."""
    day = today or datetime.now(CHINA_TIME).date()
    own, error, idle = Calendar.load(), "", False
    merged = own
    if override is not None:
        try:
            merged = Calendar.load(override)
            idle = says_nothing(own, merged, day)
        except BadCalendar as wrong:
            error = "; ".join(str(wrong).splitlines()[1:])
    facts = DayFacts(day, merged.first, merged.horizon, override, error, idle)
    return [judge_override(facts), judge_horizon(facts)]


def says_nothing(own: Calendar, merged: Calendar, today: date) -> bool:
    """Whether an override changes nothing from a day on: all of it is past, or known by itself."""
    same = (own.rows.templates, own.rows.hours) == (merged.rows.templates, merged.rows.hours)
    if not same or merged.horizon > own.horizon:
        return False
    day = max(today, own.first)
    while day <= own.horizon:
        if own.is_trading_day(day) != merged.is_trading_day(day):
            return False
        if own.has_night(day) != merged.has_night(day):
            return False
        day += timedelta(1)
    return True


def judge_override(facts: DayFacts) -> Finding:
    """A wrong file keeps the hub from starting; one that is past is clutter."""
    check = "calendar.override"
    if facts.override is None:
        return Finding(check, Status.OK, Words("none configured", "未配置"))
    if facts.error:
        means = Words("mdhub up refuses to start", "mdhub up 拒绝启动")
        check_it = f"mdhub calendar --check {facts.override}"
        return Finding(
            check, Status.ERROR, facts.error, Words("no mistakes", "没有错误"), means, check_it
        )
    if facts.idle:
        found = Words(
            f"{facts.override}: expired, it changes nothing from {facts.today} on",
            f"{facts.override}：已过期，从 {facts.today} 起没有任何作用",
        )
        means = Words(
            "mdhub's own calendar says the same, or all of it is past: is the newest notice of "
            "the exchanges in it?",
            "内置日历已有相同内容，或内容都已过去：交易所最新的通知写进去了吗？",
        )
        mend = Words("take override out of [calendar], or bring the file up to date",
                     "从 [calendar] 去掉 override，或更新该文件")  # fmt: skip
        expected = Words("something about days to come", "关于今后日期的内容")
        return Finding(check, Status.HINT, found, expected, means, mend)
    return Finding(check, Status.OK, str(facts.override))


def judge_horizon(facts: DayFacts) -> Finding:
    """Beyond its horizon the hub does not know when markets trade."""
    check, left = "calendar.horizon", (facts.horizon - facts.today).days
    found = Words(f"{facts.horizon}: {left} days left", f"{facts.horizon}：还有 {left} 天")
    expected = Words(f">= {HORIZON_ALARM_DAYS} days", f">= {HORIZON_ALARM_DAYS} 天")
    mend = Words(
        "install a newer mdhub, or add the next year by an override file (mdhub calendar --help): "
        f"year {facts.horizon.year + 1}, and its closed weekdays",
        "安装更新的 mdhub，或用覆盖文件添加下一年（mdhub calendar --help）："
        f"year {facts.horizon.year + 1} 以及休市的工作日",
    )
    if not facts.first <= facts.today <= facts.horizon:
        found = Words(
            f"today is {facts.today}, the calendar covers {facts.first} to {facts.horizon}",
            f"今天是 {facts.today}，日历覆盖 {facts.first} 至 {facts.horizon}",
        )
        means = Words(
            "the hub does not know whether today trades (or this host's date is wrong)",
            "系统不知道今天是否交易（或本机日期有误）",
        )
        return Finding(check, Status.ERROR, found, expected, means, mend)
    if left < HORIZON_ALARM_DAYS:
        means = Words(
            f"after {facts.horizon} the hub does not know when markets trade",
            f"{facts.horizon} 之后系统不知道市场何时交易",
        )
        return Finding(check, Status.WARNING, found, expected, means, mend)
    return Finding(check, Status.OK, found)
