"""What the hub knows of vnpy's packages: tested versions, which are here, the locale they need.

Imports none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

__all__ = [
    "BUILT_BY_US",
    "LOCALE",
    "PACKAGE_OF",
    "SETS",
    "installed",
    "known_versions",
    "locale_folder",
    "remedy",
    "use_locale",
]

SETS: Final[Mapping[str, Mapping[str, str]]] = {
    "newest": {"vnpy": "4.5.0", "vnpy_ctp": "6.7.11.4", "vnpy_sopt": "3.7.1.2"},
    "pinned": {"vnpy": "4.1.0", "vnpy_ctp": "6.7.7.2", "vnpy_sopt": "3.7.1.0"},
}
"""What the hub is tested with; a test compares it with requirements/gateways-*.txt."""
BUILT_BY_US: Final = frozenset(SETS["newest"])
"""Packages that `make gateways` installs."""
PACKAGE_OF: Final[Mapping[str, str]] = {
    "ctp": "vnpy_ctp", "sopt": "vnpy_sopt", "tts": "vnpy_tts", "ib": "vnpy_ib"
}  # fmt: skip
"""By the source's type."""
LOCALE: Final = "zh_CN.GB18030"
"""The bindings convert text with it; without it they abort the process."""
_LOCPATH: Final = "LOCPATH"


def known_versions(package: str) -> list[str]:
    """Return the versions that the hub is tested with; empty = of no version is anything known."""
    return sorted({known[package] for known in SETS.values() if package in known})


def installed(package: str) -> str:
    """Return the version that is here, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def remedy(package: str) -> str:
    """Tell what brings a package (or module of that name) that is missing."""
    if package in BUILT_BY_US:
        return "make gateways"
    if package in PACKAGE_OF.values():
        return f"pip install {package}"
    return f"install what brings {package!r} into the environment of the hub"


def locale_folder() -> Path:
    """Return where `make gateways` puts the locale of this environment."""
    return Path(sys.prefix, "share", "mdhub", "locale")


def use_locale(environment: MutableMapping[str, str]) -> None:
    """Let the vendor's library find its locale, unless the operator said where it is."""
    folder = locale_folder()
    if not environment.get(_LOCPATH) and folder.is_dir():
        environment[_LOCPATH] = str(folder)
