"""Units, timers, crontab, log rotation and scripts for a host without Docker."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
LASTING = [unit for unit in SERVICES if "Type=oneshot" not in unit.read_text()]
ANALYZE = shutil.which("systemd-analyze")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze on this machine")


def ours(folder: Path) -> Path:
    """Copy all units, a template as its instance A, with programs that exist here."""
    for unit in [*SERVICES, *UNITS.glob("*.timer"), *UNITS.glob("*.target")]:
        text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
        (folder / unit.name.replace("@.", "@A.")).write_text(text)
        (folder / unit.name).write_text(text)
    return folder


def analyze(*arguments: str | Path, units: Path) -> str:
    done = subprocess.run(
        [str(ANALYZE), *map(str, arguments)], env={"SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True, text=True, check=False, timeout=40,
    )  # fmt: skip
    return done.stdout + done.stderr


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing of our units, and something of a wrong one."""
    units = ours(tmp_path)
    names = [path.name for path in units.iterdir() if "@." not in path.name]
    about = analyze("verify", "--man=no", *sorted(names), units=units)
    assert [line for line in about.splitlines() if "mdhub" in line] == []
    (units / "mdhub-wrong.service").write_text("[Service]\nExecStart=/bin/true\nUserr=x\n")
    assert "Userr" in analyze("verify", "--man=no", "mdhub-wrong.service", units=units)


@needs_systemd
@pytest.mark.parametrize("unit", LASTING, ids=lambda unit: unit.stem)
def test_a_service_is_hardly_exposed(unit: Path, tmp_path: Path) -> None:
    """`systemd-analyze security` stays below 2 of 10."""
    units = ours(tmp_path)
    file = units / unit.name.replace("@.", "@A.")
    said = analyze("security", "--offline=yes", file, units=units)
    found = re.search(r"Overall exposure level.*: (\d+\.\d+)", said)
    assert found is not None and float(found[1]) < 2.0, said[-300:]


@pytest.mark.parametrize("unit", LASTING, ids=lambda unit: unit.stem)
def test_a_service_comes_back_and_goes_with_the_whole(unit: Path) -> None:
    """It restarts for ever, belongs to mdhub.target and is not root; secrets are credentials."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are in capitals
    parser.read_string(unit.read_text())
    service = parser["Service"]
    assert (service["Restart"], service["User"]) == ("always", "mdhub")
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert (parser["Unit"]["PartOf"], parser["Install"]["WantedBy"]) == ("mdhub.target",) * 2
    assert "LoadCredential=redis_" in unit.read_text()


@pytest.mark.parametrize("name", ["mdhub-backup", "mdhub-console", "mdhub-ingest@"])
def test_who_needs_the_accounts_gets_them(name: str) -> None:
    """The address as a credential; the key as a file of its owner, and not for backups."""
    text = (UNITS / f"{name}.service").read_text()
    assert "LoadCredential=accounts_url:/etc/mdhub/secrets/accounts_url" in text
    assert "MDHUB_ACCOUNTS__URL=file:%d/accounts_url" in text
    assert "StateDirectory=mdhub mdhub-accounts" in text and "User=mdhub" in text
    key = "MDHUB_ACCOUNTS__KEY_FILE=/etc/mdhub/secrets/accounts_key"
    assert (key in text) == (name != "mdhub-backup")
    own = "MDHUB_CONSOLE__KEY_FILE=/etc/mdhub/secrets/console_key"
    assert (own in text) == (name == "mdhub-console")


@needs_systemd
@pytest.mark.parametrize("timer", sorted(UNITS.glob("*.timer")), ids=lambda timer: timer.stem)
def test_a_timer_fires_in_market_time(timer: Path, tmp_path: Path) -> None:
    """Each of its times is understood, in the time zone of the exchanges."""
    times = re.findall(r"(?m)^OnCalendar=(.*)$", timer.read_text())
    assert times and all(time.endswith("Asia/Shanghai") for time in times)
    assert (UNITS / f"{timer.stem}.service").is_file()
    for time in times:
        assert "Next elapse" in analyze("calendar", time, units=tmp_path)


def test_crontab_says_the_same_as_the_timers() -> None:
    """Same times; days by name, since programs count them differently."""
    lines = (ROOT / "deploy/cron/mdhub").read_text().splitlines()
    jobs = [line.split() for line in lines if re.match(r"\d", line)]
    cron = {f"{int(job[1]):02}:{int(job[0]):02}:00" for job in jobs if "mdhub.target" in job}
    timers = "".join((UNITS / f"mdhub-{name}.timer").read_text() for name in ("start", "stop"))
    assert cron == set(re.findall(r" (\d\d:\d\d:00) Asia", timers))
    assert [job[4] for job in jobs if not re.fullmatch(r"\*|mon-fri|tue-sat", job[4])] == []


@pytest.mark.parametrize(
    "script", [*(ROOT / "deploy").glob("*.sh"), *(ROOT / "scripts").glob("*.sh")],
    ids=lambda script: script.stem,
)  # fmt: skip
def test_a_script_is_posix_shell(script: Path) -> None:
    """`sh -n` reads it to the end, and it stops at the first failure."""
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)
    assert re.search(r"(?m)^set -eu$", script.read_text())


def test_the_image_script_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    """A wrong service, or a folder that is there already, is said before anything is built."""
    script = ["sh", str(ROOT / "scripts/image.sh")]
    for arguments, words in ((["nonsense", "x"], "expected arbiter"), (["monitor"], "folder"),
                             (["monitor", str(tmp_path)], "exists")):  # fmt: skip
        done = subprocess.run(
            [*script, *arguments], capture_output=True, text=True, check=False, timeout=20
        )
        assert done.returncode == 1 and words in done.stderr
