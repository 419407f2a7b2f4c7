"""What to do about a finding: one sentence for each rule, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mdhub.health.model import Finding

__all__ = ["HINTS", "hint_of"]

HINTS: Final[Mapping[str, tuple[str, str]]] = {
    "service_down": (
        "start {subject} again (mdhub up, mdhub run), or see why it stopped in its log",
        "重新启动 {subject}（mdhub up 或 mdhub run），并在其日志中查看停止原因",
    ),
    "shard_unled": (
        "start an arbiter of this shard (mdhub run arbiter --shard), or see why it stopped",
        "启动该分片的仲裁进程（mdhub run arbiter --shard），并查看其停止原因",
    ),
    "no_standby": (
        "start a second arbiter (mdhub run arbiter --id B); until then do not stop the first",
        "启动第二个仲裁进程（mdhub run arbiter --id B）；在此之前不要停止第一个",
    ),
    "standby_ineligible": (
        "run one release of mdhub everywhere, see mdhub verify, then restart the standby",
        "各处统一 mdhub 版本，运行 mdhub verify，然后重启备用仲裁",
    ),
    "log_stalled": (
        "look at arbiter and server: mdhub status; mdhub failover if the leader hangs",
        "检查仲裁与服务器：mdhub status；若主仲裁挂起，执行 mdhub failover",
    ),
    "all_sources_silent": (
        "check network and the exchanges' notices first: restarting sources does not help",
        "先检查网络与交易所公告：重启行情源无济于事",
    ),
    "source_silent": (
        "mdhub sources restart {subject} --dry-run, then without; then ask the broker",
        "先执行 mdhub sources restart {subject} --dry-run，再正式执行；之后联系期货公司",
    ),
    "source_disconnected": (
        "check front address and network (mdhub doctor --fronts); the hub goes on trying",
        "检查前置地址与网络（mdhub doctor --fronts）；系统会继续重连",
    ),
    "source_frozen": (
        "mdhub sources restart {subject}; if it comes back frozen, mute it",
        "执行 mdhub sources restart {subject}；若仍重复旧行情，则将其静音",
    ),
    "source_lagging": (
        "prefer another source (mdhub sources prefer), look at this one's line and load",
        "改用其他行情源（mdhub sources prefer），检查该源的线路与负载",
    ),
    "source_restarting": (
        "see its log for the reason; mdhub sources hold {subject} ends the restarts",
        "在日志中查看原因；mdhub sources hold {subject} 可停止反复重启",
    ),
    "source_quarantined": (
        "mend the reason in its log, then mdhub sources restart {subject}",
        "按日志排除原因，然后执行 mdhub sources restart {subject}",
    ),
    "canary_silent": (
        "look whether the contract still trades; if so, restart the source that lacks it",
        "确认该合约是否仍在交易；若是，重启缺少它的行情源",
    ),
    "contract_silent": (
        "look whether the contract trades at all, then at the sources' subscriptions",
        "先确认该合约是否有交易，再检查各行情源的订阅",
    ),
    "coverage_low": (
        "see which contracts are missing (mdhub health --json), then the sources' subscriptions",
        "查看缺少哪些合约（mdhub health --json），再检查各行情源的订阅",
    ),
    "rejections_high": (
        "see the reasons (mdhub status), mute the source if its ticks are wrong",
        "查看拒绝原因（mdhub status）；若行情错误，将该源静音",
    ),
    "server_memory": (
        "raise maxmemory_mb of [server], or keep less ([retention])",
        "提高 [server] 的 maxmemory_mb，或减少保留量（[retention]）",
    ),
    "server_fsync": (
        "the disk is slow: move other load away from it, see mdhub doctor",
        "磁盘太慢：移走其他负载，参见 mdhub doctor",
    ),
    "server_away": (
        "start the server again (mdhub up does so by itself), look at its log and its disk",
        "重新启动服务器（mdhub up 会自动完成），检查其日志与磁盘",
    ),
    "clock_offset": (
        "bring the clocks of all hosts together (chrony), see mdhub doctor",
        "同步所有主机的时钟（chrony），参见 mdhub doctor",
    ),
    "disk_space": (
        "free space where the server keeps its data: when it is full nothing is written",
        "释放服务器数据所在磁盘的空间：写满后将无法写入",
    ),
    "calendar_horizon": (
        "give a calendar that reaches further (override of [calendar], or a newer mdhub)",
        "提供覆盖更久的交易日历（[calendar] 的 override，或升级 mdhub）",
    ),
    "reader_behind": (
        "look at the host of {subject}: it is too slow, or it hangs",
        "检查 {subject} 所在主机：处理太慢或已挂起",
    ),
    "reader_overtaken": (
        "what {subject} had not read is gone: restart it, raise [retention]",
        "{subject} 未读的内容已被清除：重启它，并提高 [retention]",
    ),
    "slow_clients": (
        "find the strategy that does not read fast enough: its own queue drops",
        "找出读取太慢的策略：它的队列正在丢弃数据",
    ),
    "checklist_failed": (
        "see which check failed (events of kind checklist), mend it before the open",
        "查看哪一项检查失败（checklist 事件），并在开盘前排除",
    ),
    "schedule_missed": (
        "see whether the supervisor runs; mdhub sources start {subject} starts it by hand",
        "检查监管进程是否运行；mdhub sources start {subject} 可手动启动",
    ),
    "error_logged": (
        "read the line in the log of {subject}",
        "查看 {subject} 日志中的该行",
    ),
    "gap": (
        "ticks of this time are missing for good: see which sources were down, tell the users",
        "该时段的行情已无法补回：查看当时哪些源中断，并通知使用者",
    ),
}
"""By rule: English, Chinese. `{subject}` is what the finding is about."""

_UNKNOWN: Final = ("see docs/ops and mdhub status", "参见 docs/ops 与 mdhub status")


def hint_of(finding: Finding, language: str) -> str:
    """What to do about a finding; `language` is `en` or `zh`."""
    words = HINTS.get(finding.rule, _UNKNOWN)[language == "zh"]
    return words.replace("{subject}", finding.subject or "the hub")
