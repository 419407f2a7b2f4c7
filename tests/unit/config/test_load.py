"""File, variables and options become one checked configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mdhub.config import ConfigError, HubConfig, load
from mdhub.config.environment import OTHER_VARIABLES, TEST_VARIABLES
from mdhub.config.locate import Key
from mdhub.config.model import GatewaySource

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine that runs the tests counts."""
    import os  # noqa: PLC0415 - for this fixture only

    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hub.toml"


def problems(file: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(problem) for problem in caught.value.problems]


def test_without_anything_the_defaults_are_in_force() -> None:
    """`mdhub up` needs no configuration."""
    loaded = load()

    assert loaded.config == HubConfig()
    assert loaded.origin(("hub", "shards")) == "default"


def test_options_beat_variables_beat_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value says where it comes from."""
    file.write_text('[hub]\nshards = 2\nprofile = "fast"\nprefix = "a:"\n')
    monkeypatch.setenv("MDHUB_HUB__SHARDS", "3")
    monkeypatch.setenv("MDHUB_HUB__PROFILE", "single")

    loaded = load(file, options={("hub", "shards"): ("--shards", "4")})

    hub = loaded.config.hub
    assert (hub.shards, hub.profile, hub.prefix) == (4, "single", "a:")
    keys: list[Key] = [("hub", "shards"), ("hub", "profile"), ("hub", "prefix"), ("hub", "data")]
    assert [loaded.origin(key) for key in keys] == [
        "--shards", "MDHUB_HUB__PROFILE", f"{file}:4", "default",
    ]  # fmt: skip


def test_lists_are_taken_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with publishers replaces those of the file; what it leaves out is default."""
    file.write_text('[[publishers]]\nbind = "10.0.0.1"\nport = 7000\n')
    monkeypatch.setenv("MDHUB_PUBLISHERS", '[{"port": 8000}, {"id": "B", "port": 8010}]')

    loaded = load(file)

    assert [p.port for p in loaded.config.publishers] == [8000, 8010]
    assert loaded.config.publishers[0].bind == "127.0.0.1"
    assert loaded.origin(("publishers", 0, "port")) == "MDHUB_PUBLISHERS"
    assert loaded.origin(("publishers", 0, "bind")) == "default"


def test_the_address_variable_of_the_services_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """MDHUB_REDIS_URL is the same knob as server.url."""
    monkeypatch.setenv("MDHUB_REDIS_URL", "redis://h:1")

    loaded = load()

    url = loaded.config.server.url
    assert url is not None and url.get_secret_value() == "redis://h:1"
    assert loaded.origin(("server", "url")) == "MDHUB_REDIS_URL"


def test_one_bound_of_a_stream_may_be_named_alone(file: Path) -> None:
    """The other keeps its own stream's default."""
    file.write_text("[retention.rejected]\nkeep_ms = 5000\n")

    kept = load(file).config.retention.rejected

    assert (kept.keep_ms, kept.max_bytes) == (5_000, HubConfig().retention.rejected.max_bytes)


def test_paths_in_a_file_count_from_its_folder(file: Path) -> None:
    """The hub may be started from anywhere."""
    file.write_text(
        '[hub]\ndata = "d"\n[[sources]]\nname = "A"\ntype = "recording"\nfile = "day.csv"\n'
    )

    dumped = load(file).config.model_dump()

    assert dumped["hub"]["data"] == file.parent / "d"
    assert dumped["sources"][0]["file"] == file.parent / "day.csv"


def test_every_problem_is_named_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With file and line or variable, the key, what was found and what was expected."""
    file.write_text(
        '[hub]\nshards = 0\nprefx = "a:"\n\n[[sources]]\nname = "A"\ntype = "sim"\nspeed = 3\n'
        '[[sources]]\nname = "B"\ntype = "cpt"\n[[sources]]\ntype = "recording"\n[what]\n'
    )
    monkeypatch.setenv("MDHUB_ARBITER__TAKEOVER_MS", "soon")
    monkeypatch.setenv("MDHUB_MONITOR__SILNT_MS", "1")
    monkeypatch.setenv("MDHUB_SOURCS", "[]")
    monkeypatch.setenv("MDHUB_PUBLISHERS", "[{")

    found = problems(file)

    sections = (
        "hub, server, publishers, sources, accounts, retention, arbiter, calendar, schedule, "
        "monitor, alerts, logs, metrics, console"
    )
    array = "expected a list of tables (in a variable: a JSON array)"
    assert set(found) == {
        f"{file}:2: hub.shards: was 0, expected greater than or equal to 1",
        f"{file}:3: hub.prefx: unknown key; did you mean prefix?",
        f"{file}:8: sources[0].speed: does not belong to this type of source",
        f"{file}:9: sources[1]: expected type sim, recording, ctp, sopt, tts, ib or vnpy",
        f"{file}:12: sources[2].name: is missing",
        f"{file}:12: sources[2].file: is missing",
        f"{file}:14: what: unknown key",
        "MDHUB_ARBITER__TAKEOVER_MS: arbiter.takeover_ms: was 'soon', expected a whole number",
        "MDHUB_MONITOR__SILNT_MS: monitor.silnt_ms: unknown key; did you mean silent_ms?",
        f"MDHUB_SOURCS: unknown variable; sections are {sections}",
        f"MDHUB_PUBLISHERS: publishers: was '[{{', {array}",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hub\n", ":1: not valid TOML: "),
        ("[hub]\nshards =\n", ":2: not valid TOML: "),
        ("[hub]\nshards = 1\nshards = 2\n", ":3: not valid TOML: "),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_the_line(file: Path, text: str, words: str) -> None:
    """So is what variables got wrong, in the same breath."""
    file.write_text(text)

    assert problems(file)[0].startswith(f"{file}{words}")


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    """The reason is the system's own."""
    assert problems(file) == [f"{file}: cannot be read: No such file or directory"]


def test_two_publishers_cannot_share_a_port(file: Path) -> None:
    """The request port of one must not be the live port of the other."""
    file.write_text('[[publishers]]\n[[publishers]]\nid = "B"\nport = 5556\n')

    assert "publishers A and B both need port 5556" in problems(file)[0]


def test_names_are_given_once(file: Path) -> None:
    """Two sources of one name would supersede each other."""
    file.write_text('[[sources]]\nname = "A"\ntype = "sim"\n' * 2)

    assert "name A is given twice" in problems(file)[0]


@pytest.mark.parametrize(
    "text",
    [
        '[server]\nurl = "http://:hunter2@host"\n',
        '[server]\nurl = ["hunter2"]\n',
        '[server]\nulr = "redis://:hunter2@host"\n',
        'server = "redis://:hunter2@host"\n',
    ],
)
def test_no_problem_tells_a_secret(file: Path, text: str) -> None:
    """Not even where the key is misspelt or the value has the wrong shape."""
    file.write_text(text)

    assert "hunter2" not in "\n".join(problems(file))


def test_no_problem_of_a_variable_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole section may come as JSON."""
    monkeypatch.setenv("MDHUB_SERVER", '{"url": "redis://:hunter2@h"')

    assert "hunter2" not in "\n".join(problems())


def test_a_configuration_cannot_be_changed() -> None:
    """What was checked stays so."""
    config = HubConfig()

    with pytest.raises(ValidationError):
        config.hub.shards = 2


def test_variables_that_the_code_uses_are_known() -> None:
    """No variable of our own is refused as unknown."""
    folders = ("services", "shared", "tests", "bench", "examples", "scripts")
    texts = [
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "unit/config" not in path.as_posix()
    ]
    used = {name for text in texts for name in re.findall(r'"(MDHUB_[A-Z_]+)"', text)}

    sections = tuple(f"MDHUB_{name.upper()}" for name in HubConfig.model_fields)
    unknown = {name for name in used if not name.startswith((TEST_VARIABLES, *sections))}
    assert unknown - OTHER_VARIABLES.keys() == set()
    assert "MDHUB_REDIS_URL" in used


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('shards = "2"', "hub.shards: was '2', expected a whole number, without quotes"),
        ("shards = true", "hub.shards: was True, expected a whole number, without quotes"),
        ("shards = 2.0", "hub.shards: was 2.0, expected a whole number, without quotes"),
    ],
)
def test_a_file_has_numbers_of_its_own(file: Path, line: str, words: str) -> None:
    """Text in a place for a number is refused with its line; a variable is always text."""
    file.write_text(f"[hub]\n{line}\n")
    assert problems(file) == [f"{file}:2: {words}"]


def test_numbers_in_lists_of_a_file_are_checked_too(file: Path) -> None:
    """A whole number serves where a number is wanted."""
    source = '[[sources]]\nname = "A"\ntype = "sim"\n'
    file.write_text(f'{source}ticks_per_s = 5\nrate = "1"\n')
    words = "sources[0].rate: was '1', expected a number, without quotes"
    assert problems(file) == [f"{file}:5: {words}"]
    file.write_text(f"{source}ticks_per_s = 5\n")
    assert load(file).config.sources[0].name == "A"


def test_a_variable_is_always_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """So its numbers are read from text."""
    monkeypatch.setenv("MDHUB_HUB__SHARDS", "2")
    assert load().config.hub.shards == 2


def test_modes_of_exchanges_may_be_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one or as JSON, over those of the file."""
    monkeypatch.setenv("MDHUB_ARBITER__RULES", '{"preference": ["A"], "modes": {"INE": "race"}}')
    monkeypatch.setenv("MDHUB_ARBITER__RULES__MODES__SHFE", "priority")

    rules = load().config.arbiter.rules

    assert rules.modes == {"SHFE": "priority", "INE": "race"}
    assert rules.preference == ("A",)


def account(settings: str, head: str = 'type = "ctp"') -> str:
    return f'[[sources]]\nname = "A"\n{head}\n[sources.settings]\n{settings}\n'


def test_an_account_is_a_source(file: Path) -> None:
    """Its settings are whatever its gateway asks for; files of secrets count from the folder."""
    file.write_text(account('"用户名" = "1"\nport = 7\nlive = true\n"密码" = "file:pw"'))

    source = load(file).config.sources[0]

    assert isinstance(source, GatewaySource)
    assert source.settings == {
        "用户名": "1", "port": 7, "live": True, "密码": f"file:{file.parent}/pw",
    }  # fmt: skip
    assert (source.subscribe, source.limit, source.pace) == (("all",), None, None)


@pytest.mark.parametrize("name", ["password", "密码", "auth_code", "授权编码", "token"])
@pytest.mark.parametrize("value", ['"hunter2"', "4711"])
def test_a_secret_in_plain_text_is_refused(file: Path, name: str, value: str) -> None:
    """With its line; it would be seen in the list of processes."""
    file.write_text(account(f'user_id = "1"\n"{name}" = {value}'))

    found = problems(file)

    assert len(found) == 1
    assert found[0].startswith(f"{file}:6: sources[0].settings.{name}: holds a secret in plain ")
    assert "expected env:NAME (a variable) or file:/path" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        account('password = ["hunter2"]'),
        account('password = {x = "hunter2"}'),
        '[[sources]]\nname = "A"\ntype = "ctp"\nsettings = "hunter2"\n',
        '[[sources]]\nname = "A"\ntype = "ctp"\nsettigns = {password = "hunter2"}\n',
        '[[sources]]\nname = "A"\ntype = "ctp"\npassword = "hunter2"\n',
        account('password = "hunter2"', 'type = "vnpy"'),
        account('password = "hunter2"', 'type = "cpt"'),
    ],
)
def test_no_problem_of_an_account_tells_a_secret(file: Path, text: str) -> None:
    """Whatever else is wrong around it."""
    file.write_text(text)
    assert "hunter2" not in "\n".join(problems(file))


@pytest.mark.parametrize("value", ["[1]", "{ a = 1 }", "inf", "nan"])
def test_a_setting_is_one_value(file: Path, value: str) -> None:
    """Text, a number, true or false."""
    file.write_text(account(f"port = {value}"))
    words = "sources[0].settings.port: expected text, a number, true or false"
    assert [each.replace("was inf, ", "").replace("was nan, ", "") for each in problems(file)] == [
        f"{file}:5: {words}"
    ]


def test_only_the_type_vnpy_names_a_class(file: Path) -> None:
    """It must; the others have their own."""
    file.write_text(account("", 'type = "vnpy"') + account("", 'type = "ctp"\nclass = "a:B"'))
    assert problems(file) == [
        f"{file}:1: sources[0].class: is missing",
        f"{file}:9: sources[1].class: does not belong to this type of source",
    ]


def test_paths_of_accounts_count_from_the_file(file: Path) -> None:
    """The database's and the key file's; references and servers stay as they are."""
    file.write_text('[accounts]\nurl = "sqlite:///d/a.db"\nkey_file = "k/a.key"\n')
    accounts = load(file).config.accounts
    assert accounts.url is not None
    assert accounts.url.get_secret_value() == f"sqlite:///{file.parent}/d/a.db"
    assert accounts.key_file == str(file.parent / "k/a.key")

    file.write_text('[accounts]\nurl = "mysql+pymysql://u:p@h/d"\nkey_file = "env:KEYS"\n')
    accounts = load(file).config.accounts
    assert accounts.url is not None
    assert accounts.url.get_secret_value() == "mysql+pymysql://u:p@h/d"
    assert accounts.key_file == "env:KEYS"


def test_an_unknown_kind_of_database_is_refused_without_its_password(file: Path) -> None:
    """The address is a secret."""
    file.write_text('[accounts]\nurl = "nix://u:canary@h/d"\n')
    (problem,) = problems(file)
    assert "accounts.url" in problem and "sqlite:///" in problem and "canary" not in problem


def test_paths_of_the_console_count_from_the_files_folder(file: Path) -> None:
    """Certificate and master keys; a variable and an absolute path stay as they are."""
    file.write_text('[console]\ntls_cert = "c.pem"\ntls_key = "/etc/k.pem"\nkey_file = "c.key"\n')
    knobs = load(file).config.console
    assert knobs.tls_cert == file.parent / "c.pem"
    assert knobs.tls_key == Path("/etc/k.pem")
    assert knobs.key_file == str(file.parent / "c.key")
    file.write_text('[console]\nkey_file = "env:KEYS"\n')
    assert load(file).config.console.key_file == "env:KEYS"
