"""Whatever happens: no duplicate, no lost error, resolved exactly once."""

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from mdhub_monitor.alerts.causes import cause_of
from mdhub_monitor.alerts.settings import AlertSettings
from tests.unit.monitor.alerts.builders import Told, finding

KEYS = [
    "server_away:",
    "all_sources_silent:",
    "service_down:ingest:A",
    "source_disconnected:A",
    "source_silent:A",
    "source_silent:B",
    "source_frozen:A",
    "disk_space:",
]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("began"), st.sampled_from(KEYS), st.sampled_from(["warning", "error"])),
        st.tuples(st.just("ended"), st.sampled_from(KEYS), st.just("")),
        st.tuples(st.just("wait"), st.sampled_from(["0.5", "2", "5", "20", "4000"]), st.just("")),
        st.tuples(st.just("restart"), st.just(""), st.just("")),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=200)
@given(steps=steps)
def test_every_error_is_told_or_explained_and_every_end_is_told_once(
    steps: list[tuple[str, str, str]],
) -> None:
    """Also over restarts, at any moment.

    Each key is told `new` and `resolved` in turn, `resolved` only after `new`; when all is over
    and calm, everything told was resolved, and an error that was never told had a cause.
    """
    told = Told(AlertSettings(repeat_s=600))
    lasting: dict[str, str] = {}
    errors: set[str] = set()
    explained: set[str] = set()

    def look() -> None:
        findings = {key: finding(key, severity) for key, severity in lasting.items()}
        explained.update(k for k, f in findings.items() if cause_of(f, findings.values()))

    for action, name, severity in steps:
        match action:
            case "began":
                told.now_s += 0.001
                told.began(name, severity)
                lasting[name] = severity
                errors |= {name} if severity == "error" else set()
            case "ended":
                told.now_s += 0.001
                told.ended(name)
                lasting.pop(name, None)
            case "wait":
                told.wait(float(name), step_s=max(0.5, float(name) / 50))
            case _:
                after = Told(AlertSettings(repeat_s=600))
                after.policy.adopt(told.policy.book())
                after.now_s, after.messages = told.now_s, told.messages
                told = after
        look()
    for key in list(lasting):
        told.ended(key)
    told.wait(60)

    history: dict[str, list[str]] = defaultdict(list)
    for message in told.messages:
        for item in message.items:
            history[item.finding.key].append(item.change)
    for key, changes in history.items():
        counted = Counter(changes)
        assert counted["new"] == counted["resolved"], (key, changes)
        ends = [change for change in changes if change in {"new", "resolved"}]
        assert ends == ["new", "resolved"] * counted["new"], (key, changes)
    assert errors - explained <= history.keys()
    assert told.policy.book().alerts == []
