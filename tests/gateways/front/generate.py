"""Writes the C++ of the stand-in from the vendor's headers, which are read and never kept here.

The headers come from the source distribution of vnpy_ctp or vnpy_sopt. What is written is vendor
property too (it holds their tables of names), so it goes into a cache and is never committed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Headers", "Method", "Side", "cpp"]

KINDS = {"char": "c", "double": "d", "int": "i", "short": "h", "long long": "l"}
# Methods of the Api that runtime.hpp answers, and how.
BY_HAND = {
    "Release": "session_.release();",
    "Init": "session_.start();",
    "Join": "return 0;",
    "GetTradingDay": "return session_.trading_day();",
    "RegisterFront": "session_.register_front({0});",
    "RegisterSpi": "session_.register_spi({0});",
    "RegisterNameServer": "(void){0};",
    "RegisterFensUserInfo": "(void){0};",
    "SubscribePrivateTopic": "(void){0};",
    "SubscribePublicTopic": "(void){0};",
    "GetFrontInfo": "(void){0};",
}


@dataclass(frozen=True)
class Method:
    """One virtual method: its name, what it returns, its arguments as (type, name)."""

    name: str
    returns: str
    arguments: tuple[tuple[str, str], ...]

    @property
    def structs(self) -> list[str]:
        return [kind.rstrip("*") for kind, _ in self.arguments if kind.endswith("Field*")]


@dataclass(frozen=True)
class Side:
    """Market data or trading: the two libraries of one vendor API."""

    kind: str  # md or td
    word: str  # as it stands in class names
    header: str


SIDES = {
    "md": Side("md", "Md", "ThostFtdcMdApi.h"),
    "td": Side("td", "Trader", "ThostFtdcTraderApi.h"),
}


def arguments_of(text: str) -> tuple[tuple[str, str], ...]:
    """Read `CThostFtdcXField *pX, int nRequestID` as (type, name) pairs."""
    found = []
    for part in (part.split("=")[0].strip() for part in text.split(",") if part.strip()):
        match = re.fullmatch(r"(.+?)(\*?)\s*(\w+)(\[\])?", part)
        if match is None:
            raise ValueError(f"cannot read the argument {part!r} of a vendor header")
        kind, star, name, array = match.groups()
        found.append((kind.strip() + star + ("*" if array else ""), name))
    return tuple(found)


class Headers:
    """What the stand-in needs to know of one include folder and one side."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.side = SIDES[kind]
        self._folder = folder
        self._text = self._read(self.side.header)
        self._kinds = self._typedefs(self._read("ThostFtdcUserApiDataType.h"))
        self._structs = self._read("ThostFtdcUserApiStruct.h")
        self.namespace = "ctp_sopt" if "namespace ctp_sopt" in self._text else ""
        self.callbacks = self._methods(f"CThostFtdc{self.side.word}Spi")
        self.requests = self._methods(f"CThostFtdc{self.side.word}Api")

    def _read(self, name: str) -> str:
        text = (self._folder / name).read_text(encoding="gb18030", errors="replace")
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)

    @staticmethod
    def _typedefs(text: str) -> dict[str, str]:
        found = {}
        for kind, name, length in re.findall(
            r"typedef\s+(char|int|double|short|long long)\s+(\w+)\s*(\[\d+\])?;", text
        ):
            found[name] = "s" if length else KINDS[kind]
        return found

    def _methods(self, name: str) -> list[Method]:
        start = re.search(rf"class\s+(?:\w+\s+)?{name}\s*\{{", self._text)
        if start is None:
            raise ValueError(f"{self.side.header} has no class {name}")
        body = self._text[start.end() : self._text.index("\n};", start.end())]
        found = re.findall(r"virtual\s+([\w\s]+?[\s*]+)(\w+)\s*\(([^)]*)\)", body)
        return [Method(name, kind.strip(), arguments_of(args)) for kind, name, args in found]

    def factory_arguments(self) -> str:
        """Give the arguments of the factory, without defaults: they differ by version."""
        match = re.search(rf"CreateFtdc{self.side.word}Api\(([^)]*)\)", self._text)
        if match is None:
            raise ValueError(f"{self.side.header} declares no CreateFtdc{self.side.word}Api")
        return re.sub(r"\s*=\s*[^,]+", "", match[1])

    def fields(self, struct: str) -> list[tuple[str, str]]:
        """List the (name, kind) of a struct's fields, in order."""
        match = re.search(rf"struct {struct}\s*\{{(.*?)\}};", self._structs, re.DOTALL)
        if match is None:
            raise ValueError(f"ThostFtdcUserApiStruct.h has no {struct}")
        return [(n, self._kinds[kind]) for kind, n in re.findall(r"(\w+)\s+(\w+);", match[1])]

    def used_structs(self) -> list[str]:
        """List every struct that a callback or a request carries."""
        methods = [*self.callbacks, *self.requests]
        return sorted({struct for method in methods for struct in method.structs})


def layout(headers: Headers, struct: str) -> str:
    """Write the table of a struct; the compiler fills in offsets and sizes."""
    rows = "".join(
        f"    {{\"{name}\", '{kind}', offsetof({struct}, {name}), sizeof({struct}::{name})}},\n"
        for name, kind in headers.fields(struct)
    )
    return (
        f"static const standin::Field fields_{struct}[] = {{\n{rows}}};\n"
        f"template <> const standin::Layout &standin::layout_of<{struct}>() {{\n"
        f"    static const Layout layout{{fields_{struct}, std::size(fields_{struct})}};\n"
        "    return layout;\n}\n"
    )


def callback(method: Method) -> str:
    """Write the branch of the dispatcher that calls one method of the Spi."""
    rooms, passed = "", []
    for number, (kind, name) in enumerate(method.arguments):
        if kind.endswith("Field*"):
            part = "error" if kind == "CThostFtdcRspInfoField*" else "data"
            rooms += f"        {kind.rstrip('*')} room{number}{{}};\n"
            passed.append(f"standin::take(room{number}, in.{part})")
        else:
            passed.append("in.last" if kind == "bool" else "in.id")
            if kind not in {"bool", "int"}:
                raise ValueError(f"{method.name}: no value for the argument {kind} {name}")
    call = f"spi->{method.name}({', '.join(passed)})"
    test = f'    if (in.name == "{method.name}") {{\n'
    return f"{test}{rooms}        {call};\n        return true;\n    }}\n"


def request(method: Method) -> str:
    """Write the override of one method of the Api."""
    names = [name for _, name in method.arguments]
    if method.name in BY_HAND:
        body = BY_HAND[method.name].format(*names)
    elif method.structs or method.name.startswith(("Subscribe", "UnSubscribe")):
        number = "nRequestID" if "nRequestID" in names else "0"
        source = names[0] if method.structs else ", ".join(names)
        body = f'return session_.request("{method.name}", {number}, standin::written({source}));'
    else:
        raise ValueError(f"runtime.hpp has no answer for {method.name} of the vendor's Api")
    arguments = ", ".join(f"{kind} {name}" for kind, name in method.arguments)
    return f"    {method.returns} {method.name}({arguments}) override {{ {body} }}\n"


def cpp(headers: Headers, *, version: str, rejoin_ms: int) -> str:
    """Write the whole source file of one library."""
    side = headers.side
    spi, api = f"CThostFtdc{side.word}Spi", f"CThostFtdc{side.word}Api"
    space = f"using namespace {headers.namespace};\n" if headers.namespace else ""
    scope = f"{headers.namespace}::{api}" if headers.namespace else api
    load = "nullptr"
    if side.kind == "md":
        load = f"standin::produce<{spi}, CThostFtdcDepthMarketDataField>"
    parts: Sequence[str] = [
        '#include "runtime.hpp"\n#include <cstddef>\n#include <iterator>\n',
        "#pragma GCC visibility push(default)\n",
        f'#include "{side.header}"\n#pragma GCC visibility pop\n{space}\n',
        *(layout(headers, struct) for struct in headers.used_structs()),
        "static bool dispatch(void *target, const standin::Message &in) {\n",
        f"    auto *spi = static_cast<{spi} *>(target);\n",
        *(callback(method) for method in headers.callbacks),
        "    return false;\n}\n\n",
        f"class StandIn final : public {api} {{\npublic:\n    explicit StandIn(const char *flow)\n",
        f'        : session_("{side.kind}", flow, {rejoin_ms}, dispatch, {load}) {{}}\n',
        *(request(method) for method in headers.requests),
        "\nprivate:\n    standin::Session session_;\n};\n\n",
        f"{api} *{scope}::CreateFtdc{side.word}Api({headers.factory_arguments()}) {{\n",
        "    return new StandIn(pszFlowPath);\n}\n\n",
        f'const char *{scope}::GetApiVersion() {{ return "stand-in for {version}"; }}\n',
    ]
    return "".join(parts)
