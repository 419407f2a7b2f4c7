"""How checks are run, counted and shown."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdhub.cli.app import app
from mdhub.cli.doctor import run
from mdhub.cli.doctor.finding import Finding, Status, Words, exit_code, said_once
from mdhub.cli.doctor.run import Check, language_of, run_checks
from mdhub.cli.doctor.show import lines, show_json, verdict
from mdhub.config import ConfigError

FINE = Finding("a.fine", Status.OK, "1")
HINT = Finding("b.hint", Status.HINT, "1", "2", Words("so", "如此"), "do")
WARNING = Finding("a.warning", Status.WARNING, Words("one", "一"), "2", Words("so", "如此"), "do")
ERROR = Finding("b.error", Status.ERROR, "1", "2", "so", Words("do", "做"))
SKIPPED = Finding("a.skipped", Status.SKIPPED, "no")


@pytest.mark.parametrize(
    ("findings", "code", "strict_code"),
    [([], 0, 0), ([FINE, HINT, SKIPPED], 0, 0), ([WARNING], 0, 1), ([FINE, ERROR], 1, 1)],
)
def test_the_exit_code_counts_errors(findings: list[Finding], code: int, strict_code: int) -> None:
    """With --strict warnings too; hints never."""
    assert exit_code(findings, strict=False) == code
    assert exit_code(findings, strict=True) == strict_code


def test_what_a_preflight_repeats_is_said_once() -> None:
    """Only where the doctor's own check has found the same; what it alone found stays."""
    own = [Finding(name, Status.ERROR, "1") for name in ("gateways.packages", "source.X.secrets")]
    own.append(Finding("gateways.locale", Status.OK, "1"))
    names = ("package:vnpy_ctp", "secret:password", "locale", "setting:user_id")
    more = [Finding(f"source.X.{name}", Status.ERROR, "1") for name in names]
    other = Finding("source.Y.secret:password", Status.ERROR, "1")

    assert said_once([*own, *more, other]) == [*own, more[2], more[3], other]


def test_a_check_that_hangs_is_left_behind() -> None:
    """The others are heard; the one that hangs is an error with its name."""
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait(30)
        return []

    findings = run_checks([Check("disk", hang), Check("a", lambda: [FINE])], limit_s=0.2)
    never.set()

    assert [(each.check, each.status) for each in findings] == [
        ("disk", Status.ERROR),
        ("a.fine", Status.OK),
    ]
    assert isinstance(findings[0].found, Words) and "0.2 s" in findings[0].found.en


def test_a_check_that_breaks_hides_no_other() -> None:
    """It is an error of its own."""

    def broken() -> list[Finding]:
        raise ZeroDivisionError("what?")

    findings = run_checks([Check("host", broken), Check("a", lambda: [FINE])])

    assert [(each.check, each.status) for each in findings] == [
        ("host", Status.ERROR),
        ("a.fine", Status.OK),
    ]
    assert findings[0].found == "ZeroDivisionError: what?"


def test_people_see_groups_with_a_way_out_where_one_is_needed() -> None:
    """Groups stay together; the verdict is the last line."""
    shown = [text for _, text in lines([FINE, ERROR, WARNING, SKIPPED], "en")]

    assert shown == [
        "a",
        "  ✓ fine: 1",
        "  ! warning: one",
        "      expected: 2",
        "      means: so",
        "      mend: do",
        "  - skipped: no",
        "b",
        "  ✗ error: 1",
        "      expected: 2",
        "      means: so",
        "      mend: do",
        "1 error, 1 warning.",
    ]


def test_the_same_in_chinese() -> None:
    """Labels, texts and the verdict."""
    shown = [text for _, text in lines([WARNING, ERROR], "zh")]

    assert "  ! warning: 一" in shown and "      影响: 如此" in shown and "      处理: 做" in shown
    assert shown[-1] == "1 个错误，1 个警告。"


def test_the_verdict_says_whether_the_hub_can_run() -> None:
    """Only errors keep it from running."""
    assert verdict([FINE, SKIPPED], "en") == "All fine."
    assert verdict([WARNING, WARNING, HINT], "en") == "2 warnings, 1 hint; the hub can run."


def test_machines_get_one_list_with_every_key() -> None:
    """Names and states do not depend on the language."""
    english, chinese = (json.loads(show_json([WARNING], name)) for name in ("en", "zh"))

    assert english == [
        {
            "check": "a.warning",
            "status": "warning",
            "found": "one",
            "expected": "2",
            "means": "so",
            "mend": "do",
        }
    ]
    assert chinese[0]["check"] == "a.warning" and chinese[0]["means"] == "如此"


def test_the_language_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless one is asked for."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert (language_of(None), language_of("en")) == ("zh", "en")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert (language_of(None), language_of("zh")) == ("en", "zh")


def test_options_choose_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server can be left alone; fronts are tried on demand only."""
    seen: list[set[str]] = []

    def checks(each: list[Check], limit_s: float = 0) -> list[Finding]:
        seen.append({check.name for check in each})
        return [WARNING]

    monkeypatch.setattr(run, "run_checks", checks)
    results = [
        CliRunner().invoke(app, ["doctor", *options])
        for options in ([], ["--no-server", "--fronts", "--strict"])
    ]

    assert [result.exit_code for result in results] == [0, 1]
    assert seen[1] - seen[0] == {"front"}
    assert seen[0] - seen[1] == {"server"}


def test_a_configuration_that_cannot_be_read_is_exit_code_2(tmp_path: Path) -> None:
    """With --json as a list of findings as well."""
    file = tmp_path / "hub.toml"
    file.write_text("[hub]\nshards = 'x'\n")

    result = CliRunner().invoke(app, ["doctor", "--json", "--config", str(file)])

    (finding,) = json.loads(result.stdout)
    assert (finding["check"], finding["status"]) == ("config.file", "error")
    assert f"{file}:2" in finding["found"]
    assert isinstance(result.exception, ConfigError) and result.exception.exit_code == 2
