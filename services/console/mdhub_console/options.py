"""The command line of the console."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from mdhub.runtime.metrics import add_metrics_option
from mdhub_console.settings import ConsoleSettings

__all__ = ["DATABASE_VARIABLE", "KEY_VARIABLE", "parser", "settings_of"]

DATABASE_VARIABLE: Final = "MDHUB_CONSOLE__URL"
"""Address of its own database (it may hold a password, so never an option)."""
KEY_VARIABLE: Final = "MDHUB_CONSOLE__KEY_FILE"
"""Where the master keys are that seal its own secrets: a path or a reference."""
_PORTS: Final = 1 << 16


def parser() -> argparse.ArgumentParser:
    """Return the parser of `mdhub run console`."""
    made = argparse.ArgumentParser(
        prog="mdhub run console",
        description="Show the hub in a browser and over HTTP; take orders. Its own database "
        "(users, sessions, audit log) is a file in --data unless the variable "
        f"{DATABASE_VARIABLE} names another; {KEY_VARIABLE} names the master keys that second "
        "factors need.",
        epilog="exit codes: 0 stopped, 1 failed, 2 will not run like this; example: "
        "MDHUB_REDIS_URL=redis://127.0.0.1:6379 mdhub run console --bind 127.0.0.1:8080",
    )
    made.add_argument("--id", default="A", help="name of this instance (default A)")
    made.add_argument("--prefix", default="mdhub:", help="key prefix of the hub")
    made.add_argument("--shards", type=int, default=1, help="number of shards (default 1)")
    made.add_argument(
        "--bind", type=_address, default=("127.0.0.1", 8080), metavar="HOST:PORT",
        help="where to listen (default 127.0.0.1:8080); beyond loopback only with TLS",
    )  # fmt: skip
    made.add_argument(
        "--data", type=Path, default=Path("mdhub-data"),
        help="folder of its database and one-time token (default mdhub-data)",
    )  # fmt: skip
    made.add_argument(
        "--config", type=Path, metavar="FILE", help="the hub's configuration, to show"
    )
    made.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    made.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    made.add_argument(
        "--trusted-proxy", action="append", default=[], metavar="ADDRESS",
        help="address or network of a proxy in front that speaks TLS; may be given again",
    )  # fmt: skip
    made.add_argument(
        "--allowed-host", action="append", default=[], metavar="NAME",
        help="name it is reached by; may be given again (loopback and addresses always are)",
    )  # fmt: skip
    made.add_argument(
        "--setup-remote", action="store_true",
        help="let the first user be made from another machine (the one-time token still counts)",
    )  # fmt: skip
    made.add_argument(
        "--setup-link", action="store_true",
        help="print where to make the first user, with a fresh one-time token, and end",
    )  # fmt: skip
    made.add_argument(
        "--first-user-file", type=Path, metavar="FILE",
        help="file with NAME:ARGON2ID-HASH of the first user, in place of the set-up",
    )  # fmt: skip
    made.add_argument(
        "--new-key", type=Path, metavar="FILE",
        help="put a new master key for second factors into FILE (mode 0600), and end",
    )  # fmt: skip
    made.add_argument(
        "--demo-link", action="store_true",
        help="for mdhub demo: read the token of its one-time link from stdin; loopback only",
    )  # fmt: skip
    add_metrics_option(made)
    return made


def settings_of(options: argparse.Namespace) -> ConsoleSettings:
    """Return what the options say."""
    host, port = options.bind
    return ConsoleSettings(
        id=options.id, host=host, port=port, prefix=options.prefix, shards=options.shards,
        data=options.data, config=options.config,
        tls_cert=options.tls_cert, tls_key=options.tls_key,
        trusted_proxies=tuple(options.trusted_proxy), allowed_hosts=tuple(options.allowed_host),
        setup_remote=options.setup_remote, demo_link=options.demo_link,
    )  # fmt: skip


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < _PORTS:
        raise argparse.ArgumentTypeError(f"was {text!r}, expected such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)
