"""The site in a browser: no error in its console, formulas and figures drawn, nothing wider than a phone, and a search that finds."""

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from minilora.models.checkpoint import shipped

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NEEDED = ("mkdocs", "material", "mkdocstrings", "jupytext", "l2m4m", "playwright")
WIDTHS = {"desktop": 1280, "phone": 390}

PATIENCE = 180_000
"""Milliseconds for a page to open: the reference's pages are long, and the machine may be busy. None may be slow for another reason: the site is on this machine."""

QUIETLY = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""The site alone is to be asked for anything: nothing of the browser's own goes out, so an offline machine is as good as another."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="the browser test needs the extra browser: pip install -e '.[browser]'",
    ),
    pytest.mark.skipif("tiny-gpt" not in shipped(), reason="tiny-gpt is not in this checkout"),
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served: searching needs a server, since a browser gives no worker to a page from a disk."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browser() -> Iterator[Any]:
    """A browser of its own for each test: one that ends, as on a machine short of memory, takes no other test with it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIETLY)
        yield started
        started.close()


def opened(browser: Any, width: int = WIDTHS["desktop"]) -> Any:
    """An empty page of that width, which waits for what it is told to open."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    return page


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_page_opens_without_an_error_and_fits(
    browser: Any, address: str, site: Path, width: int
) -> None:
    page = opened(browser, width)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":  # its links are absolute, for a server that has the site at its root
            continue
        page.goto(f"{address}/{path.relative_to(site).as_posix()}")
        assert errors == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.close()


def test_formulas_are_drawn(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/index.html")
    boxes = page.eval_on_selector_all("article math", "all => all.map(m => m.getBoundingClientRect().height)")
    assert len(boxes) >= 3
    assert min(boxes) > 5
    page.close()


def test_search_finds_rank(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/index.html")
    page.fill("input[data-md-component=search-query]", "rank")
    page.wait_for_selector(".md-search-result__item")
    assert "rank" in page.inner_text(".md-search-result__list").lower()
    page.close()


def test_figures_answer_to_their_sliders(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/explanation/figures.html")
    for name in ("rank", "scale", "identities"):
        said = page.inner_text(f"#figure-{name} p")
        page.locator(f"#figure-{name} input").first.press("ArrowRight")
        assert page.inner_text(f"#figure-{name} p") != said
    rows = page.locator("#figure-identities tr")
    assert [row.split()[-1] for row in rows.all_inner_texts()[1:]] == [*["yes"] * 6, "no"]
    page.locator("#figure-identities input").first.press("End")  # all of the rank
    page.select_option("#figure-identities select >> nth=1", index=1)  # orthonormal rows
    assert rows.all_inner_texts()[-1].split()[-1] == "yes"
    page.close()
