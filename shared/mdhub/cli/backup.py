"""`mdhub backup`: make, list and restore backups of configuration and databases."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mdhub import __version__
from mdhub.config import HubConfig, load
from mdhub.host.backup import BackupError, create, list_backups, prune, read_backup
from mdhub.host.backup_databases import Addresses
from mdhub.host.backup_restore import Plan, Restored, planned
from mdhub.runtime.secret import resolve

__all__ = ["addresses_of", "run_create", "run_list", "run_restore"]

CONSOLE_FILE: Final = "console.db"
"""Where the console keeps its database unless it is told another one."""


def run_create(  # noqa: PLR0913 - what, where, how long, said how
    config: Path,
    folder: Path,
    also: Sequence[Path],
    keep_days: int,
    note: str,
    *,
    only: Sequence[str] = (),
    as_json: bool,
) -> int:
    """Back up; then delete what is too old. Raises ConfigError, BackupError, DatabaseError."""
    wanted = only or ("files", "databases")
    loaded = load(config).config
    files = [config, *_named(loaded), *also] if "files" in wanted else []
    databases = addresses_of(loaded).dumps() if "databases" in wanted else []
    made = create(folder, files, release=__version__, note=note, databases=databases)
    gone = prune(folder, keep_days=keep_days, now_s=time.time())
    held = [part.path for part in read_backup(made)[0].parts]
    if as_json:
        print(json.dumps({"file": str(made), "holds": held, "deleted": [str(g) for g in gone]}))
    else:
        print(
            f"{made} holds {', '.join(held) or 'nothing'}; {len(gone)} older backups were deleted"
        )
        print("not in it: keys, secrets, and the log itself (docs/deployment.md says what to do)")
    return 0


def addresses_of(config: HubConfig) -> Addresses:
    """Where its databases are. Raises SecretError for a reference that leads nowhere."""
    named = {
        knobs: url.get_secret_value()
        for knobs, url in (("accounts", config.accounts.url), ("console", config.console.url))
        if url is not None
    }
    found = resolve(named, dict(os.environ))
    own = f"sqlite:///{(config.hub.data / CONSOLE_FILE).resolve()}"
    return Addresses(str(found.get("accounts", "")), str(found.get("console", "") or own))


def _named(config: HubConfig) -> list[Path]:
    """Files that the configuration names and that hold no secret."""
    files = [config.calendar.override, config.arbiter.contracts]
    folders = {each.curve_clients for each in config.publishers if each.curve_clients}
    clients = [key for folder in sorted(folders) for key in sorted(folder.glob("*.key"))]
    return [file for file in (*files, *clients) if file is not None]


def run_restore(  # noqa: PLR0913 - what, where to, how far, said how
    file: Path,
    into: Path | None,
    *,
    config: Path | None = None,
    only: Sequence[str] = (),
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Put files and databases back; 1 if something differs and was left alone.

    Raises BackupError, DatabaseError, ConfigError.
    """
    plan = planned(file, into=into, only=only)
    told = config or plan.config
    changes, refused = plan.look(_addresses(told)), ""
    if not dry_run and not force and _differs(changes):
        refused = "nothing was written, because something differs"
    elif not dry_run:
        changes, refused = _carried_out(plan, told, force=force)
    if as_json:
        rows = [{"path": each.place, "change": each.change} for each in changes]
        print(json.dumps({"files": rows, "written": not dry_run and not refused}))
    else:
        for each in changes:
            print(f"{each.change:8} {each.place}")
    if refused:
        print(f"mdhub: {refused}: look at it, then --force", file=sys.stderr)
    return int(bool(refused))


def _carried_out(plan: Plan, config: Path | None, *, force: bool) -> tuple[list[Restored], str]:
    """Files first: the configuration among them says where the databases are."""
    done = plan.put_files()
    if not plan.databases:
        return done, ""
    addresses = _addresses(config) or Addresses()
    found = plan.look(addresses)[len(done) :]
    if not force and _differs(found):
        return [*done, *found], "files were written, databases not, because one of them differs"
    return [*done, *plan.put_databases(addresses)], ""


def _addresses(config: Path | None) -> Addresses | None:
    return addresses_of(load(config).config) if config is not None and config.exists() else None


def _differs(changes: Sequence[Restored]) -> bool:
    return any(change.change == "differs" for change in changes)


def run_list(folder: Path, *, as_json: bool) -> int:
    """Show backups; 1 if one is damaged. Raises BackupError."""
    rows = [_row(file) for file in list_backups(folder)]
    if as_json:
        print(json.dumps({"backups": rows}))
    else:
        for row in rows:
            said = row["damaged"] or (
                f"{row['release']}  {row['files']} files  {row['databases']} databases  "
                f"{row['note']}"
            )
            print(f"{row['file']}  {said}")
        print(f"{len(rows)} backups in {folder}")
    return int(any(row["damaged"] for row in rows))


def _row(file: Path) -> dict[str, Any]:
    try:
        made, _ = read_backup(file)
    except BackupError as error:
        return {"file": str(file), "damaged": str(error)}
    databases = sum(part.kind != "file" for part in made.parts)
    return {
        "file": str(file), "damaged": "", "made_s": made.made_s, "release": made.release,
        "files": len(made.parts) - databases, "databases": databases, "note": made.note,
    }  # fmt: skip
