"""Whether this host's clock is kept, and runs evenly."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Words

__all__ = ["ClockFacts", "check_clock", "judge_kept", "judge_steady", "judge_zone"]

STA_UNSYNC: Final = 0x40
OFFSET_WARNING_MS: Final = 100.0
STEP_MS: Final = 20.0
WATCH_S: Final = 0.3
TOOL_LIMIT_S: Final = 2.0
CHRONY_OFFSET_FIELD: Final = 4
"""Of `chronyc -c tracking`: system time minus that of the reference, in seconds."""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What the kernel and a time daemon say of the clock."""

    synchronised: bool | None
    """None = cannot be told here."""
    offset_ms: float | None
    """Against the reference, as chrony tells; None = no chrony."""
    step_ms: float
    """How far wall and monotonic time drifted apart while we watched."""
    zone: str


class _Timex(ctypes.Structure):
    """Begin of Linux' struct timex; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 400),
    )


def check_clock() -> list[Finding]:
    """Ask kernel and chrony, and watch the clock for a moment."""
    wall_ns, steady_ns = time.time_ns(), time.monotonic_ns()
    synchronised, offset_ms = _synchronised(), _chrony_offset_ms()
    time.sleep(WATCH_S)
    step_ns = (time.time_ns() - wall_ns) - (time.monotonic_ns() - steady_ns)
    facts = ClockFacts(synchronised, offset_ms, step_ns / 1e6, "/".join(dict.fromkeys(time.tzname)))
    return [judge_kept(facts), judge_steady(facts), judge_zone(facts)]


def _synchronised() -> bool | None:
    """What `timedatectl` calls NTPSynchronized; asked of the kernel, so containers can too."""
    if sys.platform != "linux":
        return None
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not timex.status & STA_UNSYNC


def _chrony_offset_ms() -> float | None:
    program = shutil.which("chronyc")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-c", "-n", "tracking"], capture_output=True, text=True, errors="replace",
            check=True, timeout=TOOL_LIMIT_S,
        )  # fmt: skip
        return float(done.stdout.split(",")[CHRONY_OFFSET_FIELD]) * 1_000
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def judge_kept(facts: ClockFacts) -> Finding:
    """Somebody keeps the clock right."""
    check = "clock.kept"
    mend = "apt-get install chrony && systemctl enable --now chrony"
    expected = Words("kept by NTP or PTP", "由 NTP 或 PTP 校时")
    means = Words(
        "nobody corrects this clock: receive times drift, and with them lag and staleness",
        "没有人校正时钟：接收时间会漂移，延迟差和停滞判断也随之不准",
    )
    if facts.offset_ms is not None and abs(facts.offset_ms) >= OFFSET_WARNING_MS:
        found = Words(
            f"off by {facts.offset_ms:+.0f} ms (chrony)", f"偏差 {facts.offset_ms:+.0f} 毫秒"
        )
        means = Words("receive times are wrong by as much", "接收时间也有同样的偏差")
        mend = "chronyc makestep"
        expected = Words(f"< {OFFSET_WARNING_MS:g} ms", f"< {OFFSET_WARNING_MS:g} 毫秒")
        return Finding(check, Status.WARNING, found, expected, means, mend)
    if facts.synchronised:
        return Finding(
            check, Status.OK, Words("kept (kernel: synchronised)", "已校时（内核：已同步）")
        )
    if facts.synchronised is None:
        found = Words("this system does not tell", "此系统无法得知")
        return Finding(check, Status.HINT, found, expected, means, mend)
    found = Words("kernel: not synchronised", "内核：未同步")
    return Finding(check, Status.WARNING, found, expected, means, mend)


def judge_steady(facts: ClockFacts) -> Finding:
    """Wall time does not jump against monotonic time."""
    check = "clock.steady"
    found = Words(
        f"{facts.step_ms:+.1f} ms against monotonic time",
        f"与单调时间相差 {facts.step_ms:+.1f} 毫秒",
    )
    if abs(facts.step_ms) < STEP_MS:
        return Finding(check, Status.OK, found)
    means = Words(
        "something sets the clock in jumps: times of ticks jump with it",
        "有程序在跳跃式地改时钟：行情时间也会跳",
    )
    mend = Words(
        "let only one program keep the clock, and let it slew: chrony without makestep",
        "只让一个程序校时，并平滑调整：chrony 不用 makestep",
    )
    return Finding(check, Status.WARNING, found, f"< {STEP_MS:g} ms", means, mend)


def judge_zone(facts: ClockFacts) -> Finding:
    """The hub computes with China time by itself."""
    found = Words(f"{facts.zone}: makes no difference to the hub", f"{facts.zone}：对系统没有影响")
    return Finding("clock.zone", Status.OK, found)
