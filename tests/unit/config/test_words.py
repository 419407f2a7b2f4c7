"""What is shown, and what the documents say, is what the code does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mdhub.accounts.kinds import KINDS
from mdhub.cli.hubs import plan_of
from mdhub.config import HubConfig, Loaded, load
from mdhub.config.example import example_toml
from mdhub.config.markdown import configuration_markdown
from mdhub.config.model import (
    SOURCE_TYPES,
    GatewaySource,
    RecordingSource,
    SimSource,
    VnpySource,
)
from mdhub.config.show import redacted_url, settings
from mdhub.host.stack import HubPlan
from mdhub.streams.budgets import DEFAULTS, Budget, Budgets, budget_environment
from mdhub.streams.errors import StreamsError
from mdhub.streams.server import EmbeddedServer
from mdhub_arbiter.vacancy import TAKEOVER_S
from mdhub_ingest.spec import GatewayKnobs, RecordingKnobs, SimKnobs, SourceSpec, parse_spec
from mdhub_monitor.rules.services import BEAT_LIMIT_NS

ROOT = Path(__file__).parents[3]
OF_EVERY_SOURCE = {"name", "misbehave", "play_s", "schedule"}


def test_the_example_is_the_one_in_deploy() -> None:
    """Renew it with `make config-docs`."""
    assert (ROOT / "deploy/hub.example.toml").read_text(encoding="utf-8") == example_toml()


def test_the_documentation_names_every_knob() -> None:
    """Renew it with `make config-docs`."""
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert text == configuration_markdown()


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    """Who copies it and changes nothing gets what he would have got without it."""
    file = tmp_path / "hub.toml"
    file.write_text(example_toml(), encoding="utf-8")

    got = load(file).config.model_dump()

    assert got.pop("hub") == HubConfig().hub.model_dump() | {"data": tmp_path / "mdhub-data"}
    assert got == HubConfig().model_dump(exclude={"hub"})


def test_the_commented_parts_of_the_example_are_valid(tmp_path: Path) -> None:
    """Taking the sign off a line or a table gives a good file."""
    key = ("# url =", "# play_s =", "# [[", "# id =", "# port =", "# name =", "# type =", "# file",
           "# speed =", "# [sources.", "# user_id =", "# password =", "# broker_id =",
           "# td_address =", "# md_address =", "# app_id =", "# auth_code =")  # fmt: skip
    lines = example_toml().splitlines()
    file = tmp_path / "hub.toml"
    file.write_text(
        "\n".join(line.removeprefix("# ") if line.startswith(key) else line for line in lines)
    )

    config = load(file).config

    assert [p.id for p in config.publishers] == ["A", "B"]
    assert [s.type for s in config.sources] == ["sim", "sim", "recording", "ctp"]
    assert config.server.url is not None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
        ("rediss://user:p%40w@h/1?password=pw", "rediss://user:***@h/1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("env:ACCOUNTS_URL", "env:ACCOUNTS_URL"),
        ("unix://u:pw@/run/redis.sock", "unix://u:***@/run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    """Neither login nor query shows a secret."""
    assert redacted_url(url) == shown


def test_every_value_is_shown_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are redacted."""
    file = tmp_path / "hub.toml"
    file.write_text("[monitor]\n\nsilent_ms = 9000\n")
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://:hunter2@h")

    shown = {each.key: each for each in settings(load(file))}

    assert shown["monitor.silent_ms"][1:] == (9_000, f"{file}:3")
    assert shown["server.url"][1:] == ("redis://:***@h", "MDHUB_REDIS_URL")
    assert shown["sources[1].name"][1:] == ("B", "default")
    assert "hunter2" not in str(shown)


def test_defaults_are_those_of_the_services() -> None:
    """A hub configured by nothing is a hub started by hand."""
    config = HubConfig()
    plan = plan_of(config)
    bare = HubPlan(folder=plan.folder)

    for name in ("profile", "prefix", "shards", "publishers", "maxmemory_mb"):
        assert getattr(plan, name) == getattr(bare, name), name
    assert plan.retention == DEFAULTS
    assert plan.takeover_ms == TAKEOVER_S * 1_000
    assert plan.silent_ms is not None and plan.silent_ms * 1_000_000 == BEAT_LIMIT_NS
    server = EmbeddedServer(Path("b"), Path("f"), "single")
    assert plan.maxmemory_mb == server.maxmemory_mb


@pytest.mark.parametrize(
    ("model", "knobs"), [(SimSource, SimKnobs), (RecordingSource, RecordingKnobs)]
)
def test_a_source_has_the_knobs_that_ingest_knows(
    model: type[SimSource | RecordingSource], knobs: type[msgspec.Struct]
) -> None:
    """With the same defaults: one place more to change, and this test says so."""
    known = {field.name: field.default for field in msgspec.structs.fields(knobs)}
    fields = {name: info for name, info in model.model_fields.items() if name != "type"}

    assert fields.keys() == known.keys() | OF_EVERY_SOURCE
    assert OF_EVERY_SOURCE | {"sim", "recording", "gateway"} == set(SourceSpec.__struct_fields__)
    given = {name: default for name, default in known.items() if default is not msgspec.NODEFAULT}
    assert {name: fields[name].default for name in given} == given


def test_an_account_has_the_knobs_that_ingest_knows() -> None:
    """As those of the others."""
    known = {field.encode_name: field.default for field in msgspec.structs.fields(GatewayKnobs)}
    fields = {info.alias or name: info for name, info in VnpySource.model_fields.items()}

    assert fields.keys() == known.keys() | {"name", "schedule"}
    for name in ("subscribe", "limit", "pace"):
        assert fields[name].default == known[name], name
    assert set(SOURCE_TYPES) == {"sim", "recording"} | KINDS.keys()


def test_an_account_reaches_ingest_unchanged() -> None:
    """References stay references: they pass through command lines."""
    settings: dict[str, str | int | float | bool] = {
        "user_id": "1",
        "password": "env:PW",
        "port": 7,
        "live": True,
    }
    ctp = GatewaySource(
        name="CTP1", type="ctp", settings=settings, subscribe=("dominant",), limit=9, pace=5
    )
    other = VnpySource.model_validate(
        {"name": "X", "type": "vnpy", "settings": settings, "class": "a.b:C"}
    )

    first, second = (parse_spec(t) for t in plan_of(HubConfig(sources=(ctp, other))).sources)

    knobs = GatewayKnobs(type="ctp", settings=settings, subscribe=("dominant",), limit=9, pace=5.0)
    assert first == SourceSpec(name="CTP1", gateway=knobs)
    assert second.gateway == GatewayKnobs(type="vnpy", class_path="a.b:C", settings=settings)


def test_the_settings_of_an_account_are_shown_one_by_one(tmp_path: Path) -> None:
    """A reference is no secret; each line of the file is named."""
    file = tmp_path / "hub.toml"
    file.write_text(
        '[[sources]]\nname = "X"\ntype = "vnpy"\nclass = "a:B"\n'
        '[sources.settings]\nhost = "h"\npassword = "env:PW"\ntoken = "file:t"\n'
    )

    shown = {each.key: each for each in settings(load(file))}

    assert shown["sources[0].class"].value == "a:B"
    assert shown["sources[0].settings.host"][1:] == ("h", f"{file}:6")
    assert shown["sources[0].settings.password"][1:] == ("env:PW", f"{file}:7")
    assert shown["sources[0].settings.token"].value == f"file:{tmp_path}/t"


def test_a_secret_in_plain_text_is_not_shown() -> None:
    """`load` refuses it; who made the configuration otherwise is protected as well."""
    source = GatewaySource(name="A", type="ctp", settings={"password": "hunter2"})
    loaded = Loaded(HubConfig(sources=(source,)), ())
    assert "hunter2" not in str(settings(loaded))


def test_a_configured_source_reaches_ingest_unchanged() -> None:
    """What the file says is what the supervisor parses."""
    recording = RecordingSource(name="C", type="recording", file=Path("/f.csv"), speed=60, play_s=5)
    config = HubConfig(sources=(SimSource(name="A", type="sim", seed=9), recording))

    first, second = (parse_spec(text) for text in plan_of(config).sources)

    assert first == SourceSpec(name="A", sim=SimKnobs(seed=9))
    knobs = RecordingKnobs(file=Path("/f.csv"), speed=60)
    assert second == SourceSpec(name="C", recording=knobs, play_s=5)


def test_budgets_travel_by_environment() -> None:
    """What `up` sets is what the arbiter's retention looks up; what is not set is default."""
    environment = budget_environment({"raw": Budget(5_000, 1 << 21)})

    budgets = Budgets(environment)

    assert environment["MDHUB_RETENTION__RAW__KEEP_MS"] == "5000"
    assert dict(budgets) == DEFAULTS | {"raw": Budget(5_000, 1 << 21)}


def test_a_budget_that_is_no_number_is_named() -> None:
    """The variable, what it was and what was expected."""
    with pytest.raises(StreamsError, match=r"MDHUB_RETENTION__RAW__KEEP_MS was 'soon', expected"):
        Budgets({"MDHUB_RETENTION__RAW__KEEP_MS": "soon"})["raw"]
