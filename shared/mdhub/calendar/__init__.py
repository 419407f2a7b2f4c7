"""The trading calendar: trading days, nights, hours of every product, and its form in the log."""

from mdhub.calendar.calendar import HORIZON_ALARM_DAYS, Calendar, Interval, Moment
from mdhub.calendar.errors import BadCalendar, OutsideCalendar, Problem
from mdhub.calendar.rows import Phase

__all__ = [
    "HORIZON_ALARM_DAYS",
    "BadCalendar",
    "Calendar",
    "Interval",
    "Moment",
    "OutsideCalendar",
    "Phase",
    "Problem",
]
