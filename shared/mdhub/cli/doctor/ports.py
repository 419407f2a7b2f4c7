"""Whether the publishers' ports are free, or held by this very hub."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.cli.doctor.server import own_url
from mdhub.config import HubConfig
from mdhub.runtime.heartbeat import ENDED, decode_beat
from mdhub.runtime.ports import holder_of, port_problem
from mdhub.streams import open_log
from mdhub.streams.errors import StreamsError
from mdhub.wire.codec import DecodeError

__all__ = ["PortFacts", "check_ports", "judge_port"]


@dataclass(frozen=True, slots=True)
class PortFacts:
    """The two ports of one publisher."""

    publisher: str
    port: int
    problem: str
    """Why nobody can listen now; empty = free."""
    holders: frozenset[str]
    """Who listens, as far as it can be told: `python, pid 42`."""
    own_pid: int
    """Process of the publisher of this name in this hub; 0 = none runs here."""


def check_ports(config: HubConfig, *, ask_log: bool) -> list[Finding]:
    """Try to listen where the publishers shall, and see who does."""
    pids = _publisher_pids(config) if ask_log else {}
    findings = []
    for each in config.publishers:
        ports = (each.port, each.port + 1)
        problems = [words for port in ports if (words := port_problem(each.bind, port))]
        holders = frozenset(h for port in ports if problems and (h := holder_of(port)))
        own_pid = pids.get(each.id, 0)
        findings.append(
            judge_port(PortFacts(each.id, each.port, "; ".join(problems), holders, own_pid))
        )
    return findings


def _publisher_pids(config: HubConfig) -> Mapping[str, int]:
    """Publishers of this hub that beat, on this host."""
    named = config.server.url
    url = own_url(config) if named is None else named.get_secret_value()
    try:
        log = open_log(url, service="cli", prefix=config.hub.prefix)
        try:
            payloads = log.beats()
        finally:
            log.close()
    except StreamsError:
        return {}
    pids = {}
    for instance, payload in payloads.items():
        kind, _, name = instance.partition(":")
        try:
            beat = decode_beat(payload)
        except DecodeError:
            continue
        silent_ms = (time.time_ns() - beat.ts_ns) / 1e6
        here = beat.host in {"", socket.gethostname()}
        fresh = silent_ms <= config.monitor.silent_ms and beat.state != ENDED
        if kind == "publisher" and here and fresh:
            pids[name] = beat.pid
    return pids


def judge_port(facts: PortFacts) -> Finding:
    """Free is fine, held by the hub's own publisher too."""
    check, ports = f"ports.{facts.publisher}", f"{facts.port}, {facts.port + 1}"
    if not facts.problem:
        return Finding(check, Status.OK, Words(f"{ports}: free", f"{ports}：空闲"))
    if facts.own_pid:
        mine = {h for h in facts.holders if h.rpartition(" ")[2] == str(facts.own_pid)}
        if facts.holders and mine == facts.holders:
            pid = facts.own_pid
            found = Words(
                f"{ports}: held by this hub's publisher (pid {pid})",
                f"{ports}：由本系统的发布服务占用（pid {pid}）",
            )
            return Finding(check, Status.OK, found)
        if not facts.holders:
            found = Words(
                f"{ports}: taken, as it seems by this hub's publisher, which is alive",
                f"{ports}：已占用，看来是本系统正在运行的发布服务",
            )
            return Finding(check, Status.OK, found)
    return Finding(
        check, Status.ERROR, facts.problem, Words(f"{ports} free", f"{ports} 空闲"),
        Words("the publisher cannot serve there: mdhub up refuses to start",
              "发布服务无法使用该端口：mdhub up 拒绝启动"),
        Words("end what holds it, or choose another port: port of [[publishers]], --port",
              "结束占用者，或换端口：[[publishers]] 的 port、--port"),
    )  # fmt: skip
