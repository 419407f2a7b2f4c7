"""Backups of what a hub cannot compute again: configuration, files that it names, databases.

One file per backup (.tar.gz, mode 0600) with a list of what is in it and a digest of each part. A
file that holds a secret in plain text is refused, references are kept. In the databases the
accounts' secrets are sealed and the console's passwords hashed; its second factors are as they are
there, so a backup is kept like a password file (docs/deployment.md).
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mdhub.host.backup_databases import Dump, Kind, database_problem
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.secret import in_plain_text

__all__ = [
    "Backup",
    "BackupError",
    "Part",
    "create",
    "list_backups",
    "prune",
    "read_backup",
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
"""Of one file; larger ones are data, not configuration."""
MAX_DATABASE_BYTES: Final = 512 << 20
"""Of one database: it is held in memory."""


class BackupError(ServiceError):
    """A backup cannot be made, read or restored; the message says why and what to do."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file or database of a backup."""

    path: str
    """Where it was: an absolute path, or the address of a database without its login."""
    member: str
    """Its name within the archive."""
    sha256: str
    mode: int
    kind: Kind = Kind.FILE


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    version: int
    made_s: int
    release: str
    """Of mdhub."""
    note: str
    parts: tuple[Part, ...]


def create(
    folder: Path,
    files: Iterable[Path],
    *,
    release: str,
    note: str = "",
    databases: Sequence[Dump] = (),
) -> Path:
    """Write a backup into a folder and read it back.

    Raises BackupError naming every file that is missing, too large or holds a secret, and every
    database that is too large or cannot be opened again.
    """
    contents = {file.resolve(): _content(file) for file in files}
    wrong = [f"{file}: {why}" for file, text in contents.items() if (why := _secret_in(text))]
    if wrong:
        raise BackupError(
            f"nothing was backed up: {'; '.join(wrong)}. Write env:NAME or file:/path in its "
            "place; the secret itself is kept apart from backups"
        )
    parts = (
        *(_file_part(i, file, text) for i, (file, text) in enumerate(contents.items())),
        *(_database_part(i, dump) for i, dump in enumerate(databases)),
    )
    made = Backup(version=1, made_s=int(time.time()), release=release, note=note, parts=parts)
    target = _free_name(folder, made.made_s)
    _write(target, made, [*contents.values(), *(dump.content for dump in databases)])
    try:
        read_backup(target)
    except BackupError:
        target.unlink()
        raise
    return target


def _file_part(number: int, file: Path, content: bytes) -> Part:
    return Part(
        path=str(file), member=f"files/{number:03}-{file.name}", mode=file.stat().st_mode & 0o777,
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def _database_part(number: int, dump: Dump) -> Part:
    if len(dump.content) > MAX_DATABASE_BYTES:
        raise BackupError(
            f"{dump.place} is larger than {MAX_DATABASE_BYTES >> 20} MB: back it up by the "
            "database's own program, and the rest with --only files"
        )
    return Part(
        path=dump.place, member=f"databases/{number:03}.{dump.kind}", mode=0o600, kind=dump.kind,
        sha256=hashlib.sha256(dump.content).hexdigest(),
    )  # fmt: skip


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
    """Read a backup: its list, and the content of each member; databases are opened and checked.

    Raises BackupError if damaged.
    """
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
    damaged = [why for part in made.parts if (why := _damage(part, contents))]
    if damaged:
        raise BackupError(f"{file} is damaged: {'; '.join(damaged)}")
    return made, contents


def _damage(part: Part, contents: dict[str, bytes]) -> str:
    content = contents.get(part.member, b"")
    if hashlib.sha256(content).hexdigest() != part.sha256:
        return f"{part.path} is not what was backed up"
    problem = database_problem(part.kind, content)
    return f"{part.path}: {problem}" if problem else ""


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
