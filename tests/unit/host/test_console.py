"""What the console's process is told: on its command line, in its variables, by its stdin."""

from __future__ import annotations

from pathlib import Path

from mdhub.host.console import Console
from mdhub.host.stack import Host, HubPlan


def test_secrets_are_not_on_the_command_line(tmp_path: Path) -> None:
    """Address of the database and key file by variable, the demo's token by a pipe, once."""
    told = Console(port=8080, url="mysql+pymysql://u:p@h/d", key_file="k", demo_token="t0ken")
    plan = HubPlan(tmp_path, url="redis://127.0.0.1:1", console=told)
    (child,) = Host(plan).children("console")
    command = child.command(1)
    assert "--demo-link" in command
    assert not any(secret in part for part in command for secret in ("t0ken", "u:p"))
    assert child.environment["MDHUB_CONSOLE__URL"] == "mysql+pymysql://u:p@h/d"
    assert child.environment["MDHUB_CONSOLE__KEY_FILE"] == "k"
    assert "t0ken" not in repr(child.environment) + repr(told)
    assert child.told is not None
    assert [child.told() for _ in range(3)] == [b"t0ken\n", b"", b""]


def test_a_console_that_is_no_demos_reads_nothing(tmp_path: Path) -> None:
    """Its stdin is empty, and it has no option for the link."""
    plan = HubPlan(tmp_path, url="redis://127.0.0.1:1", console=Console(port=8080, bind="::1"))
    (child,) = Host(plan).children("console")
    assert child.told is None
    assert "--demo-link" not in child.command(1)
    assert plan.console is not None
    assert plan.console.address == "http://[::1]:8080"
