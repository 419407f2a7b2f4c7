"""The English words of the rules; see `mdhub.health.words`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["DONE", "WORDS"]

WORDS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "service_down": (
        "Service {subject} is down",
        "It has sent no heartbeat for longer than it may.",
        "What mdhub up, systemd or Docker started is started again by them.",
        "If it stays down, read its last log lines and start it again.",
    ),
    "shard_unled": (
        "Nobody leads the log {subject}",
        "No arbiter decides for this shard: strategies get nothing of its contracts.",
        "A standby takes over by itself within a quarter of a second, if there is one.",
        "Start an arbiter for this shard at once (mdhub run arbiter); see mdhub status.",
    ),
    "no_standby": (
        "No standby arbiter {subject}",
        "The leader works, but nobody would take over if it died.",
        "Nothing: a second arbiter has to be started.",
        "Start the second arbiter; until then do not restart the first in a session.",
    ),
    "standby_ineligible": (
        "Standby {subject} may not take over",
        "It computed something else than the leader, twice; so it is shut out.",
        "The leader goes on; the standby has reloaded and still disagrees.",
        "Keep the log, run mdhub verify, and report it; then restart the standby.",
    ),
    "log_stalled": (
        "The log stands still {subject}",
        "Log time does not move: the leader lives but commits nothing.",
        "The standby takes over if the leader's beat stands still too.",
        "Look at server and leader (mdhub status); hand over with mdhub failover.",
    ),
    "all_sources_silent": (
        "All sources are silent",
        "Nothing moves though the market is open: an exchange halt, a wrong calendar, our network.",
        "Nothing is restarted: no source is worse than another.",
        "Check the network of this host, the brokers' notices and the calendar (mdhub calendar).",
    ),
    "source_silent": (
        "Source {subject} is silent",
        "Its liquid contracts stand still while other sources move.",
        "It is marked down, and its process is killed and replaced.",
        "Nothing while others deliver; if it comes again, ask the broker.",
    ),
    "source_disconnected": (
        "Source {subject} is not connected",
        "Its session wants it, but it is not logged in at its front.",
        "It tries again with growing pauses, within the broker's login limits.",
        "Check the front's address, password and the broker's notices: mdhub doctor --fronts.",
    ),
    "source_frozen": (
        "Source {subject} repeats old data",
        "It delivers ticks, but their contents or times stand still.",
        "It is marked down, and its process is killed and replaced.",
        "Restart it (mdhub sources restart {subject}); if it comes again, mute it, ask the broker.",
    ),
    "source_lagging": (
        "Source {subject} lags behind",
        "Its ticks come much later than those of the first source.",
        "Nothing: whoever is first wins anyway.",
        "Look at the network to this broker; without it the hub has one fast source less.",
    ),
    "source_restarting": (
        "Source {subject} keeps restarting",
        "Its process was replaced several times within a short time.",
        "It is restarted with growing pauses; after too many it is put into quarantine.",
        "Read its log lines: the reason stands there.",
    ),
    "source_quarantined": (
        "Source {subject} is in quarantine",
        "It failed too often, so it is not started any more.",
        "Nothing more for this source; the others go on.",
        "Mend the reason, then let it in again: mdhub sources start {subject}.",
    ),
    "canary_silent": (
        "Canary {subject} is silent",
        "A contract that normally trades every few seconds has no tick from any source.",
        "It is watched; two silent canaries of one source mark the source.",
        "See whether the exchange has halted it, or a limit price has locked it.",
    ),
    "contract_silent": (
        "Contract {subject} is silent",
        "It is quieter than its own learned limit.",
        "It is watched.",
        "Mostly nothing: a halt or a locked limit price is normal.",
    ),
    "coverage_low": (
        "Too few contracts deliver {subject}",
        "Part of the wanted contracts has no tick in this session.",
        "It is watched.",
        "See mdhub health: are they subscribed, confirmed and listed?",
    ),
    "rejections_high": (
        "Many ticks are refused {subject}",
        "The rules refuse or hold far more ticks than usual.",
        "Refused ticks are kept with their reason; the clean stream has none of them.",
        "See the reasons (mdhub sources, docs/rules.md); mute a source that delivers nonsense.",
    ),
    "server_memory": (
        "The log's server is filling up {subject}",
        "Its memory is above the watermark; when it is full, nothing is written any more.",
        "Old entries are dropped within their budgets.",
        "Raise maxmemory or shorten the retention; look for a reader that stands still.",
    ),
    "server_fsync": (
        "The log's server waits for its disk {subject}",
        "Appends take long because the disk is slow to confirm them: latency grows.",
        "Nothing.",
        "Look for other load on this disk; move the data folder to a faster one.",
    ),
    "server_away": (
        "The log's server does not answer",
        "Redis or Valkey cannot be reached: no tick is decided or served.",
        "All services try again and go on by themselves as soon as it answers.",
        "Start the server, or free its host from what stops it; see mdhub status.",
    ),
    "clock_offset": (
        "The clock of {subject} is off",
        "It differs from this host's clock by more than the limit.",
        "Log time never goes back; ticks of a source with a wrong clock are marked.",
        "Start chrony or ntpd on that host and wait until it is in step.",
    ),
    "disk_space": (
        "The disk is filling up {subject}",
        "Little space is left; a server that cannot write refuses everything.",
        "Nothing is deleted by itself beyond the retention.",
        "Free space now: archives, old logs, backups.",
    ),
    "calendar_horizon": (
        "The trading calendar ends soon",
        "Beyond its last day the hub does not know when a session is.",
        "It works until then and refuses to guess.",
        "Install a newer mdhub, or give the new year in the override file (mdhub calendar).",
    ),
    "reader_behind": (
        "Reader {subject} falls behind",
        "It reads more slowly than the log grows.",
        "The log keeps what it has not read, within its budget.",
        "Look at its process and host.",
    ),
    "reader_overtaken": (
        "Reader {subject} lost entries",
        "It was so far behind that entries were dropped before it read them.",
        "The log goes on; the reader reports its gap.",
        "Restart the reader; what it lacks is in the archive.",
    ),
    "slow_clients": (
        "Slow clients {subject}",
        "Clients of a publisher read too slowly, so messages to them were dropped.",
        "Others are not delayed; the client sees a gap and fills it by replay.",
        "Tell the owner of the strategy: fewer patterns, or the policy conflate.",
    ),
    "checklist_failed": (
        "The pre-open checklist failed {subject}",
        "Something needed for the session was not ready at its deadline.",
        "It is checked again until the open.",
        "See which check failed in mdhub health, and mend it before the open.",
    ),
    "schedule_missed": (
        "A step of the schedule came late {subject}",
        "A start, stop or check did not happen at its time.",
        "The hub converges to what should be by itself within seconds.",
        "If it comes again, look at the load of the host and its clock.",
    ),
    "error_logged": (
        "An error was logged: {subject}",
        "A service wrote a line of level error.",
        "The service goes on, or is started again.",
        "Read the line: mdhub tail --logs.",
    ),
}

DONE: Final[Mapping[str, str]] = {
    "restarted": "its process was restarted",
    "restarting": "its process is being restarted",
    "quarantined": "it was put into quarantine",
    "down": "it was marked down",
    "up": "it was marked up again",
    "muted": "it was muted",
    "failed_over": "the standby took over",
}
