"""Puts the accounts of a supervisor together: store, thread, preference, tests of connections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mdhub.accounts.open import open_store
from mdhub.runtime.core_dumps import forbid_core_dumps
from mdhub.runtime.logging import Logger
from mdhub.streams.port import Log
from mdhub_ingest.accounts.desk import AccountDesk
from mdhub_ingest.accounts.preference import Preference
from mdhub_ingest.accounts.settings import AccountSettings
from mdhub_ingest.accounts.trials import Trials
from mdhub_ingest.accounts.watch import StoreWatch
from mdhub_ingest.accounts.watched import WatchedNote
from mdhub_ingest.fleet import Fleet
from mdhub_ingest.schedule.desk import Desk, Plan

__all__ = ["account_desk"]


def account_desk(
    fleet: Fleet,
    desk: Desk,
    plan: Plan,
    settings: AccountSettings,
    connect: Callable[[], Log],
    logger: Logger,
) -> AccountDesk:
    """Begin to follow the store. From here on this process leaves no core file."""
    forbid_core_dumps()
    hub = fleet.hub
    return AccountDesk(
        fleet,
        desk,
        plan,
        settings,
        watch=StoreWatch(partial(open_store, settings.url), logger),
        preference=Preference(connect, hub.shards, logger) if settings.prefer else None,
        watched=WatchedNote(connect, logger),
        trials=Trials(hub.data),
        logger=logger,
    )
