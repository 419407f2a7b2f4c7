"""Backups: whole or not at all, no secret in them, and put back as they were."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mdhub.cli.backup import run_create, run_list, run_restore
from mdhub.host.backup import BackupError, create, list_backups, prune, read_backup
from mdhub.host.backup_restore import planned

HUB = """\
[hub]
profile = "fast"
[calendar]
override = "days.txt"
[accounts]
key_file = "keys/accounts.key"
[[publishers]]
curve_key = "keys/server.key_secret"
curve_clients = "keys/clients"
[[sources]]
name = "A"
type = "ctp"
[sources.settings]
user_id = "1"
password = "env:CTP1_PASSWORD"
auth_code = "file:/run/secrets/code"
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("MDHUB_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "etc"
    (folder / "keys/clients").mkdir(parents=True)
    (folder / "keys/clients/s1.key").write_text('curve\n    public-key = "abc"\n')
    (folder / "keys/server.key_secret").write_text('curve\n    secret-key = "hush"\n')
    (folder / "days.txt").write_text("closed 2026-12-31\n")
    (folder / "hub.toml").write_text(HUB)
    return folder / "hub.toml"


def names(backup: Path) -> list[str]:
    return [Path(part.path).name for part in read_backup(backup)[0].parts]


def test_a_backup_holds_what_the_configuration_names(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Configuration, calendar, clients' public keys, and what else was named; no secret key."""
    also = tmp_path / "mdhub.env"
    also.write_text("MDHUB_HUB__SHARDS=1\n")
    code = run_create(hub, tmp_path / "bk", [also], 30, "before 0.2", as_json=True)
    (backup,) = list_backups(tmp_path / "bk")
    assert code == 0 and str(backup) in capsys.readouterr().out
    assert names(backup) == ["hub.toml", "days.txt", "s1.key", "mdhub.env"]
    assert backup.stat().st_mode & 0o777 == 0o600


def test_what_was_lost_comes_back(hub: Path, tmp_path: Path) -> None:
    """Deleted files are written again; asked once more, all are the same."""
    backup = create(tmp_path / "bk", [hub, hub.parent / "days.txt"], release="1")
    hub.unlink()
    (hub.parent / "days.txt").unlink()
    assert run_restore(backup, None, force=False, dry_run=False, as_json=True) == 0
    assert hub.read_text() == HUB
    assert {each.change for each in planned(backup, into=None).put_files()} == {"same"}


def test_a_file_that_differs_is_replaced_only_by_force(hub: Path, tmp_path: Path) -> None:
    """Without force nothing at all is written; with it the other one stays beside."""
    days = hub.parent / "days.txt"
    backup = create(tmp_path / "bk", [hub, days], release="1")
    days.unlink()
    hub.write_text("# changed\n")
    assert run_restore(backup, None, force=False, dry_run=False, as_json=True) == 1
    assert not days.exists() and hub.read_text() == "# changed\n"
    assert run_restore(backup, None, force=True, dry_run=False, as_json=True) == 0
    assert days.exists() and hub.read_text() == HUB
    assert hub.with_name("hub.toml.before-restore").read_text() == "# changed\n"


def test_a_trial_goes_elsewhere_and_a_dry_run_nowhere(hub: Path, tmp_path: Path) -> None:
    """Below a folder of one's own the whole path is kept."""
    backup = create(tmp_path / "bk", [hub], release="1")
    run_restore(backup, tmp_path / "dry", force=False, dry_run=True, as_json=True)
    assert not (tmp_path / "dry").exists()
    run_restore(backup, tmp_path / "trial", force=False, dry_run=False, as_json=True)
    assert (tmp_path / "trial" / hub.relative_to("/")).read_text() == HUB


@pytest.mark.parametrize(
    "line",
    [
        "CTP1_PASSWORD=hunter2",
        "export API_TOKEN='123456'",
        'MDHUB_SOURCES=\'[{"settings": {"password": "hunter2"}}]\'',
        'settings = { user_id = "1", auth_code = "hunter2" }',
        "MDHUB_REDIS_URL=redis://:hunter2@10.0.0.1/0",
        '    secret-key = "hunter2"',
    ],
)
def test_a_secret_in_plain_text_is_refused_and_not_quoted(
    hub: Path, tmp_path: Path, line: str
) -> None:
    """Nothing is written; the message says which file, never what."""
    also = tmp_path / "some.env"
    also.write_text(f"A=1\n{line}\n")
    with pytest.raises(BackupError, match=r"some\.env") as refused:
        create(tmp_path / "bk", [hub, also], release="1")
    assert "hunter2" not in str(refused.value)
    assert not (tmp_path / "bk").exists()


def test_damage_is_noticed(hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that was cut off is no backup: not restored, and the list says so."""
    whole = create(tmp_path / "bk", [hub], release="1")
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(BackupError, match=r"no whole backup|damaged"):
        planned(whole, into=tmp_path / "x")
    assert run_list(tmp_path / "bk", as_json=False) == 1
    assert "backup" in capsys.readouterr().out


def test_old_ones_go_and_the_newest_three_stay(hub: Path, tmp_path: Path) -> None:
    """Also when the clock or the timer stood still for a year."""
    made = [create(tmp_path / "bk", [hub], release="1") for _ in range(5)]
    assert list_backups(tmp_path / "bk") == made[::-1]
    for backup in made:
        os.utime(backup, (1, 1))
    (tmp_path / "bk/notes.txt").write_text("not ours")
    gone = prune(tmp_path / "bk", keep_days=30, now_s=time.time())
    assert sorted(gone) == sorted(made[:2])
    assert list_backups(tmp_path / "bk") == made[:1:-1]
    assert (tmp_path / "bk/notes.txt").exists()
