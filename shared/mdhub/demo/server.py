"""Which server the demo runs on: a real one, or fakeredis where there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from mdhub.host.stack import URL_VARIABLE, Host, HubPlan
from mdhub.runtime.errors import ServiceError
from mdhub.streams.errors import ServerStartError
from mdhub.streams.server import FAKE_WARNING

__all__ = ["CHOICE_VARIABLE", "start_host"]

CHOICE_VARIABLE: Final = "MDHUB_DEMO_SERVER"
FAKE: Final = "fakeredis"


def start_host(
    plan: HubPlan, make: Callable[[HubPlan], Host], say: Callable[[str], None]
) -> tuple[Host, str]:
    """Make a host and start its server; return it with a warning, empty for a real server.

    A server that was named is used or refused, never replaced. Raises ServerStartError,
    ServiceError.
    """
    chosen = os.environ.get(CHOICE_VARIABLE, "")
    if chosen not in {"", FAKE}:
        raise ServiceError(f"{CHOICE_VARIABLE} was {chosen!r}, expected {FAKE} or nothing")
    if chosen == FAKE:
        return _started(make(replace(plan, fake=True))), FAKE_WARNING
    host: Host | None = None
    try:
        host = make(plan)
        return _started(host), ""
    except ServerStartError as error:
        if os.environ.get(URL_VARIABLE) or find_spec(FAKE) is None:
            raise
        say(f"no real server: {error.sentence}")
    if host is not None:
        host.stop()
    return _started(make(replace(plan, fake=True))), FAKE_WARNING


def _started(host: Host) -> Host:
    try:
        host.start_server()
    except BaseException:
        host.stop()
        raise
    return host
