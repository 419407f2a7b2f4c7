"""Backups of what a hub cannot compute again: configuration, and files that it names.

One file per backup (.tar.gz, mode 0600) with a list of what is in it and a digest of each part. No
secret is ever in it: a file that holds one in plain text is refused, references are kept.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import in_plain_text

__all__ = [
    "Backup",
    "BackupError",
    "Part",
    "Restored",
    "create",
    "list_backups",
    "prune",
    "read_backup",
    "restore",
]

KEPT_ALWAYS: Final = 3
"""So many of the newest are kept, however old they are."""
_NAME: Final = re.compile(r"mdhub-\d{8}T\d{6}Z(-\d+)?\.tar\.gz")
_LIST: Final = "backup.json"
_DAY_S: Final = 86_400
_PAIR: Final = re.compile(
    r"([A-Za-z_][\w.-]*)[\"']?\s*[=:]\s*(\"[^\"]*\"|'[^'\[{]*'|[^\s,}\[{\"']+)"
)
"""Name and value in TOML, in JSON and in a file of variables."""
_HARMLESS: Final = frozenset({"curve_key", "curve_clients", "key_file", "public-key"})
"""Named like secrets, but they say where one is, or are public."""
_CURVE_SECRET: Final = re.compile(r"^\s*secret-key\s*=", re.MULTILINE)
_URL_PASSWORD: Final = re.compile(r"[a-z+]+://[^/@\s\"']*:[^/@\s\"']+@")
MAX_BYTES: Final = 64 << 20
"""Of one part; larger files are data, not configuration."""


class BackupError(ServiceError):
    """A backup cannot be made, read or restored; the message says why and what to do."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    path: str
    """Where it was, absolute."""
    member: str
    """Its name within the archive."""
    sha256: str
    mode: int


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    version: int
    made_s: int
    release: str
    """Of mdhub."""
    note: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one file: `written`, `same` (it was so already) or `differs` (left alone)."""

    path: Path
    change: str


def create(folder: Path, files: Iterable[Path], *, release: str, note: str = "") -> Path:
    """Write a backup into a folder and read it back.

    Raises BackupError naming every file that is missing, too large or holds a secret.
    """
    contents = {file.resolve(): _content(file) for file in files}
    wrong = [f"{file}: {why}" for file, text in contents.items() if (why := _secret_in(text))]
    if wrong:
        raise BackupError(
            f"nothing was backed up: {'; '.join(wrong)}. Write env:NAME or file:/path in its "
            "place; the secret itself is kept apart from backups"
        )
    parts = tuple(
        Part(
            path=str(file), member=f"files/{i:03}-{file.name}", mode=file.stat().st_mode & 0o777,
            sha256=hashlib.sha256(text).hexdigest(),
        )
        for i, (file, text) in enumerate(contents.items())
    )  # fmt: skip
    made = Backup(version=1, made_s=int(time.time()), release=release, note=note, parts=parts)
    target = _free_name(folder, made.made_s)
    _write(target, made, list(contents.values()))
    read_backup(target)
    return target


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BackupError(f"{file} is larger than {MAX_BYTES >> 20} MB: it is no configuration")
        return file.read_bytes()
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}") from error


def _secret_in(content: bytes) -> str:
    """Say where a file holds a secret in plain text, without quoting it; empty = nowhere."""
    text = content.decode("utf-8", errors="replace")
    if _CURVE_SECRET.search(text):
        return "it is a secret key"
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        if _URL_PASSWORD.search(line):
            return f"line {number} holds an address with a password"
        for name, value in _PAIR.findall(line):
            if name not in _HARMLESS and _in_words(name, value.strip("\"'")):
                return f"line {number} ({name}) holds a secret in plain text"
    return ""


def _in_words(name: str, value: str) -> bool:
    """Whether it is a secret; a path or a switch is none."""
    path_or_switch = value.startswith(("/", "./", "../", "~/")) or value in {"true", "false"}
    return not path_or_switch and in_plain_text(name, value)


def _free_name(folder: Path, made_s: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = time.strftime("mdhub-%Y%m%dT%H%M%SZ", time.gmtime(made_s))
    names = (f"{stem}{suffix}.tar.gz" for suffix in ["", *(f"-{i}" for i in range(2, 100))])
    return next(folder / name for name in names if not (folder / name).exists())


def _write(target: Path, made: Backup, contents: Sequence[bytes]) -> None:
    """Write beside it, sync, then rename: a backup that has its name is whole."""
    beside = target.with_suffix(".part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz") as archive:
                _add(archive, _LIST, msgspec.json.encode(made))
                for part, content in zip(made.parts, contents, strict=True):
                    _add(archive, part.member, content)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BackupError(f"{target} cannot be written: {error.strerror}") from error


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def read_backup(file: Path) -> tuple[Backup, dict[str, bytes]]:
    """Read a backup: its list, and the content of each member. Raises BackupError if damaged."""
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            contents = {
                entry.name: stream.read()
                for entry in archive
                if entry.isfile() and (stream := archive.extractfile(entry)) is not None
            }
        made = msgspec.json.decode(contents.pop(_LIST), type=Backup)
    except (OSError, EOFError, tarfile.TarError, KeyError, msgspec.DecodeError) as error:
        raise BackupError(f"{file} is no whole backup of mdhub: {error}") from error
    damaged = [
        part.path
        for part in made.parts
        if hashlib.sha256(contents.get(part.member, b"")).hexdigest() != part.sha256
    ]
    if damaged:
        raise BackupError(f"{file} is damaged: {', '.join(damaged)} is not what was backed up")
    return made, contents


def restore(
    file: Path, *, into: Path | None, force: bool = False, dry_run: bool = False
) -> list[Restored]:
    """Put files back where they were, or below `into`.

    One that differs is only replaced by force, and stays beside as `NAME.before-restore`; without
    force nothing at all is written then. Raises BackupError.
    """
    made, contents = read_backup(file)
    plan = [(_place(part, into), part) for part in made.parts]
    changes = [Restored(path, _change(path, contents[part.member])) for path, part in plan]
    if dry_run or (not force and any(each.change == "differs" for each in changes)):
        return changes
    for (path, part), change in zip(plan, changes, strict=True):
        if change.change != "same":
            _put(path, contents[part.member], part.mode)
    return [Restored(c.path, "same" if c.change == "same" else "written") for c in changes]


def _place(part: Part, into: Path | None) -> Path:
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


def list_backups(folder: Path) -> list[Path]:
    """Backups in a folder, the newest first."""
    if not folder.is_dir():
        raise BackupError(f"{folder} is no folder; expected the one that backups were written to")
    found = (file for file in folder.iterdir() if _NAME.fullmatch(file.name))
    return sorted(found, key=lambda file: (file.name[:22], len(file.name), file.name), reverse=True)


def prune(folder: Path, *, keep_days: int, now_s: float) -> list[Path]:
    """Delete backups older than `keep_days`, except the newest few; return what is gone."""
    gone = [
        file
        for file in list_backups(folder)[KEPT_ALWAYS:]
        if now_s - file.stat().st_mtime > keep_days * _DAY_S
    ]
    for file in gone:
        file.unlink()
    return gone
