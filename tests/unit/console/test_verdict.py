"""The one sentence on top of the overview."""

from dataclasses import replace
from typing import get_args

import msgspec
import pytest

from mdhub.calendar import Calendar
from mdhub.health.freshness import judged
from mdhub.health.model import Finding, HealthReport
from mdhub.health.words import PAGES
from mdhub_console.identity.model import Language
from mdhub_console.live.view import Connection
from mdhub_console.pages.looking import look, phases_of
from mdhub_console.pages.sight import Sight
from mdhub_console.pages.verdict import verdict
from mdhub_console.words.catalogue import catalogue
from tests.support.console_scene import NOW_NS, fine, live_of, troubled

SECOND = 1_000_000_000


def sight_of(report: HealthReport, *findings: Finding) -> Sight:
    shown = msgspec.structs.replace(report, findings=list(findings))
    fresh = judged(msgspec.msgpack.encode(shown), now_ns=NOW_NS, silent_ms=3_000)
    return Sight(now_ns=NOW_NS, fresh=fresh, connection=Connection(live=True))


def found(rule: str, subject: str = "X-9", severity: str = "error", ago_s: int = 8) -> Finding:
    return Finding(key=f"{rule}:{subject}", rule=rule, subject=subject, severity=severity,
                   since_ns=NOW_NS - ago_s * SECOND)  # fmt: skip


def test_fine_says_so_with_the_facts_one_looks_for_next() -> None:
    """The example of the design: sources, rate, latency, and until when the session lasts."""
    said = verdict(look(live_of(fine())), "en")
    assert (said.tone, said.sentence) == ("ok", "All fine")
    assert said.facts == (
        "3 of 3 sources live", "812 ticks/s", "p50 0.6 ms", "p99 2.1 ms",
        "day session, until 11:30 (in 00:41:07)",
    )  # fmt: skip


def test_trouble_says_what_covers_and_what_the_hub_did() -> None:
    """The worst finding speaks, though a lesser one is older."""
    said = verdict(look(live_of(troubled())), "en")
    assert said.tone == "down"
    assert said.sentence == "CTP-B has been silent for 8.0 s"
    assert said.facts[:2] == (
        "CTP-A and SOPT-1 cover",
        "its process was restarted at 10:48:48",
    )
    assert said.more == 2


def test_a_console_that_cannot_read_blames_nobody_else() -> None:
    """With the server away every heartbeat looks old; what is known is of then."""
    away = Connection(live=False, since_ns=NOW_NS - 21 * SECOND, sentence="no answer")
    sight = replace(look(live_of(troubled())), connection=away)
    said = verdict(sight, "en")
    assert (said.tone, said.sentence) == ("down", "The log's server has not answered for 21 s")
    assert said.facts == ("what is shown is of 10:48:32",) and said.finding is None


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("rule", sorted(PAGES))
def test_every_rule_has_a_sentence(rule: str, language: Language) -> None:
    """No rule of the monitor falls back to its title."""
    assert f"verdict.rule.{rule}" in catalogue()
    said = verdict(sight_of(fine(), found(rule)), language)
    assert said.tone == "down"
    assert "{" not in said.sentence
    assert "X-9" in said.sentence or "{subject}" not in catalogue()[f"verdict.rule.{rule}"][0]


def test_a_rule_of_a_later_release_speaks_by_its_title() -> None:
    """A finding without words here is still named."""
    assert "brand_new" in verdict(sight_of(fine(), found("brand_new")), "en").sentence


def test_a_note_needs_nobody() -> None:
    """Findings of severity info do not spoil the verdict."""
    said = verdict(sight_of(fine(), found("contract_silent", severity="info")), "en")
    assert said.tone == "ok"


def test_nothing_covers_the_only_source() -> None:
    """One says plainly that nobody covers."""
    alone = msgspec.structs.replace(fine(), sources=fine().sources[:1])
    said = verdict(sight_of(alone, found("source_silent", "CTP-A")), "en")
    assert said.facts[0] == "nobody covers"


def test_without_a_report_nobody_can_say() -> None:
    """An empty hub is not called fine."""
    said = verdict(look(live_of(None)), "en")
    assert said.tone == "off"
    assert said.sentence == "Nobody can say how the hub is"


def test_an_old_report_is_trouble() -> None:
    """A monitor that has died makes the verdict red, whatever it said last."""
    old = msgspec.structs.replace(fine(), ts_ns=NOW_NS - 60 * SECOND)
    assert verdict(sight_of(old), "en").sentence == "monitor:A has been silent for 60 s"


def test_a_closed_market_says_when_it_opens() -> None:
    """At night nothing is wrong because nothing moves."""
    closed = msgspec.structs.replace(fine(), session="closed")
    said = verdict(sight_of(closed), "en")
    assert (said.tone, said.sentence) == ("off", "Market closed, all quiet")
    assert said.facts == ("closed", "opens 13:30 (in 02:41:07)")


def test_phases_of_no_day_are_none() -> None:
    """Beyond the calendar the line is empty instead of guessed."""
    assert phases_of(Calendar.load(), 0) == ()
    assert phases_of(Calendar.load(), 20990105) == ()


def test_what_delivers_again_is_not_called_silent() -> None:
    """The monitor ends a finding only when all has been well for a while; the card says live."""
    said = verdict(sight_of(fine(), found("source_silent", "CTP-B", "warning")), "en")
    assert said.sentence == "CTP-B is back after trouble; watched until it is steady"
    said = verdict(sight_of(fine(), found("service_down", "monitor:A")), "en")
    assert said.sentence == "monitor:A is back after trouble; watched until it is steady"
    gone = verdict(sight_of(fine(), found("service_down", "monitor:Z")), "en")
    assert gone.sentence == "monitor:Z has been silent for 8.0 s"


def test_a_played_market_is_called_so() -> None:
    """Else two clocks on one page contradict each other."""
    report = msgspec.structs.replace(fine(), market_ns=NOW_NS - 3_600 * SECOND, ts_ns=NOW_NS)
    assert "market played, its time 09:48:53" in verdict(sight_of(report), "en").facts
    assert not any("played" in fact for fact in verdict(look(live_of(fine())), "en").facts)
