"""What is wrong with a server, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mdhub.cli.doctor.finding import Finding, Status, Text, Words
from mdhub.streams.errors import StreamsError

__all__ = [
    "ServerLook",
    "judge_clock",
    "judge_durability",
    "judge_functions",
    "judge_latency",
    "judge_memory",
    "judge_policy",
    "judge_refusal",
    "judge_version",
    "judges",
]

OLDEST_MAJOR: Final = 7
MEMORY_ALARM_PERCENT: Final = 70
"""As the monitor and `mdhub status`."""
PING_HINT_US: Final = 1_000
PING_WARNING_US: Final = 5_000
CLOCK_WARNING_MS: Final = 500
CLOCK_ERROR_MS: Final = 2_000
"""Beyond it a tick's source counts as one with a faulty clock."""


@dataclass(frozen=True, slots=True)
class ServerLook:
    """One look at a server that answers."""

    where: str
    own: bool
    """The embedded one; else it was named."""
    profile: str
    version: str
    redis_version: str
    """Of the command set: Valkey says 7.2.4."""
    ping_us: float
    """Median of some round trips."""
    clock_offset_ms: float
    """Its clock minus ours."""
    used_bytes: int
    limit_bytes: int
    """0 = no limit."""
    policy: str
    settings: Mapping[str, str] | None
    """appendonly and appendfsync; None = it does not tell."""
    refusal: StreamsError | None
    """Why it does not take the log's functions or a write."""


def judges(look: ServerLook) -> list[Finding]:
    """Every verdict over a server that answers."""
    return [
        judge_version(look),
        judge_functions(look),
        judge_policy(look),
        judge_durability(look),
        judge_memory(look),
        judge_latency(look),
        judge_clock(look),
    ]


def judge_refusal(error: StreamsError, where: str) -> Finding:
    """A server that does not answer, or not as one."""
    return Finding(
        "server.reach", Status.ERROR, f"{where}: {error}",
        Words("a Redis or Valkey server that answers", "能应答的 Redis 或 Valkey 服务器"),
        error.meaning or Words("the hub has no log", "系统没有日志"), error.way_out,
    )  # fmt: skip


def judge_version(look: ServerLook) -> Finding:
    """Functions came with Redis 7."""
    check, found = "server.version", f"{look.version} ({look.where})"
    major = look.redis_version.partition(".")[0]
    if major.isdecimal() and int(major) >= OLDEST_MAJOR:
        return Finding(check, Status.OK, found)
    means = Words("it has no functions, the only writers of the log", "没有函数功能，无法写日志")
    mend = Words("install Redis 7.0 or Valkey 7.2 or newer", "请安装 Redis 7.0 或 Valkey 7.2 以上")
    return Finding(check, Status.ERROR, found, "Redis 7.0+, Valkey 7.2+", means, mend)


def judge_functions(look: ServerLook) -> Finding:
    """The log's functions are loaded and a write is taken."""
    check = "server.functions"
    if look.refusal is None:
        found = Words(
            "the log's functions are loaded, writes are taken", "日志函数已加载，可以写入"
        )
        return Finding(check, Status.OK, found)
    return Finding(
        check, Status.ERROR, str(look.refusal),
        Words("it takes the log's functions and writes", "能加载日志函数并写入"),
        look.refusal.meaning or Words("the log cannot be written", "无法写日志"),
        look.refusal.way_out,
    )  # fmt: skip


def judge_policy(look: ServerLook) -> Finding:
    """A server that drops keys when it is full drops the log."""
    check = "server.policy"
    if look.policy == "noeviction":
        return Finding(check, Status.OK, look.policy)
    means = Words(
        "when its memory is full it throws away parts of the log without a word",
        "内存满时会不声不响地丢掉部分日志",
    )
    mend = _change(look, "maxmemory-policy noeviction")
    found: Text = look.policy or Words("not told", "未知")
    status = Status.ERROR if look.policy else Status.WARNING
    return Finding(check, status, found, "noeviction", means, mend)


def judge_durability(look: ServerLook) -> Finding:
    """What a profile promises is what the server does."""
    check = "server.durability"
    expected = "everysec" if look.profile == "fast" else "always"
    wanted = f"appendonly yes, appendfsync {expected} (profile {look.profile})"
    if look.settings is None:
        means = Words(
            "whether it keeps what it acknowledged is not known; the hub then assumes that it "
            "does not",
            "不知道它是否保住已确认的数据；系统会按不保住处理",
        )
        allow = Words("let this user ask CONFIG GET", "请允许该用户执行 CONFIG GET")
        return Finding(check, Status.HINT, Words("not told", "未知"), wanted, means, allow)
    only = look.settings.get("appendonly", "?")
    fsync = look.settings.get("appendfsync", "?")
    found = f"appendonly {only}, appendfsync {fsync}"
    mend = _change(look, f"appendonly yes appendfsync {expected}")
    if only != "yes":
        means = Words("a restart of the server loses the log", "服务器重启会丢失日志")
        return Finding(check, Status.ERROR, found, wanted, means, mend)
    if fsync in {"always", expected}:
        return Finding(check, Status.OK, found)
    if look.profile != "fast":
        means = Words(
            f"a power cut may lose what was acknowledged, which profile {look.profile} promises "
            "not to",
            f"断电可能丢失已确认的数据，而 {look.profile} 模式承诺不会",
        )
        return Finding(check, Status.ERROR, found, wanted, means, mend)
    means = Words(
        "a power cut may lose more than the 2 s of profile fast",
        "断电丢失的数据可能超过 fast 模式的 2 秒",
    )
    return Finding(check, Status.WARNING, found, wanted, means, mend)


def judge_memory(look: ServerLook) -> Finding:
    """How full it is; a full one refuses writes."""
    check = "server.memory"
    used_mb = look.used_bytes // (1 << 20)
    if not look.limit_bytes:
        means = Words(
            "it takes memory until the system kills it, and the log with it",
            "内存会一直增长，直到被系统杀掉",
        )
        return Finding(
            check, Status.HINT, Words(f"{used_mb} MB, no limit", f"{used_mb} MB，没有上限"),
            Words("a limit (maxmemory)", "有上限（maxmemory）"), means,
            _change(look, "maxmemory 2gb"),
        )  # fmt: skip
    percent = 100 * look.used_bytes // look.limit_bytes
    found = f"{percent} % ({used_mb} / {look.limit_bytes // (1 << 20)} MB)"
    if percent < MEMORY_ALARM_PERCENT:
        return Finding(check, Status.OK, found)
    means = Words("when it is full it refuses every tick", "满了以后拒绝所有行情")
    mend = Words(
        "raise maxmemory_mb of [server], or keep less ([retention])",
        "调大 [server] 的 maxmemory_mb，或减少保留（[retention]）",
    )
    full = look.used_bytes >= look.limit_bytes
    status = Status.ERROR if full else Status.WARNING
    return Finding(check, status, found, f"< {MEMORY_ALARM_PERCENT} %", means, mend)


def judge_latency(look: ServerLook) -> Finding:
    """Each append waits at least one round trip."""
    check = "server.latency"
    found = f"{look.ping_us / 1_000:.2f} ms (PING, p50)"
    if look.ping_us <= PING_HINT_US:
        return Finding(check, Status.OK, found)
    means = Words("every tick waits for several such round trips", "每笔行情都要等待多次这样的往返")
    mend = Words(
        "run the server on this host, or see what keeps it or the network busy",
        "把服务器放在本机，或查看它或网络为何繁忙",
    )
    status = Status.HINT if look.ping_us <= PING_WARNING_US else Status.WARNING
    return Finding(check, status, found, f"<= {PING_HINT_US / 1_000:g} ms", means, mend)


def judge_clock(look: ServerLook) -> Finding:
    """Its clock makes stream ids, ours receive times."""
    check, off_ms = "server.clock", look.clock_offset_ms
    found = Words(f"{off_ms:+.0f} ms against this host", f"与本机相差 {off_ms:+.0f} 毫秒")
    if abs(off_ms) < CLOCK_WARNING_MS:
        return Finding(check, Status.OK, found)
    means = Words(
        "receive times and log times disagree; from 2 s on sources count as faulty",
        "接收时间与日志时间不一致；超过 2 秒行情源会被判为时钟故障",
    )
    mend = Words(
        "keep both clocks with chrony: apt-get install chrony",
        "两台机器都用 chrony 校时：apt-get install chrony",
    )
    status = Status.ERROR if abs(off_ms) >= CLOCK_ERROR_MS else Status.WARNING
    return Finding(check, status, found, f"< {CLOCK_WARNING_MS} ms", means, mend)


def _change(look: ServerLook, settings: str) -> Text:
    """How to give the server other settings, so that they stay."""
    if look.own:
        return Words(
            "restart the hub: mdhub up starts its server with the right settings",
            "重启系统：mdhub up 会用正确的设置启动服务器",
        )
    unix = look.where.startswith("unix:")
    client = f"redis-cli {'-s' if unix else '-u'} {look.where.removeprefix('unix://')}"
    return f"{client} CONFIG SET {settings} && {client} CONFIG REWRITE"
