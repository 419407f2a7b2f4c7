"""The console of a host: what its process is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["CONSOLE_URL_VARIABLE", "Console"]

CONSOLE_URL_VARIABLE: Final = "MDHUB_CONSOLE__URL"


@dataclass(frozen=True, slots=True)
class Console:
    """Where it listens and whom it believes."""

    port: int
    bind: str = "127.0.0.1"
    url: str | None = field(default=None, repr=False)
    """Its own database; None = a file in the data folder."""
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    setup_remote: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """Its command line. The address of the database may hold a password: a variable has it."""
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        told = ["--bind", f"{host}:{self.port}"]
        for name, values in (
            ("--trusted-proxy", self.trusted_proxies), ("--allowed-host", self.allowed_hosts),
        ):  # fmt: skip
            told += [part for value in values for part in (name, value)]
        for name, file in (("--tls-cert", self.tls_cert), ("--tls-key", self.tls_key)):
            told += [] if file is None else [name, str(file.resolve())]
        return (*told, *(("--setup-remote",) if self.setup_remote else ()))

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return {} if self.url is None else {CONSOLE_URL_VARIABLE: self.url}
