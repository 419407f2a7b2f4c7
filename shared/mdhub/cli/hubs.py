"""Which hub a command means: configuration in, addresses and plans out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mdhub.cli.keys import key_problems
from mdhub.cli.rule_book import rule_problems, rules_json
from mdhub.cli.schedule_book import schedule_json, schedule_problems
from mdhub.config import HubConfig, Loaded, load
from mdhub.config.layers import DEFAULT
from mdhub.config.load import Option
from mdhub.config.locate import Key
from mdhub.config.model import AnySource, GatewaySource, RecordingSource
from mdhub.host.console import Console
from mdhub.host.stack import HubPlan, Publisher, service_module
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.metrics import Address
from mdhub.streams.budgets import Budget
from mdhub.streams.cluster import is_cluster
from mdhub.streams.sentinel import is_sentinel
from mdhub.wire.errors import MdhubError

__all__ = ["HubAddress", "Overrides", "check_source", "find_hub", "load_hub", "plan_of"]


SUPERVISORS: Final = 2
"""Of sources: the loss of one leaves every other source."""


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Where a hub's log is, for commands that read it."""

    url: str
    prefix: str
    shards: int | None
    """As configured; None = not configured, the log knows."""
    silent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Options of `mdhub up`; None = as configured."""

    data: Path | None = None
    profile: str | None = None
    shards: int | None = None
    port: int | None = None
    bind: str | None = None
    second_port: int | None = None


def find_hub(file: Path | None, data: Path | None) -> HubAddress:
    """Find the log by option, environment or file. Raises ServiceError if no server runs there."""
    options: dict[Key, Option] = {}
    if data is not None:
        options = {("hub", "data"): ("--data", str(data)), ("server", "url"): ("--data", None)}
    loaded = load(file, options=options)
    config = loaded.config
    told = loaded.origin(("hub", "shards")) != DEFAULT
    return HubAddress(
        url=_server_url(config),
        prefix=config.hub.prefix,
        shards=config.hub.shards if told else None,
        silent_ms=config.monitor.silent_ms,
    )


def load_hub(file: Path | None, overrides: Overrides, sources: tuple[str, ...] = ()) -> Loaded:
    """Load and check what `mdhub up` shall run; `sources` (JSON) as for `plan_of`."""
    given = asdict(overrides)
    options: dict[Key, Option] = {
        ("hub", name): (f"--{name}", str(given[name]))
        for name in ("data", "profile", "shards")
        if given[name] is not None
    }
    if {overrides.port, overrides.bind, overrides.second_port} != {None}:
        configured = load(file, options=options).config.publishers
        publishers = _publishers([each.model_dump() for each in configured], overrides)
        options["publishers",] = ("--port, --bind or --second-port", publishers)
    names = [_name_in(source) for source in sources]

    def check_hub(config: HubConfig) -> list[tuple[Key, str]]:
        rules = rule_problems(config, names or [source.name for source in config.sources])
        schedule = schedule_problems(config)
        return [*rules, *key_problems(config), *_profile_problems(config), *schedule]

    return load(file, options=options, check_source=check_source, check_hub=check_hub)


_NEEDED: Final = {
    "replicated": (
        is_sentinel, "Sentinels, redis+sentinel://host1:26379,host2:26379,host3:26379/name"
    ),
    "cluster": (is_cluster, "nodes of a cluster, redis+cluster://host1:6379,host2:6379"),
}  # fmt: skip
"""Profiles whose servers are started apart from the hub: what an address must be, in words."""


def _profile_problems(config: HubConfig) -> list[tuple[Key, str]]:
    url, profile = config.server.url, config.hub.profile
    if profile not in _NEEDED:
        return []
    fits, words = _NEEDED[profile]
    if url is not None and fits(url.get_secret_value()):
        return []
    text = (
        f"profile {profile} needs the address of {words}, as url of [server] or MDHUB_REDIS_URL; "
        "docs/profiles.md says how to set the servers up"
    )
    return [(("hub", "profile"), text)]


def plan_of(
    config: HubConfig, sources: tuple[str, ...] = (), *, file: Path | None = None
) -> HubPlan:
    """What to run; `sources` (JSON) take the place of the configured ones; `file`: to be shown."""
    url, accounts = config.server.url, config.accounts
    return HubPlan(
        folder=config.hub.data,
        profile=config.hub.profile,
        prefix=config.hub.prefix,
        shards=config.hub.shards,
        standby=config.arbiter.standby,
        publishers=tuple(
            Publisher(p.id, p.port, p.bind, p.curve_key, p.curve_clients) for p in config.publishers
        ),
        supervisors=SUPERVISORS,
        sources=sources or tuple(_source_json(source) for source in config.sources),
        url=None if url is None else url.get_secret_value(),
        maxmemory_mb=config.server.maxmemory_mb,
        retention={name: Budget(**keep) for name, keep in config.retention.model_dump().items()},
        takeover_ms=config.arbiter.takeover_ms,
        silent_ms=config.monitor.silent_ms,
        calendar=config.calendar.override,
        rules=rules_json(config),
        contracts=config.arbiter.contracts,
        schedule=schedule_json(config),
        alerts=config.alerts.model_dump_json(),
        accounts_url=None if accounts.url is None else accounts.url.get_secret_value(),
        accounts_key=accounts.key_file,
        log_level=config.logs.level,
        console=_console_of(config, file),
        metrics=Address(config.metrics.bind, config.metrics.port),
    )


def _console_of(config: HubConfig, file: Path | None) -> Console | None:
    knobs = config.console
    if not knobs.port:
        return None
    return Console(
        port=knobs.port, bind=knobs.bind,
        url=None if knobs.url is None else knobs.url.get_secret_value(),
        key_file=knobs.key_file, trusted_proxies=knobs.trusted_proxies,
        allowed_hosts=knobs.allowed_hosts, setup_remote=knobs.setup_remote, config=file,
        tls_cert=knobs.tls_cert, tls_key=knobs.tls_key,
    )  # fmt: skip


def check_source(source: AnySource) -> list[tuple[Key, str]]:
    """Let ingest itself judge a source (if it is installed): keys within the source, and words."""
    if isinstance(source, RecordingSource):
        for file in (source.file, *source.more_files):
            if not file.is_file():
                return [((), f"file {file} was not found")]
    try:
        module = service_module("ingest")
    except ServiceError:
        return []
    try:
        import_module(f"{module}.spec").parse_spec(_source_json(source))
    except MdhubError as error:
        return list(getattr(error, "mistakes", ())) or [((), str(error))]
    return []


def _name_in(source: str) -> str:
    """Name of a source given as JSON; what is wrong with it is said by ingest."""
    try:
        return str(json.loads(source)["name"])
    except (ValueError, LookupError, TypeError):
        return ""


def _server_url(config: HubConfig) -> str:
    if config.server.url is not None:
        return config.server.url.get_secret_value()
    socket = config.hub.data.resolve() / "redis.sock"
    if not socket.exists():
        raise ServiceError(
            f"no server runs on the data folder {config.hub.data}: start the hub with mdhub up, "
            "or name it with --data, --config or MDHUB_REDIS_URL"
        )
    return f"unix://{socket}"


def _publishers(configured: list[dict[str, Any]], given: Overrides) -> list[dict[str, Any]]:
    """Put the options of one or two publishers over what is configured."""
    first, *others = configured
    if given.port is not None:
        first = first | {"port": given.port}
    if given.second_port is not None:
        second = others[0] if others else first | {"id": "B"}  # the same address, the same keys
        others = [second | {"port": given.second_port}, *others[1:]]
    bind: Mapping[str, str] = {} if given.bind is None else {"bind": given.bind}
    return [{**publisher, **bind} for publisher in (first, *others)]


def _source_json(source: AnySource) -> str:
    """Render a source as `mdhub run ingest --source` takes it."""
    if isinstance(source, GatewaySource):
        gateway = source.model_dump(mode="json", by_alias=True, exclude={"name", "schedule"})
        outside = {"name": source.name, "schedule": source.schedule}
        return json.dumps({**outside, "gateway": gateway})
    common = {"name", "type", "misbehave", "play_s", "schedule"}
    knobs = source.model_dump(mode="json", exclude=common)
    outside = source.model_dump(
        include={"name", "misbehave", "play_s", "schedule"}, exclude_none=True
    )
    return json.dumps({**outside, source.type: knobs})
