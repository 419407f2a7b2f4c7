"""The knobs of the alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from mdhub.config.base import Knobs, Name
from mdhub.runtime.secret import REFERENCE, is_reference

__all__ = ["AlertKnobs"]


class AlertKnobs(Knobs):
    """Alerts (docs/alerts.md): whom the monitor tells of what it finds."""

    hub: str = Field(default="mdhub", min_length=1, max_length=32)
    """Name of this hub in the messages; a robot that wants a keyword can be given this one."""
    channels: dict[Name, str] = Field(default={}, max_length=16, examples=[{"ops": "env:OPS_URL"}])
    """Name of each channel and where its address is, env:NAME or file:/path; the addresses are
    those of Apprise (mailtos://, dingtalk://, wecombot://, feishu://, json:// and many more), or
    jsonl:///path for a file. In a file a relative path counts from the file's folder."""
    severity: Literal["info", "warning", "error"] = "warning"
    """What is lighter is not told: error = somebody now, warning = somebody later."""
    language: Literal["en", "zh", "both"] = "en"
    """Language of the messages."""
    merge_s: float = Field(default=3.0, ge=0.1, le=300)
    """What begins within so long is one message."""
    repeat_s: float = Field(default=1_800.0, ge=0, le=86_400)
    """Pause before what lasts is told again; it doubles each time, up to 8 hours. 0: once only."""
    quiet: str = Field(
        default="",
        pattern=r"^(|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$",
        examples=["23:00-07:00"],
    )
    """Hours, China time, in which only errors are told; the rest follows if it still lasts."""
    docs_url: str = Field(default="", max_length=200, examples=["https://docs.example/mdhub/"])
    """Begin of the links to the run-books; empty: paths within the repository."""

    @field_validator("channels")
    @classmethod
    def _by_reference(cls, channels: dict[str, str]) -> dict[str, str]:
        literal = [
            name
            for name, address in channels.items()
            if not is_reference(address) and not address.startswith("jsonl://")
        ]
        if literal:
            raise ValueError(
                f"channel {', '.join(literal)} holds an address in plain text, "
                f"expected {REFERENCE} (only jsonl:///path may stand there)"
            )
        return channels
