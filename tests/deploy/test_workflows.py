"""The workflows of the project's own home, which cannot run here."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def parsed(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(file)
    return document


def complaints(document: dict[str, Any]) -> list[str]:
    text = (files("check_jsonschema") / "builtin_schemas/vendor/github-workflows.json").read_text()
    schema = json.loads(text)
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_follows_the_schema(file: Path) -> None:
    """GitHub would accept it; no job may run for ever or holds more rights than it says."""
    document = parsed(file)
    assert complaints(document) == []
    assert document["permissions"] == {"contents": "read"}
    assert [n for n, job in document["jobs"].items() if "timeout-minutes" not in job] == []


def test_the_schema_finds_mistakes() -> None:
    """A job that runs nowhere is refused."""
    assert complaints({"on": "push", "jobs": {"lint": {"steps": []}}}) != []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_runs_only_github_s_own_actions_and_no_secret(file: Path) -> None:
    """Whose code runs is known; the token of the run is the only credential."""
    text = file.read_text()
    actions = re.findall(r"uses: (\S+)", text)
    assert [a for a in actions if not re.fullmatch(r"actions/[a-z-]+@v\d+", a)] == []
    assert re.search(r"\{\{[^}]*secrets", text) is None
    # What others may name (a branch, a tag, a title) reaches scripts by variables only.
    steps = [step for job in parsed(file)["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_every_promised_python_is_tested() -> None:
    """The matrix is what pyproject.toml promises."""
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    matrix = parsed(ROOT / ".github/workflows/checks.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == promised


def test_files_that_workflows_name_exist() -> None:
    """Locks, scripts and folders are where the workflows look for them."""
    text = "".join(file.read_text() for file in WORKFLOWS)
    named = set(re.findall(r"\b(?:requirements|deploy|scripts|tests)/[\w./-]*\w(?![\w*-])", text))
    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
