"""Verdicts reach raw until they are in force; a restart is a command."""

from __future__ import annotations

import pytest

from mdhub.streams.memory import MemoryServer
from mdhub.streams.port import FIRST_ID, LeadRequest
from mdhub.streams.topology import COMMANDS, RAW
from mdhub.wire.codec import decode_command, decode_control, decoder
from mdhub.wire.entries import SourceVerdict
from mdhub_monitor.facts import SourceSeen
from mdhub_monitor.hands import AGAIN_NS, Hands, in_force
from mdhub_monitor.ranking import Counts, Evidence, Ranking, score

SECOND_NS = 1_000_000_000
_verdict = decoder(SourceVerdict)


def led() -> MemoryServer:
    server = MemoryServer()
    server.log("arbiter").take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    return server


def written(server: MemoryServer) -> list[tuple[str, str]]:
    entries = server.log("monitor").entries(RAW)[1:]
    bodies = [_verdict(decode_control(fields[1]).body) for _, fields in entries]
    return [(body.source, body.verdict) for body in bodies]


def test_a_verdict_is_written_once_and_again_if_it_does_not_help() -> None:
    """Until the arbiter says that it is in force."""
    server = led()
    hands = Hands(server.log("monitor"), instance="monitor:A")
    for now_ns in (1, SECOND_NS, AGAIN_NS + 1):
        hands.say(0, {"A": "frozen"}, [], now_ns)
    assert written(server) == [("A", "down")] * 2
    hands.say(0, {"A": "frozen"}, ["A"], AGAIN_NS + 2)
    hands.say(0, {}, ["A"], AGAIN_NS + 3)
    assert written(server) == [("A", "down"), ("A", "down"), ("A", "up")]
    assert in_force({"down:A": 1, "down:B": 0, "muted:C": 1}) == {"A"}


def test_without_a_leader_nothing_is_lost() -> None:
    """It is said again when somebody leads."""
    server = MemoryServer()
    hands = Hands(server.log("monitor"), instance="monitor:A")
    assert hands.say(0, {"A": "frozen"}, [], 1) == 0
    server.log("arbiter").take(0, LeadRequest(0, FIRST_ID, 1, b"lead"))
    assert hands.say(0, {"A": "frozen"}, [], AGAIN_NS + 1) == 1
    assert written(server) == [("A", "down")]


def test_a_restart_is_a_command_to_the_source() -> None:
    """With a reason and an end."""
    server = led()
    hands = Hands(server.log("monitor"), instance="monitor:A")
    name = hands.restart("A", "frozen on 4 canaries", 5)
    (entry,) = server.log("ingest").entries(COMMANDS)
    command = decode_command(entry[1][1])
    assert (command.id, command.target, command.action) == (name, "source:A", "restart")
    assert command.args == {"reason": "frozen on 4 canaries"}
    assert command.expires_ns > command.ts_ns


def test_sources_are_ranked_by_the_last_hour() -> None:
    """Win rate first; what is older than an hour does not count."""
    ranking = Ranking()
    seen = {"A": SourceSeen("A"), "B": SourceSeen("B")}
    seen["B"].lags.extend((0, float(ms)) for ms in (-1, 10, 20, 30))
    ranking.look({"A": Counts(won=10), "B": Counts(won=999)}, seen, {}, SECOND_NS)
    for minute in range(1, 90):
        won = {"A": Counts(won=10 + 9 * minute), "B": Counts(won=999 + minute)}
        found = ranking.look(won, seen, {}, (1 + 60 * minute) * SECOND_NS)
    assert found["A"].win_rate == 0.9
    assert (found["B"].lag_p50_ms, found["B"].lag_p99_ms) == (20.0, 30.0)
    points = {name: score(each) for name, each in found.items()}
    assert points["A"] == 90.0
    assert points["B"] is not None
    assert abs(points["B"] - (10 - 2.0 - 0.3)) < 1e-9


def test_a_source_that_came_within_the_hour_counts_from_when_it_was_seen_first() -> None:
    """The monitor often starts before the sources; what came before it looked is not theirs."""
    ranking, seen = Ranking(), {name: SourceSeen(name) for name in ("A", "B")}
    ranking.look({}, seen, {}, SECOND_NS)
    ranking.look({"A": Counts(won=500), "B": Counts(won=7)}, seen, {}, 2 * SECOND_NS)
    counts = {"A": Counts(won=530, rejected=2), "B": Counts(won=17)}
    found = ranking.look(counts, seen, {}, 3 * SECOND_NS)
    assert (found["A"].win_rate, found["B"].win_rate) == (0.75, 0.25)
    assert found["A"].rejected_per_h == pytest.approx(120)


def test_no_fault_outweighs_the_others() -> None:
    """Each has a ceiling; nothing accepted yet is no rank."""
    worst = Evidence(1.0, 1e9, 1e9, 1e9, 1e9, 1e9, restarts=99)
    assert score(worst) == 100 - 20 - 20 - 20 - 20 - 10 - 30
    assert score(Evidence()) is None


def test_the_rate_of_a_source_is_of_the_newest_seconds() -> None:
    """One that is new counts from its first tick; one that stops is at nought after ten looks."""
    ranking, seen = Ranking(), {name: SourceSeen(name) for name in ("A", "B")}
    ranking.look({}, seen, {}, SECOND_NS)
    ticks = {"A": 0, "B": 0}
    for second in range(2, 30):
        ticks = {"A": 100 * (second - 1), "B": min(500, 50 * (second - 1))}
        counts = {name: Counts(ticks=n) for name, n in ticks.items()}
        found = ranking.look(counts, seen, {}, second * SECOND_NS)
        assert found["A"].ticks_per_s == pytest.approx(100)
        if second == 2:
            assert found["B"].ticks_per_s == pytest.approx(50)
    assert found["B"].ticks_per_s == 0
