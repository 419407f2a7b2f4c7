"""docker-compose.yml and the files around it, read as Docker would read them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from ruamel.yaml import YAML

from mdhub.accounts.keyring import read_keyring
from mdhub.config import load

ROOT = Path(__file__).parents[2]
OURS = (
    "arbiter-a", "arbiter-b", "publisher-a", "publisher-b", "ingest-1", "ingest-2", "monitor",
)  # fmt: skip
KEY, CONSOLE_KEY = "accounts_key", "console_key"
ONCE = {"backup"}
"""Runs when it is called, and ends."""
ENVIRONMENTS = [ROOT / ".env.example", *sorted((ROOT / "deploy/env").glob("*.env"))]


@cache
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return parsed


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def variables(file: Path) -> dict[str, str]:
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def complaints(document: dict[str, Any]) -> list[str]:
    text = (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text()
    schema = json.loads(text)
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]


def test_the_file_follows_the_compose_specification() -> None:
    """The schema finds nothing; and it does find a mistake."""
    assert complaints(compose()) == []
    assert complaints({"services": {"server": {"imag": "valkey"}}}) != []


def test_two_of_each_that_must_not_be_alone() -> None:
    """Every service of ours is there, under its own name, with its own command."""
    assert [name for name in OURS if name not in services()] == []
    commands = [" ".join(services()[name]["command"]) for name in OURS]
    assert len(set(commands)) == len(OURS)


def test_every_container_is_contained() -> None:
    """Nobody is root, writes to the image, keeps a capability, or stays down that should not."""
    loose = [
        name
        for name, each in services().items()
        if each["user"].split(":")[0] in {"", "0", "root"}
        or not each["read_only"]
        or each["cap_drop"] != ["ALL"]
        or "no-new-privileges:true" not in each["security_opt"]
        or each["restart"] != ("no" if name in ONCE else "unless-stopped")
        or ("healthcheck" in each) is (name in ONCE)
        or "max-size" not in each["logging"]["options"]
    ]
    assert loose == []


def test_nothing_listens_beyond_the_host_by_default() -> None:
    """Published ports name an address, and without a variable it is loopback."""
    ports = [port for each in services().values() for port in each.get("ports", [])]
    open_ones = [
        p for p in ports if not re.match(r"(127\.0\.0\.1|\$\{(BIND|CONSOLE)_ADDRESS:-127\.0)", p)
    ]
    assert len(ports) >= 4 and open_ones == []
    assert compose()["networks"]["inside"]["internal"]
    assert services()["server"]["networks"] == ["inside"]
    assert [variables(f)["BIND_ADDRESS"] for f in ENVIRONMENTS] == ["127.0.0.1"] * 4


def test_a_check_asks_for_the_instance_that_runs() -> None:
    """The health check names the same service, id and sources as the command."""
    for name in OURS:
        command, check = services()[name]["command"], services()[name]["healthcheck"]["test"]
        wanted = [
            command[i : i + 2] for i, word in enumerate(command) if word in {"--id", "--only"}
        ]
        assert check[:4] == ["CMD", "mdhub", "run", command[1]]
        assert check[-1] == "--check"
        assert wanted == [check[4:6]]


def test_secrets_are_files_only() -> None:
    """No environment holds one; what is mounted is declared, and made by the script."""
    given = {name for each in services().values() for name in each.get("secrets", [])}
    assert given == set(compose()["secrets"])
    script = (ROOT / "deploy/secrets.sh").read_text()
    assert [
        name for name in given if f"put {name} " not in script and name not in {KEY, CONSOLE_KEY}
    ] == []
    passwords = [
        key
        for each in services().values()
        for key, value in each.get("environment", {}).items()
        if re.search("PASSWORD|URL", key) and "/run/secrets/" not in value
        and not key.startswith("MARIADB_RANDOM")
        and not re.fullmatch(r"http://[a-z]+:\d+", value)
    ]  # fmt: skip
    assert passwords == []


def test_every_variable_is_explained_and_set_in_every_environment() -> None:
    """.env.example and deploy/env/ name what the file asks for, and nothing else."""
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{([A-Z_0-9]+)", text))
    composes_own = {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}
    for file in ENVIRONMENTS:
        assert variables(file).keys() == asked | composes_own, file.name
    tags = {file.stem: variables(file)["HUB_TAG"] for file in ENVIRONMENTS}
    assert tags["prod"] not in {"dev", "latest"}


def test_the_files_it_mounts_are_there() -> None:
    """Paths of configurations exist, and the hub of the file is a valid one with two publishers."""
    config = load(ROOT / "deploy/compose/hub.toml").config
    assert [publisher.id for publisher in config.publishers] == ["A", "B"]
    assert [source.name for source in config.sources] == ["A", "B"]
    assert (ROOT / compose()["configs"]["redis"]["file"]).is_file()


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    """Each is new for each stack, stays as it is, and the server's two halves fit together."""
    made = [tmp_path / "one", tmp_path / "two"]
    for folder in (*made, made[0]):
        script = ["sh", str(ROOT / "deploy/secrets.sh"), str(folder)]
        subprocess.run(script, check=True, capture_output=True, timeout=20)
    passwords = [(f / "redis_auth").read_text().removeprefix("requirepass ").strip() for f in made]
    assert len(set(passwords)) == 2 and min(map(len, passwords)) >= 32
    for folder, password in zip(made, passwords, strict=True):
        assert (folder / "redis_url").read_text() == f"redis://:{password}@server:6379/0\n"
        assert folder.stat().st_mode & 0o077 == 0


def test_the_accounts_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """As ingest and console want it; the others do not get it, and it stays what it is."""
    script = ["sh", str(ROOT / "deploy/secrets.sh"), str(tmp_path)]
    key = tmp_path / KEY
    owner = f"{os.getuid()}:{os.getgid()}"
    told = {"OWNER": owner, "PATH": os.environ["PATH"]}
    subprocess.run(script, check=True, capture_output=True, timeout=20, env=told)
    made = read_keyring(str(key), {})
    key.chmod(0o644)
    again = subprocess.run(script, check=True, capture_output=True, timeout=20, env=told)
    assert again.stderr == b"" and read_keyring(str(key), {}).secret_text() == made.secret_text()
    assert (key.stat().st_mode & 0o777, key.stat().st_uid) == (0o600, os.getuid())
    for name, each in services().items():
        environment, secrets = each.get("environment", {}), each.get("secrets", [])
        has_it = name in {"console", "ingest-1", "ingest-2"}
        assert (KEY in secrets, "MDHUB_ACCOUNTS__KEY_FILE" in environment) == (has_it, has_it)
        assert not has_it or environment["MDHUB_ACCOUNTS__KEY_FILE"] == f"/run/secrets/{KEY}"
        assert ("accounts_url" in secrets) == ("MDHUB_ACCOUNTS__URL" in environment)


def test_the_console_seals_second_factors_with_a_key_of_its_own(tmp_path: Path) -> None:
    """Made beside the accounts' key, another one, as the console reads keys; nobody else has it."""
    script = ["sh", str(ROOT / "deploy/secrets.sh"), str(tmp_path)]
    told = {"OWNER": f"{os.getuid()}:{os.getgid()}", "PATH": os.environ["PATH"]}
    subprocess.run(script, check=True, capture_output=True, timeout=20, env=told)
    own, accounts = (read_keyring(str(tmp_path / name), {}) for name in (CONSOLE_KEY, KEY))
    assert own.secret_text() != accounts.secret_text()
    assert [n for n, each in services().items() if CONSOLE_KEY in each.get("secrets", [])] == [
        "console"
    ]
    told_it = services()["console"]["environment"]["MDHUB_CONSOLE__KEY_FILE"]
    assert told_it == f"/run/secrets/{CONSOLE_KEY}"


def test_who_may_not_give_a_key_away_is_told_what_root_must_do(tmp_path: Path) -> None:
    """The script does not fail for it, and does not leave a key that others can read."""
    script = ["sh", str(ROOT / "deploy/secrets.sh"), str(tmp_path)]
    told = {"OWNER": "nobody-of-this-name", "PATH": os.environ["PATH"]}
    done = subprocess.run(script, check=True, capture_output=True, timeout=20, env=told, text=True)
    keys = [tmp_path / KEY, tmp_path / CONSOLE_KEY]
    assert done.stderr.splitlines() == [
        f"still to do, as root: chown nobody-of-this-name {key}" for key in keys
    ]
    assert [key.stat().st_mode & 0o777 for key in keys] == [0o600] * 2


@pytest.mark.parametrize("kind", ["sqlite", "mariadb", "mongodb"])
def test_the_address_of_the_accounts_fits_the_database(kind: str, tmp_path: Path) -> None:
    """It names the database's container and holds the password that this one was given."""
    script = ["sh", str(ROOT / "deploy/secrets.sh"), str(tmp_path)]
    told = {"ACCOUNTS": kind, "PATH": os.environ["PATH"]}
    subprocess.run(script, check=True, capture_output=True, timeout=20, env=told)
    url = urlsplit((tmp_path / "accounts_url").read_text().strip())
    if kind == "sqlite":
        for name in ("console", "ingest-1", "ingest-2", "backup"):
            mounted = [v.split(":")[:2] for v in services()[name]["volumes"]]
            assert ["accounts-data", str(Path(url.path[1:]).parent)] in mounted
        return
    assert url.password == (tmp_path / "database_password").read_text().strip()
    database = services()[str(url.hostname)]
    settings = database["environment"]
    assert url.username in {
        settings.get("MARIADB_USER"),
        settings.get("MONGO_INITDB_ROOT_USERNAME"),
    }
    assert set(database["networks"]) & set(services()["console"]["networks"])


def test_the_build_gets_what_the_wheel_needs() -> None:
    """.dockerignore lets through every path that pyproject.toml and the build script name."""
    kept = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    target = wheel["targets"]["wheel"]
    needed = [*target["packages"], *target["force-include"], "requirements/services.txt"]
    missing = [path for path in needed if not any(path.startswith(top) for top in kept)]
    assert missing == []


@pytest.mark.parametrize("name", ["arbiter", "console", "ingest", "monitor", "publisher"])
def test_an_image_is_named_and_built_for_each_service(name: str) -> None:
    """Image, build argument and the build script agree on the service."""
    containers = [each for key, each in services().items() if key.partition("-")[0] == name]
    assert containers
    for each in containers:
        assert each["build"]["args"] == {"SERVICE": name}
        assert f"-{name}:" in each["image"]
    assert name in (ROOT / "scripts/image.sh").read_text()
