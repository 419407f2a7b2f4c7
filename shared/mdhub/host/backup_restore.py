"""Puts a backup back: files where they were, databases into those that the configuration names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mdhub.host.backup import BackupError, Part, read_backup
from mdhub.host.backup_databases import Addresses, Dump, Kind

__all__ = ["LATER", "Plan", "Restored", "planned"]

LATER: Final = "later"
"""What becomes of a database whose configuration is not back yet is not known."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one part: `written`, `same` (it was so already), `differs` or `later`."""

    place: str
    change: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backup holds, and where it goes; nothing is done yet."""

    file: Path
    files: tuple[tuple[Path, Part, bytes], ...]
    databases: tuple[tuple[Part, Dump], ...]
    config: Path | None
    """Configuration of the hub that was backed up."""

    def look(self, addresses: Addresses | None) -> list[Restored]:
        """What a restore would do. Without addresses databases come later."""
        changes = [Restored(str(path), _change(path, text)) for path, _, text in self.files]
        for _, dump in self.databases:
            at_once = addresses is not None or dump.kind is Kind.SQLITE
            found = (addresses or Addresses()).change(dump) if at_once else LATER
            changes.append(Restored(dump.place, found))
        return changes

    def put_files(self) -> list[Restored]:
        """Write the files; what differs stays beside as `NAME.before-restore`."""
        done = [Restored(str(path), _change(path, text)) for path, _, text in self.files]
        for (path, part, text), each in zip(self.files, done, strict=True):
            if each.change != "same":
                _put(path, text, part.mode)
        return [Restored(c.place, "same" if c.change == "same" else "written") for c in done]

    def put_databases(self, addresses: Addresses) -> list[Restored]:
        """Bring databases to what the backup holds; what they held is kept beside, or beside it."""
        done = [(each, addresses.change(each[1])) for each in self.databases]
        for (part, dump), change in done:
            if change != "same":
                name = f"{self.file.name}.{Path(part.member).name}.before-restore"
                addresses.put(dump, self.file.with_name(name))
        return [
            Restored(dump.place, "same" if change == "same" else "written")
            for (_, dump), change in done
        ]


def planned(file: Path, *, into: Path | None, only: Sequence[str] = ()) -> Plan:
    """Read a backup and plan its restore, where it was or below `into` (databases too, as files).

    `only`: `files`, `databases`; none = both. Raises BackupError.
    """
    made, contents = read_backup(file)
    wanted = only or ("files", "databases")
    files, databases = [], []
    for part in made.parts:
        is_file = part.kind is Kind.FILE
        if ("files" if is_file else "databases") not in wanted:
            continue
        if is_file or into is not None:
            files.append((_place(part, into), part, contents[part.member]))
        else:
            databases.append((part, Dump(part.kind, part.path, contents[part.member])))
    first = next((Path(part.path) for part in made.parts if part.kind is Kind.FILE), None)
    return Plan(file, tuple(files), tuple(databases), first)


def _place(part: Part, into: Path | None) -> Path:
    if part.kind in {Kind.ACCOUNTS, Kind.ROWS} and into is not None:
        return into / "databases" / f"{part.kind}.json"
    path = Path(part.path)
    if not path.is_absolute() or ".." in path.parts:
        raise BackupError(f"the backup names {part.path}, expected an absolute path")
    return path if into is None else into / path.relative_to(path.anchor)


def _change(path: Path, content: bytes) -> str:
    if not path.exists():
        return "written"
    return "same" if path.read_bytes() == content else "differs"


def _put(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_name(f"{path.name}.before-restore"))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}") from error
