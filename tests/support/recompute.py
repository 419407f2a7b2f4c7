"""`clean == f(raw)` in tests, by the product's own verifier (tests/unit/arbiter/test_verify.py)."""

from __future__ import annotations

from mdhub.streams.port import Log
from mdhub_arbiter.verify.recheck import Checked, recheck, starts

__all__ = ["assert_clean_is_f_of_raw"]


def assert_clean_is_f_of_raw(log: Log, shard: int = 0) -> Checked:
    """Compare clean and rejected with the raw log, up to what is committed now.

    The hub may run meanwhile. Raw must still begin with its first entry (nothing trimmed).
    """
    found = starts(log, shard)
    assert found, "raw is empty"
    assert found[0].manifest is None, "raw was trimmed at its start"
    checked = recheck(log, shard, found[0])
    assert checked.difference is None, checked.difference
    assert checked.raw > 0
    assert checked.trimmed == {"clean": 0, "rejected": 0}
    return checked
