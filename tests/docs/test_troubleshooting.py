"""Every message on the troubleshooting page is one that the program prints."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r'^```text title="Message"\n(.*?)\n```', PAGE, re.DOTALL | re.MULTILINE)
LEAST = 25
"""A text in the source with fewer characters of its own than this would fit almost any message."""


@cache
def texts() -> list[re.Pattern[str]]:
    """Every text of the source as a pattern: where it puts a value in, anything may stand."""
    found = []
    for path in sorted((ROOT / "minilora").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            own = [
                p.value if isinstance(p, ast.Constant) and isinstance(p.value, str) else None for p in parts
            ]
            if sum(len(text) for text in own if text is not None) >= LEAST:
                found.append(re.compile("".join(".*" if text is None else re.escape(text) for text in own)))
    return found


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:40])
def test_it_is_in_the_source(message: str) -> None:
    assert any(text.fullmatch(message) for text in texts())


def test_the_check_can_fail() -> None:
    assert len(MESSAGES) > 15
    changed = "target 'querry' fits no linear layer; did you mean 'query'?"
    assert not any(text.fullmatch(changed) for text in texts())
