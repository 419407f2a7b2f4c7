"""Where a supervisor keeps its overrides: a small file in the data folder, replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from mdhub.runtime.logging import Logger
from mdhub_ingest.schedule.overrides import Overrides, decode_overrides, encode_overrides

__all__ = ["Store"]


class Store:
    """A file that is not there, or cannot be read, holds nothing: the commands are read anew."""

    def __init__(self, folder: Path, name: str, logger: Logger) -> None:
        self._file = folder / "ingest" / f"schedule-{name}.json"
        self._logger = logger

    def load(self) -> Overrides:
        try:
            return decode_overrides(self._file.read_bytes())
        except FileNotFoundError:
            return Overrides()
        except (OSError, ValueError) as error:
            self._logger.warning("overrides_unreadable", file=str(self._file), reason=str(error))
            return Overrides()

    def save(self, overrides: Overrides) -> None:
        """Replace the file. A disk that is full costs the memory over a restart, and is said."""
        new = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as opened:
                opened.write(encode_overrides(overrides))
                opened.flush()
                os.fsync(opened.fileno())
            new.replace(self._file)
        except OSError as error:
            self._logger.error("overrides_not_saved", file=str(self._file), reason=str(error))
