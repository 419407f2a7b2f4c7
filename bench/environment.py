"""What only peers, profiles and plots need: an environment beside the ordinary one, on demand.

`.venv-bench` holds requirements/bench*.txt and sees the packages of the environment that runs the
bench, so that every side uses the same pyzmq and msgspec. The NATS server is Debian's, unpacked
there; the system stays as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zlib
from pathlib import Path

from bench.model import BenchError

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv-bench"
PYTHON = ENVIRONMENT / "bin" / "python"
LOCKS = (ROOT / "requirements/bench.txt", ROOT / "requirements/bench-vnpy.txt")
NATS_FOLDER = ENVIRONMENT / "nats"
TIMEOUT_S = 600


def bench_python(*, may_install: bool = True) -> Path:
    """Interpreter that has the peers. Raises BenchError with the reason if there is none."""
    stamp = ENVIRONMENT / ".mdhub-bench"
    wanted = str(zlib.crc32(b"".join(lock.read_bytes() for lock in LOCKS)))
    if stamp.is_file() and stamp.read_text() == wanted:
        return PYTHON
    if not may_install:
        raise BenchError(f"{ENVIRONMENT.name} is not made yet; `make bench` makes it")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _call(sys.executable, "-m", "venv", ENVIRONMENT)
    for lock in LOCKS:
        _call(
            PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input",
            "--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", lock,
        )  # fmt: skip
    _share_packages()
    stamp.write_text(wanted)
    return PYTHON


def nats_server(*, may_install: bool = True) -> Path:
    """A `nats-server` binary. Raises BenchError with the reason if there is none."""
    unpacked = NATS_FOLDER / "usr/sbin/nats-server"
    for candidate in (shutil.which("nats-server"), "/usr/sbin/nats-server", unpacked):
        if candidate is not None and Path(candidate).is_file():
            return Path(candidate)
    if not may_install:
        raise BenchError("no nats-server on PATH; `make bench` fetches Debian's")
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise BenchError("no nats-server on PATH, and no apt-get to fetch Debian's with")
    NATS_FOLDER.mkdir(parents=True, exist_ok=True)
    _call("apt-get", "download", "-qq", "nats-server", cwd=NATS_FOLDER)
    package = next(NATS_FOLDER.glob("nats-server_*.deb"))
    _call("dpkg-deb", "-x", package, NATS_FOLDER)
    return unpacked


def version_of(package: str) -> str:
    """Version of a package of the bench environment; empty if it is not there."""
    if not PYTHON.exists():
        return ""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _share_packages() -> None:
    own = sysconfig.get_path("purelib", vars={"base": str(ENVIRONMENT)})
    base = sysconfig.get_path("purelib")
    line = f"import site; site.addsitedir({base!r})\n"
    (Path(own) / "mdhub-base.pth").write_text(line)


def _call(*command: str | Path, cwd: Path = ROOT) -> None:
    words = list(map(str, command))
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, cwd=cwd, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{words[0]} could not be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BenchError(f"`{' '.join(words[:4])} ...` failed: {said[-1] if said else 'no reason'}")
