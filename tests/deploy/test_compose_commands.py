"""What docker-compose.yml tells programs is what they understand, and they find each other."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mdhub.cli.configured import configured
from mdhub.config import load
from tests.support.commands import complaint

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/compose/hub.toml"
IN_CONTAINER = "/etc/mdhub/hub.toml"


def parsed(file: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(ROOT / file)
    return document


def filled(word: str) -> str:
    """Put the default of each variable into its place."""
    return re.sub(r"\$\{[A-Z_0-9]+:-([^}]*)\}", r"\1", word)


SERVICES: dict[str, dict[str, Any]] = parsed("docker-compose.yml")["services"]
COMMANDS = {
    name: [filled(word) for word in each["command"]]
    for name, each in SERVICES.items()
    if "IMAGE_PREFIX" in each["image"] and each["command"][0] == "run"
}


def installed(service: str) -> None:
    if service not in entry_points(group="mdhub.services").names:
        pytest.skip(f"the service {service} is not part of this checkout")


def scraped() -> dict[str, str]:
    """Address -> process, as Prometheus is told."""
    jobs = parsed("deploy/prometheus/compose.yml")["scrape_configs"]
    groups = [group for job in jobs for group in job.get("static_configs", ())]
    groups += json.loads((ROOT / "deploy/prometheus/compose-sources.json").read_text())
    return {group["targets"][0]: group["labels"]["process"] for group in groups}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_container_starts_with_options_that_its_program_has(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the file, together with those that the configuration adds to them."""
    run, service, *given = COMMANDS[name]
    installed(service)
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://server:6379/0")
    at = given.index(IN_CONTAINER)
    told = configured(service, CONFIG, [*given[: at - 1], *given[at + 1 :]])
    assert complaint([run, service, *told.arguments]) == ""
    assert "mistaken" in complaint([run, service, *told.arguments, "--mistaken"])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_container_is_asked_for_its_health_in_words_that_exist(name: str) -> None:
    """A check is a command line of mdhub, or asks /readyz where the container has its metrics."""
    _, *check = [filled(word) for word in SERVICES[name]["healthcheck"]["test"]]
    if check[0] == "mdhub":
        assert complaint(check[1:]) == ""
    else:
        assert check[:2] == ["python3", "-c"]
        compile(check[2], name, "exec")
        assert "http://127.0.0.1:9464/readyz" in check[2]


def test_a_backup_is_taken_by_a_command_that_exists() -> None:
    """It reads the databases where console and ingest have them, and keeps nothing inside."""
    backup = SERVICES["backup"]
    command = [filled(word) for word in backup["command"]]
    assert complaint(command) == "" and "mistaken" in complaint([*command, "--mistaken"])
    assert set(SERVICES["console"]["volumes"]) <= set(backup["volumes"])
    folder = next(w for w in command if w.startswith("--folder=")).removeprefix("--folder=")
    assert folder in [filled(volume).rpartition(":")[2] for volume in backup["volumes"]]


def test_two_ingest_processes_never_log_in_the_same_account() -> None:
    """Each has a part of its own, and there are as many parts as processes."""
    parts = [
        word.removeprefix("--accounts-part=")
        for command in COMMANDS.values()
        for word in command
        if word.startswith("--accounts-part=")
    ]
    assert sorted(parts) == ["1/2", "2/2"]


def test_prometheus_asks_every_container_and_every_source() -> None:
    """Each process of ours serves where it is scraped, and its source where ingest puts it."""
    processes = {f"{name}:9464" for name in COMMANDS if name != "console"}
    assert all("--metrics=0.0.0.0:9464" in command for command in COMMANDS.values())
    sources = [source.name for source in load(CONFIG).config.sources]
    first = {
        name: int(word.rpartition(":")[2])
        for name, command in COMMANDS.items()
        for word in command
        if word.startswith("--metrics-sources=0.0.0.0:")
    }
    assert first == {"ingest-1": 9470, "ingest-2": 9470}
    runs = {name: COMMANDS[name][COMMANDS[name].index("--only") + 1].split(",") for name in first}
    served = {
        f"{name}:{first[name] + sources.index(source)}": f"source {source}"
        for name, own in runs.items()
        for source in own
    }
    assert scraped().keys() == processes | served.keys()
    assert {at: scraped()[at] for at in served} == served
    assert len(set(scraped().values())) == len(scraped())


def test_prometheus_and_grafana_read_what_is_meant_for_containers() -> None:
    """Prometheus starts with compose.yml, its lists are mounted, and Grafana knows its address."""
    prometheus, grafana = SERVICES["prometheus"], SERVICES["grafana"]
    assert "--config.file=/etc/prometheus/compose.yml" in prometheus["command"]
    jobs = parsed("deploy/prometheus/compose.yml")["scrape_configs"]
    files = [f for j in jobs for group in j.get("file_sd_configs", ()) for f in group["files"]]
    mounted = [volume.removesuffix(":ro").rpartition(":")[2] for volume in prometheus["volumes"]]
    assert files and set(files) <= set(mounted)
    (source,) = parsed("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    variable = source["url"].strip("${}")
    assert grafana["environment"][variable] == "http://prometheus:9090"
    assert set(prometheus["networks"]) & set(grafana["networks"])


def test_what_lasts_is_on_a_volume() -> None:
    """Who keeps something in the hub's folder finds it again: the root file system is read-only."""
    data = str(load(CONFIG).config.hub.data)
    keepers = [n for n in COMMANDS if n.partition("-")[0] in {"ingest", "monitor", "console"}]
    mounts = {n: [filled(v).split(":") for v in SERVICES[n]["volumes"]] for n in keepers}
    kept = {volume for each in mounts.values() for volume, target, *_ in each if target == data}
    assert len(kept) == len(keepers) and kept <= parsed("docker-compose.yml")["volumes"].keys()


def test_the_console_is_behind_loopback_or_a_proxy_of_this_host() -> None:
    """It is published on loopback, and trusts the gateway of its own network alone."""
    console = SERVICES["console"]
    assert [filled(port) for port in console["ports"]] == ["127.0.0.1:8080:8080"]
    proxies = json.loads(filled(console["environment"]["MDHUB_CONSOLE__TRUSTED_PROXIES"]))
    network = parsed("docker-compose.yml")["networks"]["console"]
    (subnet,) = [filled(each["subnet"]) for each in network["ipam"]["config"]]
    assert proxies == [subnet.replace(".0/28", ".1")]
    assert [name for name, each in SERVICES.items() if "console" in each.get("networks", ())] == [
        "console"
    ]
