"""`mdhub sources` from heartbeats: what is counted, what is said."""

from __future__ import annotations

import msgspec
import pytest
from typer.testing import CliRunner

from mdhub.cli import sources
from mdhub.cli.app import app
from mdhub.cli.hubs import HubAddress
from mdhub.cli.sources import tell_source
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.heartbeat import ENDED, Beat
from mdhub.runtime.standing import rows_of
from mdhub.streams.memory import MemoryServer

NOW_NS = 1_700_000_000_000_000_000
HUB = HubAddress("redis://h", "mdhub:", None, 3_000)


def beat(state: str = "leading", age_s: int = 0, **counters: int) -> bytes:
    said = {name.replace("_", ":"): count for name, count in counters.items()}
    return msgspec.msgpack.encode(Beat(1, NOW_NS - age_s * 10**9, "", "", 1, state, said))


def test_counts_of_all_shards_are_summed() -> None:
    """Of those that lead now; one that ended, is silent, stands by or led before counts twice."""
    beats = {
        "arbiter:A0": beat(shard=0, token=2, accepted_X=3, held_X=1, muted_X=1),
        "arbiter:A1": beat(shard=1, token=5, accepted_X=4, rejected_Y=2, accepted_Y=0, active_Y=1),
        "arbiter:B0": beat(shard=0, token=1, accepted_X=3),
        "arbiter:B1": beat("standby", accepted_X=3),
        "arbiter:D0": beat(ENDED, accepted_X=3),
        "arbiter:C0": beat(age_s=9, accepted_X=3),
        "ingest:X": beat("connected"),
        "ingest:Z": beat("starting"),
        "monitor:A": b"\xc1",
    }
    rows = rows_of(beats, silent_ms=3_000, now_ns=NOW_NS)

    assert [(r.name, r.state, r.standing, r.won, r.rejected, r.held) for r in rows] == [
        ("X", "connected", "muted", 7, 0, 1),
        ("Y", "", "active", 0, 2, 0),
        ("Z", "starting", "", 0, 0, 0),
    ]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MemoryServer:
    server = MemoryServer()
    monkeypatch.setattr(sources, "open_log", lambda *_, **__: server.log("cli"))
    return server


def test_no_arbiter_is_said(server: MemoryServer, capsys: pytest.CaptureFixture[str]) -> None:
    """The counts would be a lie."""
    server.log("ingest").beat("ingest:X", beat("connected"))
    with pytest.raises(ServiceError, match="no arbiter has said anything"):
        sources.list_sources(HUB, as_json=False)
    assert "X       connected" in capsys.readouterr().out


def test_a_command_that_nobody_answers_times_out(server: MemoryServer) -> None:
    """For each shard; it will not be carried out behind one's back."""
    server.shard_count = 2
    with pytest.raises(ServiceError, match=r"shard 0: no answer within 0.1 s; .*shard 1: no") as e:
        tell_source(HUB, "mute", "X", reason="", timeout_s=0.1, as_json=False)
    assert "expired" in str(e.value)


def test_options_in_front_of_a_command_are_refused() -> None:
    """They would be silently ignored, and another hub would be told."""
    result = CliRunner().invoke(app, ["sources", "--data", "x", "mute", "A"])
    assert result.exit_code == 2
    assert "give options behind mute" in result.output
