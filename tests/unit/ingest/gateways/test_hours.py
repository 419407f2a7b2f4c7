"""Whether something trades that a gateway is there for."""

from __future__ import annotations

from datetime import datetime

import pytest

from mdhub.calendar import Calendar
from mdhub.wire.ticks import CHINA_TIME
from mdhub_ingest.gateways.hours import OpenHours
from mdhub_ingest.gateways.port import Instrument

NIGHT, DAY, NOON, SATURDAY = (
    "2026-11-20 21:30", "2026-11-20 10:00", "2026-11-20 12:00", "2026-11-21 10:00",
)  # fmt: skip


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("kind", "open_at"), [("ctp", {NIGHT, DAY}), ("sopt", {DAY}), ("vnpy", set())]
)
def test_before_anything_is_asked_for_the_exchanges_of_its_type_count(
    kind: str, open_at: set[str]
) -> None:
    """A front that does not answer in a session is noticed as soon as later ones are."""
    hours = OpenHours(Calendar.load(), kind=kind)

    assert {text for text in (NIGHT, DAY, NOON, SATURDAY) if hours.is_open(at(text))} == open_at


def test_then_the_products_that_were_asked_for() -> None:
    """Bonds do not trade at night, whatever other futures do."""
    hours = OpenHours(Calendar.load(), kind="ctp")
    hours.add([Instrument(symbol="T2703", exchange="CFFEX", product="T")])

    assert not hours.is_open(at(NIGHT))
    assert hours.is_open(at(DAY))
