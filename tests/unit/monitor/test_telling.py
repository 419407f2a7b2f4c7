"""What the monitor found is said, whatever the facts are called."""

from __future__ import annotations

import io
import json

from mdhub.health.model import Finding
from mdhub.runtime.clock import AnchoredClock
from mdhub.runtime.logging import Logger
from mdhub.streams.memory import MemoryServer
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from mdhub_monitor.rules.problem import BEGAN, Said
from mdhub_monitor.telling import Teller


def test_facts_named_like_the_line_s_own_fields_end_nothing() -> None:
    """A source that failed has a fact `change`; the monitor ended at it, again and again."""
    server, said = MemoryServer(), io.StringIO()
    teller = Teller(server.log("monitor"), Logger("monitor", "A", said), AnchoredClock())
    facts: dict[str, int | float | str] = {
        "change": "failed",
        "key": "k",
        "done": "d",
        "event": "e",
        "exit_code": 4,
    }
    finding = Finding(
        key="source_disconnected:C", rule="source_disconnected", subject="C", severity="error",
        since_ns=1, facts=facts,
    )  # fmt: skip
    teller.finding(Said(BEGAN, finding))

    line = json.loads(said.getvalue())
    assert (line["event"], line["change"], line["key"]) == (
        "finding", "began", "source_disconnected:C",
    )  # fmt: skip
    assert line["facts"] == facts
    ((_, fields),) = server.log("cli").entries(EVENTS)
    assert decode_event(fields[1]).body["facts"] == facts
