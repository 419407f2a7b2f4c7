"""Compiles the stand-in libraries of one gateway package, once per version, outside the tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.gateways.front.generate import Headers, cpp

__all__ = ["NoCompiler", "build", "include_folder"]

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread")
# vnpy_ctp 6.7.11 waits a second before it connects again; the others do not wait.
PATIENT = (6, 7, 11)


class NoCompiler(Exception):
    """No C++ compiler is on the PATH."""


def include_folder(source: Path) -> Path:
    """Find the vendor's headers in the unpacked source of vnpy_ctp or vnpy_sopt."""
    name = source.name.split("-")[0]
    return source / name / "api/include" / name.removeprefix("vnpy_")


def libraries(source: Path) -> Iterator[tuple[str, str]]:
    """Yield (side, file name) of the vendor libraries that are replaced."""
    for path in sorted(source.glob("vnpy_*/api/lib*.so")):
        yield ("td" if "trader" in path.name else "md"), path.name


def rejoin_ms(source: Path) -> int:
    package, version = source.name.split("-")
    numbers = tuple(int(part) for part in version.split("."))
    return 1000 if package == "vnpy_ctp" and numbers >= PATIENT else 0


def digest() -> str:
    """Fingerprint of what, beside the headers, decides the result."""
    names = ("build.py", "generate.py", "runtime.hpp")
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in names)).hexdigest()[:12]


def build(source: Path, cache: Path) -> Path:
    """Return the folder with both stand-ins for the package in `source`, for LD_LIBRARY_PATH.

    The folder's name holds package and version, so that no version meets another's headers.
    """
    target = cache / "front" / f"{source.name}-{digest()}"
    if target.is_dir():
        return target
    compiler = shutil.which(os.environ.get("CXX") or "c++")
    if compiler is None:
        raise NoCompiler("no C++ compiler on the PATH (Debian: apt-get install g++; or set CXX)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        for side, name in libraries(source):
            compile_one(compiler, source, side, Path(folder) / "libraries" / name)
        publish(Path(folder) / "libraries", target)
    return target


def publish(folder: Path, target: Path) -> None:
    """Show the finished folder at once; another run may have been faster."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def compile_one(compiler: str, source: Path, side: str, library: Path) -> None:
    headers = Headers(include_folder(source), side)
    library.parent.mkdir(exist_ok=True)
    code = library.parent.parent / f"{side}.cpp"
    code.write_text(cpp(headers, version=source.name, rejoin_ms=rejoin_ms(source)))
    includes = ["-I", str(HERE), "-I", str(include_folder(source))]
    command = [compiler, *FLAGS, f"-Wl,-soname,{library.name}", *includes, str(code)]
    done = subprocess.run(
        [*command, "-o", str(library)],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        words = "\n".join(line for line in done.stderr.splitlines() if "error" in line)
        raise AssertionError(f"the stand-in for {source.name} does not compile:\n{words[:2000]}")
