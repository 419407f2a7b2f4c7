"""What the hub knows of vnpy's packages without importing any."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from mdhub.runtime.gateway_packages import SETS, installed, known_versions, remedy, use_locale

ROOT = Path(__file__).resolve().parents[3]


def test_known_sets_are_those_that_make_gateways_installs() -> None:
    """The lock files say which versions are tested together."""
    for name, known in SETS.items():
        lock = (ROOT / f"requirements/gateways-{name}.txt").read_text(encoding="utf-8")
        pins = dict(re.findall(r"^([\w-]+)==(\S+)", lock, re.MULTILINE))
        assert {p: pins[p.replace("_", "-")] for p in known} == known


def test_a_missing_package_has_a_remedy() -> None:
    """A module may be in a package of another name: only known names make a command."""
    assert installed("no-such-package-here") == "" and installed("msgspec")
    assert (remedy("vnpy_ctp"), remedy("vnpy_tts")) == ("make gateways", "pip install vnpy_tts")
    assert remedy("my_gateways").startswith("install what brings 'my_gateways'")
    assert known_versions("vnpy_ctp") == ["6.7.11.4", "6.7.7.2"]
    assert known_versions("vnpy_tts") == []


def test_the_locale_of_the_installation_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless there is none, or the operator has named one."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    environment: dict[str, str] = {}
    use_locale(environment)
    assert environment == {}

    locales = tmp_path / "share/mdhub/locale"
    locales.mkdir(parents=True)
    use_locale(environment)
    assert environment == {"LOCPATH": str(locales)}

    environment = {"LOCPATH": "/mine"}
    use_locale(environment)
    assert environment == {"LOCPATH": "/mine"}
