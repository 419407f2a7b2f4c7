"""The console of the demo: its link comes last, opens once, and the demo's verdict stays."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.process.test_demo import alive
from tests.support.processes import descendants, seen_of
from tests.support.wait import until

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

DEMO = [sys.executable, "-m", "mdhub.cli.app", "demo", "--json", "--seconds", "15"]
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/demo\?token=([\w-]{22,})\s*\Z")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*DEMO, "--console", "--keep", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


class Browser:
    """Keeps the one cookie."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"accept": "text/html", "origin": f"http://127.0.0.1:{self._port}"}
        headers["content-type"] = "application/x-www-form-urlencoded"
        if self._cookie:
            headers["cookie"] = self._cookie
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        self._cookie = (answer.getheader("set-cookie") or self._cookie).partition(";")[0]
        text = answer.read().decode()
        connection.close()
        return answer.status, text


def test_the_demos_link_logs_in_once_and_the_demo_is_judged_as_ever(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Both sources are on the first page, the second use is refused, nothing is left behind."""
    assert demo.stderr is not None
    link = next(found for line in demo.stderr if (found := LINK.search(line)))
    port, token = int(link[1]), link[2]
    family = descendants(demo.pid) - {demo.pid}
    browser, late = Browser(port), Browser(port)

    page = browser.ask("GET", f"/demo?token={token}")
    again = browser.ask("GET", f"/demo?token={token}")
    entered, _ = browser.ask("POST", "/demo", token=token)

    assert (page[0], again[0], entered) == (200, 200, 303)
    assert 'action="/demo"' in page[1]
    assert late.ask("POST", "/demo", token=token)[0] == 403
    assert late.ask("GET", f"/demo?token={token}")[0] == 403
    assert late.ask("GET", "/")[0] == 303, "a stranger saw the overview"
    until(lambda: both_sources_live(browser.ask("GET", "/")[1]), "the sources on the overview")
    assert token.encode() not in seen_of(family)

    output, _ = demo.communicate(timeout=80)
    result = json.loads(output.splitlines()[-1])
    assert demo.returncode == 0, result
    assert (result["lost"], result["duplicated"], result["false"]) == (0, 0, 0)
    assert [pid for pid in family if alive(pid)] == []
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 3
    assert not any(token.encode() in content for content in kept)


def both_sources_live(page: str) -> bool:
    words = re.sub(r"<[^>]*>|\s+", " ", page)
    return "2 of 2 sources live" in words


def test_without_a_terminal_no_console_is_started_unless_asked() -> None:
    """What runs headless, as CI does, prints no link."""
    done = subprocess.run(
        [*DEMO[:-1], "4"], capture_output=True, text=True, timeout=100, check=True
    )
    assert "/demo?token=" not in done.stdout + done.stderr
