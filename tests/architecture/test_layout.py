"""The house rules that no other tool checks."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("arbiter", "console", "ingest", "monitor", "publisher")
CLIENT = ROOT / "shared/mdhub/streams/client.py"

GATEWAY_LOCKS = ("gateways-build.txt", "gateways-newest.txt", "gateways-pinned.txt")

MODULE_LINES = 400
TEST_MODULE_LINES = 500
FUNCTION_LINES = 60

# Written with brackets so that this file does not name what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.])/([w]ork|[r]oot)/")
INDEX_ADDRESS = re.compile(
    r"--(extra-)?[i]ndex-url|--[f]ind-links|https?://\S+/[s]imple\b"
    r"|[p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.org"
)
HOT_LINE = re.compile(r"# HOT: \S.*")


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages_on_disk() -> list[Path]:
    inits = [*ROOT.glob("services/*/*/__init__.py"), *ROOT.glob("shared/*/__init__.py")]
    return sorted(init.parent for init in inits)


def shipped_modules() -> list[Path]:
    return sorted(path for package in packages_on_disk() for path in package.rglob("*.py"))


def modules_under(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def called_names(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name, node.lineno
            case _:
                pass


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    """Map each package of a lock file to its whole logical line."""
    text = text_of(ROOT / "requirements" / name).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {canonical(re.split(r"[=\s;\[]", line, maxsplit=1)[0]): line for line in lines}


def wanted(name: str) -> set[str]:
    """Collect the package names of a source file of a lock."""
    lines = text_of(ROOT / "requirements" / name).splitlines()
    return {canonical(re.split(r"[^\w.-]", line)[0]) for line in lines if line and line[0] != "#"}


def committed_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return sorted(path for path in paths if path.is_file())


def test_top_level_folders_exist() -> None:
    """The folders that other pages name are where those pages say."""
    names = [*(f"services/{name}" for name in SERVICES), "shared", "tests", "docs", "examples"]
    assert [name for name in names if not (ROOT / name).is_dir()] == []


def test_services_are_the_known_ones() -> None:
    """A new service folder is a decision, written down here."""
    found = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
    assert found == sorted(SERVICES)


def test_every_service_has_a_readme() -> None:
    """Each service folder says what the service is for."""
    missing = [name for name in SERVICES if not (ROOT / "services" / name / "README.md").is_file()]
    assert missing == []


def test_wheel_holds_every_package() -> None:
    """A package on disk is in the wheel, and the wheel names no package that is gone."""
    packages = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == [shown(path) for path in packages_on_disk()]


def test_editable_install_finds_every_package() -> None:
    """The editable install looks in exactly the folders that hold a package."""
    parents = sorted({shown(path.parent) for path in packages_on_disk()})
    assert pyproject()["tool"]["hatch"]["build"]["dev-mode-dirs"] == parents


def test_import_contracts_cover_every_package() -> None:
    """No package escapes the import contracts."""
    roots = pyproject()["tool"]["importlinter"]["root_packages"]
    assert sorted(roots) == sorted(path.name for path in packages_on_disk())


def test_no_stray_module_beside_a_package() -> None:
    """A module beside a package would become importable at top level in editable installs."""
    strays = [*ROOT.glob("services/*.py"), *ROOT.glob("services/*/*.py"), *ROOT.glob("shared/*.py")]
    assert [shown(path) for path in strays] == []


def test_every_package_is_typed() -> None:
    """Type checkers of our users read our annotations."""
    untyped = [shown(path) for path in packages_on_disk() if not (path / "py.typed").is_file()]
    assert untyped == []


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without __init__.py would hide from import contracts and type checks."""
    folders = {path.parent for path in [*shipped_modules(), *modules_under("tests")]}
    assert [shown(path) for path in sorted(folders) if not (path / "__init__.py").is_file()] == []


def test_modules_are_short() -> None:
    """A module fits in a reader's head."""
    limits = [(path, MODULE_LINES) for path in shipped_modules()]
    limits += [(path, TEST_MODULE_LINES) for path in modules_under("tests")]
    counted = [(shown(path), len(text_of(path).splitlines()), limit) for path, limit in limits]
    assert [entry for entry in counted if entry[1] > entry[2]] == []


def test_functions_are_short() -> None:
    """A function fits on a screen."""
    long = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in shipped_modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES
    ]
    assert long == []


def test_every_test_says_what_it_shows() -> None:
    """Each test carries a sentence about behaviour."""
    silent = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in modules_under("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_hot_files_say_why() -> None:
    """A file that claims the hot dialect names its reason in the agreed form."""
    firsts = {shown(path): text_of(path).partition("\n")[0] for path in shipped_modules()}
    claims = {name: line for name, line in firsts.items() if re.search(r"\bHOT\b", line)}
    assert {name: line for name, line in claims.items() if not HOT_LINE.fullmatch(line)} == {}


def test_redis_clients_come_from_one_place() -> None:
    """The library's default retries duplicate writes, so one module makes every client."""
    makers = {"Redis", "RedisCluster", "Sentinel", "StrictRedis", "from_url"}
    paths = set(modules_under("services", "shared", "tests", "bench", "scripts")) - {CLIENT}
    bare = [
        f"{shown(path)}:{line} {name}"
        for path in sorted(paths)
        for name, line in called_names(path)
        if name in makers
    ]
    assert bare == []


def test_vnpy_is_imported_where_gateways_are_made_alone() -> None:
    """By name and at run time, so import contracts do not see it: a hub runs without vnpy."""
    gateways = "services/ingest/mdhub_ingest/gateways"
    allowed = {f"{gateways}/loader.py", f"{gateways}/profiles/generic.py"}
    importers = {"__import__", "import_module"}
    ingest = modules_under("services/ingest")
    calling = {shown(p) for p in ingest for name, _ in called_names(p) if name in importers}
    assert calling == allowed
    naming = {
        shown(path)
        for path in shipped_modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and re.match(r"vnpy\.\w", str(node.value))
    }
    assert naming == allowed
    plain = [shown(p) for p in shipped_modules() for n in imported_names(p) if n[:4] == "vnpy"]
    assert plain == []


def test_nothing_pickles() -> None:
    """Bytes from elsewhere never become code."""
    picklers = {"cPickle", "cloudpickle", "dill", "marshal", "pickle", "shelve"}
    paths = modules_under("services", "shared", "tests", "bench", "examples", "scripts")
    found = [(shown(path), name) for path in paths for name in imported_names(path)]
    assert [entry for entry in found if entry[1].split(".")[0] in picklers] == []


def test_wire_contract_stands_on_msgspec_alone() -> None:
    """The wire contract can be read, and copied, without the rest of the hub."""
    allowed = sys.stdlib_module_names | {"msgspec"}
    foreign = [
        f"{shown(path)}: {name}"
        for path in modules_under("shared/mdhub/wire")
        for name in imported_names(path)
        if name.split(".")[0] not in allowed and f"{name}.".partition("mdhub.wire.")[0] != ""
    ]
    assert foreign == []


def test_demo_checker_does_not_enter_by_the_front_door() -> None:
    """`import mdhub` may load the SDK on demand, unseen by import contracts."""
    modules = (ROOT / "shared/mdhub/demo").rglob("checker*")
    paths = [path for path in modules if path.suffix == ".py"]
    assert [shown(path) for path in paths if "mdhub" in imported_names(path)] == []


def test_nothing_committed_names_a_machine_or_an_index() -> None:
    """The repository installs anywhere, so it names no path and no index of one machine."""
    named = [
        f"{shown(path)}:{number}"
        for path in committed_files()
        for number, line in enumerate(path.read_bytes().decode(errors="ignore").splitlines(), 1)
        if MACHINE_PATH.search(line) or INDEX_ADDRESS.search(line)
    ]
    assert named == []


def test_nothing_of_a_vendor_is_committed() -> None:
    """Headers, tables made from them and libraries come from the packages, at test time."""
    foreign = re.compile(r"ThostFtdc\w*\.h|.*\.(a|dll|dylib|gz|h|lib|o|so|whl)")
    assert [shown(path) for path in committed_files() if foreign.fullmatch(path.name)] == []


@pytest.mark.parametrize("name", ["demo.txt", "test.txt", *GATEWAY_LOCKS])
def test_lock_pins_and_hashes_everything(name: str) -> None:
    """Each locked package has one version and its hashes, and the lock holds nothing else."""
    entry = re.compile(r"[\w.-]+==\S+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    assert [line for line in locked(name).values() if not entry.fullmatch(line)] == []


def test_locks_agree() -> None:
    """The tests run with exactly what the demo runs with."""
    demo, test = locked("demo.txt"), locked("test.txt")
    assert {name: line for name, line in demo.items() if test.get(name) != line} == {}


def test_locks_cover_their_sources() -> None:
    """A dependency added without `make lock` is noticed."""
    project = pyproject()["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {canonical(re.split(r"[^\w.-]", item)[0]) for items in lists for item in items}
    assert (names - {"mdhub"} | wanted("demo.in")) - locked("demo.txt").keys() == set()
    for lock in ("test.txt", *GATEWAY_LOCKS):
        assert wanted(lock.replace(".txt", ".in")) - locked(lock).keys() == set()


def test_entry_points_lead_somewhere() -> None:
    """Each command and service of the installed package can be called."""
    declared = pyproject()["project"]["entry-points"]
    installed = {
        group: {point.name: point for point in entry_points(group=group)} for group in declared
    }
    scripts = [point for point in entry_points(group="console_scripts") if point.name == "mdhub"]
    values = {
        group: {name: point.value for name, point in points.items()}
        for group, points in installed.items()
    }
    assert values == declared
    assert [point.value for point in scripts] == [pyproject()["project"]["scripts"]["mdhub"]]
    assert all(callable(p.load()) for points in installed.values() for p in points.values())
    assert all(callable(point.load()) for point in scripts)
