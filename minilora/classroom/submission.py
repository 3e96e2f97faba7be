"""A student's file as pieces of code: a script is one piece, a notebook one a code cell.

Comes after ``worker.py`` (which runs the pieces), before ``workspace.py`` and ``grade.py``, which find the files. A message then names the line in the script, or the cell and its line.
"""

import json
from pathlib import Path

from ..errors import InputError
from .worker import Part

TRIAL = "minilora-try"
"""The tag of notebook cells that only try things out: checks leave them alone."""


def read_parts(path: Path) -> list[Part]:
    """The code in a student's file. Raises InputError for one that cannot be read."""
    return parts_of(path.name, read_text(path))


def read_text(path: Path) -> str:
    """The file's text. Raises InputError where it is no text, or cannot be opened."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}; save it as a text file in UTF-8") from error


def parts_of(name: str, text: str) -> list[Part]:
    """The pieces of a file called ``name``; Raises InputError for a notebook that is none."""
    if not name.endswith(".ipynb"):
        return [(name, text)]
    parts = []
    try:
        for number, cell in enumerate(json.loads(text)["cells"], start=1):
            if cell["cell_type"] != "code" or TRIAL in cell.get("metadata", {}).get("tags", ()):
                continue
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            parts.append((f"{name}, cell {number}", without_magics(source)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{name!r} is not a notebook that can be read ({type(error).__name__}); save it again, or reset the exercise"
        ) from error
    return parts


def without_magics(code: str) -> str:
    """``code`` with the lines that only a notebook understands (%time, !ls) turned into empty ones, so that line numbers stay."""
    lines = code.splitlines()
    if lines and lines[0].startswith("%%"):
        return ""
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!")) else line
        for line in lines
    )
