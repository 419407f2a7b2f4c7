"""What the doctor finds, ready for its template. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from mdhub.cli.doctor.finding import Finding, Status, told
from mdhub.cli.doctor.show import verdict
from mdhub_console.identity.model import Language
from mdhub_console.pages.verdict import Tone
from mdhub_console.read.doctor import Examined

__all__ = ["doctor_of"]

TONES: Final[Mapping[Status, Tone]] = {
    Status.OK: "ok",
    Status.HINT: "info",
    Status.WARNING: "warn",
    Status.ERROR: "down",
    Status.SKIPPED: "off",
}
WORST_FIRST: Final = (Status.ERROR, Status.WARNING, Status.HINT)
_TEXTS: Final = ("found", "expected", "means", "mend")


def doctor_of(examined: Examined, language: Language) -> dict[str, Any]:
    """Context of `parts/system_doctor.html`: what is wrong, the worst first, then the rest."""
    findings = examined.findings
    counts = Counter(each.status for each in findings)
    return {
        "examined": examined,
        "verdict": verdict(findings, language) if findings else "",
        "verdict_tone": next((TONES[s] for s in WORST_FIRST[:2] if counts[s]), "ok"),
        "wrong": [
            _shown(each, language)
            for status in WORST_FIRST
            for each in findings
            if each.status is status
        ],
        "fine": [_shown(each, language) for each in findings if each.status not in WORST_FIRST],
    }


def _shown(finding: Finding, language: Language) -> dict[str, str]:
    texts = {name: told(getattr(finding, name), language) for name in _TEXTS}
    return {"check": finding.check, "tone": TONES[finding.status], **texts}
