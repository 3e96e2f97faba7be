"""From the one source of an exercise, a percent script, to an ``Exercise``.

Comes after ``exercise.py`` and before ``catalogue.py``, which finds the sources. A source is named ``TUTORIAL_PLACE_name.py`` and reads::

    # ---
    # title: Softmax and its pullback
    # topic: pullbacks
    # difficulty: 2
    # minutes: 15
    # ---

    # %% [markdown]                         the text
    # %%                                    code that the student is given
    # %% role="solution"                    the code, with the part to write between ### BEGIN SOLUTION and ### END SOLUTION
    # %% [markdown] role="hint"             one hint, any number of cells
    # %% role="check" points=2              a check; its first string is its name
    # %% role="check" points=3 hidden=true  one that the student's file doesn't show
    # %% role="wrong"                       a wrong answer; its first string is the message it must get
    # %% role="proof"                       assertions that the solution is the library's; run by tests
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .exercise import BEGIN, END, Check, Exercise, Wrong

FILE = re.compile(r"(\d\d)_(\d+)_([a-z][a-z0-9_]*)\.py")
ATTRIBUTE = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
KEYS = ("title", "topic", "difficulty", "minutes")
ROLES = ("given", "solution", "hint", "check", "wrong", "proof")


@dataclass(frozen=True)
class Cell:
    """One cell: its role ("text" for Markdown without one), its attributes, its lines, and the line it starts at."""

    role: str
    attributes: dict[str, str]
    text: str
    line: int


def read_exercise(path: Path) -> Exercise:
    """The exercise in a file. Raises InputError, naming the file, for one that is not written as the module's text says."""
    named = FILE.fullmatch(path.name)
    if named is None:
        raise InputError(
            f"an exercise is named TUTORIAL_PLACE_name.py, such as 03_4_softmax.py, not {path.name!r}"
        )
    text = path.read_text(encoding="utf-8")
    header, cells = read_header(path, text), read_cells(path, text)

    def of(role: str) -> list[Cell]:
        return [cell for cell in cells if cell.role == role]

    if len(of("solution")) != 1 or not of("text"):
        raise InputError(
            f'{path.name} needs a text and exactly one cell role="solution", not {len(of("solution"))}'
        )
    solution = of("solution")[0].text
    marks = [line.strip() for line in solution.splitlines() if line.strip() in (BEGIN, END)]
    if not marks or marks != [BEGIN, END] * (len(marks) // 2):
        raise InputError(f"the solution of {path.name} needs a part between {BEGIN!r} and {END!r}")
    if not of("check"):
        raise InputError(f'{path.name} has no cell role="check", so nothing could ever be wrong')
    checks = tuple(
        Check(
            name=heading(path, cell),
            points=number(path, "points", cell.attributes.get("points", "1")),
            hidden=cell.attributes.get("hidden") == "true",
            code=without_heading(cell.text),
        )
        for cell in of("check")
    )
    return Exercise(
        name=named[3],
        title=header["title"],
        topic=header["topic"],
        order=(int(named[1]), int(named[2])),
        difficulty=number(path, "difficulty", header["difficulty"]),
        minutes=number(path, "minutes", header["minutes"]),
        statement="\n\n".join(cell.text for cell in of("text")),
        given="\n\n".join(cell.text for cell in of("given")),
        solution=solution,
        hints=tuple(cell.text for cell in of("hint")),
        checks=checks,
        wrongs=tuple(Wrong(heading(path, cell), without_heading(cell.text)) for cell in of("wrong")),
        proof="\n\n".join(cell.text for cell in of("proof")),
        path=path,
    )


def read_header(path: Path, text: str) -> dict[str, str]:
    """The values between the first two lines ``# ---``."""
    parts = re.split(r"^# ---$", text, maxsplit=2, flags=re.MULTILINE)
    values = dict(re.findall(r"^# (\w+): *(.+)$", parts[1], re.MULTILINE)) if len(parts) == 3 else {}
    if sorted(values) != sorted(KEYS):
        raise InputError(f"the head of {path.name} needs the lines {', '.join(KEYS)}, and has {list(values)}")
    return values


def read_cells(path: Path, text: str) -> list[Cell]:
    """The cells of a percent script, in order; Markdown without its ``# ``."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    cells = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = lines[start].removeprefix("# %%")
        markdown = "[markdown]" in marker
        attributes = {name: quoted or bare for name, quoted, bare in ATTRIBUTE.findall(marker)}
        role = attributes.get("role", "text" if markdown else "given")
        if role not in ROLES and role != "text":
            raise InputError(
                f"{path.name}, line {start + 1}: role must be one of {', '.join(ROLES)}, not {role!r}"
            )
        body = lines[start + 1 : stop]
        if markdown:
            body = [re.sub(r"^# ?", "", line) for line in body]
        cells.append(Cell(role, attributes, "\n".join(body).strip(), start + 1))
    return cells


def heading(path: Path, cell: Cell) -> str:
    """The string that a cell opens with, its line breaks taken out."""
    found = ast.get_docstring(ast.parse(cell.text))
    if not found:
        raise InputError(
            f"{path.name}, line {cell.line}: a {cell.role} opens with a string, its name or message"
        )
    return " ".join(found.split())


def without_heading(code: str) -> str:
    """The code after the string that it opens with."""
    first = ast.parse(code).body[0]
    return "\n".join(code.splitlines()[first.end_lineno or 0 :]).strip()


def number(path: Path, name: str, text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"{name} in {path.name} must be a whole number of at least 1, not {text!r}")
    return int(text)
