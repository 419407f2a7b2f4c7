"""How long a stage may take."""

from __future__ import annotations

from mdhub_ingest.gateways.deadlines import Deadline, Deadlines


def test_a_closed_front_has_time_unless_an_operator_set_it() -> None:
    """Out of hours a front may be down; what was set by hand holds at any hour."""
    own = Deadlines.set_to({Deadline.MD_FRONT: 2.0})

    assert own.of(Deadline.MD_FRONT, session_open=False) == 2.0
    assert own.of(Deadline.TD_FRONT, session_open=False) == 600.0
    assert own.of(Deadline.TD_FRONT, session_open=True) == 20.0
    assert own.of(Deadline.CONTRACTS, session_open=False) == 60.0
