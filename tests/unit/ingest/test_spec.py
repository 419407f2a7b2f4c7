"""A source is described by JSON; what is wrong in it is said at once."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mdhub.market.errors import MarketError
from mdhub_ingest.sources.port import SourceError
from mdhub_ingest.spec import RecordingKnobs, SimKnobs, on_day, parse_spec


def spec_text(**fields: Any) -> str:
    return json.dumps({"name": "A", "sim": {}} | fields)


def test_a_simulation_has_good_defaults() -> None:
    """A name and a type are enough."""
    spec = parse_spec(spec_text())
    assert (spec.name, spec.knobs(), spec.misbehave, spec.play_s) == ("A", SimKnobs(), "", None)


def test_a_simulation_can_be_the_whole_market() -> None:
    """25,000 contracts and whole trading days are a matter of two knobs."""
    spec = parse_spec(spec_text(sim={"contracts": 25_000, "sessions": "full"}))
    assert spec.knobs() == SimKnobs(contracts=25_000, sessions="full")


def test_an_impossible_market_is_refused_with_what_is_possible() -> None:
    """Ten contracts cannot make 120 ticks a second; nobody has to start a process to be told."""
    with pytest.raises(MarketError, match="ticks_per_s was 120 for 10 contracts, expected"):
        parse_spec(spec_text(sim={"contracts": 10}))


def test_a_recording_names_its_file() -> None:
    """Speed 0 is as fast as it goes."""
    spec = parse_spec(spec_text(sim=None, recording={"file": "/data/x.csv.zst", "speed": 0}))
    assert spec.knobs() == RecordingKnobs(file=Path("/data/x.csv.zst"), speed=0.0)


@pytest.mark.parametrize("file", ["x.csv", "/data/行情.csv"])
def test_a_source_survives_the_way_to_its_child(file: str) -> None:
    """The supervisor hands the source on as JSON."""
    spec = parse_spec(spec_text(sim=None, recording={"file": file}, misbehave="lose=0.1", play_s=3))
    text = msgspec.json.encode(spec, enc_hook=os.fspath).decode()
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "{}",
        spec_text(name=""), spec_text(name="a b"), spec_text(name="../x"), spec_text(name="x" * 33),
        spec_text(name="A\n"),
        spec_text(sim=None), spec_text(recording={"file": "x"}), spec_text(colour="red"),
        spec_text(sim={"sed": 7}), spec_text(sim={"ticks_per_s": 0}), spec_text(sim={"rate": -1}),
        spec_text(sim={"sessions": "night"}), spec_text(sim={"contracts": 0}),
        spec_text(sim=None, recording={}), spec_text(sim=None, recording={"file": 7}),
        spec_text(sim=None, recording={"file": "x", "speed": -1}),
        spec_text(sim=None, recording={"file": "x", "loops": -1}),
        spec_text(sim=None, recording={"file": "x", "day": "yesterday"}),
        spec_text(sim=None, recording={"file": "x", "day": "20261131"}),
        spec_text(sim=None, recording={"file": "x", "more_files": "y"}),
        spec_text(misbehave="lose=2"), spec_text(misbehave="dance"), spec_text(play_s=0),
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused(text: str) -> None:
    """One error says what was expected."""
    with pytest.raises(SourceError, match=r"expected"):
        parse_spec(text)


def test_today_is_settled_once() -> None:
    """The supervisor says which day it is, for all children and their replacements."""
    text = spec_text(sim=None, recording={"file": "x.csv", "day": "today", "loops": 0})
    settled = on_day(parse_spec(text), date(2026, 11, 23)).recording
    assert settled is not None
    assert (settled.day, settled.first_day(), settled.loops) == ("20261123", date(2026, 11, 23), 0)


def test_a_day_that_is_given_stays() -> None:
    """Neither a date nor a source without one is changed."""
    for knobs in ({"day": "20261120"}, {}):
        spec = parse_spec(spec_text(sim=None, recording={"file": "x.csv", **knobs}))
        assert on_day(spec, date(2026, 11, 23)) == spec
    assert on_day(parse_spec(spec_text()), date(2026, 11, 23)) == parse_spec(spec_text())
