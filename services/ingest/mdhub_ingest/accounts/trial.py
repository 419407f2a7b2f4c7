"""Test of an account's connection: `python -m mdhub_ingest.accounts.trial --data DIR`.

Reads a letter from its stdin and writes one JSON object: `ok`, `stages` (name, ok, what was found,
what to do) and `error`. It logs in once, under the account's login budget, subscribes nothing that
is kept, and leaves by `os._exit`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Timer
from typing import Any, BinaryIO, Final

import msgspec

from mdhub.runtime.core_dumps import forbid_core_dumps
from mdhub.runtime.logging import service_logger
from mdhub.runtime.service import begin
from mdhub.streams.memory import MemoryServer
from mdhub.wire.errors import MdhubError
from mdhub.wire.ops import Severity
from mdhub_ingest.accounts.letter import BY_PIPE, Letter, received
from mdhub_ingest.accounts.opening import opened
from mdhub_ingest.gateways.preflight import preflight
from mdhub_ingest.spec import GatewayKnobs

__all__ = ["main", "tried"]

LIMIT_S: Final = 30.0
_GOOD: Final = frozenset({"contracts", "running"})
"""States of a gateway that is logged in on both sides."""
_BAD: Final = frozenset({"login_refused", "login_not_allowed", "degraded", "ended"})
_WAITS: Final = "login_waits"
WORTH_WAITING_S: Final = 10.0
"""A longer pause of the login budget is told at once: nobody looks at a test for a minute."""
_PASSED: Final = frozenset({"connecting", "md_login", "td_login", "connection_lost"})


class Login:
    """Hears what a gateway says of its login, until it is decided."""

    def __init__(self, stop: Event) -> None:
        self.stages: list[dict[str, Any]] = []
        self.ok: bool | None = None
        self._stop = stop

    def hear(  # Severity is for those who must act: here somebody looks on
        self,
        change: str,
        facts: Mapping[str, Any],
        severity: Severity = Severity.INFO,  # noqa: ARG002 - see above
    ) -> None:
        """Take a change of the gateway's state."""
        if self.ok is not None or change not in _GOOD | _BAD | _PASSED | {_WAITS}:
            return
        bad = change in _BAD or (change == _WAITS and facts["wait_s"] > WORTH_WAITING_S)
        self.stages.append({"stage": change, "ok": not bad, **facts})
        if bad or change in _GOOD:
            self.ok = not bad
            self._stop.set()


def tried(letter: Letter, data: Path, stop: Event) -> dict[str, Any]:
    """Test one account. Whatever it is, it gets a result."""
    knobs = letter.spec.knobs()
    if not isinstance(knobs, GatewayKnobs):
        return {"ok": True, "stages": [{"stage": "settings", "ok": True}]}
    try:
        return _gateway(letter, knobs, data, stop)
    except MdhubError as error:
        return _failed([{"stage": "settings", "ok": False}], str(error))


def _gateway(letter: Letter, knobs: GatewayKnobs, data: Path, stop: Event) -> dict[str, Any]:
    name = letter.spec.name
    values = opened(name, knobs.settings, letter, dict(os.environ))
    findings = preflight(
        name=name, kind=knobs.type, settings=values, class_path=knobs.class_path,
        flow=data / "gateways" / name,
    )  # fmt: skip
    stages = [
        {"stage": f"preflight:{each.check}", **msgspec.to_builtins(each)}
        for each in findings
        if not each.ok
    ]
    errors = [each.sentence for each in findings if not each.ok and each.severity == "error"]
    if errors:
        return _failed(stages, ". ".join(errors))
    login = _login(letter, knobs, data, stop)
    stages += [{"stage": "preflight", "ok": True}, *login.stages]
    if login.ok:
        return {"ok": True, "stages": stages}
    last = login.stages[-1] if login.stages else {}
    words = [str(last[key]) for key in ("says", "reason", "todo") if last.get(key)]
    return _failed(stages, ": ".join(words) or f"no login within {LIMIT_S:g} s")


def _login(letter: Letter, knobs: GatewayKnobs, data: Path, stop: Event) -> Login:
    # Only now: vnpy and the vendor's library may end the process.
    from mdhub_ingest.gateways.assembly import gateway_source  # noqa: PLC0415 - see above

    server = MemoryServer()
    source = gateway_source(
        letter,
        knobs,
        data=data,
        shards=1,
        connect=lambda: server.log("ingest"),
        logger=service_logger("ingest", f"{letter.spec.name} test"),
    )
    login = Login(stop)
    source.attend(alive=lambda: None, on_change=login.hear)
    timer = Timer(LIMIT_S, stop.set)
    timer.daemon = True
    timer.start()
    source.run(lambda *_: None, stop)
    timer.cancel()
    return login


def _failed(stages: list[dict[str, Any]], error: str) -> dict[str, Any]:
    return {"ok": False, "stages": stages, "error": error}


def _own_stdout() -> BinaryIO:
    """Keep stdout for the result: vendors' libraries print to it."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return open(kept, "wb")  # noqa: PTH123 - a descriptor


def main(argv: Sequence[str] | None = None) -> int:
    """Test the account of the letter. Exit codes: 0 connected, 1 not."""
    parser = argparse.ArgumentParser(
        prog="python -m mdhub_ingest.accounts.trial", description=__doc__,
        epilog="example: python -m mdhub_ingest.accounts.trial --data mdhub-data < letter.json",
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, help="the hub's data folder")
    options = parser.parse_args(argv)
    forbid_core_dumps()
    output = _own_stdout()
    stop = begin()
    try:
        result = tried(received(BY_PIPE), options.data, stop)
    except MdhubError as error:
        result = _failed([], str(error))
    with output:
        output.write(msgspec.json.encode(result))
    return int(not result["ok"])


if __name__ == "__main__":
    os._exit(main())
