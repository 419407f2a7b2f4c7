"""`mdhub schema`: the wire contract for programs."""

from __future__ import annotations

from mdhub.cli.pipe import reader_may_leave
from mdhub.wire.digest import schema_digest
from mdhub.wire.json_schema import wire_schema_text

__all__ = ["run_schema"]


def run_schema(*, digest_only: bool) -> int:
    """Print `docs/wire.schema.json` of this release, or its digest alone."""
    with reader_may_leave():
        print(schema_digest() if digest_only else wire_schema_text().rstrip("\n"))
    return 0
