"""Builds and installs the CTP and SOPT gateways: `make gateways` (see docs/gateways.md).

Downloads what requirements/gateways-*.txt pins by hash, repairs and builds what is published as
source, and puts it into an environment without the rest of vnpy's dependencies, together with the
locale the gateways need. Built wheels are kept outside the tree, so a second run takes no time.

Exit codes: 0 done, 1 failed, 3 not possible on this machine (the reason is the last line).
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway_wheels import (
    RECIPE,
    REQUIREMENTS,
    ROOT,
    SOURCE_ONLY,
    Failed,
    Impossible,
    cache,
    entries,
    pinned_version,
    pip,
    run,
    say,
    source_folder,
    tag,
    wheel_of,
)

LOCALE = "zh_CN.GB18030"
IMPOSSIBLE = 3

CHECK = """
import json, locale, sys
from importlib.metadata import version
locale.setlocale(locale.LC_ALL, sys.argv[1])
from vnpy_ctp import CtpGateway
from vnpy_sopt import SoptGateway
names = ("vnpy", "vnpy_ctp", "vnpy_sopt")
print(json.dumps({name: version(name) for name in names}), file=sys.stderr)
"""


@dataclass(frozen=True, kw_only=True)
class GatewaySet:
    """One pinned combination of versions and the environment it lives in."""

    name: str
    venv: Path

    @property
    def lock(self) -> Path:
        return REQUIREMENTS / f"gateways-{self.name}.txt"

    @property
    def python(self) -> Path:
        return self.venv / "bin/python"

    @property
    def locales(self) -> Path:
        """The folder for LOCPATH."""
        return self.venv / "share/mdhub/locale"

    @property
    def stamp(self) -> Path:
        return self.venv / ".mdhub-gateways"

    @property
    def excuse(self) -> Path:
        """Why the last attempt was not possible."""
        return cache() / f"impossible-{self.name}.txt"


def known_set(name: str) -> GatewaySet:
    """Newest lives beside mdhub itself; pinned has an environment of its own."""
    own = Path(os.environ.get("VENV") or ".venv")
    venv = own if name == "newest" else own.with_name(f"{own.name}-gateways-{name}")
    return GatewaySet(name=name, venv=ROOT / venv)


def install(wanted: GatewaySet) -> None:
    """Put the gateways and the few packages they import into the environment."""
    wheels = [wheel_of(wanted.lock, package) for package in SOURCE_ONLY]
    if wanted.name != "newest":
        changes = {"VENV": str(wanted.venv), "PYTHON": os.path.realpath(sys.executable)}
        say(f"bringing {wanted.venv.name} up to requirements/demo.txt")
        run(["sh", ROOT / "scripts/bootstrap.sh", "demo"], "bootstrap.sh", changes=changes)
    say(f"installing the {wanted.name} gateways into {wanted.venv.name}")
    others = [entry for name, entry in entries(wanted.lock).items() if name not in SOURCE_ONLY]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(others), encoding="utf-8")
        command = pip(wanted.python, "install", "--only-binary", ":all:")
        run([*command, "--require-hashes", "-r", pins], "installing vnpy", error=Impossible)
    command = pip(wanted.python, "install", "--no-index", "--force-reinstall")
    run([*command, *wheels], "installing the gateways")


def require_locale_sources() -> None:
    """The locale is compiled here; only its sources come from the system."""
    charmaps = Path(os.environ.get("I18NPATH") or "/usr/share/i18n") / "charmaps"
    if shutil.which("localedef") is None or not list(charmaps.glob("GB18030*")):
        raise Impossible(
            f"no sources for the locale {LOCALE}: looked for localedef and {charmaps}/GB18030.gz"
            " (Debian: apt-get install locales; Fedora: dnf install glibc-locale-source)"
        )


def has_locale(wanted: GatewaySet) -> bool:
    """Tell whether the locale was compiled before."""
    return (wanted.locales / LOCALE / "LC_CTYPE").is_file()


def make_locale(wanted: GatewaySet) -> None:
    """Compile the locale into the environment; root is not needed."""
    if has_locale(wanted):
        return
    target = wanted.locales / LOCALE
    say(f"compiling the locale {LOCALE}")
    target.parent.mkdir(parents=True, exist_ok=True)
    run(["localedef", "-i", "zh_CN", "-f", "GB18030", target], "localedef")


def check(wanted: GatewaySet) -> None:
    """Import both gateways in a child process, as the hub does."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".vntrader").mkdir()  # vnpy looks for it here before it takes HOME
        done = subprocess.run(
            [wanted.python, "-c", CHECK, LOCALE],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "LOCPATH": str(wanted.locales)},
        )
    if done.returncode != 0:
        raise Failed(f"the installed gateways cannot be imported:\n{done.stdout}{done.stderr}")
    versions = json.loads(done.stderr.strip().splitlines()[-1])
    say(f"ready: {', '.join(f'{name} {version}' for name, version in versions.items())}")
    say(f"       {wanted.python}, LOCPATH={wanted.locales}")


def recorded(wanted: GatewaySet) -> str:
    """Return what the environment holds once it is complete."""
    texts = (wanted.lock.read_bytes(), f"{RECIPE} {tag()}".encode())
    return hashlib.sha256(b"\n".join(texts)).hexdigest()


def up_to_date(wanted: GatewaySet) -> bool:
    """Tell whether the environment and the sources kept for tests are there."""
    sources = (source_folder(wanted.lock, name) for name in SOURCE_ONLY)
    return (
        wanted.stamp.is_file()
        and wanted.stamp.read_text() == recorded(wanted)
        and all(folder.is_dir() for folder in sources)
    )


@contextmanager
def alone() -> Iterator[None]:
    """Several checkouts share the cache; one builds, the others wait for its wheels."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def bring_up(wanted: GatewaySet) -> None:
    """Install a set, unless it is there."""
    if up_to_date(wanted):
        say(f"the {wanted.name} gateways are in {wanted.venv.name}")
        return
    started_s = time.monotonic()
    if not has_locale(wanted):
        require_locale_sources()
    with alone():
        install(wanted)
        make_locale(wanted)
        check(wanted)
    wanted.stamp.write_text(recorded(wanted))
    wanted.excuse.unlink(missing_ok=True)
    say(f"       done in {time.monotonic() - started_s:.0f} s")


def where(wanted: GatewaySet) -> Mapping[str, object]:
    """Say what tests need to know of an installed set."""
    if not up_to_date(wanted):
        default = f"not installed: run make gateways ARGS='--set {wanted.name}'"
        raise Impossible(wanted.excuse.read_text() if wanted.excuse.is_file() else default)
    return {
        "set": wanted.name,
        "python": str(wanted.python),
        "locpath": str(wanted.locales),
        "cache": str(cache()),
        "sources": {name: str(source_folder(wanted.lock, name)) for name in SOURCE_ONLY},
        "versions": {name: pinned_version(wanted.lock, name) for name in SOURCE_ONLY},
    }


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/gateways.py",
        description="Build and install the CTP and SOPT gateways.",
        epilog="example: make gateways ARGS='--set pinned'",
    )
    parser.add_argument("--set", action="append", choices=["newest", "pinned"], dest="sets")
    parser.add_argument(
        "--optional", action="store_true", help="exit with 0 where the machine lacks something"
    )
    parser.add_argument(
        "--where", action="store_true", help="print as JSON where an installed set is"
    )
    return parser.parse_args()


def serve(wanted: GatewaySet, *, only_where: bool) -> None:
    """Do for one set what the command line asks; keep the reason where it is not possible."""
    if only_where:
        print(json.dumps(where(wanted)))
        return
    try:
        bring_up(wanted)
    except Impossible as reason:
        wanted.excuse.parent.mkdir(parents=True, exist_ok=True)
        wanted.excuse.write_text(str(reason))
        raise


def main() -> int:
    """Serve every set that is asked for and return the exit code."""
    chosen = options()
    code = 0
    for wanted in [known_set(name) for name in chosen.sets or ["newest"]]:
        try:
            serve(wanted, only_where=chosen.where)
        except Impossible as reason:
            print(f"mdhub: no {wanted.name} gateways: {reason}", file=sys.stderr)
            code = 0 if chosen.optional else IMPOSSIBLE
        except (Failed, OSError) as reason:
            print(f"mdhub: {wanted.name} gateways: {reason}", file=sys.stderr)
            return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
