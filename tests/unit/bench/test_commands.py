"""The command line of the benchmarks, and what it says where something is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import environment
from bench.__main__ import main
from bench.catalogue import HUB, Comparison, Side
from bench.chain.hub import HubChain
from bench.load import Load
from bench.measure import Measurer
from bench.model import BenchError
from bench.settings import Settings


def test_help_ends_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for help sees commands that can be copied."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "python -m bench profile --service arbiter" in capsys.readouterr().out


def test_list_tells_how_long_rows_take(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the rows asked for are listed, and their sum."""
    assert main(["list", "--only", "price-*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "price-single", "price-standby", "price-publisher", "price-monitor", "price-keys",
        "price-tabs", "all",
    ]  # fmt: skip


def test_unknown_rows_are_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt row measures nothing and says what there is."""
    assert main(["--only", "chian-1000"]) == 1
    assert "chain-1000" in capsys.readouterr().err


def test_a_missing_environment_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without permission to install, peers say why they are not there."""
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path / ".venv-bench")
    with pytest.raises(BenchError, match="not made yet"):
        environment.bench_python(may_install=False)


def test_a_side_that_fails_does_not_end_the_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason is kept and said; the failed side is not tried again."""
    tried = []

    def make(_: Settings) -> HubChain:
        tried.append(1)
        raise BenchError("there is no such server")

    row = Comparison("r", "t", lambda s: [Side(HUB, Load(1, s.seconds), make)])
    (result,) = Measurer(Settings(seconds=1.0, rounds=3), tmp_path, [row]).all()
    assert result.skipped == {HUB: "there is no such server"}
    assert (result.runs, len(tried)) == ([], 1)
    assert "not measured: there is no such server" in capsys.readouterr().err
