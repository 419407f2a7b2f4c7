"""Commands and options of `mdhub alerts`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mdhub.cli.epilog import epilog

__all__ = ["alerts_app"]

Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Data = Annotated[Path | None, typer.Option(help="Folder of an embedded server's data.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Pattern = Annotated[str, typer.Argument(help="Key of alerts, as in a shell: 'source_*'.")]
Timeout = Annotated[float, typer.Option(min=0.5, max=120, help="Seconds to wait for the answer.")]
Language = Annotated[
    Literal["en", "zh"] | None, typer.Option(help="Language. Default: as LANG says.")
]
CODES: Final = "0 done, 1 refused or no answer or no hub"

alerts_app = typer.Typer(
    help="List alerts; acknowledge, silence or test them.",
    epilog=epilog("mdhub alerts list", "mdhub alerts test"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


@alerts_app.command("list", epilog=epilog("mdhub alerts list --json", codes=CODES))
def list_(
    config: Config = None, data: Data = None, json: Json = False, lang: Language = None
) -> None:
    """Show what lasts, who was told, silences, and how each channel is."""
    from mdhub.cli.alerts import list_alerts
    from mdhub.cli.doctor.run import language_of
    from mdhub.cli.hubs import find_hub

    sys.exit(list_alerts(find_hub(config, data), as_json=json, language=language_of(lang)))


@alerts_app.command(epilog=epilog("mdhub alerts ack 'source_silent:*'", codes=CODES))
def ack(
    pattern: Pattern,
    config: Config = None,
    data: Data = None,
    json: Json = False,
    timeout: Timeout = 5.0,
) -> None:
    """Acknowledge alerts: no repeats any more.

    That they are over is still told, and that they got worse.
    """
    _tell("ack", {"pattern": pattern}, config=config, data=data, json=json, timeout=timeout)


@alerts_app.command(
    epilog=epilog("mdhub alerts silence 'source_*:CTP1' --minutes 90 --reason upgrade", codes=CODES)
)
def silence(  # noqa: PLR0913 - options of a command
    pattern: Pattern,
    minutes: Annotated[float, typer.Option(min=0.1, max=43_200, help="For so long.")] = 60.0,
    reason: Annotated[str, typer.Option(help="Why; it stands in the list.")] = "",
    config: Config = None,
    data: Data = None,
    json: Json = False,
    timeout: Timeout = 5.0,
) -> None:
    """Tell nothing of these alerts for a while.

    Not even errors; what still lasts then is told.
    """
    import time

    until_ns = time.time_ns() + int(minutes * 60e9)
    args = {"pattern": pattern, "until_ns": until_ns, "reason": reason}
    _tell("silence", args, config=config, data=data, json=json, timeout=timeout)


@alerts_app.command(epilog=epilog("mdhub alerts unsilence 'source_*:CTP1'", codes=CODES))
def unsilence(
    pattern: Pattern,
    config: Config = None,
    data: Data = None,
    json: Json = False,
    timeout: Timeout = 5.0,
) -> None:
    """End a silence early."""
    _tell("unsilence", {"pattern": pattern}, config=config, data=data, json=json, timeout=timeout)


@alerts_app.command(
    "test", epilog=epilog("mdhub alerts test", codes="0 every channel has taken it, 1 one has not")
)
def try_out(
    config: Config = None, data: Data = None, json: Json = False, timeout: Timeout = 30.0
) -> None:
    """Send a test through every channel.

    The monitor sends it; the answer says how each channel took it.
    """
    _tell("test", {}, config=config, data=data, json=json, timeout=timeout)


def _tell(
    action: str,
    args: dict[str, object],
    *,
    config: Path | None,
    data: Path | None,
    json: bool,
    timeout: float,
) -> None:
    from mdhub.cli.alerts import tell_alerting
    from mdhub.cli.hubs import find_hub

    hub = find_hub(config, data)
    sys.exit(tell_alerting(hub, action, args, timeout_s=timeout, as_json=json))
