"""Accounts come, change and go while a hub runs; nobody else's process is touched."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdhub.accounts.model import Account, Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.port import AccountStore
from mdhub.host.stack import Host, HubPlan
from mdhub.runtime.heartbeat import Beat, decode_beat
from mdhub.streams.asking import Answer, Request, ask
from mdhub.streams.port import Log
from mdhub.streams.topology import EVENTS
from mdhub.wire.codec import decode_event
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(90)]

WITHIN_S = 5.0
"""The promise: so long after the store has a change, it is in force."""


class Hub:
    """A hub without any source in its configuration."""

    def __init__(self, host: Host, log: Log, store: AccountStore) -> None:
        self.host = host
        self.log = log
        self.store = store

    def add(self, name: str, **changes: Any) -> Account:
        draft = {"id": name, "gateway_type": "sim", "settings": {"seed": 7}} | changes
        return self.store.create(Draft(**draft), by="test")

    def change(self, name: str, **changes: Any) -> Account:
        account = self.store.get(name)
        plain = {field: getattr(account, field) for field in Draft.__struct_fields__}
        draft = Draft(**(plain | changes))
        return self.store.replace(draft, revision=account.revision, by="test")

    def remove(self, name: str) -> None:
        self.store.delete(name, revision=self.store.get(name).revision, by="test")

    def beats(self) -> dict[str, Beat]:
        self.host.keeper.converge()
        return {name: decode_beat(payload) for name, payload in self.log.beats().items()}

    def pid(self, name: str) -> int:
        """Process that says it is this source; 0 = none that lives."""
        beat = self.beats().get(f"ingest:{name}")
        if beat is None or beat.state == "ended" or not Path(f"/proc/{beat.pid}").exists():
            return 0
        return beat.pid

    def within(self, condition: Any, what: str) -> None:
        until(condition, what, timeout_s=WITHIN_S)

    def news(self, name: str) -> list[str]:
        found = (decode_event(fields[1]) for _, fields in self.log.entries(EVENTS, count=10_000))
        return [str(e.body["change"]) for e in found if e.kind == "account" and e.subject == name]

    def ask(self, target: str, action: str) -> Answer:
        (answer,) = ask(self.log, [Request(target, action, {})], issuer="test", timeout_s=15)
        assert answer is not None
        return answer


@contextmanager
def running_hub() -> Iterator[Hub]:
    with tempfile.TemporaryDirectory(prefix="mdhub-accounts-") as name:
        url = f"sqlite:///{name}/accounts.db"
        store = open_store(url)
        host = Host(HubPlan(Path(name), profile="fast", supervisors=2, accounts_url=url))
        try:
            host.start_server()
            host.start("arbiter", "ingest")
            host.wait_leader()
            log = host.open_log()
            try:
                yield Hub(host, log, store)
            finally:
                log.close()
        finally:
            host.stop()
            store.close()


def test_accounts_come_change_and_go_beside_two_others() -> None:
    """Each within 5 s, and the others keep their processes."""
    with running_hub() as hub:
        hub.add("A", priority=2)
        hub.add("B", priority=1)
        until(lambda: hub.pid("A") and hub.pid("B"), "the first two to run", timeout_s=20)
        others = {name: hub.pid(name) for name in "AB"}

        hub.add("C")
        hub.within(lambda: hub.pid("C"), "a new account to start")
        first = hub.pid("C")
        hub.change("C", description="of the third broker", priority=7)
        hub.within(lambda: hub.news("C") == ["added", "changed"], "the change to be seen")
        assert hub.pid("C") == first, "what does not reach the process restarts nothing"

        hub.change("C", settings={"seed": 7, "ticks_per_s": 90.0})
        hub.within(lambda: hub.pid("C") not in {0, first}, "a changed account to be replaced")
        second = hub.pid("C")
        hub.change("C", is_enabled=False)
        hub.within(lambda: not Path(f"/proc/{second}").exists(), "a disabled account to stop")
        hub.change("C", is_enabled=True)
        hub.within(lambda: hub.pid("C") not in {0, second}, "an enabled account to start")
        refused = hub.ask("account:C", "test")
        assert not refused.ok and "is connected" in refused.result["error"]
        third = hub.pid("C")
        hub.remove("C")
        hub.within(lambda: not Path(f"/proc/{third}").exists(), "a deleted account to stop")
        hub.add("BAD", settings={"seed": "x"})
        hub.within(lambda: hub.news("BAD") == ["refused"], "a wrong account to be refused")

        assert {name: hub.pid(name) for name in "AB"} == others
        assert hub.news("C") == ["added", "changed", "changed", "disabled", "enabled", "removed"]
        assert any("wanted:A" in beat.counters for beat in hub.beats().values())
        gone = hub.ask("source:C", "restart")
        assert not gone.ok and "supervisors say that they have A, B" in gone.result["error"]
        until(lambda: hub.log.note("preference") == b'["B","A"]', "the preference", timeout_s=10)
