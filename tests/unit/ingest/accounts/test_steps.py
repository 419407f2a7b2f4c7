"""From accounts as they were to accounts as they are: pure, so every case is cheap."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from mdhub.accounts.model import Account
from mdhub_ingest.accounts.changes import Steps, steps
from mdhub_ingest.accounts.specs import Judged, is_own, order_of, specs_of, variables
from mdhub_ingest.schedule.desk import group_of
from mdhub_ingest.schedule.settings import ScheduleSettings

SEALED = "sealed:v1:k1:aaaa:bbbb"
check = partial(group_of, settings=ScheduleSettings())


def account(name: str = "C", **changes: Any) -> Account:
    fields: dict[str, Any] = {
        "id": name, "gateway_type": "sim", "settings": {"seed": 7}, "created_at": 1,
        "updated_at": 1,
    } | changes  # fmt: skip
    return Account(**fields)


def judged(*accounts: Account, described: tuple[str, ...] = ()) -> dict[str, Judged]:
    return specs_of(accounts, described=described, check=check)


def compared(old: Account | None, new: Account | None, resealed: tuple[str, ...] = ()) -> Steps:
    before = judged(*([] if old is None else [old]))
    return steps(before, judged(*([] if new is None else [new])), resealed)


def changed(**changes: Any) -> Steps:
    return compared(account(), replace(account(), revision=2, **changes))


def test_a_new_account_is_taken_in_and_told() -> None:
    """It has no process that would have to go."""
    found = compared(None, account())
    assert (found.put, found.replace, found.drop) == (("C",), (), ())
    assert [each.change for each in found.news] == ["added"]


def test_what_was_there_at_the_start_is_no_news() -> None:
    """Else each restart of a supervisor would tell of every account."""
    found = steps(None, judged(account(), account("BAD", settings={"seed": "x"})), ())
    assert found.put == ("C",)
    assert [(each.account.id, each.change) for each in found.news] == [("BAD", "refused")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"description": "of the third broker"}, "description"),
        ({"priority": 3}, "priority"),
        ({"schedule_group": "futures"}, "schedule_group"),
    ],
)
def test_what_the_process_does_not_need_restarts_nothing(
    changes: dict[str, Any], field: str
) -> None:
    """It is told all the same."""
    found = changed(**changes)
    assert (found.put, found.replace, found.drop) == (("C",), (), ())
    assert [(each.change, each.fields) for each in found.news] == [("changed", (field,))]


def test_another_setting_replaces_the_process() -> None:
    """The event names the setting, not its value."""
    found = changed(settings={"seed": 8})
    assert found.replace == ("C",)
    assert found.news[0].fields == ("settings.seed",)


def test_secrets_sealed_anew_log_nobody_in_again() -> None:
    """A rotation of the master key touches every account."""
    settings = {"password": SEALED}
    old = account(gateway_type="ctp", settings=settings)
    new = replace(old, settings={"password": f"{SEALED}c"}, revision=2)
    assert compared(old, new).replace == ("C",)
    found = compared(old, new, resealed=("C",))
    assert (found.put, found.replace) == (("C",), ())


def test_disabled_and_deleted_accounts_stop() -> None:
    """And come back when they are enabled."""
    off = replace(account(), is_enabled=False, revision=2)
    for new, change in ((off, "disabled"), (None, "removed")):
        found = compared(account(), new)
        assert (found.drop, found.put) == (("C",), ())
        assert [each.change for each in found.news] == [change]
    back = compared(off, replace(account(), revision=3))
    assert (back.put, back.replace, back.news[0].change) == (("C",), (), "enabled")


def test_the_configuration_wins_over_an_account_of_the_same_name() -> None:
    """And somebody is told."""
    found = steps({}, judged(account(), described=("C",)), ())
    assert found.put == ()
    assert found.news[0].change == "refused" and "configuration" in found.news[0].reason


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"seed": "PLAIN-VALUE"}},
        {"settings": {"ticks_per_s": 49_999.5, "contracts": 1}},
        {"gateway_type": "ctp", "settings": {"password": "PLAIN-VALUE"}},
        {"gateway_type": "vnpy", "settings": {"pin": SEALED}},
        {"gateway_type": "ctp", "settings": {}, "subscribe": ("no:such:rule",)},
        {"schedule_group": "nosuch"},
    ],
)
def test_a_wrong_account_is_refused_without_a_value(changes: dict[str, Any]) -> None:
    """The others are not harmed by it."""
    found = judged(account(**changes), account("GOOD"))
    assert found["GOOD"].spec is not None
    assert found["C"].spec is None and found["C"].refused
    for value in ("PLAIN-VALUE", "49999", SEALED):
        assert value not in found["C"].refused


def test_a_gateway_account_keeps_what_is_sealed() -> None:
    """It is opened in its own process; what stands in variables is named to be hidden."""
    settings = {"password": SEALED, "auth_code": "env:CODE", "class": "my_gw:Gateway"}
    each = account(gateway_type="vnpy", settings=settings, subscribe=("dominant",))
    spec = judged(each)["C"].spec
    assert spec is not None and spec.gateway is not None
    assert spec.gateway.class_path == "my_gw:Gateway"
    assert spec.gateway.settings == {"password": SEALED, "auth_code": "env:CODE"}
    assert spec.gateway.subscribe == ("dominant",)
    assert variables([each]) == {"CODE"}


def test_each_account_has_one_supervisor() -> None:
    """Both of two have some."""
    names = [f"ACC{i}" for i in range(40)]
    owners = [[part for part in range(2) if is_own(name, part, 2)] for name in names]
    assert all(len(each) == 1 for each in owners)
    assert {each[0] for each in owners} == {0, 1}


def test_priorities_make_an_order_only_if_they_differ() -> None:
    """Lower is preferred; who is disabled is not in it."""
    same = judged(account("A"), account("B"))
    assert order_of(same.values()) == ()
    some = judged(
        account("A", priority=9), account("B", priority=1), account("D", priority=1),
        account("E", priority=0, is_enabled=False),
    )  # fmt: skip
    assert order_of(some.values()) == ("B", "D", "A")
