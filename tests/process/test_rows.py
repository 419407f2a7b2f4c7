"""Every row of a recording has a verdict, and the real chain gives the same ones."""

from __future__ import annotations

import pytest

from tests.support.recordings import recording
from truth.rows import examine

pytestmark = [pytest.mark.process, pytest.mark.recordings, pytest.mark.timeout(120)]


@pytest.mark.parametrize("name", ["AP010_20200803.csv.zst", "IF2101_20210104.csv.zst"])
def test_offline_and_chain_agree_on_every_row(name: str) -> None:
    """`mdhub arbitrate` and source -> server -> arbiter: the same verdicts by contract."""
    result = examine(recording(name))

    assert result.agrees, (result.offline, result.chain)
    assert result.of("malformed") == 0
    assert result.of("accept") > 10_000
