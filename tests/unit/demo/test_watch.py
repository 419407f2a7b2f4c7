"""What heartbeats tell of a source that dies now and then."""

from mdhub.demo.watch import MISDEEDS, SourceLife
from mdhub.runtime.heartbeat import Beat


def beat(pid: int, **counters: int) -> Beat:
    return Beat(1, 0, "ingest", "A", pid, "running", counters)


def test_misdeeds_add_up_over_the_processes_of_a_source() -> None:
    """Counters begin anew with each process; a new pid is a restart, whoever caused it."""
    life = SourceLife()
    for said in (beat(7, lost=2), beat(7, lost=5, delayed=1), beat(8), beat(8, lost=3)):
        life.note(said)

    assert life.restarts == 1
    assert life.broke() == dict.fromkeys(MISDEEDS, 0) | {"lost": 8, "delayed": 1}
