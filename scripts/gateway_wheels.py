"""Wheels of vnpy_ctp and vnpy_sopt, built once per version and Python, kept outside the tree.

Both packages are published as source only. The source is downloaded by hash, the links to the
vendor's libraries are repaired, and the wheel is checked before it is kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
SOURCE_ONLY = ("vnpy-ctp", "vnpy-sopt")
# Raised when the repair or the build changes, so that wheels built before are not used.
RECIPE = 1


class Impossible(Exception):
    """Something the machine lacks: says what was looked for and what to do."""


class Failed(Exception):
    """Something that should have worked did not."""


def cache() -> Path:
    """Where downloads and builds are kept, for every checkout of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mdhub/gateways"


def tag() -> str:
    """Name what a wheel is built for."""
    return f"{sys.implementation.cache_tag}-{platform.machine()}"


def say(text: str) -> None:
    """Show progress."""
    print(f"mdhub: {text}", flush=True)


def run(
    command: Sequence[str | Path],
    what: str,
    *,
    error: type[Exception] = Failed,
    changes: Mapping[str, str] | None = None,
) -> str:
    """Run to the end and return what it printed; fail with its last words."""
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONNOUSERSITE": "1", **(changes or {})},
    )
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise error(f"{what} failed with exit code {done.returncode}:\n{words}")
    return done.stdout


def pip(python: Path, *arguments: str | Path) -> list[str | Path]:
    """Give a pip command that installs exactly what it is told, nothing else."""
    quiet = ["-qq", "--disable-pip-version-check", "--no-input"]
    return [python, "-m", "pip", *quiet, arguments[0], "--no-deps", *arguments[1:]]


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


# Downloads and builds, kept outside the tree


def entries(lock: Path) -> dict[str, str]:
    """Map each package of a lock file to its pins with hashes, ready for pip."""
    found: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if match := re.match(r"([\w.-]+)==", line):
            found[match[1]] = found.get(match[1], "") + line + "\n"
    return found


def pinned_version(lock: Path, package: str) -> str:
    """Read the one version a lock allows."""
    return entries(lock)[package].split("==")[1].split()[0]


def source_folder(lock: Path, package: str) -> Path:
    """Where the unpacked source distribution is kept; tests read vendor headers there."""
    name = package.replace("-", "_")
    return cache() / "sources" / f"{name}-{pinned_version(lock, package)}"


def build_environment() -> Path:
    """Return the environment with meson and friends, made on first use."""
    lock = REQUIREMENTS / "gateways-build.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache() / "build" / f"{tag()}-{digest}"
    if not (folder / "complete").exists():
        say("installing the build tools")
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", folder], "making the build environment")
        command = pip(folder / "bin/python", "install", "--only-binary", ":all:")
        command += ["--require-hashes", "-r", lock]
        run(command, "installing the build tools", error=Impossible)
        (folder / "complete").touch()
    return folder / "bin"


def build_path(tools: Path) -> dict[str, str]:
    """Let meson find the Python that has pybind11 under the name python3."""
    return {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}


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
        command = pip(tools / "python", "download", "--no-build-isolation", "--no-binary", ":all:")
        command += ["--require-hashes", "-r", pin, "-d", folder]
        what = f"downloading {target.name}"
        run(command, what, error=Impossible, changes=build_path(tools))
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            # Python before 3.11.4 has no filters; the hash was checked either way.
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            archive.extractall(folder)  # noqa: S202  # nosec B202 # what the lock pins by hash
        (Path(folder) / target.name).rename(target)
    return target


def repair(source: Path, tools: Path) -> None:
    """Name each vendor library that the build links by path, else the path is recorded."""
    if re.search(r"-l(sopt)?thost", (source / "meson.build").read_text(encoding="utf-8")):
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


def build(source: Path, tools: Path, shelf: Path) -> Path:
    """Repair a copy of the source, build its wheel, check it and put it on the shelf."""
    say(f"building {source.name} (about a minute)")
    shelf.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf) as folder:
        copy = Path(folder) / source.name
        shutil.copytree(source, copy)
        repair(copy, tools)
        command = pip(tools / "python", "wheel", "--no-build-isolation", "--wheel-dir", folder)
        run([*command, copy], f"building {source.name}", changes=build_path(tools))
        wheel = next(Path(folder).glob("*.whl"))
        require_plain_links(wheel, tools)
        return wheel.rename(shelf / wheel.name)


def wheel_of(lock: Path, package: str) -> Path:
    """Return the built wheel of a package, building it when there is none yet."""
    source = source_folder(lock, package)
    shelf = cache() / "wheels" / f"{tag()}-r{RECIPE}"
    built = sorted(shelf.glob(f"{source.name}-*.whl"))
    if built and source.is_dir():
        return built[0]
    require_machine()
    tools = build_environment()
    fetch(lock, package, tools)
    return built[0] if built else build(source, tools, shelf)
