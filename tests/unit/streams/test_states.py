"""The table of server states, and the page that is made of it."""

from __future__ import annotations

from pathlib import Path

from mdhub.streams.errors import NoLeader, NotReady, ServerError, UnknownOutcome
from mdhub.streams.states import STATES
from mdhub.streams.states_doc import states_markdown

PAGE = Path(__file__).parents[3] / "docs/server-states.md"


def test_the_page_is_what_the_table_says() -> None:
    """`make state-docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == states_markdown()


def test_every_state_says_what_it_means_and_what_to_do() -> None:
    """No cell breaks the table of the page."""
    for state in STATES.values():
        assert state.meaning and state.way_out
        assert not {"|", "\n"} & {*state.meaning, *state.way_out}


def test_the_sentence_of_an_error_ends_with_the_way_out() -> None:
    """What was found, what it means, what to do; only once."""
    for error in (NotReady("oom", "refused"), NoLeader("nobody"), UnknownOutcome("gone")):
        assert error.sentence == f"{error}: {error.meaning}. {error.way_out}"
    assert ServerError("text").sentence == "text"
