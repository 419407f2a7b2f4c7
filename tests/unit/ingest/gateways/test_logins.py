"""The login record of a host: one per account, whoever asks, whatever happens to the process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from mdhub_ingest.gateways import logins
from mdhub_ingest.gateways.budget import OPEN_MAX, Go, Moment, Refuse, Wait
from mdhub_ingest.gateways.logins import FOLDER, Logins, LoginsError, main, moment
from mdhub_ingest.gateways.port import Note, NoteKind, Side

SECRETS = ("hunter2-password", "0123456789abcdef")


class Bench:
    """A folder and a clock that only tests move."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = data / FOLDER
        self.now = Moment("boot", 1_000.0, 1.7e9)

    def process(
        self, *, user: str = "123456", secrets: Sequence[str] = SECRETS, source: str = "CTP1"
    ) -> Logins:
        return Logins(
            self.folder, broker="9999", user=user, credentials=secrets, source=source,
            now=lambda: self.now,
        )  # fmt: skip

    def pass_(self, seconds: float) -> None:
        self.now = Moment(self.now.boot, self.now.up_s + seconds, self.now.wall_s + seconds)

    def content(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def login(code: int = 0, side: Side = Side.TD) -> Note:
    return Note(0, NoteKind.LOGIN, side, code)


CONNECTED = Note(0, NoteKind.CONNECTED, Side.TD)


def test_wrong_passwords_outlive_the_processes_that_tried_them(bench: Bench) -> None:
    """The third process is refused; one with another password is not."""
    for _ in range(2):
        process = bench.process()
        assert isinstance(process.ask(), Go)
        process.heard([CONNECTED, login(3)])
        process.end()
        bench.pass_(1_000.0)
    assert isinstance(bench.process().ask(), Refuse)
    assert isinstance(bench.process(secrets=("mended", SECRETS[1])).ask(), Go)
    bench.pass_(1_000.0)
    assert isinstance(bench.process(secrets=("mended", SECRETS[1])).ask(), Go)


def test_two_sources_of_one_account_share_its_budget(bench: Bench) -> None:
    """Another account has its own."""
    assert isinstance(bench.process(source="A").ask(), Go)
    assert isinstance(bench.process(source="B").ask(), Wait)
    assert isinstance(bench.process(user="654321").ask(), Go)


def test_a_process_that_is_killed_has_recorded_its_attempt(bench: Bench) -> None:
    """Before it connected."""
    for _ in range(OPEN_MAX):
        assert isinstance(bench.process().ask(), Go)
        bench.pass_(400.0)
    assert isinstance(bench.process().ask(), Wait)


def test_a_process_that_never_connected_takes_its_attempt_back(bench: Bench) -> None:
    """The front was away; the next one may try at once."""
    for _ in range(30):
        process = bench.process()
        assert isinstance(process.ask(), Go)
        process.heard([])
        process.end()


def test_a_ban_is_for_every_account_of_the_broker_until_it_is_cleared(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator clears it by the name of a source."""
    process = bench.process()
    process.ask()
    process.heard([login(143)])
    other = bench.process(user="654321", source="CTP2")
    assert isinstance(other.ask(), Refuse)
    assert main(["--data", str(bench.data)]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["sources"], row["now"]) == (["CTP1"], "refuse")
    assert main(["--data", str(bench.data), "--clear", "CTP1"]) == 0
    assert isinstance(other.ask(), Go)
    assert isinstance(bench.process().ask(), Go)


def test_the_record_holds_no_secret_and_no_user(bench: Bench) -> None:
    """Nor does what it prints."""
    process = bench.process()
    process.ask()
    process.heard([login(48)])
    command = [sys.executable, "-m", "mdhub_ingest.gateways.logins", "--data", str(bench.data)]
    printed = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
    assert b'"sources":["CTP1"]' in printed and b"48 wrong user or password" in printed
    for secret in (*SECRETS, "123456"):
        assert secret.encode() not in bench.content() + printed


def test_a_damaged_record_counts_as_one_wrong_login(bench: Bench) -> None:
    """It is kept aside; one wrong login more and the account stops."""
    bench.process().ask()
    (path,) = bench.folder.glob("account-*.json")
    path.write_bytes(b"{torn")
    process = bench.process()
    assert isinstance(process.ask(), Go)
    assert path.with_suffix(".damaged").read_bytes() == b"{torn"
    process.heard([login(3)])
    bench.pass_(1_000.0)
    assert isinstance(bench.process().ask(), Refuse)


def test_without_a_record_nothing_logs_in(tmp_path: Path) -> None:
    """A data folder that is a file: a sentence that says what to do."""
    (tmp_path / "gateways").write_bytes(b"")
    with pytest.raises(LoginsError, match="make the folder writable"):
        Bench(tmp_path).process().ask()


def test_a_lock_that_is_never_given_back_is_an_error_not_a_hang(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds it must be found."""
    monkeypatch.setattr(logins, "LOCK_S", 0.05)
    process = bench.process()
    process.ask()
    (path,) = bench.folder.glob("account-*.json")
    with logins._locked(path), pytest.raises(LoginsError, match="held the lock"):
        bench.process().ask()


def test_clearing_what_is_not_recorded_says_so(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 for a name nobody used."""
    bench.process().ask()
    assert main(["--data", str(bench.data), "--clear", "CTP9"]) == 1
    assert "nothing is recorded of 'CTP9'" in capsys.readouterr().err


def test_the_clock_is_the_one_that_cannot_be_set() -> None:
    """Seconds since boot, and which boot it was."""
    first, second = moment(), moment()
    assert 0.0 <= second.since(first) < 5.0
    assert Moment("earlier", 1e9, 0.0) != first
    assert first.since(Moment("earlier", 1e9, 0.0)) == first.up_s
    assert msgspec.json.decode(msgspec.json.encode(first), type=Moment) == first
