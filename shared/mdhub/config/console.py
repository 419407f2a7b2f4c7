"""The knobs of the console."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from mdhub.config.base import Knobs

__all__ = ["ConsoleKnobs"]


class ConsoleKnobs(Knobs):
    """The console (docs/console-security.md): the hub in a browser, and over HTTP."""

    port: int = Field(default=0, ge=0, le=65_535, examples=[8080])
    """Port it listens on. 0: `mdhub up` starts no console."""
    bind: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; beyond loopback only with TLS, its own or that of a trusted proxy."""
    url: SecretStr | None = Field(default=None, examples=["mysql+pymysql://mdhub:...@db/mdhub"])
    """Address of its own database (users, sessions, audit log); without it a file in the data
    folder. Secret: better given as MDHUB_CONSOLE__URL than written here."""
    key_file: str | None = Field(default=None, min_length=1, examples=["mdhub-keys/console.key"])
    """File with the master keys that seal the secrets of second factors (`mdhub run console
    --new-key FILE` makes one; mode 0600), or env:NAME; without it nobody can turn a second factor
    on. In a file a relative path counts from the file's folder."""
    trusted_proxies: tuple[str, ...] = Field(default=(), examples=[["10.0.0.7"]])
    """Addresses or networks of proxies in front that speak TLS; what their X-Forwarded-For and
    X-Forwarded-Proto say is believed, nobody else's."""
    allowed_hosts: tuple[str, ...] = Field(default=(), examples=[["hub.example"]])
    """Names it is reached by; loopback and addresses always are."""
    setup_remote: bool = False
    """Whether the first user may be made from another machine (the one-time token still counts)."""
    tls_cert: Path | None = Field(default=None, examples=["console.crt"])
    """Certificate chain, PEM. In a file a relative path counts from the file's folder."""
    tls_key: Path | None = Field(default=None, examples=["console.key"])
    """Its key, PEM; goes with `tls_cert`. In a file a relative path counts from the file's
    folder."""
