"""Copy front-end libraries out of their npm packages: `make vendor`.

Those of the console's pages, and what the tests in a browser load. Exact versions, only the files
that are loaded, each with its licence, and the SHA-256 of every file in `SHA256SUMS` beside them,
which a test checks. npm is needed here only, never at run time.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PAGES: Final = Path("services/console/mdhub_console/static/vendor")
TESTS: Final = Path("tests/browser/vendor")
SUMS: Final = "SHA256SUMS"

Packages = dict[str, dict[str, str]]
"""Package and version -> file in it: its name here."""

OF_PAGES: Final[Packages] = {
    "htmx.org@2.0.11": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE"},
    "idiomorph@0.7.4": {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "LICENSE": "LICENSE"},
    "uplot@1.6.32": {
        "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
        "dist/uPlot.min.css": "uPlot.min.css",
        "LICENSE": "LICENSE",
    },
    "@fontsource-variable/inter@5.3.0": {
        "files/inter-latin-wght-normal.woff2": "inter.woff2",
        "LICENSE": "LICENSE",
    },
    "@fontsource-variable/jetbrains-mono@5.3.0": {
        "files/jetbrains-mono-latin-wght-normal.woff2": "jetbrains-mono.woff2",
        "LICENSE": "LICENSE",
    },
    "swagger-ui-dist@5.35.0": {
        "swagger-ui-bundle.js": "swagger-ui-bundle.js",
        "swagger-ui.css": "swagger-ui.css",
        "LICENSE": "LICENSE",
        "NOTICE": "NOTICE",
    },
}
OF_TESTS: Final[Packages] = {
    "axe-core@4.14.1": {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE"},
}


def main() -> None:
    """Replace the vendored files."""
    _fill(PAGES, OF_PAGES)
    _fill(TESTS, OF_TESTS)


def _fill(root: Path, packages: Packages) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for package, files in packages.items():
        name, _, version = package.rpartition("@")
        folder = root / f"{name.split('/')[-1].removesuffix('.org')}-{version}"
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            _take(package, files, folder, Path(scratch))
    (root / SUMS).write_text("".join(_sums(root)), encoding="utf-8")
    print(f"{root}: {len(packages)} packages")


def _take(package: str, files: dict[str, str], folder: Path, scratch: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("make vendor: npm was not found; install Node.js (only this needs it)")
    subprocess.run([npm, "pack", "--silent", package], cwd=scratch, check=True)
    with tarfile.open(next(scratch.glob("*.tgz"))) as packed:
        for inside, here in files.items():
            member = packed.extractfile(f"package/{inside}")
            if member is None:
                raise SystemExit(f"make vendor: {package} has no file {inside}")
            content = member.read()
            text = here.endswith((".js", ".css"))
            (folder / here).write_bytes(b"\n".join(_lines(content)) if text else content)


def _lines(content: bytes) -> list[bytes]:
    # Source maps are not shipped: a browser's tools would ask for them in vain.
    return [line for line in content.split(b"\n") if not line.startswith(b"//# sourceMappingURL=")]


def _sums(root: Path) -> list[str]:
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name != SUMS)
    return [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in files
    ]


if __name__ == "__main__":
    main()
