"""The map of the paper names nothing that does not exist, and leaves no number of the paper out."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    line
    for line in (ROOT / "docs" / "paper-map.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| in the paper")
]
NUMBERED = {"Equation": 4, "Table": 18, "Figure": 8}
FUNCTION = re.compile(r"\]\[(minilora\.[\w.]+)\]")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")

by_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])


def resolve(name: str) -> Any:
    """What a dotted name leads to: the longest part of it that is a module, and the attributes after."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


@cache
def functions_in(path: str) -> set[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@by_row
def test_functions_and_tests_exist(row: str) -> None:
    for name in FUNCTION.findall(row):
        found = resolve(name)
        assert found.__doc__, f"{name} has no docstring, so the reference has no place for it"
        assert f"{found.__module__}.{found.__name__}" == name, "the reference has it where it is defined"
    for path, name in TEST.findall(row):
        assert name in functions_in(path), f"{path}::{name}"


@by_row
def test_what_is_built_has_a_function_and_a_test(row: str) -> None:
    _, here, held, _ = (cell.strip() for cell in row.strip("|").split("|"))
    if here.startswith("Not built yet"):
        assert FUNCTION.findall(here) == TEST.findall(held) == []
    else:
        assert here.startswith(("Built", "In part"))
        assert TEST.findall(held)
        assert FUNCTION.findall(here)


def test_every_number_of_the_paper_has_one_row() -> None:
    named = re.findall(r"^\| \*\*(Equation|Table|Figure) (\d+)\*\*", "\n".join(ROWS), re.MULTILINE)
    assert sorted(named) == sorted(
        (kind, str(n)) for kind, last in NUMBERED.items() for n in range(1, last + 1)
    )


def test_the_room_of_the_paper_is_on_the_map() -> None:
    """Once there is a file for a table or a figure, its row may no longer say that there is none."""
    text = "\n".join(ROWS)
    for path in (ROOT / "minilora" / "paper").glob("[a-z]*.py"):
        assert f"minilora.paper.{path.stem}" in text, path.name
