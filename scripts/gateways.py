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
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
SOURCE_ONLY = ("vnpy-ctp", "vnpy-sopt")
LOCALE = "zh_CN.GB18030"
# Raised when the repair or the build changes, so that wheels built before are not used.
RECIPE = 1
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


class Impossible(Exception):
    """Something the machine lacks: says what was looked for and what to do."""


class Failed(Exception):
    """Something that should have worked did not."""


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


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mdhub/gateways"


def known_set(name: str) -> GatewaySet:
    """Newest lives beside mdhub itself; pinned has an environment of its own."""
    own = Path(os.environ.get("VENV") or ".venv")
    venv = own if name == "newest" else own.with_name(f"{own.name}-gateways-{name}")
    return GatewaySet(name=name, venv=ROOT / venv)


def tag() -> str:
    return f"{sys.implementation.cache_tag}-{platform.machine()}"


def say(text: str) -> None:
    print(f"mdhub: {text}", flush=True)


def run(
    command: Sequence[str | Path], what: str, *, error: type[Exception] = Failed, **changes: str
) -> str:
    """Run to the end and return what it printed; fail with its last words."""
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONNOUSERSITE": "1", **changes},
    )
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise error(f"{what} failed with exit code {done.returncode}:\n{words}")
    return done.stdout


# What the machine must have


def require_machine() -> None:
    """Check what no package brings, before anything is downloaded."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Impossible(
            f"the vendor libraries exist for Linux x86_64, found {sys.platform}"
            f" {platform.machine()}: run the gateways on another host or in a container"
        )
    compiler = os.environ.get("CXX") or "c++"
    if shutil.which(compiler) is None:
        raise Impossible(
            f"no C++ compiler: looked for {compiler!r} on the PATH"
            " (Debian: apt-get install g++; Fedora: dnf install gcc-c++; or set CXX)"
        )
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        raise Impossible(
            f"no Python headers: looked for {header} (Debian: apt-get install python3-dev)"
        )


def require_locale_sources() -> None:
    """The locale is compiled here; only its sources come from the system."""
    charmaps = Path(os.environ.get("I18NPATH") or "/usr/share/i18n") / "charmaps"
    if shutil.which("localedef") is None or not list(charmaps.glob("GB18030*")):
        raise Impossible(
            f"no sources for the locale {LOCALE}: looked for localedef and {charmaps}/GB18030.gz"
            " (Debian: apt-get install locales; Fedora: dnf install glibc-locale-source)"
        )


# Downloads and builds, kept outside the tree


def entries(lock: Path) -> dict[str, str]:
    """Map each package of a lock file to its pins with hashes, ready for pip."""
    found: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if match := re.match(r"([\w.-]+)==", line):
            found[match[1]] = found.get(match[1], "") + line + "\n"
    return found


def pinned_version(lock: Path, package: str) -> str:
    return entries(lock)[package].split("==")[1].split()[0]


def source_folder(lock: Path, package: str) -> Path:
    """Where the unpacked source distribution is kept; tests read vendor headers there."""
    name = package.replace("-", "_")
    return cache() / "sources" / f"{name}-{pinned_version(lock, package)}"


def pip(python: Path, *arguments: str | Path) -> list[str | Path]:
    return [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]


def build_environment() -> Path:
    """Return the environment with meson and friends, made on first use."""
    lock = REQUIREMENTS / "gateways-build.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache() / "build" / f"{tag()}-{digest}"
    if not (folder / "complete").exists():
        say("installing the build tools")
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", folder], "making the build environment")
        arguments = ["-q", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", lock]
        command = pip(folder / "bin/python", "install", *arguments)
        run(command, "installing the build tools", error=Impossible)
        (folder / "complete").touch()
    return folder / "bin"


def build_path(tools: Path) -> str:
    return f"{tools}{os.pathsep}{os.environ['PATH']}"


def fetch(lock: Path, package: str, tools: Path) -> Path:
    """Download a source distribution, checked by hash, and unpack it."""
    target = source_folder(lock, package)
    if target.is_dir():
        return target
    say(f"downloading the source of {target.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        pin = Path(folder) / "pin.txt"
        pin.write_text(entries(lock)[package], encoding="utf-8")
        options = ["-q", "--no-deps", "--no-build-isolation", "--no-binary", ":all:"]
        arguments = [*options, "--require-hashes", "-r", pin, "-d", folder]
        command = pip(tools / "python", "download", *arguments)
        run(command, f"downloading {target.name}", error=Impossible, PATH=build_path(tools))
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        (Path(folder) / target.name).rename(target)
    return target


def repair(source: Path, tools: Path) -> None:
    """Name each vendor library that the build links by path, else the path is recorded."""
    if "-lthost" in (recipe := (source / "meson.build").read_text(encoding="utf-8")):
        return
    if "-lsoptthost" in recipe:
        return
    for library in source.glob("vnpy_*/api/lib*.so"):
        run([tools / "patchelf", "--set-soname", library.name, library], "patchelf")


def require_plain_links(wheel: Path, tools: Path) -> None:
    """Each binding must look for its vendor library by name, beside itself."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.search(r"/api/vn\w+\.\S*so$", name):
                binding = archive.extract(name, folder)
                needed = run([tools / "patchelf", "--print-needed", binding], "patchelf")
                runpath = run([tools / "patchelf", "--print-rpath", binding], "patchelf").strip()
                if "/" in needed or "thost" not in needed or not runpath.startswith("$ORIGIN"):
                    raise Failed(
                        f"{wheel.name}: {name} needs {needed.split()} on {runpath!r}, expected"
                        " the vendor library by plain name on $ORIGIN"
                    )


def wheel_of(lock: Path, package: str) -> Path:
    """Return the built wheel of a package, building it when there is none yet."""
    tools = build_environment()
    source = fetch(lock, package, tools)
    shelf = cache() / "wheels" / f"{tag()}-r{RECIPE}"
    shelf.mkdir(parents=True, exist_ok=True)
    if built := sorted(shelf.glob(f"{source.name}-*.whl")):
        return built[0]
    require_machine()
    say(f"building {source.name} (about a minute)")
    with tempfile.TemporaryDirectory(dir=shelf) as folder:
        copy = Path(folder) / source.name
        shutil.copytree(source, copy)
        repair(copy, tools)
        options = ["-q", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
        command = pip(tools / "python", "wheel", *options, copy)
        run(command, f"building {source.name}", PATH=build_path(tools))
        wheel = next(Path(folder).glob("*.whl"))
        require_plain_links(wheel, tools)
        return wheel.rename(shelf / wheel.name)


# Installation


def install(wanted: GatewaySet) -> None:
    wheels = [wheel_of(wanted.lock, package) for package in SOURCE_ONLY]
    if wanted.name != "newest":
        changes = {"VENV": str(wanted.venv), "PYTHON": os.path.realpath(sys.executable)}
        say(f"bringing {wanted.venv.name} up to requirements/demo.txt")
        run(["sh", ROOT / "scripts/bootstrap.sh", "demo"], "bootstrap.sh", **changes)
    say(f"installing the {wanted.name} gateways into {wanted.venv.name}")
    others = [entry for name, entry in entries(wanted.lock).items() if name not in SOURCE_ONLY]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(others), encoding="utf-8")
        options = ["-q", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", pins]
        command = pip(wanted.python, "install", *options)
        run(command, "installing vnpy", error=Impossible)
    options = ["-q", "--no-deps", "--no-index", "--force-reinstall"]
    run(pip(wanted.python, "install", *options, *wheels), "installing the gateways")


def make_locale(wanted: GatewaySet) -> None:
    """Compile the locale into the environment; root is not needed."""
    target = wanted.locales / LOCALE
    if (target / "LC_CTYPE").is_file():
        return
    require_locale_sources()
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
    return wanted.stamp.is_file() and wanted.stamp.read_text() == recorded(wanted)


@contextmanager
def alone() -> Iterator[None]:
    """Several checkouts share the cache; one builds, the others wait for its wheels."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def bring_up(wanted: GatewaySet) -> None:
    if up_to_date(wanted):
        say(f"the {wanted.name} gateways are in {wanted.venv.name}")
        return
    started_s = time.monotonic()
    require_machine()
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


def main() -> int:
    chosen = options()
    code = 0
    for wanted in [known_set(name) for name in chosen.sets or ["newest"]]:
        try:
            if chosen.where:
                print(json.dumps(where(wanted)))
            else:
                bring_up(wanted)
        except Impossible as reason:
            if not chosen.where:
                wanted.excuse.parent.mkdir(parents=True, exist_ok=True)
                wanted.excuse.write_text(str(reason))
            print(f"mdhub: no {wanted.name} gateways: {reason}", file=sys.stderr)
            code = 0 if chosen.optional else IMPOSSIBLE
        except Failed as reason:
            print(f"mdhub: {wanted.name} gateways: {reason}", file=sys.stderr)
            return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
