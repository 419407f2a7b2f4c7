"""Which hub a command means, and what `mdhub up` refuses to start."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from mdhub.cli.hubs import HubAddress, Overrides, check_source, find_hub, load_hub, plan_of
from mdhub.cli.up import run_up
from mdhub.config import ConfigError
from mdhub.config.model import RecordingSource, SimSource
from mdhub.config.show import settings
from mdhub.host.ports import free_port_pair
from mdhub.market.products import EXCHANGES
from mdhub.runtime.errors import ServiceError
from mdhub.runtime.ports import holder_of, port_problem


@pytest.fixture(autouse=True)
def bare_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and no variable of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)


def test_a_hub_is_found_by_its_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--data beats the address in the environment."""
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://h:1")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/redis.sock").touch()

    assert find_hub(None, Path("d")).url == f"unix://{tmp_path}/d/redis.sock"
    assert find_hub(None, None) == HubAddress("redis://h:1", "mdhub:", None, 3_000)


def test_a_hub_is_found_by_its_file(tmp_path: Path) -> None:
    """With its prefix, shards and patience."""
    file = tmp_path / "hub.toml"
    file.write_text(
        '[hub]\nprefix = "a:"\nshards = 2\n[server]\nurl = "redis://h"\n[monitor]\nsilent_ms = 5000'
    )

    assert find_hub(file, None) == HubAddress("redis://h", "a:", 2, 5_000)


def test_without_a_server_the_ways_out_are_named() -> None:
    """Start one, or name another."""
    with pytest.raises(
        ServiceError, match=r"mdhub-data.*mdhub up.*--data, --config or MDHUB_REDIS"
    ):
        find_hub(None, None)


def test_options_of_up_go_over_the_configured_publishers(tmp_path: Path) -> None:
    """What is not given stays as the file has it."""
    file = tmp_path / "hub.toml"
    file.write_text('[hub]\nshards = 2\n[[publishers]]\nid = "X"\nbind = "10.0.0.1"\nport = 7000\n')

    config = load_hub(file, Overrides(second_port=7100, profile="fast")).config

    assert [(p.id, p.bind, p.port) for p in config.publishers] == [
        ("X", "10.0.0.1", 7000), ("B", "10.0.0.1", 7100),
    ]  # fmt: skip
    assert (config.hub.shards, config.hub.profile) == (2, "fast")
    config = load_hub(file, Overrides(port=7200, bind="127.0.0.1")).config
    assert [(p.bind, p.port) for p in config.publishers] == [("127.0.0.1", 7200)]


def test_a_wrong_option_is_named() -> None:
    """As a wrong line of a file would be."""
    with pytest.raises(ConfigError) as caught:
        load_hub(None, Overrides(profile="slow", port=0))
    assert {problem.where for problem in caught.value.problems} <= {
        "--profile", "--port, --bind or --second-port",
    }  # fmt: skip


def test_ingest_judges_what_the_model_cannot(tmp_path: Path) -> None:
    """Misbehaviour is parsed where it is carried out; a file must be there."""
    wrong = check_source(SimSource(name="A", type="sim", misbehave="lose=2,luck=1"))
    gone = check_source(RecordingSource(name="A", type="recording", file=tmp_path / "no.csv"))

    assert "lose=2" in wrong[0][1] and "luck" in wrong[0][1]
    assert gone == [((), f"file {tmp_path}/no.csv was not found")]
    assert check_source(SimSource(name="A", type="sim", misbehave="lose=0.1")) == []


def test_ingest_judges_an_account_key_by_key(tmp_path: Path) -> None:
    """What only a gateway's profile and the language of rules know, each on its own line."""
    file = tmp_path / "hub.toml"
    file.write_text(
        '[[sources]]\nname = "A"\ntype = "ctp"\nsubscribe = ["everything"]\n'
        'settings = { password = "x" }\n'
    )

    with pytest.raises(ConfigError) as caught:
        load_hub(file, Overrides())

    first, second = (str(problem) for problem in caught.value.problems)
    assert first.startswith(f"{file}:5: sources[0].settings.password: holds a secret")
    assert second.startswith(f"{file}:4: sources[0].subscribe: ") and "everything" in second


def test_a_wrong_misbehaviour_is_named_with_its_line(tmp_path: Path) -> None:
    """Before anything is started."""
    file = tmp_path / "hub.toml"
    file.write_text('[[sources]]\nname = "A"\ntype = "sim"\nmisbehave = "luck=1"\n')

    with pytest.raises(ConfigError, match=r"hub\.toml:4: sources\[0\]: .*luck"):
        load_hub(file, Overrides())


def test_up_names_who_holds_a_port_before_it_starts_anything(tmp_path: Path) -> None:
    """Which port, by what process, how to change it; no server was started for nothing."""
    port = free_port_pair()
    with socket.create_server(("127.0.0.1", port + 1)), pytest.raises(ServiceError) as caught:
        run_up(None, Overrides(data=tmp_path / "d", port=port), ())

    words = str(caught.value)
    assert f"port {port + 1} on 127.0.0.1" in words
    assert f"pid {os.getpid()}" in words
    assert "--port" in words and "[[publishers]]" in words
    assert not (tmp_path / "d").exists()


def test_a_free_port_is_no_problem() -> None:
    """Nor is the name of an interface, which only ZeroMQ can judge."""
    port = free_port_pair()

    assert [port_problem(bind, port) for bind in ("127.0.0.1", "*", "eth999")] == [""] * 3
    assert holder_of(port) == ""


def test_an_address_of_another_machine_is_said() -> None:
    """A typing error in `bind` is seen before anything runs."""
    assert "192.0.2.1" in port_problem("192.0.2.1", 5_555)


def test_rules_are_judged_with_the_hub_they_are_for(tmp_path: Path) -> None:
    """Exchanges, modes and sources are known, the version too, and the table can be read."""
    file = tmp_path / "hub.toml"
    rules = '[arbiter.rules]\nversion = 99\npreference = ["A", "Z", "A"]\nmodes = { XX = "race" }\n'
    file.write_text(rules)
    with pytest.raises(ConfigError) as caught:
        load_hub(file, Overrides())
    assert [str(problem).removeprefix(str(file)) for problem in caught.value.problems] == [
        f":4: arbiter.rules.modes: found exchange XX, expected some of {', '.join(EXCHANGES)}",
        ":3: arbiter.rules.preference: source A is given twice, expected different ones",
    ]
    file.write_text(
        '[arbiter]\ncontracts = "none.csv"\n'
        + rules.replace('"A", "Z", "A"', '"Z"').replace("XX", "SHFE")
    )
    with pytest.raises(ConfigError) as caught:
        load_hub(file, Overrides())
    found = [str(problem).removeprefix(str(file)) for problem in caught.value.problems]
    assert found[0].startswith(":5: arbiter.rules.preference[0]: was 'Z', expected a source of")
    assert found[1].startswith(":4: arbiter.rules.version: rules version was 99, expected 1 to ")
    assert found[2].startswith(f":2: arbiter.contracts: {tmp_path}/none.csv cannot be read")


def test_the_sources_given_to_up_are_those_that_count(tmp_path: Path) -> None:
    """They take the place of the configured ones."""
    file = tmp_path / "hub.toml"
    file.write_text('[arbiter.rules]\npreference = ["X"]\nmodes = { SHFE = "priority" }\n')

    loaded = load_hub(file, Overrides(), ('{"name": "X", "sim": {}}',))

    plan = plan_of(loaded.config)
    assert json.loads(plan.rules or "") == {
        "modes": {"SHFE": "priority"}, "preference": ["X"], "unknown_instrument": "flag",
    }  # fmt: skip
    file.write_text('[arbiter.rules]\nmodes = { SHFE = "priority" }\n')
    with pytest.raises(ConfigError, match="mode priority needs preference"):
        load_hub(file, Overrides())


def test_profile_replicated_needs_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of one's own, or a plain address, cannot be replaced when it is lost."""
    wanted = Overrides(profile="replicated")
    for url in ("", "redis://h:1"):
        monkeypatch.setenv("MDHUB_REDIS_URL", url)
        with pytest.raises(ConfigError, match="needs the address of Sentinels"):
            load_hub(None, wanted)

    monkeypatch.setenv("MDHUB_REDIS_URL", "redis+sentinel://:hunter2@a,b,c/hub")
    loaded = load_hub(None, wanted)
    assert plan_of(loaded.config).profile == "replicated"
    assert "hunter2" not in str(settings(loaded))
