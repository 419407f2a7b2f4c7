"""The Chinese words of the rules; see `mdhub.health.words`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["DONE", "LABELS", "WORDS"]

WORDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "service_down": (
        "服务 {subject} 已停止",
        "心跳中断时间超过允许的上限。",
        "由 mdhub up、systemd 或 Docker 启动的服务会被自动重启。",
        "若仍未恢复，请查看其最后的日志并重新启动。",
    ),
    "shard_unled": (
        "日志无主 {subject}",
        "该分片没有仲裁进程：策略收不到其合约的行情。",
        "如有备机，会在四分之一秒内自动接管。",
        "请立即为该分片启动仲裁进程（mdhub run arbiter），并查看 mdhub status。",
    ),
    "no_standby": (
        "没有备用仲裁进程 {subject}",
        "主进程工作正常，但一旦退出将无人接管。",
        "无：需要人工启动第二个仲裁进程。",
        "请启动第二个仲裁进程；在此之前，盘中不要重启主进程。",
    ),
    "standby_ineligible": (
        "备机 {subject} 不得接管",
        "其计算结果两次与主进程不一致，已被排除。",
        "主进程继续工作；备机重新加载后仍不一致。",
        "请保留日志，运行 mdhub verify 并上报，然后重启备机。",
    ),
    "log_stalled": (
        "日志停滞 {subject}",
        "日志时间不再前进：主进程存活但没有提交。",
        "若主进程心跳也停止，备机会自动接管。",
        "请检查服务器和主进程（mdhub status），可用 mdhub failover 切换。",
    ),
    "all_sources_silent": (
        "所有行情源静默",
        "市场应处于交易中却没有任何行情：交易所暂停、日历错误或本机网络故障。",
        "不重启任何行情源：没有哪一路更差。",
        "请检查本机网络、期货公司公告和交易日历（mdhub calendar）。",
    ),
    "source_silent": (
        "行情源 {subject} 静默",
        "其他行情源仍在更新，而该源的活跃合约没有变化。",
        "已标记为中断，其进程会被强制结束并替换。",
        "其他源正常时无需处理；若反复出现，请联系期货公司。",
    ),
    "source_disconnected": (
        "行情源 {subject} 未连接",
        "当前时段需要该源，但尚未登录前置。",
        "按递增间隔重试，不超过期货公司的登录限制。",
        "请检查前置地址、密码和期货公司公告：mdhub doctor --fronts。",
    ),
    "source_frozen": (
        "行情源 {subject} 重复旧数据",
        "仍有行情推送，但内容或时间不再变化。",
        "已标记为中断，其进程会被强制结束并替换。",
        "请重启该源（mdhub sources restart {subject}）；若反复出现，请屏蔽该源并联系期货公司。",
    ),
    "source_lagging": (
        "行情源 {subject} 滞后",
        "其行情明显晚于最快的行情源。",
        "无：始终采用最先到达的行情。",
        "请检查到该期货公司的网络；目前少了一路快速行情。",
    ),
    "source_restarting": (
        "行情源 {subject} 反复重启",
        "其进程在短时间内被多次替换。",
        "按递增间隔重启，次数过多则隔离。",
        "请查看其日志中的原因。",
    ),
    "source_quarantined": (
        "行情源 {subject} 已隔离",
        "失败次数过多，不再启动。",
        "不再处理该源；其他行情源继续工作。",
        "排除原因后重新启用：mdhub sources start {subject}。",
    ),
    "canary_silent": (
        "哨兵合约 {subject} 静默",
        "平时数秒即有行情的合约，没有任何行情源推送。",
        "持续观察；同一行情源有两个哨兵合约静默时标记该源。",
        "请确认交易所是否暂停该合约，或是否封于涨跌停板。",
    ),
    "contract_silent": (
        "合约 {subject} 静默",
        "静默时间超过该合约学习得到的上限。",
        "持续观察。",
        "通常无需处理：暂停交易或封板属正常情况。",
    ),
    "coverage_low": (
        "有行情的合约过少 {subject}",
        "部分所需合约在本时段没有行情。",
        "持续观察。",
        "请查看 mdhub health：是否已订阅、已确认、已上市？",
    ),
    "rejections_high": (
        "大量行情被拒绝 {subject}",
        "规则拒绝或暂存的行情远多于平时。",
        "被拒行情连同原因一并保存；输出行情中不含这些数据。",
        "请查看原因（mdhub sources、docs/rules.md）；屏蔽推送异常数据的行情源。",
    ),
    "server_memory": (
        "日志服务器内存将满 {subject}",
        "内存超过警戒线；写满后将无法写入。",
        "在预算之内删除旧数据。",
        "请提高 maxmemory 或缩短保留时间；检查是否有读者停滞。",
    ),
    "server_fsync": (
        "日志服务器等待磁盘 {subject}",
        "磁盘确认写入过慢，延迟增大。",
        "无。",
        "请检查该磁盘上的其他负载；将数据目录移到更快的磁盘。",
    ),
    "server_away": (
        "日志服务器无响应",
        "无法连接 Redis 或 Valkey：行情无法仲裁和发布。",
        "所有服务自动重试，服务器恢复后自动继续。",
        "请启动服务器，或排除其主机上的故障；查看 mdhub status。",
    ),
    "clock_offset": (
        "{subject} 的时钟有偏差",
        "与本机时钟的差超过上限。",
        "日志时间不会倒退；时钟错误的行情源会被标记。",
        "请在该主机上启动 chrony 或 ntpd，等待同步。",
    ),
    "disk_space": (
        "磁盘将满 {subject}",
        "剩余空间不足；服务器无法写入时会拒绝一切请求。",
        "除保留策略外不会自动删除任何内容。",
        "请立即清理空间：归档、旧日志、备份。",
    ),
    "calendar_horizon": (
        "交易日历即将到期",
        "超出最后一天后，系统不知道何时开市。",
        "到期前照常工作，到期后拒绝猜测。",
        "请升级 mdhub，或在补充文件中给出新的年度（mdhub calendar）。",
    ),
    "reader_behind": (
        "读者 {subject} 落后",
        "读取速度低于日志增长速度。",
        "在预算之内保留其未读内容。",
        "请检查该进程及其主机。",
    ),
    "reader_overtaken": (
        "读者 {subject} 丢失数据",
        "落后过多，部分数据在读取之前已被删除。",
        "日志继续工作；读者会报告其缺口。",
        "请重启该读者；缺失内容见归档。",
    ),
    "slow_clients": (
        "客户端过慢 {subject}",
        "发布端的客户端读取过慢，部分消息被丢弃。",
        "其他客户端不受影响；该客户端会发现缺口并通过重放补齐。",
        "请通知策略负责人：减少订阅，或使用 conflate 策略。",
    ),
    "checklist_failed": (
        "盘前检查未通过 {subject}",
        "到截止时间，本时段所需的条件尚未就绪。",
        "开盘前持续复查。",
        "请在 mdhub health 中查看未通过的项目，并在开盘前修复。",
    ),
    "schedule_missed": (
        "日程延误 {subject}",
        "启动、停止或检查没有按时执行。",
        "系统会在数秒内自动恢复到应有状态。",
        "若反复出现，请检查主机负载和时钟。",
    ),
    "error_logged": (
        "出现错误日志：{subject}",
        "某个服务写了一条 error 级别的日志。",
        "该服务继续工作，或被重新启动。",
        "请查看该日志：mdhub tail --logs。",
    ),
}

DONE: Final[Mapping[str, str]] = {
    "restarted": "已重启其进程",
    "restarting": "正在重启其进程",
    "quarantined": "已隔离",
    "down": "已标记为中断",
    "up": "已重新标记为正常",
    "muted": "已屏蔽",
    "failed_over": "备机已接管",
}

LABELS: Final[Mapping[str, str]] = {
    "age": "静默",
    "behind": "落后",
    "count": "次数",
    "free": "剩余",
    "limit": "上限",
    "offset": "偏差",
    "pid": "进程号",
    "reason": "原因",
    "restarts": "重启次数",
    "silent": "静默",
    "used": "已用",
}
"""Names of facts without their unit; others stand there as they are."""
