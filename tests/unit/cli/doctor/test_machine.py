"""Verdicts over Python, gateways, machine, disk and clock; each check can fail."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mdhub.accounts.kinds import KINDS
from mdhub.cli.doctor.clock import ClockFacts, check_clock, judge_kept, judge_steady, judge_zone
from mdhub.cli.doctor.disk import DiskFacts, check_disk, judge_folder, judge_fsync, judge_space
from mdhub.cli.doctor.finding import Finding, Status, told
from mdhub.cli.doctor.gateways import (
    GB18030_KINDS,
    GatewayFacts,
    Import,
    check_gateways,
    gateway_environment,
    judge_build,
    judge_import,
    judge_locale,
    judge_packages,
)
from mdhub.cli.doctor.host import (
    HostFacts,
    Plan,
    check_host,
    judge_cores,
    judge_files,
    judge_kernel,
    judge_memory,
    plan_for,
)
from mdhub.cli.doctor.python import (
    PythonFacts,
    check_python,
    judge_extras,
    judge_interpreter,
    missing_packages,
)
from mdhub.config import HubConfig
from mdhub.config.model import HubKnobs, ServerKnobs
from mdhub.runtime.gateway_packages import PACKAGE_OF, SETS
from mdhub_ingest.gateways.codes import CTP_FAMILY

ROOT = Path(__file__).resolve().parents[4]
CHINESE = re.compile(r"[\u4e00-\u9fff]")

PYTHON = PythonFacts((3, 12, 1), "CPython")
NO_GATEWAY = GatewayFacts((), {}, "", ("g++",))
CTP = GatewayFacts(("ctp",), SETS["newest"], "/v/locale", (), (Import("vnpy_ctp", ""),))
HOST = HostFacts(files=4_096, cores=4, memory_mb=16_000, overcommit="1", huge_pages="madvise")
PLAN = Plan(arbiters=1, publishers=2, sources=3, server_mb=2_048)
ELSEWHERE = replace(PLAN, server_mb=0)
DISK = DiskFacts(Path("/data"), "", 50_000, 0.5, own_server=True, profile="single", maxmemory_mb=64)
CLOCK = ClockFacts(synchronised=True, offset_ms=None, step_ms=0.1, zone="UTC")

VERDICTS: list[tuple[str, Finding, Status]] = [
    ("python", judge_interpreter(PYTHON), Status.OK),
    ("old", judge_interpreter(replace(PYTHON, version=(3, 10, 9))), Status.ERROR),
    ("new", judge_interpreter(replace(PYTHON, version=(3, 99, 0))), Status.HINT),
    ("pypy", judge_interpreter(replace(PYTHON, implementation="PyPy")), Status.ERROR),
    ("no GIL", judge_interpreter(replace(PYTHON, free_threaded=True)), Status.WARNING),
    ("extras", judge_extras({"ingest": (), "arbiter": ()}), Status.OK),
    ("extra missing", judge_extras({"ingest": ("zstandard",)}), Status.ERROR),
    ("no service", judge_extras({}), Status.ERROR),
    ("no gateway needed", judge_packages(NO_GATEWAY), Status.OK),
    ("known set", judge_packages(CTP), Status.OK),
    ("missing", judge_packages(replace(CTP, versions={"vnpy": "4.5.0"})), Status.ERROR),
    ("tts missing", judge_packages(replace(CTP, kinds=("tts",))), Status.ERROR),
    (
        "unknown set",
        judge_packages(replace(CTP, versions={"vnpy": "4.5.0", "vnpy_ctp": "6.7.7.2"})),
        Status.WARNING,
    ),
    (
        "unknown set that nobody needs",
        judge_packages(replace(CTP, kinds=(), versions={"vnpy": "9.9"})),
        Status.HINT,
    ),
    ("import", judge_import(CTP), Status.OK),
    ("import fails", judge_import(replace(CTP, imports=(Import("vnpy_ctp", "x"),))), Status.ERROR),
    ("no import", judge_import(NO_GATEWAY), Status.SKIPPED),
    ("nothing to import", judge_import(replace(CTP, imports=())), Status.SKIPPED),
    ("locale", judge_locale(CTP), Status.OK),
    ("no locale", judge_locale(replace(CTP, locale="")), Status.ERROR),
    ("no locale needed", judge_locale(NO_GATEWAY), Status.SKIPPED),
    ("built", judge_build(CTP), Status.SKIPPED),
    ("can build", judge_build(replace(CTP, versions={})), Status.OK),
    (
        "cannot build",
        judge_build(replace(CTP, versions={}, build_lacks=("g++",))),
        Status.ERROR,
    ),
    ("cannot make locale", judge_build(replace(CTP, locale="", build_lacks=("x",))), Status.ERROR),
    ("files", judge_files(HOST), Status.OK),
    ("files unlimited", judge_files(replace(HOST, files=-1)), Status.OK),
    ("few files", judge_files(replace(HOST, files=512)), Status.WARNING),
    ("no files", judge_files(replace(HOST, files=64)), Status.ERROR),
    ("cores", judge_cores(HOST, PLAN), Status.OK),
    ("one core", judge_cores(replace(HOST, cores=1), PLAN), Status.WARNING),
    ("many shards", judge_cores(HOST, replace(PLAN, arbiters=8)), Status.HINT),
    ("memory", judge_memory(HOST, PLAN), Status.OK),
    ("little memory", judge_memory(replace(HOST, memory_mb=2_000), PLAN), Status.WARNING),
    ("memory not told", judge_memory(replace(HOST, memory_mb=0), PLAN), Status.SKIPPED),
    ("overcommit", judge_kernel(HOST, PLAN)[0], Status.OK),
    ("no overcommit", judge_kernel(replace(HOST, overcommit="0"), PLAN)[0], Status.HINT),
    ("overcommit not told", judge_kernel(replace(HOST, overcommit=""), PLAN)[0], Status.SKIPPED),
    ("small pages", judge_kernel(HOST, PLAN)[1], Status.OK),
    ("huge pages", judge_kernel(replace(HOST, huge_pages="always"), PLAN)[1], Status.HINT),
    ("server elsewhere", judge_kernel(HOST, ELSEWHERE)[0], Status.SKIPPED),
    ("folder", judge_folder(DISK), Status.OK),
    ("folder read-only", judge_folder(replace(DISK, error="/data: no")), Status.ERROR),
    ("space", judge_space(DISK), Status.OK),
    ("space short", judge_space(replace(DISK, maxmemory_mb=40_000)), Status.WARNING),
    ("no space", judge_space(replace(DISK, free_mb=10)), Status.ERROR),
    (
        "space for an own server elsewhere",
        judge_space(replace(DISK, own_server=False, maxmemory_mb=40_000)),
        Status.OK,
    ),
    ("fsync", judge_fsync(DISK), Status.OK),
    ("fsync slow", judge_fsync(replace(DISK, fsync_ms=5.0)), Status.HINT),
    ("fsync very slow", judge_fsync(replace(DISK, fsync_ms=50.0)), Status.WARNING),
    ("nobody waits", judge_fsync(replace(DISK, fsync_ms=50.0, profile="fast")), Status.OK),
    ("broken", judge_fsync(replace(DISK, fsync_ms=900.0, profile="fast")), Status.WARNING),
    ("not measured", judge_fsync(replace(DISK, fsync_ms=None)), Status.SKIPPED),
    ("clock", judge_kept(CLOCK), Status.OK),
    ("clock not kept", judge_kept(replace(CLOCK, synchronised=False)), Status.WARNING),
    ("clock not told", judge_kept(replace(CLOCK, synchronised=None)), Status.HINT),
    ("clock off", judge_kept(replace(CLOCK, offset_ms=-400.0)), Status.WARNING),
    ("steady", judge_steady(CLOCK), Status.OK),
    ("jumps", judge_steady(replace(CLOCK, step_ms=-900.0)), Status.WARNING),
    ("zone", judge_zone(replace(CLOCK, zone="CST")), Status.OK),
]


@pytest.mark.parametrize(
    ("finding", "status"),
    [case[1:] for case in VERDICTS],
    ids=[case[0] for case in VERDICTS],
)
def test_each_verdict_follows_from_its_facts(finding: Finding, status: Status) -> None:
    """What is wrong says in both languages what it means, and what to do."""
    assert finding.status is status
    assert finding.found
    if status in {Status.HINT, Status.WARNING, Status.ERROR}:
        assert finding.expected and finding.mend
        assert told(finding.means, "en").isascii()
        assert CHINESE.search(told(finding.means, "zh"))


def test_the_missing_extra_is_named_with_its_command() -> None:
    """Only what is missing is installed."""
    finding = judge_extras({"ingest": ("zstandard",), "monitor": ()})

    assert "ingest: zstandard" in told(finding.found, "en")
    assert finding.mend == 'pip install "mdhub[ingest]"'


def test_packages_of_an_extra_are_looked_up() -> None:
    """As the metadata of the installed mdhub lists them."""
    wanted = [
        "msgspec~=0.22",
        "redis[hiredis]~=8.1; extra == 'ingest'",
        "no-such-package-here~=1; sys_platform != 'win32' and extra == 'ingest'",
    ]
    assert missing_packages(["ingest", "monitor"], wanted) == {
        "ingest": ("no-such-package-here",),
        "monitor": (),
    }


def test_kinds_of_gateways_are_known_as_the_profiles_know_them() -> None:
    """Shared code cannot look at a service's tables."""
    packages = {kind: profile.class_path.partition(":")[0] for kind, profile in KINDS.items()}
    assert {kind: package for kind, package in packages.items() if package} == PACKAGE_OF
    assert set(GB18030_KINDS) == CTP_FAMILY


def test_a_broken_gateway_is_found_by_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own; the last line of what it says is shown."""
    (tmp_path / "broken_gateway.py").write_text("raise ImportError('undefined symbol: x')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    found = {each.check: each for each in check_gateways(["vnpy"], ["broken_gateway"])}

    assert found["gateways.import"].status is Status.ERROR
    assert "undefined symbol: x" in told(found["gateways.import"].found, "en")


def test_an_operators_locale_folder_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """LOCPATH is only filled in where it is empty."""
    monkeypatch.setenv("LOCPATH", "/somewhere")
    assert gateway_environment()["LOCPATH"] == "/somewhere"


def test_the_plan_counts_processes_and_memory() -> None:
    """A server that was named takes none of this machine's memory."""
    own = plan_for(HubConfig())
    named = plan_for(HubConfig(server=ServerKnobs.model_validate({"url": "redis://h"})))

    assert (own.arbiters, own.publishers, own.sources) == (2, 1, 2)
    assert own.need_mb - named.need_mb == 2_048


def test_this_machine_can_be_looked_at() -> None:
    """Every look ends with verdicts, whatever the machine is."""
    config = HubConfig()
    looks = [check_python(), check_host(config), check_clock()]

    assert [[each.check for each in look] for look in looks] == [
        ["python.version", "python.extras"],
        ["host.files", "host.cores", "host.memory", "host.overcommit", "host.hugepages"],
        ["clock.kept", "clock.steady", "clock.zone"],
    ]
    assert looks[0][0].status in {Status.OK, Status.HINT}
    assert looks[0][1].status is Status.OK


def hub_in(folder: Path) -> HubConfig:
    return HubConfig(hub=HubKnobs(data=folder))


def test_a_data_folder_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    """The place where it would be made is tried, and left as it was."""
    findings = check_disk(hub_in(tmp_path / "a/b"))

    assert {each.status for each in findings} <= {Status.OK, Status.HINT, Status.WARNING}
    assert findings[0].found == str((tmp_path / "a/b").resolve())
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_data_folder_is_an_error(tmp_path: Path) -> None:
    """Whether it is the folder itself or one above it."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file/below"):
        finding, _, fsync = check_disk(hub_in(folder))
        assert finding.status is Status.ERROR
        assert str(tmp_path / "file") in told(finding.found, "en")
        assert fsync.status is Status.SKIPPED
