"""The console of a host: what its process is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["CONSOLE_KEY_VARIABLE", "CONSOLE_URL_VARIABLE", "Console"]

CONSOLE_URL_VARIABLE: Final = "MDHUB_CONSOLE__URL"
CONSOLE_KEY_VARIABLE: Final = "MDHUB_CONSOLE__KEY_FILE"


@dataclass(frozen=True, slots=True)
class Console:
    """Where it listens and whom it believes."""

    port: int
    bind: str = "127.0.0.1"
    url: str | None = field(default=None, repr=False)
    """Its own database; None = a file in the data folder."""
    key_file: str | None = None
    """Where the master keys of second factors are: a path or a reference."""
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    setup_remote: bool = False
    config: Path | None = None
    """File of the hub's configuration, to show."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    demo_token: str | None = field(default=None, repr=False)
    """Of the demo's one-time link; None = there is none."""

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{'http' if self.tls_cert is None else 'https'}://{host}:{self.port}"

    @property
    def options(self) -> tuple[str, ...]:
        """Its command line. The address of the database may hold a password: a variable has it."""
        told = ["--bind", self.address.partition("://")[2]]
        for name, values in (
            ("--trusted-proxy", self.trusted_proxies), ("--allowed-host", self.allowed_hosts),
        ):  # fmt: skip
            told += [part for value in values for part in (name, value)]
        for name, file in (
            ("--tls-cert", self.tls_cert),
            ("--tls-key", self.tls_key),
            ("--config", self.config),
        ):
            told += [] if file is None else [name, str(file.resolve())]
        told += ["--setup-remote"] if self.setup_remote else []
        return (*told, *(("--demo-link",) if self.demo_token else ()))

    @property
    def told(self) -> Callable[[], bytes] | None:
        """What it reads from its stdin: the link's token at its first start, later nothing."""
        if self.demo_token is None:
            return None
        tokens = iter([f"{self.demo_token}\n".encode()])
        return lambda: next(tokens, b"")

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        told = {CONSOLE_URL_VARIABLE: self.url, CONSOLE_KEY_VARIABLE: self.key_file}
        return {name: value for name, value in told.items() if value is not None}
