"""Lets the accounts of the store run: what changes there reaches fleet and schedule within 5 s.

Belongs to the main thread, but for `counters`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mdhub.accounts.errors import AccountsError
from mdhub.runtime.logging import Logger, correlated
from mdhub.wire.ops import EventKind, Severity
from mdhub_ingest.accounts.changes import News, Steps, steps
from mdhub_ingest.accounts.letter import Letter, write_letter
from mdhub_ingest.accounts.preference import Preference
from mdhub_ingest.accounts.settings import AccountSettings
from mdhub_ingest.accounts.specs import Judged, is_own, order_of, specs_of, variables
from mdhub_ingest.accounts.trials import Trials
from mdhub_ingest.accounts.watch import Seen, StoreWatch
from mdhub_ingest.accounts.watched import WatchedNote, watched_of
from mdhub_ingest.fleet import Fleet
from mdhub_ingest.schedule.desk import Desk, Plan, group_of
from mdhub_ingest.schedule.events import schedule_event
from mdhub_ingest.schedule.link import Once, Told
from mdhub_ingest.schedule.orders import OrderError
from mdhub_ingest.spec import SourceSpec

__all__ = ["AccountDesk"]

ACTION: Final = "test"


class AccountDesk:
    """The accounts of one supervisor."""

    def __init__(  # noqa: PLR0913 - whose sources, by which plan, from where, told to whom
        self,
        fleet: Fleet,
        desk: Desk,
        plan: Plan,
        settings: AccountSettings,
        *,
        watch: StoreWatch,
        preference: Preference | None,
        watched: WatchedNote,
        trials: Trials,
        logger: Logger,
    ) -> None:
        self._fleet = fleet
        self._desk = desk
        self._plan = plan
        self._settings = settings
        self._watch = watch
        self._preference = preference
        self._watched = watched
        self._trials = trials
        self._logger = logger
        self._described = frozenset(spec.name for spec in plan.specs)
        self._own: dict[str, Judged] | None = None
        self._counters: dict[str, int] = {}
        desk.schedule.also = self.counters
        desk.schedule.on_other = self._obey
        watch.start()

    def turn(self) -> None:
        """Call it often; a turn without news costs next to nothing."""
        self._watch.look()
        seen = self._watch.take()
        if seen is not None:
            self._apply(seen)
        for told, result in self._trials.turn():
            with correlated(told.command.id):
                self._desk.schedule.answer(told, self._desk.link, result, ok=result["ok"] is True)
        if self._preference is not None:
            self._preference.turn()
        self._watched.turn()

    def counters(self) -> Mapping[str, int]:
        """Counters for the heartbeat, from any thread: each account with its revision."""
        watch = self._watch
        return self._counters | {"store_outages": watch.outages, "store_away": int(watch.away)}

    def close(self) -> None:
        self._trials.close()
        self._watch.close()

    def _apply(self, seen: Seen) -> None:
        check = partial(group_of, settings=self._plan.settings)
        everybody = specs_of(seen.accounts, described=self._described, check=check)
        own = {
            name: each
            for name, each in everybody.items()
            if is_own(name, self._settings.part, self._settings.parts)
        }
        self._hide(everybody)
        self._take(steps(self._own, own, seen.resealed), own)
        if self._own is None:
            self._logger.info("accounts_read", accounts=len(everybody), own=len(own))
        self._own = own
        self._counters = self._counted(own)
        self._watched.accounts = watched_of(seen.accounts)
        if self._preference is not None:
            self._preference.order = order_of(everybody.values())

    def _hide(self, everybody: Mapping[str, Judged]) -> None:
        hidden = variables(each.account for each in everybody.values())
        self._fleet.hidden = hidden
        self._desk.watch([each.spec for each in everybody.values() if each.spec], hidden)

    def _take(self, found: Steps, own: Mapping[str, Judged]) -> None:
        schedule = self._desk.schedule
        schedule.drop(*found.drop)
        self._fleet.drop(*found.drop)
        for name in found.put:
            spec = own[name].spec
            if spec is not None:
                self._fleet.put(spec, partial(self._letter, spec))
                schedule.put(name, group_of(spec, self._plan.settings))
        self._fleet.replace("the account was changed", *found.replace)
        for each in found.news:
            self._tell(each)
        schedule.wake()

    def _letter(self, spec: SourceSpec) -> bytes:
        """Write what a process is told. Who cannot be given keys says so itself, and stops."""
        try:
            return write_letter(Letter(spec=spec, keys=self._settings.keys.read()))
        except AccountsError as error:
            return write_letter(Letter(spec=spec, problem=str(error)))

    def _tell(self, news: News) -> None:
        account = news.account
        body: dict[str, Any] = {
            "change": news.change, "revision": account.revision, "fields": list(news.fields)
        }  # fmt: skip
        if news.reason:
            body["reason"] = news.reason
        refused = news.change == "refused"
        (self._logger.warning if refused else self._logger.info)(
            "account", account=account.id, **body
        )
        event = schedule_event(
            EventKind.ACCOUNT, account.id, body, wall_ns=time.time_ns(),
            severity=Severity.WARNING if refused else Severity.INFO,
        )  # fmt: skip
        key = f"account:{account.id}:{account.created_at}:{account.revision}:{news.change}"
        self._desk.link.say(Once(key, event))

    def _counted(self, own: Mapping[str, Judged]) -> dict[str, int]:
        ports = {f"metrics_port:{n}": self._fleet.port(n) for n, each in own.items() if each.spec}
        return {
            "accounts": len(own),
            "accounts_refused": sum(bool(each.refused) for each in own.values()),
            **{f"account:{name}": each.account.revision for name, each in own.items()},
            **{name: port for name, port in ports.items() if port},
        }

    def _obey(self, told: Told) -> None:
        """Hear a command to `account:<id>`; another supervisor answers for its own ones."""
        name = told.command.target.partition(":")[2]
        judged = (self._own or {}).get(name)
        if judged is None or told.answered:
            return
        error = self._refusal(told, judged)
        if error:
            self._desk.schedule.answer(told, self._desk.link, {"error": error}, ok=False)
            return
        spec = self._trials.spec_of(judged)
        self._desk.schedule.begin(told.command)
        self._trials.begin(told, self._letter(spec), name)

    def _refusal(self, told: Told, judged: Judged) -> str:
        command, name = told.command, judged.account.id
        if command.action != ACTION:
            return f"unknown action {command.action[:64]!a}; an account knows {ACTION}"
        try:
            self._desk.schedule.check_new(command)
        except OrderError as error:
            return str(error)
        if time.time_ns() > command.expires_ns:
            return "expired"
        if judged.refused:
            return judged.refused
        if self._trials.runs(name):
            return f"account {name} is being tested already: one login at a time"
        state = self._fleet.state(name) if name in self._fleet.names else None
        if state is not None and state.process is not None:
            return (
                f"account {name} is connected, or about to be: a second login would throw it out "
                "or be counted by the broker; stop the source first (mdhub sources stop)"
            )
        return ""
