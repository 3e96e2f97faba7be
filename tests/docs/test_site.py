"""The site as it is built: nothing is loaded from elsewhere, formulas are MathML, pictures have words, pages made from code hold its output."""

import importlib.util
from html.parser import HTMLParser
from pathlib import Path

import pytest

from minilora.models.checkpoint import shipped

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("mkdocs", "material", "mkdocstrings", "jupytext", "l2m4m")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="the site needs the extra docs: pip install -e '.[docs]'",
    ),
    pytest.mark.skipif("tiny-gpt" not in shipped(), reason="tiny-gpt is not in this checkout"),
]


class Page(HTMLParser):
    """What a page loads, and what stands in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.without_words: list[str] = []
        self.formulas = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "img", "iframe", "source"):
            self.loaded.append(given.get("src", ""))
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given.get("href", ""))
        if (tag == "img" and not given.get("alt")) or (
            given.get("role") == "img" and not given.get("aria-label")
        ):
            self.without_words.append(str(given))
        self.formulas += tag == "math"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 10
    for path in pages:
        assert [url for url in Page(path).loaded if url.startswith(("http:", "https:", "//"))] == [], path
    for sheet in site.rglob("*.css"):
        assert "url(http" not in sheet.read_text(encoding="utf-8")


def test_pictures_have_words(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert Page(path).without_words == [], path


def test_formulas_are_mathml(site: Path) -> None:
    assert Page(site / "index.html").formulas >= 3
    tutorial = site / "tutorials" / "01_lora_in_ten_minutes.html"
    assert Page(tutorial).formulas >= 20
    text = tutorial.read_text(encoding="utf-8")
    assert "\\frac" not in text
    assert "<merror" not in text


def test_the_tutorial_holds_what_its_code_printed_and_drew(site: Path) -> None:
    text = (site / "tutorials" / "01_lora_in_ten_minutes.html").read_text(encoding="utf-8")
    assert "all of it holds" in text
    assert text.count('class="plot"') == 2
    assert "currentColor" in text


def test_the_rooms_are_drawn_from_the_imports(site: Path) -> None:
    text = (site / "explanation" / "architecture.html").read_text(encoding="utf-8")
    assert "cli imports from methods in" in text
    assert "methods imports from cli" not in text
