"""An account of the store with a real gateway: sealed secrets reach the front and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdhub.accounts.keyring import add_key
from mdhub.accounts.model import Account, Draft
from mdhub.accounts.open import open_store
from mdhub.accounts.vault import Vault
from mdhub.runtime.heartbeat import decode_beat
from mdhub.streams import open_log
from mdhub.streams.asking import Answer, Request, ask
from mdhub.streams.port import Log
from tests.gateways.front.answers import refuse
from tests.gateways.front.front import Front
from tests.gateways.front.market import future
from tests.gateways.harness import Installation, environment
from tests.support.processes import descendants, seen_of
from tests.support.server import TestServer
from tests.support.wait import until

pytestmark = [pytest.mark.gateways, pytest.mark.process, pytest.mark.timeout(180)]

CANARIES = {"password": "canary-pw-7Q", "auth_code": "CANARYAUTH0123"}
"""As long as the vendor's fields allow."""


class Hub:
    """A server, an arbiter and a supervisor that has nothing but the account store."""

    def __init__(self, folder: Path, where: Installation, libraries: Path) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        self.store = open_store(f"sqlite:///{folder}/accounts.db")
        self.vault = Vault(add_key(folder / "keys"))
        self._environment = environment(where, libraries)
        self._where = where
        self.pids: list[int] = []

    def put(self, front: Front, **changes: Any) -> Account:
        settings = {
            "user_id": "tester", "broker_id": "9999", "td_address": front.address,
            "md_address": front.address, "app_id": "client_mdhub_1.0",
        } | CANARIES  # fmt: skip
        draft = {
            "id": "ACC1", "gateway_type": "ctp", "settings": settings, "schedule_group": "always"
        } | changes  # fmt: skip
        sealed = self.vault.seal(Draft(**draft))
        known = [each for each in self.store.all() if each.id == sealed.id]
        if not known:
            return self.store.create(sealed, by="test")
        return self.store.replace(sealed, revision=known[0].revision, by="test")

    @contextmanager
    def running(self) -> Iterator[Log]:
        with ExitStack() as stack:
            server = stack.enter_context(TestServer())
            self.server_folder = server.embedded.folder
            log = open_log(server.url, service="cli", prefix="mdhub:")
            stack.callback(log.close)
            accounts = {
                "MDHUB_ACCOUNTS__URL": f"sqlite:///{self.folder}/accounts.db",
                "MDHUB_ACCOUNTS__KEY_FILE": str(self.folder / "keys"),
            }
            programs: tuple[tuple[Any, ...], ...] = (
                (sys.executable, {}, "mdhub_arbiter", "--profile", "fast"),
                (str(self._where.python), accounts, "mdhub_ingest", "--data", str(self.folder)),
            )
            for python, own, *arguments in programs:
                told = {"MDHUB_REDIS_URL": server.url, **own}
                self._start(stack, [python, "-m", *arguments], told)
            yield log

    def _start(self, stack: ExitStack, command: list[str], told: dict[str, str]) -> None:
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                command, env=self._environment | told, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output,
            )  # fmt: skip
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        self.pids.append(process.pid)

    def seen(self) -> bytes:
        """All that others may see: processes, output, and every file of the server."""
        files = [each for each in self.server_folder.rglob("*") if each.is_file()]
        return (
            seen_of(descendants(*self.pids))
            + self.output.read_bytes()
            + b"".join(each.read_bytes() for each in files)
        )


@pytest.fixture
def hub(installed: Installation, libraries: dict[str, Path], tmp_path: Path) -> Hub:
    return Hub(tmp_path, installed, libraries["ctp"])


def ask_for_test(log: Log) -> Answer:
    (answer,) = ask(log, [Request("account:ACC1", "test", {})], issuer="test", timeout_s=60)
    assert answer is not None
    return answer


def stopped(log: Log) -> bool:
    beats = {name: decode_beat(payload) for name, payload in log.beats().items()}
    supervisor = next(beat for name, beat in beats.items() if name.startswith("supervisor:"))
    return "running:ACC1" not in supervisor.counters


def test_a_sealed_password_reaches_the_front_and_nothing_else(hub: Hub) -> None:
    """While it is connected, when it is tested, and when it is refused."""
    with Front([future("rb2610", "SHFE")]) as front, hub.running() as log:
        hub.put(front)
        front.wait_subscribed("rb2610")
        assert front.requests("ReqUserLogin", "td")[0].fields["Password"] == CANARIES["password"]
        key = (hub.folder / "keys").read_text().rpartition(":")[2].strip().encode()
        connected = ask_for_test(log)
        assert not connected.ok and "is connected" in connected.result["error"]
        seen = hub.seen()

        hub.put(front, is_enabled=False)
        until(lambda: stopped(log), f"the account to stop; {hub.output.read_text()}")
        good = ask_for_test(log)
        assert good.ok, good.result
        assert {"stage": "preflight", "ok": True} in good.result["stages"]
        front.answer("ReqUserLogin", refuse(3, "不合法的登录"), kind="td")
        front.answer("ReqUserLogin", refuse(3, "不合法的登录"), kind="md")
        bad = ask_for_test(log)
        assert not bad.ok and bad.result["error"], bad.result
        (refused,) = [each for each in bad.result["stages"] if not each["ok"]]
        assert refused["code"] == 3 and refused["todo"] and refused["says_zh"]
        seen += hub.seen() + str([good, bad]).encode()

    assert b"ACC1" in seen
    for canary in (*map(str.encode, CANARIES.values()), key):
        assert canary not in seen
