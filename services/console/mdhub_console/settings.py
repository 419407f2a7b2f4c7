"""What an instance of the console is told, and what it refuses to be."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from mdhub.runtime.errors import ServiceError
from mdhub_console.server.origin import is_loopback

__all__ = ["ConsoleSettings", "SettingsError", "check_settings"]


class SettingsError(ServiceError):
    """The console will not start like this; trying again does not help."""

    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """From the command line and the environment."""

    id: str = "A"
    host: str = "127.0.0.1"
    port: int = 8080
    prefix: str = "mdhub:"
    shards: int = 1
    data: Path = Path("mdhub-data")
    """Folder of its database and of the one-time token."""
    config: Path | None = None
    """Configuration file of the hub, to show; None = found as `mdhub config` finds it."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For and -Proto are believed."""
    allowed_hosts: tuple[str, ...] = ()
    """Names it is reached by, beside loopback and addresses."""
    setup_remote: bool = False
    """Whether the first user may be made from another machine."""
    demo_link: bool = False
    """Whether the demo's one-time link opens; its token comes by stdin."""

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared with
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls_cert else 'http'}://{shown}:{self.port}"


def check_settings(settings: ConsoleSettings) -> None:
    """Raise SettingsError for what would carry passwords in plain text over a network."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("--tls-cert and --tls-key go together: give both, or neither")
    for file in (settings.tls_cert, settings.tls_key):
        if file is not None and not file.is_file():
            raise SettingsError(f"file {file} was not found: expected a PEM file for TLS")
    for proxy in settings.trusted_proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            raise SettingsError(
                f"trusted proxy was {proxy!r}, expected an address or a network, such as "
                "10.0.0.7 or 10.0.0.0/24"
            ) from None
    local = settings.host == "localhost" or is_loopback(settings.host)
    if settings.demo_link and (not local or settings.trusted_proxies):
        raise SettingsError(
            f"--demo-link was given to a console on {settings.host} or behind a proxy: it is for "
            "the demo on this machine; bind it to 127.0.0.1 without proxies, or leave it out"
        )
    if not (local or settings.tls_cert or settings.trusted_proxies):
        raise SettingsError(
            f"the console would listen on {settings.host} without TLS: passwords would cross the "
            "network in plain text. Give --tls-cert and --tls-key, or --trusted-proxy ADDRESS of "
            "the proxy in front that speaks TLS, or bind it to 127.0.0.1"
        )
