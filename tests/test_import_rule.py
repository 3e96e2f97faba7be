"""The import rule: who may lean on whom, read from the source itself.

The rooms form a tower, and a file imports only lower floors or its own. Beside the tower stand ``data``, which knows nothing of it, and ``classroom``, which
knows only ``autograd``. The ground floor is open to all.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "minilora"
TOWER = ("backend", "autograd", "ops", "nn", "models", "methods", "train", "lab", "paper", "cli")
GROUND = {"errors", "files", "tensors", "version"}
BESIDE = {"data": set[str](), "classroom": {"autograd"}}
USERS_OF = {"data": {"models", "train", "lab", "paper", "cli"}, "classroom": {"cli"}}

LAZY = {
    "cupy",
    "cupyx",
    "distributed",
    "huggingface_hub",
    "joblib",
    "matplotlib",
    "mpi4py",
    "peft",
    "sacrebleu",
    "tokenizers",
    "torch",
    "transformers",
}
"""Heavy or optional: imported within the function that needs them, and never at the top of a file."""

MAYBE_LAZY = LAZY | {"rich"}
"""``cli`` is nothing without rich; elsewhere it draws a bar now and then."""

LATE = MAYBE_LAZY | {"IPython", "click", "scipy", "torch", "transformers"}
"""What a plain ``import minilora`` must not load."""

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The first folder below the package; for a file directly in it, the file's own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def allowed(room: str) -> set[str]:
    """The rooms that a file of ``room`` may import."""
    below = set(TOWER[: TOWER.index(room)]) if room in TOWER else BESIDE.get(room, set())
    beside = {name for name, users in USERS_OF.items() if room in users}
    return GROUND | {room} | below | beside


def imports(path: Path) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """(import statement, whether it stands outside of all functions, so that importing the file runs it)."""

    def walk(node: ast.AST, eager: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child, eager
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, eager and not inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


def for_type_checkers(path: Path) -> set[int]:
    """The lines within ``if TYPE_CHECKING:``, which never run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or 0) + 1)}


def imported_rooms(path: Path, statement: ast.Import | ast.ImportFrom) -> set[str]:
    """The rooms of this package that a statement imports from."""
    if isinstance(statement, ast.Import) or statement.level == 0:
        return set()
    # the folder that the dots lead to, then the module named after them
    base = path.parent.relative_to(PACKAGE).parts
    base = base[: len(base) - (statement.level - 1)]
    named = (*base, *(statement.module.split(".") if statement.module else ()))
    return {named[0]} if named else {alias.name for alias in statement.names}


def top_modules(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """The first names of what a statement imports absolutely."""
    if isinstance(statement, ast.ImportFrom):
        return {(statement.module or "").split(".")[0]} if statement.level == 0 else set()
    return {alias.name.split(".")[0] for alias in statement.names}


def problems(path: Path) -> list[str]:
    """What a file imports against the rule."""
    room, found = room_of(path), []
    unrun = for_type_checkers(path)
    for statement, eager in imports(path):
        where = f"{path.name}:{statement.lineno}: {ast.unparse(statement)}"
        rooms, modules = imported_rooms(path, statement), top_modules(statement)
        if "minilora" in modules:
            found.append(f"{where}: inside of the package imports are relative")
        if room != "__init__" and rooms - allowed(room):
            found.append(f"{where}: {room} may import only {', '.join(sorted(allowed(room)))}")
        if eager and modules & LAZY and statement.lineno not in unrun:
            found.append(f"{where}: heavy and optional modules are imported where they are used")
        if not eager and (rooms or modules - MAYBE_LAZY):
            found.append(f"{where}: only heavy and optional modules are imported within functions")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_follow_the_tower(path: Path) -> None:
    assert problems(path) == []


def test_every_room_has_its_place() -> None:
    rooms = {room_of(path) for path in FILES}
    assert rooms <= {*TOWER, *GROUND, *BESIDE, "__init__"}
    assert {"autograd", "methods", "data"} <= rooms, "the files were not found"


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("ops/a.py", "from ..nn import Linear", "ops may import only"),
        ("data/a.py", "from ..backend import Array", "data may import only"),
        ("data/tasks/a.py", "from ...train import fit", "data may import only"),
        ("methods/a.py", "from .. import train", "methods may import only"),
        ("methods/a.py", "from ..data import Batch", "methods may import only"),
        ("nn/a.py", "import minilora", "imports are relative"),
        ("lab/a.py", "import matplotlib.pyplot as plt", "where they are used"),
        ("lab/a.py", "class A:\n    import cupy", "where they are used"),
        ("train/a.py", "def f():\n    from ..models import gpt", "within functions"),
        ("train/a.py", "def f():\n    import json", "within functions"),
    ],
)
def test_the_rule_sees_what_breaks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, source: str, complaint: str
) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert len(problems(path)) == 1
    assert complaint in problems(path)[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("cli/a.py", "from ..data.tasks import load_task\nfrom ..classroom import check"),
        ("data/tasks/a.py", "from ..batches import Batch\nfrom ...errors import InputError"),
        ("train/a.py", "def f():\n    import matplotlib.pyplot as plt"),
        (
            "train/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rich.progress import Progress",
        ),
    ],
)
def test_the_rule_lets_pass_what_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, source: str
) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert problems(path) == []


@pytest.mark.parametrize("module", ["minilora", "minilora.cli.main"])
def test_importing_stays_light(module: str) -> None:
    """Counted in modules, not in seconds, so that a busy machine cannot fail it; ``cli`` needs click and no more."""
    script = f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"
    if module.endswith("main") and not (PACKAGE / "cli" / "main.py").exists():
        pytest.skip("there is no command line yet")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded & (LATE - ({"click"} if module.endswith("main") else set())) == set()


def test_public_names_are_there() -> None:
    import minilora

    assert all(hasattr(minilora, name) for name in minilora.__all__)
    assert minilora.__all__ == sorted(
        minilora.__all__, key=lambda name: (name.islower() or name.startswith("_"), name)
    )
