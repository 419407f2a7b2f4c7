"""Numbers, small charts, the line of the day, states of a source, the language of a page."""

import msgspec
import pytest

from mdhub.calendar import Calendar, Phase
from mdhub_console.pages import formats
from mdhub_console.pages.day_line import day_line
from mdhub_console.pages.looking import look, phases_of
from mdhub_console.pages.source_model import source_of
from mdhub_console.pages.source_state import MACHINE, history, stage_of, standing
from mdhub_console.pages.sparkline import HEIGHT, WIDTH, sparkline, thin
from mdhub_console.words.catalogue import catalogue, choose
from tests.support.console_scene import NOW_NS, fine, live_of, troubled

HOUR = 3_600_000_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"), (180, "3 min"),
     (9_000, "2.5 h"), (345_600, "4 d"), (-3, "0.0 s")],
)  # fmt: skip
def test_an_age_has_the_unit_that_fits(seconds: float, text: str) -> None:
    """Short ages show tenths, long ones do not pretend to."""
    assert formats.duration(seconds) == text


def test_what_is_not_known_is_a_dash() -> None:
    """An absent value is never shown as zero."""
    assert {formats.fixed(None), formats.percent(None), formats.count(None), formats.age(None)} == {
        formats.DASH
    }


def test_times_are_of_the_exchange() -> None:
    """Shanghai time on the page, UTC behind it."""
    assert formats.clock(NOW_NS, ms=True) == "10:48:53.000"
    assert formats.utc(NOW_NS) == "2026-11-20T02:48:53.000Z"
    assert formats.moment(NOW_NS).endswith("+08:00")


def test_a_countdown_keeps_its_width() -> None:
    """Hours, minutes and seconds always have two digits."""
    assert formats.countdown(2_467) == "00:41:07"
    assert formats.countdown(90_061) == "1 d 01:01:01"


def test_a_hole_parts_a_sparkline() -> None:
    """Nothing is drawn over what is not known."""
    drawn = sparkline([1.0, 2.0, None, 2.0, 1.0])
    assert drawn.line.count("M") == 2
    assert (drawn.low, drawn.high, drawn.last) == (1.0, 2.0, 1.0)


def test_a_sparkline_of_zeros_lies_on_its_floor() -> None:
    """No rejected tick looks like none."""
    assert sparkline([0.0, 0.0]).line == f"M0 {HEIGHT - 2}L{WIDTH} {HEIGHT - 2}"
    assert sparkline([]).line == ""


def test_thinning_keeps_the_peaks() -> None:
    """A spike of one second is seen among fifteen minutes."""
    points: list[float | None] = [1.0] * 900
    points[437] = 99.0
    assert len(thin(points)) <= 180
    assert 99.0 in thin(points)


def test_the_day_line_holds_every_phase_in_order() -> None:
    """Bands touch, fill the line, and now is inside the morning."""
    line = day_line(phases_of(Calendar.load(), 20261120), [], now_ns=NOW_NS, ahead_ns=0)
    assert line.bands[0].x == 0
    assert line.bands[-1].x + line.bands[-1].width == pytest.approx(100, abs=0.1)
    for before, after in zip(line.bands, line.bands[1:], strict=False):
        assert before.x + before.width == pytest.approx(after.x, abs=0.02)
    (here,) = [b for b in line.bands if b.start_ns <= NOW_NS < b.end_ns]
    assert here.phase == Phase.CONTINUOUS
    assert line.now is not None
    assert here.x < line.now < here.x + here.width


def test_every_state_that_gateways_say_has_a_stage() -> None:
    """States of docs/gateways.md light exactly one box, or the quarantine."""
    said = ("connecting", "md_login", "td_login", "contracts", "running", "degraded", "stopped")
    assert {stage_of(state) for state in said} < {*MACHINE}
    assert stage_of("quarantined") == "quarantined"


def test_a_silent_source_is_down_only_while_the_market_is_open() -> None:
    """In a break nobody is blamed for silence."""
    silent = troubled().sources[1]
    assert standing(silent, "day").tone == "down"
    calm = fine().sources[0]
    assert standing(calm, "day").tone == "ok"
    assert standing(calm, "break").tone == "ok"
    odd = msgspec.structs.replace(calm, state="a word of a later release", age_ms=None)
    assert standing(odd, "day").tone == "down"


def test_the_band_of_states_ends_now() -> None:
    """The newest state holds until now; what is not known stays empty."""
    sight = look(live_of(troubled()))
    spans = history(sight.events, "CTP-B", now_ns=NOW_NS, span_ns=4 * HOUR)
    assert spans[-1].x + spans[-1].width == pytest.approx(100, abs=0.1)
    assert spans[0].x == pytest.approx(50, abs=0.1)
    assert history([], "CTP-B", now_ns=NOW_NS, span_ns=HOUR) == []


def test_a_question_says_what_it_costs() -> None:
    """Who restarts a source reads first what covers it."""
    context = source_of(look(live_of(fine()), source="CTP-A"), "CTP-A", "en")
    assert context is not None
    restart = next(each for each in context["actions"] if each.name == "restart")
    assert restart.question == "Restart CTP-A?"
    assert "It wins 58 % of races." in restart.consequences
    assert "CTP-B and SOPT-1 cover." in restart.consequences


def test_every_word_is_there_in_both_languages() -> None:
    """No key is empty, and both languages fill the same places."""
    assert {
        key for key, (en, zh) in catalogue().items() if not (en.strip() and zh.strip())
    } == set()
    places = {k: (set(_places(en)), set(_places(zh))) for k, (en, zh) in catalogue().items()}
    assert {key: both for key, both in places.items() if both[0] != both[1]} == {}


def _places(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize(
    ("cookie", "user", "accepted", "language"),
    [
        ("zh", "en", "en", "zh"),
        (None, "zh", "en", "zh"),
        (None, None, "fr, zh-CN;q=0.8, en;q=0.5", "zh"),
        (None, None, "en-GB, zh;q=0.9", "en"),
        ("xx", None, "zh;q=no", "en"),
        (None, None, None, "en"),
    ],
)
def test_the_language_is_the_first_that_is_known(
    cookie: str | None, user: str | None, accepted: str | None, language: str
) -> None:
    """The switch counts most, then the user, then the browser."""
    assert choose(cookie=cookie, user=user, accepted=accepted) == language
