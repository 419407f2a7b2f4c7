"""Pages as a browser gets them: both languages, no words in templates, no other host, light."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdhub.health.model import HealthReport
from mdhub_console.identity.model import Role
from mdhub_console.live.service import Live
from mdhub_console.pages.globals import NAV, STATIC
from mdhub_console.pages.looking import look
from mdhub_console.pages.sight import Sight
from tests.support.console import Console, client_of, make_parts
from tests.support.console_scene import fine, live_of, troubled

TEMPLATES = STATIC.parent / "templates"
PAGES = (
    "/",
    "/overview/live",
    "/sources",
    "/sources/live",
    "/sources/CTP-B",
    "/sources/CTP-B/live",
    "/rejected",
    "/rejected/live",
    "/timeline",
    "/timeline/live",
    "/logs",
    "/schedule",
    "/schedule/live",
    "/alerts",
    "/alerts/live",
    "/system",
    "/system/live",
)
SCENES = {"fine": fine(), "trouble": troubled(), "empty": None}
BUDGET_BYTES = 150_000
TAGS = re.compile(r"<(script|style|svg)\b.*?</\1>|<[^>]*>|&[a-z#0-9]+;", re.DOTALL)
STATEMENTS = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
ATTRIBUTES = re.compile(r'(?:title|aria-label|placeholder|alt)="([^"]*)"')
NAMES = {"mdhub", "EN", "ms", "esc", "g", "space"}
"""What is the same in every language."""


@pytest.fixture(params=list(SCENES.values()), ids=list(SCENES))
def report(request: pytest.FixtureRequest) -> HealthReport | None:
    scene: HealthReport | None = request.param
    return scene


@pytest.fixture
def client(report: HealthReport | None) -> Iterator[Console]:
    with client_of(make_parts(live=live_of(report)), Role.OPERATOR) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_every_page_speaks_both_languages(
    client: Console, report: HealthReport | None, path: str
) -> None:
    """Each scene renders; the switch's cookie decides the language of all of it."""
    expected = 404 if report is None and "CTP-B" in path else 200
    for language in ("en", "zh"):
        client.cookies.set("mdhub-language", language)
        answer = client.get(path)
        assert answer.status_code == expected
    if expected == 200 and not path.endswith("/live"):
        assert 'lang="zh-CN"' in answer.text
        assert "总览" in answer.text
        assert "Overview" not in answer.text


def test_the_header_names_every_page_and_the_present_one(client: Console) -> None:
    """Eleven pages; the one that is open says so to a screen reader too."""
    text = client.get("/sources").text
    assert [path for _, path in NAV if f'href="{path}"' not in text] == []
    assert 'href="/sources" aria-current="page"' in text


def test_a_switch_of_language_is_remembered_and_goes_back_only_here(client: Console) -> None:
    """The form sets a cookie; a foreign address to go back to is cut to its path."""
    answer = client.post(
        "/language", data={"language": "zh", "back": "https://evil.example/sources"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sources"
    assert "mdhub-language=zh" in answer.headers["set-cookie"]
    assert client.post("/language", data={"language": "fr"}).status_code == 400


def test_a_theme_is_painted_by_the_server(client: Console) -> None:
    """No flash of the other theme; nonsense in the cookie is not repeated."""
    client.cookies.set("mdhub-theme", "light")
    assert 'data-theme="light"' in client.get("/").text
    client.cookies.set("mdhub-theme", "purple")
    assert "data-theme" not in client.get("/").text.partition(">")[0]


@pytest.mark.parametrize("report", [fine()], ids=["fine"])
def test_a_viewer_is_offered_no_action(report: HealthReport) -> None:
    """Buttons that would be refused are not shown."""
    with client_of(make_parts(live=live_of(report)), Role.VIEWER) as client:
        assert "data-dialog" not in client.get("/sources/CTP-A").text
    with client_of(make_parts(live=live_of(report)), Role.OPERATOR) as client:
        assert 'data-dialog="ask-restart"' in client.get("/sources/CTP-A").text


@pytest.mark.parametrize("report", [troubled()], ids=["trouble"])
def test_a_refused_login_is_explained(client: Console) -> None:
    """The vendor's code stands there with its meaning and what to do, in the page's language."""
    client.cookies.set("mdhub-language", "zh")
    text = client.get("/sources/CTP-B").text
    assert "代码 7：还没有初始化" in text
    assert "处理：无需处理：自动重试" in text


def test_names_from_outside_are_escaped() -> None:
    """A source called like a script is text."""
    report = fine()
    evil = type(report.sources[0])(name="<script>alert(1)</script>", state="running", age_ms=1)
    shown = type(report)(ts_ns=report.ts_ns, session="day", sources=[evil])
    with client_of(make_parts(live=live_of(shown))) as client:
        for path in ("/", "/sources"):
            assert "<script>alert" not in client.get(path).text


def test_no_page_uses_what_the_policy_forbids(client: Console) -> None:
    """No inline script, no inline style, no handler in an attribute."""
    for path in PAGES:
        text = client.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text) == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: p.stem)
def test_templates_hold_no_words(path: Path) -> None:
    """Every text comes from the catalogue, so that no page is translated by half."""
    text = path.read_text(encoding="utf-8")
    bare = STATEMENTS.sub(" ", text)
    said = TAGS.sub(" ", bare) + " ".join(ATTRIBUTES.findall(bare))
    words = set(re.findall(r"[A-Za-z]{1,}|[\u4e00-\u9fff]+", said))
    assert words - NAMES == set()


def test_no_file_of_ours_asks_another_host() -> None:
    """Styles, scripts and templates name no address but their own."""
    files = [*TEMPLATES.rglob("*.html"), *(STATIC / "css").iterdir(), *(STATIC / "js").iterdir()]
    named = {
        f.name: re.findall(r"(?:https?:)?//[\w-]+\.\w+[^\s\"']*", f.read_text("utf-8"))
        for f in files
    }
    assert {name: found for name, found in named.items() if found} == {}


def test_vendored_files_are_those_that_were_copied() -> None:
    """Each file has its SHA-256 on the list, and each package its licence."""
    vendor = STATIC / "vendor"
    lines = (vendor / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    files = {p.relative_to(vendor).as_posix(): p for p in vendor.rglob("*") if p.is_file()}
    del files["SHA256SUMS"]
    assert {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items()} == listed
    packages = [folder for folder in vendor.iterdir() if folder.is_dir()]
    assert [folder.name for folder in packages if not (folder / "LICENSE").is_file()] == []


@pytest.mark.parametrize("report", [troubled()], ids=["trouble"])
@pytest.mark.parametrize("path", ["/", "/sources", "/sources/CTP-B"])
def test_a_page_is_light(client: Console, path: str) -> None:
    """Page, style, scripts and fonts together stay within the budget, packed."""
    text = client.get(path).text
    wanted = {found.split("?")[0] for found in re.findall(r'(?:src|href)="/static/([^"#]+)', text)}
    wanted |= {f"js/{script.name}" for script in (STATIC / "js").iterdir()}
    sizes = {name: _packed(STATIC / name) for name in wanted}
    total = sum(sizes.values()) + len(gzip.compress(text.encode()))
    assert total <= BUDGET_BYTES, sizes
    assert (STATIC / "css/console.css").stat().st_size < 40_000


def _packed(path: Path) -> int:
    content = path.read_bytes()
    return len(content) if path.suffix == ".woff2" else len(gzip.compress(content))


def test_every_asset_is_served_for_a_year(client: Console) -> None:
    """What the first page loads exists, and its address changes with its content."""
    text = client.get("/").text
    paths = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', text))
    assert len(paths) >= 7
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["cache-control"]
        assert "?v=" in path or "/vendor/" in path


def test_the_overview_is_drawn_once_for_all_tabs_of_a_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until there is news: two hundred tabs ask at the same moment."""
    parts, drawn = make_parts(live=live_of(fine())), []

    def counted(live: Live) -> Sight:
        drawn.append(live)
        return look(live)

    monkeypatch.setattr("mdhub_console.pages.overview.look", counted)
    with client_of(parts) as client:
        texts = {client.get("/overview/live").text for _ in range(5)}
        assert (len(texts), len(drawn)) == (1, 1)
        assert "CTP-A" in texts.pop()
        parts.live.view.version += 1
        client.get("/overview/live")
    assert len(drawn) == 2
