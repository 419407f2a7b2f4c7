"""The knobs of the alerts."""

from pathlib import Path

import msgspec
import pytest

from mdhub.cli.hubs import plan_of
from mdhub.config import ConfigError, load
from mdhub.config.alerts import AlertKnobs
from mdhub_monitor.alerts.settings import VARIABLE, AlertSettings, parse_settings

TOKEN = "a1b2c3d4e5f6"


def test_the_monitor_takes_what_the_configuration_gives(tmp_path: Path) -> None:
    """The same knobs with the same defaults on both sides; references, never what they lead to."""
    assert msgspec.to_builtins(AlertSettings()) == AlertKnobs().model_dump()
    file = tmp_path / "hub.toml"
    file.write_text(
        '[alerts]\nchannels = { ops = "env:OPS_URL", boss = "file:secrets/boss" }\n'
        'quiet = "23:00-07:00"\nlanguage = "both"\n',
        encoding="utf-8",
    )
    text = plan_of(load(file).config).alerts
    assert text is not None
    settings = parse_settings({VARIABLE: text})
    assert settings.channels == {"ops": "env:OPS_URL", "boss": f"file:{tmp_path}/secrets/boss"}
    assert (settings.quiet_hours.first_min, settings.quiet_hours.end_min) == (1_380, 420)
    assert settings.language == "both"


@pytest.mark.parametrize("place", ["file", "variable", "broken variable"])
def test_an_address_in_plain_text_is_refused_and_not_repeated(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand in files, command lines and backups."""
    file = tmp_path / "hub.toml"
    file.write_text("", encoding="utf-8")
    match place:
        case "file":
            file.write_text(f'[alerts.channels]\nops = "dingtalk://{TOKEN}"\n', encoding="utf-8")
        case "variable":
            monkeypatch.setenv("MDHUB_ALERTS__CHANNELS", f'{{"ops": "dingtalk://{TOKEN}"}}')
        case _:
            monkeypatch.setenv("MDHUB_ALERTS__CHANNELS", f"dingtalk://{TOKEN}")
    with pytest.raises(ConfigError) as refused:
        load(file)
    shown = [str(problem) for problem in refused.value.problems]
    assert len(shown) == 1
    assert "alerts.channels" in shown[0]
    assert TOKEN not in f"{shown} {refused.value}"


def test_a_wrong_setting_is_named_without_its_value() -> None:
    """The monitor starts with a word instead of a trace."""
    with pytest.raises(Exception, match="was not understood") as refused:
        parse_settings({VARIABLE: f'{{"channels": "{TOKEN}"}}'})
    assert TOKEN not in str(refused.value)
