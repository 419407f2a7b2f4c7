"""Loading gateways by class path; vnpy's place is taken by a module of the test."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from mdhub_ingest.gateways.engine import Engine
from mdhub_ingest.gateways.loader import (
    ClassMissing,
    GatewayError,
    Handlers,
    NotAGateway,
    PackageMissing,
    load_gateway,
)


class BaseGateway:
    """As much of vnpy's as the loader needs."""

    def __init__(self, event_engine: Engine, gateway_name: str) -> None:
        self.event_engine = event_engine
        self.gateway_name = gateway_name

    def on_tick(self, tick: object) -> None:
        raise AssertionError(tick)


class Named(BaseGateway):
    """Takes engine and name."""

    def query_account(self) -> None:
        raise AssertionError


class Old(BaseGateway):
    """Takes the engine only and names itself."""

    def __init__(self, event_engine: Engine) -> None:
        super().__init__(event_engine, "XTP")


class Broken(BaseGateway):
    """Cannot be made."""

    def __init__(self, event_engine: Engine, gateway_name: str) -> None:
        raise OSError(f"no library for {gateway_name} and {type(event_engine).__name__}")


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a vnpy and a package of gateways in place."""
    vnpy, trader, gateway = (ModuleType(n) for n in ("vnpy", "vnpy.trader", "vnpy.trader.gateway"))
    vars(gateway)["BaseGateway"] = BaseGateway
    mine = ModuleType("my_gateways")
    vars(mine).update(Named=Named, Old=Old, Broken=Broken, Other=dict, number=1)
    for module in (vnpy, trader, gateway, mine):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def load(class_path: str) -> tuple[Any, list[tuple[str, object]]]:
    got: list[tuple[str, object]] = []
    handlers = Handlers(
        *(lambda data, n=n: got.append((n, data)) for n in ("tick", "contract", "log"))
    )
    return load_gateway(class_path, "A", Engine({}, lambda *_: None), handlers), got


def test_callbacks_go_to_the_handlers_and_account_matters_nowhere() -> None:
    """The class stays as it is: a subclass is made."""
    gateway, got = load("my_gateways:Named")
    gateway.on_tick(1)
    gateway.on_contract(2)
    gateway.on_log(3)
    for name in ("on_account", "on_position", "on_order", "on_trade", "on_quote"):
        getattr(gateway, name)(object())
    gateway.query_account()
    gateway.query_position()
    assert got == [("tick", 1), ("contract", 2), ("log", 3)]
    assert isinstance(gateway, Named) and type(gateway) is not Named


@pytest.mark.parametrize(("class_name", "name"), [("Named", "A"), ("Old", "XTP")])
def test_old_constructors_take_no_name(class_name: str, name: str) -> None:
    """The signature says which."""
    assert load(f"my_gateways:{class_name}")[0].gateway_name == name


@pytest.mark.parametrize(
    ("class_path", "error", "words"),
    [
        ("my_gateways.Named", ClassMissing, "expected module:Class such as vnpy_ctp:CtpGateway"),
        ("my_gateways:", ClassMissing, "expected module:Class"),
        ("my_gateways:Nix", ClassMissing, "no 'Nix'; its classes: Broken, Named, Old, Other"),
        ("my_gateways:Other", NotAGateway, "expected a subclass of BaseGateway"),
        ("my_gateways:number", NotAGateway, "expected a subclass of BaseGateway"),
        ("my_gateways:Broken", NotAGateway, "OSError: no library"),
        ("no_such_package:X", PackageMissing, "'no_such_package', which is not installed; install"),
        ("vnpy_sopt.nix:X", PackageMissing, "not installed; make gateways"),
    ],
)
def test_what_is_wrong_with_a_class_path_is_said(
    class_path: str, error: type[GatewayError], words: str
) -> None:
    """And what to do; starting again does not help, so the exit code says stop."""
    with pytest.raises(error) as caught:
        load(class_path)
    assert words in str(caught.value)
    assert caught.value.exit_code == 4


def test_without_vnpy_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not part of the hub's own packages."""
    monkeypatch.setitem(sys.modules, "vnpy.trader.gateway", None)
    with pytest.raises(PackageMissing, match="not installed; make gateways"):
        load("my_gateways:Named")
