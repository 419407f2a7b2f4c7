"""The Redis functions that are the only writers of the log, and how they get onto a server."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Final

from mdhub.streams.client import Link
from mdhub.streams.errors import ServerError, WrongLibrary

__all__ = [
    "CLEAN_APPEND",
    "COMMAND_DONE",
    "COMMIT_SNAPSHOT",
    "KEEP_LEAD",
    "LIBRARY",
    "RAW_APPEND",
    "RESIGN",
    "TAKE",
    "TRIM",
    "ensure_loaded",
    "library_code",
    "library_digest",
]

LIBRARY: Final = "mdhub_log_v2"
RAW_APPEND: Final = b"mdhub_raw_append_v2"
CLEAN_APPEND: Final = b"mdhub_clean_append_v2"
TAKE: Final = b"mdhub_take_v2"
KEEP_LEAD: Final = b"mdhub_keep_lead_v2"
RESIGN: Final = b"mdhub_resign_v2"
COMMIT_SNAPSHOT: Final = b"mdhub_commit_snapshot_v2"
TRIM: Final = b"mdhub_trim_v2"
COMMAND_DONE: Final = b"mdhub_command_done_v2"


def library_code() -> str:
    """Source of the library, from package data."""
    return (files("mdhub.streams") / "lua" / f"{LIBRARY}.lua").read_text(encoding="utf-8")


def library_digest() -> str:
    """SHA-256 of the library; a changed library needs a new version in its name."""
    return sha256(library_code().encode()).hexdigest()


def ensure_loaded(link: Link) -> None:
    """Load the library unless the server has it.

    Never replaces it: loading anew would reset the incarnation that the library remembers.
    Raises WrongLibrary if the server has other code under the same version.
    """
    code = library_code()
    if _loaded_code(link) is None:
        try:
            link.call("FUNCTION", "LOAD", code)
        except ServerError as error:
            if "already exists" not in str(error):
                raise
    if _loaded_code(link) != code:
        raise WrongLibrary(
            f"the server's library {LIBRARY} differs from this build's; run one version of mdhub "
            f"per server, or remove the old one with: FUNCTION DELETE {LIBRARY}"
        )


def _loaded_code(link: Link) -> str | None:
    reply = link.call("FUNCTION", "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE")
    for library in reply:
        fields = dict(zip(library[::2], library[1::2], strict=True))
        code: bytes = fields[b"library_code"]
        return code.decode()
    return None
