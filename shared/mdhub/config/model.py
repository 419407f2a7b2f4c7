"""Every knob of a hub: name with its unit, bounds, default, meaning. The only place of them.

The docstrings under the fields are what `docs/configuration.md` and the example file say.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from mdhub.config.accounts import AccountsKnobs
from mdhub.config.alerts import AlertKnobs
from mdhub.config.base import Knobs as _Knobs
from mdhub.config.base import Name as _Name
from mdhub.config.console import ConsoleKnobs
from mdhub.config.operations import LogsKnobs, MetricsKnobs
from mdhub.config.schedule import ScheduleKnobs
from mdhub.market.products import EXCHANGES
from mdhub.market.sessions import Sessions
from mdhub.streams.budgets import DEFAULTS, Budget
from mdhub.streams.topology import CLEAN, RAW, REJECTED

__all__ = [
    "SOURCE_TYPES",
    "AccountsKnobs",
    "AlertKnobs",
    "AnySource",
    "ArbiterKnobs",
    "CalendarKnobs",
    "GatewaySource",
    "HubConfig",
    "HubKnobs",
    "Keep",
    "LogsKnobs",
    "MetricsKnobs",
    "MonitorKnobs",
    "PublisherKnobs",
    "RecordingSource",
    "RetentionKnobs",
    "RulesKnobs",
    "ServerKnobs",
    "SimSource",
    "VnpySource",
]

SCHEMES: Final = (
    "redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster",
    "rediss+cluster",
)  # fmt: skip


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int) and not (isinstance(value, float) and math.isfinite(value)):
        raise ValueError("expected text, a number, true or false")
    return value


_Setting = Annotated[Any, AfterValidator(_scalar)]
_Stage = Literal["md_front", "td_front", "md_login", "td_login", "contracts", "first_tick"]
_SCHEDULE: Final = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,32}$", examples=["always"])


class HubKnobs(_Knobs):
    """What the hub is called, how it is cut and where it keeps its data."""

    prefix: str = Field(default="mdhub:", pattern=r"^[A-Za-z0-9_.:-]{0,64}$")
    """Begin of all its keys on the server; keeps several hubs on one server apart."""
    shards: int = Field(default=1, ge=1, le=64)
    """Parts the instruments are divided into, each with an arbiter of its own. A log keeps the
    number it was made for."""
    profile: Literal["single", "fast", "replicated", "cluster"] = "single"
    """single: nothing acknowledged is ever lost; fast: a power cut may cost up to 2 s; replicated:
    Sentinels replace a lost server, cluster: the shards are spread over masters with replicas; in
    both nothing is published that a replica does not have (need `url` of [server];
    docs/profiles.md)."""
    data: Path = Path("mdhub-data")
    """Folder of the embedded server, and of what gateways keep. In a file a relative path counts
    from the file's folder."""


class ServerKnobs(_Knobs):
    """The Redis or Valkey server that holds the log: an embedded one unless `url` is given."""

    url: SecretStr | None = Field(default=None, examples=["redis://:password@10.0.0.5:6379/0"])
    """Address of a server that runs already (redis://, rediss://, unix://), of its Sentinels
    (redis+sentinel://user:password@host1:26379,host2:26379,host3:26379/name) or of nodes of a
    cluster (redis+cluster://host:port,host:port). Secret: better given as MDHUB_REDIS_URL than
    written here."""
    maxmemory_mb: int = Field(default=2048, ge=64)
    """Memory limit of the embedded server; beyond it writes are refused."""

    @field_validator("url")
    @classmethod
    def _understood(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in SCHEMES:
            raise ValueError(
                "the address was not understood, expected redis://host:port, rediss://host:port, "
                "unix:///path/to/socket, redis+sentinel://host1,host2,host3/name or "
                "redis+cluster://host:port,host:port"
            )
        return url


class PublisherKnobs(_Knobs):
    """A publisher: where strategies connect. Two on different ports survive the loss of one."""

    id: _Name = "A"
    """Name of the publisher."""
    bind: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on; 0.0.0.0 serves the network."""
    port: int = Field(default=5555, ge=1, le=65_534)
    """Port of the live stream; requests are served one port above."""
    curve_key: Path | None = Field(default=None, examples=["mdhub-keys/server.key_secret"])
    """File with the publisher's own CURVE pair (docs/curve.md); without it whoever reaches the
    ports is served. In a file a relative path counts from the file's folder."""
    curve_clients: Path | None = Field(default=None, examples=["mdhub-keys/clients"])
    """Folder with the public keys of the clients that may connect; goes with `curve_key`. In a
    file a relative path counts from the file's folder."""


class SimSource(_Knobs):
    """A simulated market."""

    name: _Name
    """Name of the source, as it stands in every tick it wins."""
    type: Literal["sim"]
    """Kind of source."""
    seed: int = 1
    """Sources with the same seed play the same market."""
    ticks_per_s: float = Field(default=120.0, gt=0, le=50_000)
    """Ticks a market second over all contracts."""
    rate: float = Field(default=1.0, gt=0, le=3_600)
    """Market seconds per second."""
    sessions: Sessions = "liquid"
    """liquid: only minutes in which all exchanges trade; full: whole trading days with night
    session, auctions, breaks, close and settlement."""
    contracts: int | None = Field(default=None, ge=1, le=50_000, examples=[25_000])
    """Contracts listed on each trading day; without it: as many as the rate needs."""
    jump: bool = True
    """Whether it skips the time in which nothing trades."""
    misbehave: str = Field(default="", examples=["lose=0.01,lag_ms=5-30"])
    """How it misbehaves on purpose, such as lose=0.01,lag_ms=5-30; empty: not at all."""
    play_s: float | None = Field(default=None, gt=0, examples=[3_600.0])
    """Wall seconds to play; without it: until the hub ends."""
    schedule: str = _SCHEDULE
    """Group of [schedule] whose windows it plays in, or `always`; empty: always."""


class RecordingSource(_Knobs):
    """A recorded market: a tick file with CTP columns, CSV (plain, .gz or .zst)."""

    name: _Name
    """Name of the source, as it stands in every tick it wins."""
    type: Literal["recording"]
    """Kind of source."""
    file: Path = Field(examples=["recordings/20261120.csv.zst"])
    """Tick file. In a file a relative path counts from the file's folder."""
    more_files: tuple[Path, ...] = Field(default=(), examples=[("recordings/night.csv.zst",)])
    """Tick files played together with the first, merged by time; paths as for `file`."""
    speed: float = Field(default=1.0, ge=0, le=3_600)
    """Market seconds per second; 0: as fast as it goes."""
    loops: int = Field(default=1, ge=0)
    """How often it is played; each loop is the next trading days. 0: for ever."""
    day: str = Field(default="", pattern=r"^(|today|[0-9]{8})$", examples=["today"])
    """Trading day its first one is played as: YYYYMMDD, or today (on evenings and weekends the
    next one); empty: as recorded."""
    misbehave: str = Field(default="", examples=["lose=0.01,lag_ms=5-30"])
    """How it misbehaves on purpose, such as lose=0.01,lag_ms=5-30; empty: not at all."""
    play_s: float | None = Field(default=None, gt=0, examples=[3_600.0])
    """Wall seconds to play; without it: until the file ends."""
    schedule: str = _SCHEDULE
    """Group of [schedule] whose windows it plays in, or `always`; empty: always."""


class GatewaySource(_Knobs):
    """An account at a broker, through a vnpy gateway (docs/gateways.md)."""

    name: _Name
    """Name of the source, as it stands in every tick it wins."""
    type: Literal["ctp", "sopt", "tts", "ib"]
    """Kind of gateway: ctp (futures and their options), sopt (stock options), tts, ib."""
    settings: dict[str, _Setting] = Field(
        examples=[{"user_id": "123456", "broker_id": "9999", "password": "env:CTP1_PASSWORD"}]
    )
    """What the gateway asks for: addresses, account, password. A value env:NAME or file:/path is
    looked up by the gateway's own process; passwords, codes and tokens must be given like that. In
    a file a relative path counts from the file's folder."""
    subscribe: tuple[str, ...] = Field(
        default=("all",), min_length=1, examples=[["dominant", "chain:IO/5"]]
    )
    """Rules that say which contracts it delivers."""
    limit: int | None = Field(default=None, ge=1, le=100_000, examples=[2_000])
    """At most so many contracts; without it: all that the rules name."""
    pace: float | None = Field(default=None, gt=0, le=100_000, examples=[500.0])
    """Contracts it asks for per second; without it: as many as its gateway is known to bear."""
    deadlines: dict[_Stage, Annotated[float, Field(gt=0, le=86_400)]] = Field(
        default={}, examples=[{"contracts": 120}]
    )
    """Seconds after which a stage of its life is late, where the default does not fit: md_front,
    td_front, md_login, td_login, contracts, first_tick (docs/gateways.md)."""
    schedule: str = _SCHEDULE
    """Group of [schedule] in whose windows it is connected, or `always` (a front that is there at
    any hour, such as SimNow's second set). Empty: stock for sopt, always for ib, else futures."""


class VnpySource(GatewaySource):
    """An account at a broker, through any other vnpy gateway (docs/gateways.md)."""

    type: Literal["vnpy"]  # type: ignore[assignment] # the other half of the union
    """Kind of gateway: the one that `class` names."""
    class_path: str = Field(
        alias="class",
        pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$",
        examples=["vnpy_tora:ToraStockGateway"],
    )
    """Where the gateway's class is: module:Class."""


class Keep(_Knobs):
    """How long and how much of a stream is kept, per shard."""

    keep_ms: int = Field(ge=1_000)
    """What is older is dropped, unless a registered reader still needs it."""
    max_bytes: int = Field(ge=1 << 20)
    """Beyond it the oldest is dropped, whoever still needs it."""


def _keep(budget: Budget) -> Keep:
    return Keep(keep_ms=budget.keep_ms, max_bytes=budget.max_bytes)


class RetentionKnobs(_Knobs):
    """How long and how much of each stream is kept, per shard."""

    raw: Keep = _keep(DEFAULTS[RAW.name])
    clean: Keep = _keep(DEFAULTS[CLEAN.name])
    rejected: Keep = _keep(DEFAULTS[REJECTED.name])

    @field_validator("raw", "clean", "rejected", mode="before")
    @classmethod
    def _completed(cls, keep: Any, info: ValidationInfo) -> Any:
        """Who names one bound of a stream keeps the default of the other."""
        default = DEFAULTS[str(info.field_name)]
        return asdict(default) | keep if isinstance(keep, dict) else keep


class RulesKnobs(_Knobs):
    """The rule book (docs/rules.md): what changes counts from the arbiter's next start on."""

    version: int | None = Field(default=None, ge=1, examples=[2])
    """Version of the rules that decides; without it the newest one this mdhub knows."""
    modes: dict[str, Literal["race", "priority"]] = Field(
        default={}, examples=[{"SHFE": "priority"}]
    )
    """Mode of exchanges, such as { SHFE = "priority" }: race = the first trustworthy copy of each
    snapshot; priority = one source is active, the others stand by. Who is not named races."""
    preference: tuple[_Name, ...] = Field(default=(), max_length=256, examples=[["A", "B"]])
    """Mode priority: names of sources, the active one first."""
    unknown_instrument: Literal["flag", "hold"] = "flag"
    """What becomes of ticks of a contract that the table of its exchange lacks: flag = they pass,
    flagged; hold = they are held back."""

    @field_validator("modes", mode="before")
    @classmethod
    def _in_capitals(cls, modes: Any) -> Any:
        """Names of exchanges come in small letters out of names of variables."""
        if isinstance(modes, dict):
            return {str(name).upper(): mode for name, mode in modes.items()}
        return modes

    @field_validator("modes")
    @classmethod
    def _of_exchanges(
        cls, modes: dict[str, Literal["race", "priority"]]
    ) -> dict[str, Literal["race", "priority"]]:
        unknown = sorted(modes.keys() - set(EXCHANGES))
        if unknown:
            raise ValueError(
                f"found exchange {', '.join(unknown)}, expected some of {', '.join(EXCHANGES)}"
            )
        return modes

    @field_validator("preference")
    @classmethod
    def _once_each(cls, preference: tuple[str, ...]) -> tuple[str, ...]:
        _expect_distinct("source", list(preference))
        return preference


class ArbiterKnobs(_Knobs):
    """The arbiter: one leads each shard, another stands by."""

    standby: bool = True
    """Whether `mdhub up` runs a second arbiter for each shard: it computes the same and takes over
    within a quarter of a second. It costs as much CPU and memory as the first."""
    takeover_ms: int = Field(default=150, ge=50, le=60_000)
    """A leader whose beat stands still for so long is replaced."""
    contracts: Path | None = Field(default=None, examples=["contracts.csv"])
    """Contract table: CSV (plain, .gz or .zst) with the columns of CTP's instrument query. Without
    it the hub uses what it learned before. In a file a relative path counts from the file's
    folder."""
    rules: RulesKnobs = RulesKnobs()


class CalendarKnobs(_Knobs):
    """The trading calendar: mdhub's own data, and what an operator adds."""

    override: Path | None = Field(default=None, examples=["calendar-override.txt"])
    """File with closures, nights, hours or whole years on top of mdhub's data (`mdhub calendar
    --help` shows its form). In a file a relative path counts from the file's folder."""


class MonitorKnobs(_Knobs):
    """The monitor, and what `mdhub status` calls silent."""

    silent_ms: int = Field(default=3_000, ge=1_500)
    """A service whose heartbeat (one a second) is older is down."""


AnySource = SimSource | RecordingSource | GatewaySource | VnpySource
SOURCE_TYPES: Final[tuple[str, ...]] = tuple(
    name for kind in get_args(AnySource) for name in get_args(kind.model_fields["type"].annotation)
)

_SIMULATED: Final = (
    SimSource(name="A", type="sim", seed=7),
    SimSource(name="B", type="sim", seed=7, misbehave="lag_ms=5-30"),
)


class HubConfig(_Knobs):
    """One hub. Made by `mdhub.config.load`, which names the origin of every value."""

    hub: HubKnobs = HubKnobs()
    server: ServerKnobs = ServerKnobs()
    publishers: tuple[PublisherKnobs, ...] = Field(default=(PublisherKnobs(),), min_length=1)
    sources: tuple[Annotated[AnySource, Field(discriminator="type")], ...] = _SIMULATED
    accounts: AccountsKnobs = AccountsKnobs()
    retention: RetentionKnobs = RetentionKnobs()
    arbiter: ArbiterKnobs = ArbiterKnobs()
    calendar: CalendarKnobs = CalendarKnobs()
    schedule: ScheduleKnobs = ScheduleKnobs()
    monitor: MonitorKnobs = MonitorKnobs()
    alerts: AlertKnobs = AlertKnobs()
    logs: LogsKnobs = LogsKnobs()
    metrics: MetricsKnobs = MetricsKnobs()
    console: ConsoleKnobs = ConsoleKnobs()

    @field_validator("publishers")
    @classmethod
    def _apart(cls, publishers: tuple[PublisherKnobs, ...]) -> tuple[PublisherKnobs, ...]:
        _expect_distinct("id", [publisher.id for publisher in publishers])
        holders: dict[tuple[str, int], str] = {}
        for publisher in publishers:
            for port in (publisher.port, publisher.port + 1):
                holder = holders.setdefault((publisher.bind, port), publisher.id)
                if holder != publisher.id:
                    raise ValueError(
                        f"publishers {holder} and {publisher.id} both need port {port}, "
                        "expected ports at least two apart (live stream, requests)"
                    )
        return publishers

    @field_validator("sources")
    @classmethod
    def _named_apart(cls, sources: tuple[AnySource, ...]) -> tuple[AnySource, ...]:
        _expect_distinct("name", [source.name for source in sources])
        return sources


def _expect_distinct(key: str, values: list[str]) -> None:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"{key} {', '.join(doubled)} is given twice, expected different ones")
