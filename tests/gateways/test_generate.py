"""The generator reads the vendor's headers right."""

from __future__ import annotations

import pytest

from tests.gateways.front.build import include_folder
from tests.gateways.front.generate import Headers, Method, arguments_of
from tests.gateways.harness import Installation

pytestmark = [pytest.mark.gateways, pytest.mark.process]

# (callbacks, methods of the Api), counted in the headers of each version.
COUNTS = {
    ("6.7.11.4", "md"): (13, 15),
    ("6.7.11.4", "td"): (164, 133),
    ("6.7.7.2", "md"): (13, 15),
    ("6.7.7.2", "td"): (155, 125),
    ("3.7.1.2", "md"): (12, 14),
    ("3.7.1.2", "td"): (136, 98),
    ("3.7.1.0", "md"): (12, 14),
    ("3.7.1.0", "td"): (136, 98),
}


@pytest.mark.parametrize("package", ["vnpy-ctp", "vnpy-sopt"])
@pytest.mark.parametrize("side", ["md", "td"])
def test_every_method_of_the_headers_is_found(
    package: str, side: str, installed: Installation
) -> None:
    """A method that is missed would leave the gateway without an answer."""
    headers = Headers(include_folder(installed.sources[package]), side)
    found = (len(headers.callbacks), len(headers.requests))

    assert found == COUNTS[installed.versions[package], side]


@pytest.mark.parametrize("package", ["vnpy-ctp", "vnpy-sopt"])
def test_fields_have_the_kind_of_their_typedef(package: str, installed: Installation) -> None:
    """Texts, numbers and the 64-bit volume of stock options."""
    headers = Headers(include_folder(installed.sources[package]), "md")
    kinds = dict(headers.fields("CThostFtdcDepthMarketDataField"))

    assert (kinds["InstrumentID"], kinds["LastPrice"], kinds["Volume"]) == ("s", "d", "i")
    assert kinds.get("BigVolume") == ("l" if package == "vnpy-sopt" else None)
    assert headers.namespace == ("ctp_sopt" if package == "vnpy-sopt" else "")


def test_arguments_are_read_as_types_and_names() -> None:
    """Pointers, arrays and defaults, as the headers write them."""
    text = "CThostFtdcXField *pX, char *ppInstrumentID[], bool bIsLast=true"
    read = (("CThostFtdcXField*", "pX"), ("char**", "ppInstrumentID"), ("bool", "bIsLast"))

    assert arguments_of(text) == read
    assert Method("OnX", "void", read).structs == ["CThostFtdcXField"]
