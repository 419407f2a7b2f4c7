"""Verdicts over server, ports, calendar and sources."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mdhub.calendar import Calendar
from mdhub.cli.doctor import sources
from mdhub.cli.doctor.days import DayFacts, check_days, judge_horizon, judge_override
from mdhub.cli.doctor.finding import Finding, Status, told
from mdhub.cli.doctor.ports import PortFacts, judge_port
from mdhub.cli.doctor.server_judge import (
    ServerLook,
    judge_clock,
    judge_durability,
    judge_functions,
    judge_latency,
    judge_memory,
    judge_policy,
    judge_refusal,
    judge_version,
)
from mdhub.cli.doctor.sources import (
    Front,
    Preflight,
    addresses,
    check_fronts,
    check_preflight,
    check_secrets,
    gateway_modules,
    judge_fronts,
    judge_preflight,
)
from mdhub.config import HubConfig
from mdhub.config.model import HubKnobs
from mdhub.streams.errors import NotReady, UnknownOutcome

CHINESE = re.compile(r"[\u4e00-\u9fff]")
MEGABYTE = 1 << 20
SECRET = "s3cret-w0rd"

SERVER = ServerLook(
    where="redis://h:6379",
    own=False,
    profile="single",
    version="redis 7.4.1",
    redis_version="7.4.1",
    ping_us=200.0,
    clock_offset_ms=1.0,
    used_bytes=10 * MEGABYTE,
    limit_bytes=100 * MEGABYTE,
    policy="noeviction",
    settings={"appendonly": "yes", "appendfsync": "always"},
    refusal=None,
)
EVERYSEC = {"appendonly": "yes", "appendfsync": "everysec"}
NEVER = {"appendonly": "yes", "appendfsync": "no"}
OOM = NotReady("oom", "server h refuses: oom")
PORT = PortFacts("A", 5555, "", frozenset(), 0)
TAKEN = replace(PORT, problem="port 5555 cannot be used: in use by python, pid 42")
PYTHON_42 = frozenset({"python, pid 42"})
DAYS = DayFacts(date(2026, 3, 2), date(2025, 1, 1), date(2026, 12, 31), None, "", idle=False)
FILE = replace(DAYS, override=Path("o.txt"))
GOOD = Preflight("locale", ok=True)
BAD = Preflight("length", ok=False, found="60", expected="<= 40", todo="mend it")
NEXT_YEAR = "year 2027\nclosed 2027-01-01\nclosed 2027-02-05..2027-02-26\n"

VERDICTS: list[tuple[str, Finding, Status]] = [
    ("version", judge_version(SERVER), Status.OK),
    ("old", judge_version(replace(SERVER, redis_version="6.2.1")), Status.ERROR),
    ("odd", judge_version(replace(SERVER, redis_version="?")), Status.ERROR),
    ("functions", judge_functions(SERVER), Status.OK),
    ("full", judge_functions(replace(SERVER, refusal=OOM)), Status.ERROR),
    ("away", judge_refusal(UnknownOutcome("no answer"), "h"), Status.ERROR),
    ("policy", judge_policy(SERVER), Status.OK),
    ("drops keys", judge_policy(replace(SERVER, policy="allkeys-lru")), Status.ERROR),
    ("policy not told", judge_policy(replace(SERVER, policy="")), Status.WARNING),
    ("single, always", judge_durability(SERVER), Status.OK),
    ("single, everysec", judge_durability(replace(SERVER, settings=EVERYSEC)), Status.ERROR),
    ("no file", judge_durability(replace(SERVER, settings={"appendonly": "no"})), Status.ERROR),
    ("not told", judge_durability(replace(SERVER, settings=None)), Status.HINT),
    (
        "fast, everysec",
        judge_durability(replace(SERVER, profile="fast", settings=EVERYSEC)),
        Status.OK,
    ),
    ("fast, always", judge_durability(replace(SERVER, profile="fast")), Status.OK),
    (
        "fast, no",
        judge_durability(replace(SERVER, profile="fast", settings=NEVER)),
        Status.WARNING,
    ),
    ("memory", judge_memory(SERVER), Status.OK),
    ("filling", judge_memory(replace(SERVER, used_bytes=70 * MEGABYTE)), Status.WARNING),
    ("memory full", judge_memory(replace(SERVER, used_bytes=100 * MEGABYTE)), Status.ERROR),
    ("no limit", judge_memory(replace(SERVER, limit_bytes=0)), Status.HINT),
    ("near", judge_latency(SERVER), Status.OK),
    ("far", judge_latency(replace(SERVER, ping_us=2_000.0)), Status.HINT),
    ("very far", judge_latency(replace(SERVER, ping_us=9_000.0)), Status.WARNING),
    ("same time", judge_clock(SERVER), Status.OK),
    ("ahead", judge_clock(replace(SERVER, clock_offset_ms=700.0)), Status.WARNING),
    ("behind", judge_clock(replace(SERVER, clock_offset_ms=-3_000.0)), Status.ERROR),
    ("port free", judge_port(PORT), Status.OK),
    ("port taken", judge_port(TAKEN), Status.ERROR),
    ("by another", judge_port(replace(TAKEN, holders=PYTHON_42, own_pid=43)), Status.ERROR),
    ("by us", judge_port(replace(TAKEN, holders=PYTHON_42, own_pid=42)), Status.OK),
    ("perhaps by us", judge_port(replace(TAKEN, own_pid=42)), Status.OK),
    ("no override", judge_override(DAYS), Status.OK),
    ("override", judge_override(FILE), Status.OK),
    ("bad override", judge_override(replace(FILE, error="o.txt:1: what?")), Status.ERROR),
    ("expired override", judge_override(replace(FILE, idle=True)), Status.HINT),
    ("days", judge_horizon(DAYS), Status.OK),
    ("days, 45 left", judge_horizon(replace(DAYS, today=date(2026, 11, 16))), Status.OK),
    ("days, 44 left", judge_horizon(replace(DAYS, today=date(2026, 11, 17))), Status.WARNING),
    ("last day", judge_horizon(replace(DAYS, today=date(2026, 12, 31))), Status.WARNING),
    ("no days", judge_horizon(replace(DAYS, today=date(2027, 1, 1))), Status.ERROR),
    ("clock at zero", judge_horizon(replace(DAYS, today=date(1970, 1, 1))), Status.ERROR),
    ("fronts", judge_fronts("X", [Front("h:1", "")]), Status.OK),
    ("front shut", judge_fronts("X", [Front("h:1", ""), Front("h:2", "no")]), Status.ERROR),
    ("preflight", judge_preflight("X", [GOOD])[0], Status.OK),
    ("preflight empty", judge_preflight("X", [])[0], Status.OK),
    ("preflight fails", judge_preflight("X", [GOOD, BAD])[0], Status.ERROR),
]


@pytest.mark.parametrize(
    ("finding", "status"),
    [case[1:] for case in VERDICTS],
    ids=[case[0] for case in VERDICTS],
)
def test_each_verdict_follows_from_its_facts(finding: Finding, status: Status) -> None:
    """What is wrong says what it means, and what to do."""
    assert finding.status is status
    assert finding.found
    if status in {Status.HINT, Status.WARNING, Status.ERROR}:
        assert finding.expected and finding.mend
        assert finding.means


def test_how_to_change_a_server_names_that_server() -> None:
    """An own one gets its settings from `mdhub up`, another one from its operator."""
    wrong = replace(SERVER, policy="allkeys-lru")

    assert told(judge_policy(wrong).mend, "en") == (
        "redis-cli -u redis://h:6379 CONFIG SET maxmemory-policy noeviction && "
        "redis-cli -u redis://h:6379 CONFIG REWRITE"
    )
    assert "mdhub up" in told(judge_policy(replace(wrong, own=True)).mend, "en")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("closed 2026-11-25", Status.OK),
        ("no-night 2026-11-25", Status.OK),
        (NEXT_YEAR, Status.OK),
        ("closed 2026-01-05", Status.HINT),
        ("closed 2026-10-01", Status.HINT),
        ("clossed 2026-11-25", Status.ERROR),
    ],
)
def test_an_override_file_is_judged_by_what_it_says_of_days_to_come(
    text: str, status: Status, tmp_path: Path
) -> None:
    """One about the past, or about what is known anyway, has expired."""
    file = tmp_path / "override.txt"
    file.write_text(f"{text}\n")

    finding, _ = check_days(file, date(2026, 11, 21))

    assert finding.status is status
    assert str(file) in told(finding.found, "en")


def test_a_year_of_an_override_moves_the_horizon(tmp_path: Path) -> None:
    """What it says counts like mdhub's own data."""
    file = tmp_path / "override.txt"
    file.write_text(NEXT_YEAR)
    day = Calendar.load().horizon

    assert check_days(None, day)[1].status is Status.WARNING
    assert check_days(file, day)[1].status is Status.OK


@dataclass
class Account:
    """A source as the configuration will have it: any type, with settings."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    type: str = "ctp"
    class_path: str = ""

    def model_dump_json(self, **_: bool) -> str:
        return json.dumps({"name": self.name, "type": self.type, "settings": self.settings})


def hub_with(*accounts: Account) -> HubConfig:
    return cast("HubConfig", SimpleNamespace(sources=accounts, hub=HubKnobs()))


def test_secrets_are_looked_up_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that are set, files that only their owner reads."""
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(0o600)
    monkeypatch.setenv("X_PASSWORD", SECRET)
    account = Account("X", {"password": "env:X_PASSWORD", "token": f"file:{file}", "port": 1})

    (finding,) = check_secrets(hub_with(account))

    assert finding.status is Status.OK
    assert told(finding.found, "en") == f"password (env:X_PASSWORD), token (file:{file})"
    assert SECRET not in repr(finding)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:X_ABSENT", "variable X_ABSENT is not set"),
        ("env:X_EMPTY", "variable X_EMPTY is empty"),
        ("env:", "is not set"),
        ("file:{tmp}/absent", "absent cannot be read: No such file"),
        ("file:{tmp}", "cannot be read: Is a directory"),
        ("file:{tmp}/empty", "empty is empty"),
        ("file:{tmp}/open", "everybody may read or write {tmp}/open (mode 0644)"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(
    reference: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is a file that everybody may read; the setting is named, never a value."""
    (tmp_path / "empty").touch(0o600)
    (tmp_path / "open").write_text(SECRET)
    (tmp_path / "open").chmod(0o644)
    monkeypatch.setenv("X_EMPTY", "")
    account = Account("X", {"auth_code": reference.format(tmp=tmp_path)})

    (finding,) = check_secrets(hub_with(account))

    assert finding.status is Status.ERROR
    assert finding.check == "source.X.secrets"
    assert told(finding.found, "en").startswith("auth_code: ")
    assert words.format(tmp=tmp_path) in told(finding.found, "en")
    assert CHINESE.search(told(finding.found, "zh"))
    assert SECRET not in repr(finding)


def test_addresses_are_known_by_their_form() -> None:
    """Whatever the setting is called; a reference or a name is none."""
    settings = {
        "td_address": "tcp://180.168.146.187:10201",
        "行情服务器": "180.168.146.187:10211",
        "ssl": "ssl://front.example:443/",
        "password": "env:X:1",
        "file": "file:/a:1",
        "app_id": "client_1.0",
        "bad": "tcp://h:99999",
        "port": 7497,
    }
    assert list(addresses(settings)) == [
        "180.168.146.187:10201",
        "180.168.146.187:10211",
        "front.example:443",
    ]


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_fronts_are_tried_by_a_connection(listening: int) -> None:
    """An open port is fine and proves no more; a shut one is named with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        shut = server.getsockname()[1]
    good = Account("X", {"md_address": f"tcp://127.0.0.1:{listening}"})
    bad = Account("Y", {**good.settings, "td_address": f"127.0.0.1:{shut}"})

    fine, wrong = check_fronts(hub_with(good, bad, Account("Z")))

    assert (fine.check, fine.status) == ("front.X", Status.OK)
    assert "not that a login works" in told(fine.found, "en")
    assert (wrong.check, wrong.status) == ("front.Y", Status.ERROR)
    assert told(wrong.found, "en") == f"127.0.0.1:{shut}: Connection refused"


def test_without_fronts_none_is_tried() -> None:
    """Simulated sources have none."""
    (finding,) = check_fronts(hub_with(Account("S", type="sim")))
    assert finding.status is Status.SKIPPED


def test_classes_that_sources_name_are_imported() -> None:
    """Each module once."""
    one = Account("X", type="vnpy", class_path="vnpy_tora:Tora")
    assert gateway_modules(hub_with(one, replace(one, name="Y"), Account("Z"))) == ["vnpy_tora"]


PREFLIGHT = """
import json, sys
source = json.loads(sys.argv[sys.argv.index("--source") + 1])
assert "--json" in sys.argv
{body}
"""


@pytest.fixture
def preflight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that a test fills, in the place of ingest's preflight."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sources, "_preflight_module", lambda: "preflight_stub")
    return tmp_path / "preflight_stub.py"


def settings_findings() -> list[Finding]:
    return check_preflight(hub_with(Account("S", type="sim"), Account("X")))


def test_account_settings_are_judged_by_the_gateways_own_preflight(preflight: Path) -> None:
    """Only sources with a gateway are; what is wrong becomes a finding with its severity."""
    preflight.write_text(PREFLIGHT.format(body="""
rows = [("locale", True, "error"), ("password", False, "error"), ("versions", False, "warning")]
print(json.dumps([
    {"check": c, "ok": ok, "severity": s, "found": source["name"], "expected": "e", "todo": "t",
     "more": 1}
    for c, ok, s in rows
]))
sys.exit(1)"""))  # fmt: skip

    found = [(each.check, each.status, each.found, each.mend) for each in settings_findings()]

    assert found == [
        ("source.X.password", Status.ERROR, "X", "t"),
        ("source.X.versions", Status.WARNING, "X", "t"),
    ]


def test_a_preflight_that_says_nothing_is_an_error(preflight: Path) -> None:
    """With the last line of what it wrote."""
    preflight.write_text(PREFLIGHT.format(body="raise SystemExit('no such gateway')"))

    (finding,) = settings_findings()

    assert finding.status is Status.ERROR
    assert told(finding.found, "en") == "the check failed: no such gateway"


def test_a_preflight_that_hangs_is_ended(preflight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor does not wait for ever."""
    preflight.write_text(PREFLIGHT.format(body="sys.stdin.read() or __import__('time').sleep(60)"))
    monkeypatch.setattr(sources, "PREFLIGHT_LIMIT_S", 0.5)

    (finding,) = settings_findings()

    assert finding.status is Status.ERROR
    assert told(finding.found, "en") == "the check failed: no end after 0.5 s"


def test_without_a_preflight_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ingest may not be installed here."""
    monkeypatch.setattr(sources, "_preflight_module", lambda: "")

    (finding,) = check_preflight(hub_with(Account("X")))

    assert (finding.check, finding.status) == ("source.X.settings", Status.SKIPPED)
