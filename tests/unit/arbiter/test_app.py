"""What an arbiter checks of the server before and when it leads."""

from __future__ import annotations

from argparse import Namespace
from threading import Event
from typing import Any

import pytest

from mdhub.runtime.metrics import Board
from mdhub.runtime.outage import Outage
from mdhub.streams.errors import WrongShards
from mdhub.streams.memory import MemoryServer
from mdhub.streams.open import check_shards
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub_arbiter import app
from mdhub_arbiter.handover import StandBack


class Lines:
    """A logger that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **_: self.said.append((level, event))


class SetOnceLed(Event):
    """Set once a leader has taken this server."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def is_set(self) -> bool:
        return self._log.leadership(0).incarnation == self._log.incarnation()


def options(*args: str) -> Namespace:
    return app._parser().parse_args(args)


def lead(server: MemoryServer, profile: str) -> tuple[Lines, list[Any]]:
    """Become the leader once; return the lines said and all events."""
    lines, log = Lines(), server.log("arbiter")
    life = app._Life(
        options("--profile", profile),
        SetOnceLed(log),
        lines,  # type: ignore[arg-type]
        Outage(lines),
        Board("arbiter:A"),
        used=Event(),
        back=StandBack(),
    )
    app._serve(log, life, lambda: server.log("arbiter"))
    return lines, [decode_event(fields[1]) for _, fields in log.entries(EVENTS)]


@pytest.mark.parametrize("profile", ["single", "fast"])
@pytest.mark.parametrize("durable", [True, False])
def test_profile_single_is_believed_only_if_the_server_says_so(
    profile: str, durable: bool  # noqa: FBT001 - a parameter
) -> None:  # fmt: skip
    """Else a restart of the server opens a new epoch, and one line and one event say why."""
    server = MemoryServer()
    server.durable = durable
    lead(server, profile)
    before = server.log("cli").leadership(0).epoch
    server.restart()
    lines, events = lead(server, profile)
    kept = server.log("cli").leadership(0).epoch == before

    broken = profile == "single" and not durable
    assert kept == (profile == "single" and durable)
    assert lines.said.count(("error", "not_durable")) == broken
    assert ("not_durable" in events[-1].body) == broken
    assert events[-1].severity == ("error" if broken else "info")


def test_an_arbiter_of_another_number_of_shards_is_refused() -> None:
    """Changing shards would send instruments to logs that do not know their numbers."""
    log = MemoryServer().log("arbiter")
    for given in (["--shards", "2"], ["--shards", "2", "--shard", "1"], [], ["--shard", "1"]):
        check_shards(log, app._shards(log, options(*given)))
    for given in (["--shards", "3"], ["--shards", "1"], ["--shard", "2"]):
        with pytest.raises(WrongShards, match=r"made for 2 shards, expected .*--shards 2") as error:
            check_shards(log, app._shards(log, options(*given)))
        assert error.value.exit_code == 2


def test_a_wrong_number_of_shards_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With exit code 2, and without trying again."""
    server = MemoryServer()
    server.shard_count = 2
    monkeypatch.setattr(app, "begin", Event)
    monkeypatch.setattr(app, "redis_url", lambda: "")
    monkeypatch.setattr(app, "open_log", lambda *_, service, **__: server.log(service))
    assert app.main(["--shards", "1"]) == 2
