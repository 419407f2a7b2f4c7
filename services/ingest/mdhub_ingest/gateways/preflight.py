"""What would kill or block a gateway, looked at before it connects: all problems at once.

    python -m mdhub_ingest.gateways.preflight --source JSON [--data DIR] [--json]

The vendor's library answers most of these with SIGSEGV or SIGABRT: a missing locale, a flow folder
it cannot write, a field that is too long. Values of settings are never shown.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from mdhub.accounts.kinds import KINDS, Profile, profile_of
from mdhub.runtime.gateway_packages import (
    LOCALE,
    installed,
    known_versions,
    remedy,
    use_locale,
)
from mdhub.runtime.secret import REFERENCE, SecretError, Value, Values, resolve
from mdhub_ingest.gateways.codes import CTP_FAMILY

__all__ = ["Finding", "main", "preflight"]

FLOW_CHARS: Final = 180
"""Tried with vnpy_ctp 6.7.11.4: a flow folder of 180 characters works, with 200 it is SIGSEGV, with
250 and more the files land elsewhere."""
FIELDS: Final[Mapping[str, int]] = {
    "user_id": 15, "password": 40, "broker_id": 10, "app_id": 32, "auth_code": 16,
}  # fmt: skip
"""Bytes the vendor's structs hold; the bindings copy without a bound."""
_ADDRESS: Final = re.compile(r"(?:(?P<scheme>[a-z0-9]+)://)?(?P<host>[^/:\s]+):(?P<port>[0-9]+)\Z")
_CLASS: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")
PORT_MAX: Final = 65_535
_LC_ALL_MASK: Final = 0x1FBF


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check. `found` never holds the value of a setting."""

    check: str
    ok: bool
    severity: str = "error"
    """Of a check that is not ok: `error` = it cannot work; `warning` = it may."""
    found: str = ""
    expected: str = ""
    todo: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong and what mends it."""
        return f"{self.check}: found {self.found}, expected {self.expected}; {self.todo}"


def preflight(
    *,
    name: str,
    kind: str,
    settings: Mapping[str, Value],
    class_path: str = "",
    flow: Path | None = None,
) -> list[Finding]:
    """Check a source whose secrets are resolved. `flow`: folder its child shall run in.

    Sets LOCPATH of this process to the installed locale if it is unset.
    """  # fmt: skip
    known, profile = profile_of(kind, class_path)
    findings = [_name(name)]
    findings += _versions(kind, class_path or profile.class_path)
    if flow is not None:
        findings += _folder(flow, name)
    if known in CTP_FAMILY:
        findings.append(_locale())
        values = profile.in_english(settings)
        findings += _missing(values, profile)
        findings += _fields(values)
        findings += _addresses(values, known)
    return findings


def _name(name: str) -> Finding:
    fine = name.isascii() and name.isprintable() and not set(name) & set("/\\ ") and bool(name)
    return Finding(
        check="name", ok=fine, found=ascii(name), expected="ASCII letters, digits, - and _",
        todo="" if fine else "rename the source: its name is part of a path of the vendor's",
    )  # fmt: skip


def _versions(kind: str, class_path: str) -> Iterator[Finding]:
    package = class_path.partition(":")[0].partition(".")[0]
    if kind == "vnpy":
        fine = bool(_CLASS.match(class_path))
        yield Finding(
            check="class", ok=fine, found=ascii(class_path), expected="module:Class",
            todo="" if fine else 'write for example class = "vnpy_xyz:XyzGateway"',
        )  # fmt: skip
    for each in ("vnpy", package):
        if each:
            yield _version(each)


def _version(package: str) -> Finding:
    tested, found = known_versions(package), installed(package)
    known = " or ".join(tested) or "any version"
    if not found:
        return Finding(
            check=f"package:{package}", ok=False, found="not installed", expected=known,
            todo=remedy(package),
        )  # fmt: skip
    fine = not tested or found in tested
    return Finding(
        check=f"package:{package}", ok=fine, severity="warning", found=found, expected=known,
        todo="" if fine else "not tried with mdhub: make gateways installs a version that was",
    )  # fmt: skip


def _locale() -> Finding:
    use_locale(os.environ)
    where = os.environ.get("LOCPATH") or "the system's locales"
    fine = _has_locale()
    return Finding(
        check="locale", ok=fine, found=f"{'found' if fine else 'not found'} in {where}",
        expected=LOCALE,
        todo="" if fine else "make gateways; without it the process aborts at the first answer",
    )  # fmt: skip


def _has_locale() -> bool:
    try:
        libc = ctypes.CDLL(None)
        libc.newlocale.restype = ctypes.c_void_p
        libc.newlocale.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
        libc.freelocale.argtypes = [ctypes.c_void_p]
    except (AttributeError, OSError):  # not glibc: the vendor's library does not run there either
        return False
    handle = libc.newlocale(_LC_ALL_MASK, LOCALE.encode("ascii"), None)
    if handle:
        libc.freelocale(handle)
    return bool(handle)


def _folder(flow: Path, name: str) -> Iterator[Finding]:
    where = flow / ".vntrader" / name.lower()
    text = str(where.absolute())
    short = text.isascii() and len(text) <= FLOW_CHARS
    yield Finding(
        check="flow:path", ok=short, found=f"{len(text)} characters, {text!a}",
        expected=f"ASCII, at most {FLOW_CHARS} characters",
        todo="" if short else "choose another data folder (--data): the vendor's library crashes",
    )  # fmt: skip
    writable, found = _writable(flow)
    yield Finding(
        check="flow:writable", ok=writable, found=found, expected="a folder this user can write",
        todo="" if writable else f"mkdir -p '{flow}' and make it writable for this user",
    )  # fmt: skip


def _writable(folder: Path) -> tuple[bool, str]:
    """Try it; a folder that is not there yet is judged by the nearest one that is."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    probe = nearest / f".mdhub-preflight-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return False, f"{nearest}: {error.strerror}"
    return True, str(folder) if nearest == folder else f"{folder} will be made in {nearest}"


def _missing(values: Mapping[str, str], profile: Profile) -> Iterator[Finding]:
    for name, key in profile.aliases.items():
        if not values[name] and key in profile.required:
            yield Finding(
                check=f"setting:{name}", ok=False, found="nothing", expected="a value",
                todo=f"set {name} (or {key}) in the settings of the source",
            )  # fmt: skip


def _fields(values: Mapping[str, str]) -> Iterator[Finding]:
    for key, limit in FIELDS.items():
        if values[key]:
            length = len(values[key].encode("gb18030", "replace"))
            fine = length <= limit
            yield Finding(
                check=f"setting:{key}", ok=fine, found=f"{length} bytes",
                expected=f"at most {limit} bytes",
                todo="" if fine else f"check {key}: the binding would overrun its field",
            )  # fmt: skip
    if bool(values["app_id"]) != bool(values["auth_code"]):
        missing = "auth_code" if values["app_id"] else "app_id"
        yield Finding(
            check=f"setting:{missing}", ok=False, severity="warning", found="nothing",
            expected="app_id and auth_code together",
            todo=f"set {missing}: a front that asks for authentication refuses the login",
        )  # fmt: skip


def _addresses(values: Mapping[str, str], kind: str) -> Iterator[Finding]:
    # vnpy_sopt puts tcp:// before everything that does not begin with it.
    schemes = {"tcp"} if kind == "sopt" else {"tcp", "ssl", "socks4", "socks5"}
    for key in ("td_address", "md_address"):
        if not values[key]:
            continue
        match = _ADDRESS.match(values[key])
        scheme = (match["scheme"] or "tcp") if match else ""
        fine = match is not None and scheme in schemes and 1 <= int(match["port"]) <= PORT_MAX
        yield Finding(
            check=f"setting:{key}", ok=fine, found="as expected" if fine else "something else",
            expected=f"{' or '.join(sorted(schemes))}://host:port",
            todo="" if fine else f"write {key} as for example tcp://180.168.146.187:10201",
        )  # fmt: skip


def _resolved(settings: Mapping[str, Value]) -> tuple[Values, list[Finding]]:
    """Follow references as the child will. What cannot be followed is a finding, and empty."""
    values, findings = Values(), []
    for key, value in settings.items():
        try:
            values |= resolve({key: value}, dict(os.environ))
        except SecretError as error:
            values[key] = ""
            findings.append(
                Finding(
                    check=f"secret:{key}", ok=False, found=str(error), expected=REFERENCE,
                    todo="set the variable, or write the file (mode 600), for the hub's user",
                )
            )  # fmt: skip
    return values, findings


def _of_source(text: str, data: Path | None) -> list[Finding]:
    """Check a source given as JSON; whatever it is, it gets findings, never an exception."""
    try:
        source = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        return [
            Finding(
                check="source", ok=False, found=str(error), expected="a JSON object",
                todo='give for example {"name": "CTP1", "type": "ctp", "settings": {...}}',
            )
        ]  # fmt: skip
    name, kind = str(source.get("name", "")), str(source.get("type", ""))
    settings = source.get("settings")
    if kind not in KINDS or not isinstance(settings, dict):
        return [
            Finding(
                check="source", ok=False, found=f"type {kind!a}",
                expected=f"type {', '.join(KINDS)}, and settings",
                todo="see docs/gateways.md",
            )
        ]  # fmt: skip
    values, findings = _resolved(settings)
    unread = {finding.check.removeprefix("secret:") for finding in findings}
    flow = None if data is None else data / "gateways" / name
    findings += [
        finding
        for finding in preflight(
            name=name, kind=kind, settings=values, class_path=str(source.get("class", "")),
            flow=flow,
        )
        if finding.check.removeprefix("setting:") not in unread
    ]  # fmt: skip
    return findings


def main(argv: Sequence[str] | None = None) -> int:
    """Check one source. Exit codes: 0 nothing that must be mended, 1 problems."""
    parser = argparse.ArgumentParser(
        prog="python -m mdhub_ingest.gateways.preflight",
        description="Check what a gateway needs before it connects; shows no secret.",
        epilog="""example: python -m mdhub_ingest.gateways.preflight --source '{"name": "CTP1", """
        """"type": "ctp", "settings": {"user_id": "123", "password": "env:CTP1_PASSWORD"}}'""",
    )
    parser.add_argument("--source", required=True, metavar="JSON", help="as in the hub's file")
    parser.add_argument("--data", type=Path, help="the hub's data folder: checks flow folders")
    parser.add_argument("--json", action="store_true", help="print a JSON list of findings")
    options = parser.parse_args(argv)
    findings = _of_source(options.source, options.data)
    if options.json:
        sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
    else:
        for finding in findings:
            sys.stdout.write(_line(finding) + "\n")
    return int(any(not f.ok and f.severity == "error" for f in findings))


def _line(finding: Finding) -> str:
    if finding.ok:
        return f"ok       {finding.check}: {finding.found}"
    return f"{finding.severity:8} {finding.sentence}"


if __name__ == "__main__":
    sys.exit(main())
