"""`mdhub backup`: make, list and restore backups of the configuration."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mdhub import __version__
from mdhub.config import HubConfig, load
from mdhub.host.backup import BackupError, create, list_backups, prune, read_backup, restore

__all__ = ["run_create", "run_list", "run_restore"]


def run_create(
    config: Path, folder: Path, also: Sequence[Path], keep_days: int, note: str, *, as_json: bool
) -> int:
    """Back up; then delete what is too old. Raises ConfigError, BackupError."""
    files = [config, *_named(load(config).config), *also]
    made = create(folder, files, release=__version__, note=note)
    gone = prune(folder, keep_days=keep_days, now_s=time.time())
    held = [part.path for part in read_backup(made)[0].parts]
    if as_json:
        print(json.dumps({"file": str(made), "holds": held, "deleted": [str(g) for g in gone]}))
    else:
        print(f"{made} holds {', '.join(held)}; {len(gone)} older backups were deleted")
        print("not in it: secrets, and the log itself (docs/deployment.md says what to do)")
    return 0


def _named(config: HubConfig) -> list[Path]:
    """Files that the configuration names and that hold no secret."""
    files = [config.calendar.override, config.arbiter.contracts]
    folders = {each.curve_clients for each in config.publishers if each.curve_clients}
    clients = [key for folder in sorted(folders) for key in sorted(folder.glob("*.key"))]
    return [file for file in (*files, *clients) if file is not None]


def run_restore(file: Path, into: Path | None, *, force: bool, dry_run: bool, as_json: bool) -> int:
    """Put files back; 1 if one differs and nothing was written. Raises BackupError."""
    changes = restore(file, into=into, force=force, dry_run=dry_run)
    refused = not dry_run and any(change.change == "differs" for change in changes)
    if as_json:
        rows = [{"path": str(each.path), "change": each.change} for each in changes]
        print(json.dumps({"files": rows, "written": not dry_run and not refused}))
    else:
        for each in changes:
            print(f"{each.change:8} {each.path}")
    if refused:
        print(
            "mdhub: nothing was written, because files differ: look at them, then --force",
            file=sys.stderr,
        )
    return int(refused)


def run_list(folder: Path, *, as_json: bool) -> int:
    """Show backups; 1 if one is damaged. Raises BackupError."""
    rows = [_row(file) for file in list_backups(folder)]
    if as_json:
        print(json.dumps({"backups": rows}))
    else:
        for row in rows:
            said = row["damaged"] or f"{row['release']}  {row['files']} files  {row['note']}"
            print(f"{row['file']}  {said}")
        print(f"{len(rows)} backups in {folder}")
    return int(any(row["damaged"] for row in rows))


def _row(file: Path) -> dict[str, Any]:
    try:
        made, _ = read_backup(file)
    except BackupError as error:
        return {"file": str(file), "damaged": str(error)}
    return {
        "file": str(file), "damaged": "", "made_s": made.made_s, "release": made.release,
        "files": len(made.parts), "note": made.note,
    }  # fmt: skip
