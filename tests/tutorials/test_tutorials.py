"""Every tutorial runs from beginning to end, and keeps what a reader counts on: its opening, and assertions at its end."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minilora.models.checkpoint import shipped

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "tutorials").glob("[0-9][0-9]_*.py"))
by_name = pytest.mark.parametrize("script", TUTORIALS, ids=lambda path: path.stem)


def test_there_are_tutorials() -> None:
    assert TUTORIALS


@pytest.mark.slow
@by_name
def test_it_runs_and_its_claims_hold(script: Path, tmp_path: Path) -> None:
    if "tiny-gpt" in script.read_text(encoding="utf-8") and "tiny-gpt" not in shipped():
        pytest.skip("tiny-gpt is not in this checkout")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,  # it may lean on nothing that lies around
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == [], "a tutorial leaves nothing behind"


@by_name
def test_it_opens_with_what_a_reader_wants_to_know(script: Path) -> None:
    opening = script.read_text(encoding="utf-8").split("# %%")[1]
    for heading in ("# # ", "**You know:**", "**You will know:**", "**Minutes:**"):
        assert heading in opening


@by_name
def test_it_ends_by_asserting_its_claims(script: Path) -> None:
    last = script.read_text(encoding="utf-8").split("# %%")[-1]
    claims = [node for node in ast.walk(ast.parse(last.split("\n", 1)[1])) if isinstance(node, ast.Assert)]
    assert len(claims) >= 5


@by_name
def test_every_picture_has_a_title(script: Path) -> None:
    """The title is also what the page says in place of the picture."""
    source = script.read_text(encoding="utf-8")
    assert len(re.findall(r"plt\.subplots\(", source)) <= source.count("set_title(")
