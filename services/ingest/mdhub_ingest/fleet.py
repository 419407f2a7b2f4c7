"""The children of a supervisor: one process per source that is to run.

All methods belong to the main thread, like those of the keeper below it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from mdhub.runtime.keeper import ChildSpec, ChildState, Keeper
from mdhub.runtime.metrics import Address
from mdhub.runtime.secret import variables_of
from mdhub_ingest.child import HUNG
from mdhub_ingest.gateways.port import STOPPED
from mdhub_ingest.measured import late_address, source_address
from mdhub_ingest.spec import GatewayKnobs, RecordingKnobs, SimKnobs, SourceSpec

__all__ = ["Fleet", "HubOptions", "Letter", "account_variables", "is_gateway"]

Letter = Callable[[], bytes]
"""Writes what the process of a source is told: a `mdhub_ingest.accounts.letter.Letter`."""

QUARANTINE_AFTER: Final = 20
HUNG_AFTER_S: Final = 5.0
"""Longer than any call to the server may take (3 s); shorter than the children's buffers last."""
FRONT_FIRST_PAUSE_S: Final = 0.5
FRONT_LONGEST_PAUSE_S: Final = 60.0
FRONT_STABLE_S: Final = 120.0
"""Longer than a life that ends because a front does not answer."""


@dataclass(frozen=True, slots=True)
class HubOptions:
    """What children are told of the hub."""

    prefix: str
    shards: int
    run: str
    data: Path
    metrics: Address = Address()  # noqa: RUF009 - immutable
    """Where the first source serves its metrics, see `measured.source_address`; port 0 = none."""
    part: int = 0
    """Number of this supervisor among those that accounts are dealt out to."""
    parts: int = 1


class Fleet:
    """Starts, ends and replaces sources; the keeper keeps alive what was started."""

    def __init__(
        self,
        own: Sequence[SourceSpec],
        all_: Sequence[SourceSpec],
        hub: HubOptions,
        *,
        on_exit: Callable[[ChildState], None],
    ) -> None:
        self.keeper = Keeper(on_exit=on_exit)
        self._own = {spec.name: spec for spec in own}
        self._all = all_
        self.hub = hub
        self._late: dict[str, Letter] = {}
        self._ports: dict[str, Address] = {}
        self._session: dict[str, str] = {}
        self._after: dict[str, str] = {}
        self.hidden: frozenset[str] = frozenset()
        """Variables that hold what accounts log in with: each process gets its own ones only."""
        self.commanded: dict[str, int] = dict.fromkeys(self._own, 0)
        """Restarts by command."""

    @property
    def names(self) -> list[str]:
        return list(self._own)

    def spec(self, name: str) -> SourceSpec:
        return self._own[name]

    def state(self, name: str) -> ChildState | None:
        """The child of a source; None = it is not to run."""
        return self.keeper.children.get(name)

    def session(self, name: str) -> str:
        """Window that its process was started for."""
        return self._session.get(name, "")

    def start(self, name: str, session: str) -> None:
        """Let it run from the keeper's next turn on, out of quarantine as well."""
        self._session[name] = session
        self.keeper.want(self._child(self._own[name]))

    def stop(self, *names: str) -> None:
        """End these: SIGTERM, a short grace, SIGKILL."""
        running = [name for name in names if name in self.keeper.children]
        if running:
            self.keeper.stop(*running)

    def put(self, spec: SourceSpec, letter: Letter) -> None:
        """Take a source in, or its new description; a process that runs keeps the old one.

        The process is told the description by `letter`, asked at each start, in a pipe.
        """
        if spec.name not in self._own:
            self.commanded[spec.name] = 0
            self._ports[spec.name] = self._free_port()
        self._own[spec.name] = spec
        self._late[spec.name] = letter

    def drop(self, *names: str) -> None:
        """End these and forget them."""
        self.stop(*names)
        for name in names:
            for table in (self._own, self._late, self._ports, self._session, self._after):
                table.pop(name, None)
            self.commanded.pop(name, None)

    def replace(self, why: str, *names: str) -> None:
        """End those of these that run; their next process is told why."""
        running = [name for name in names if name in self.keeper.children]
        self._after |= dict.fromkeys(running, why)
        self.stop(*running)

    def port(self, name: str) -> int:
        """Where a source that came later serves its metrics; 0 = nowhere."""
        return self._ports[name].port

    def _free_port(self) -> Address:
        hub = self.hub
        return late_address(
            hub.metrics, len(self._all), hub.part, hub.parts, taken=self._ports.values()
        )

    def renew(self, name: str, why: str) -> ChildState:
        """SIGKILL it and start a new process at once, also out of quarantine.

        Raises ServiceError if the old process does not go.
        """
        self._after[name] = why
        self.commanded[name] += 1
        return self.keeper.renew(name)

    def _child(self, spec: SourceSpec) -> ChildSpec:
        letter = self._late.get(spec.name)
        text = "-"  # by the pipe
        if letter is None:
            text = msgspec.json.encode(spec, enc_hook=os.fspath).decode()
        hub = self.hub
        command = [
            sys.executable, "-m", "mdhub_ingest.child", "--spec", text,
            "--prefix", hub.prefix, "--shards", str(hub.shards), "--run", hub.run,
            "--data", str(hub.data.resolve()),
            "--metrics", str(self._address(spec)),
        ]  # fmt: skip

        def next_command(start: int) -> list[str]:
            why = self._after.pop(spec.name, "")
            if start > 1:
                why = why or _ended(self.keeper.children[spec.name])
            return [*command, "--after", why] if why else command

        child = ChildSpec(
            spec.name,
            next_command,
            dict.fromkeys(self.hidden - _variables(spec), "") | _others_secrets(spec, self._all),
            give_up_after=QUARANTINE_AFTER,
            restart_after_success=False,
            hung_after_s=HUNG_AFTER_S,
            told=letter,
        )
        return _patient(child) if is_gateway(spec) else child

    def _address(self, spec: SourceSpec) -> Address:
        late = self._ports.get(spec.name)
        return source_address(self.hub.metrics, spec, self._all) if late is None else late


def is_gateway(spec: SourceSpec) -> bool:
    """Whether it logs in at a broker's front; the others make their market themselves."""
    return not isinstance(spec.knobs(), SimKnobs | RecordingKnobs)


def account_variables(specs: Sequence[SourceSpec]) -> dict[str, str]:
    """Variables that hold what accounts log in with, each emptied."""
    return dict.fromkeys(set[str]().union(*map(_variables, specs)), "")


def _others_secrets(spec: SourceSpec, specs: Sequence[SourceSpec]) -> dict[str, str]:
    """Variables that hold what other sources log in with: emptied for this one."""
    others = account_variables(specs).keys() - _variables(spec)
    return dict.fromkeys(others, "")


def _variables(spec: SourceSpec) -> set[str]:
    knobs = spec.knobs()
    return variables_of(knobs.settings) if isinstance(knobs, GatewayKnobs) else set()


def _patient(child: ChildSpec) -> ChildSpec:
    """A gateway's: a front may be away for hours, and every start may be a login."""
    return replace(
        child,
        give_up_after=None,
        stop_on=frozenset({STOPPED}),
        first_pause_s=FRONT_FIRST_PAUSE_S,
        longest_pause_s=FRONT_LONGEST_PAUSE_S,
        stable_s=FRONT_STABLE_S,
    )


def _ended(state: ChildState) -> str:
    return HUNG if state.died_hung else f"exit code {state.last_exit}"
