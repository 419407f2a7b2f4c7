"""The system: processes, publishers, streams and server, the doctor, the configuration in force."""

from __future__ import annotations

import platform
from typing import Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

import mdhub
from mdhub.config.show import settings
from mdhub.streams.errors import StreamsError
from mdhub.wire.ticks import SCHEMA_VERSION
from mdhub_console.identity.guards import requires
from mdhub_console.identity.model import Role
from mdhub_console.pages.in_force import config_of, loaded_of
from mdhub_console.pages.looking import look
from mdhub_console.pages.publishers import publishers_of
from mdhub_console.pages.system_model import settings_by_section, system_of
from mdhub_console.parts import Parts
from mdhub_console.read.doctor import Examined, examine_host
from mdhub_console.read.storage import Storage, read_storage
from mdhub_console.words.catalogue import language_of

__all__ = ["SYSTEM"]

Call = Request[Any, Any, Any]
AGAIN_S: Final = 5.0
"""Findings younger than this are shown again, however often one asks."""


@get("/system", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_system(request: Call, parts: NamedDependency[Parts]) -> Template:
    """The whole page; the doctor comes by itself."""
    context = _context(parts) | {"versions": _versions(), "sections": None, "file": None}
    if request.user.role >= Role.ADMIN:
        loaded = loaded_of(parts)
        context["sections"] = settings_by_section(settings(loaded)) if loaded else []
        context["file"] = parts.settings.config
    return Template("system.html", context=context)


@get("/system/live", guards=[requires(Role.VIEWER)], sync_to_thread=True, include_in_schema=False)
def show_system_live(parts: NamedDependency[Parts]) -> Template:
    """What of it changes."""
    return Template("parts/system_live.html", context=_context(parts))


@get(
    "/system/doctor",
    guards=[requires(Role.OPERATOR)],
    sync_to_thread=True,
    include_in_schema=False,
)
def show_doctor(
    request: Call,
    parts: NamedDependency[Parts],
    again: FromQuery[bool] = False,  # noqa: FBT002 - a parameter of the address
) -> Template:
    """What the doctor finds on this host; however many ask, it is asked once."""
    # What draws on terminals comes with it: only who asks shall wait for that.
    from mdhub_console.pages.doctor_model import doctor_of  # noqa: PLC0415

    at_most_s = AGAIN_S if again else None
    examined = parts.examined.get(lambda: _examine(parts), at_most_s=at_most_s)
    context = doctor_of(examined, language_of(request)) | {"now_ns": parts.live.now_ns()}
    return Template("parts/system_doctor.html", context=context)


def _examine(parts: Parts) -> Examined:
    return examine_host(parts.settings.config, parts.settings.data, now_ns=parts.live.now_ns())


def _context(parts: Parts) -> dict[str, Any]:
    sight = look(parts.live)
    publishers = publishers_of(parts, now_ns=sight.now_ns)
    return system_of(sight, _storage(parts), config_of(parts), publishers)


def _storage(parts: Parts) -> Storage | None:
    def read() -> Storage:
        with parts.log.borrow() as log:
            return read_storage(log, now_ns=parts.live.now_ns())

    try:
        return parts.storage.get(read)
    except StreamsError:
        return None


def _versions() -> list[tuple[str, str]]:
    """Of this console's process: key of the word, and version."""
    return [
        ("system.version.mdhub", mdhub.__version__),
        ("system.version.schema", str(SCHEMA_VERSION)),
        ("system.version.python", platform.python_version()),
        ("system.version.os", f"{platform.system()} {platform.release()}"),
    ]


SYSTEM: Final = (show_system, show_system_live, show_doctor)
