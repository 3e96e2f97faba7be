"""The exercises in the forms of grading programs: nbgrader, Otter-Grader, pytest and Gradescope.

Comes after ``marking.py``: whatever the program, the marking is ``verify`` or ``mark``, with the same words. Where students' work is marked, minilora must be installed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from ...errors import InputError
from ...files import write_atomically
from ..exercise import Exercise
from .gradescope import gradescope_files
from .nbgrader import nbgrader_files
from .otter import otter_files
from .pytest_folder import pytest_files

Files = dict[str, str]
"""What is to be written: text by path within the folder."""

FORMATS: MappingProxyType[str, Callable[[Sequence[Exercise]], Files]] = MappingProxyType(
    {"nbgrader": nbgrader_files, "otter": otter_files, "pytest": pytest_files, "gradescope": gradescope_files}
)


def export(folder: Path, kind: str, exercises: Sequence[Exercise], *, force: bool = False) -> list[Path]:
    """Write exercises for the program ``kind`` and return the files.

    Raises InputError for another kind, and where a file is there already and ``force`` is not given: then nothing is written.
    """
    if kind not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, not {kind!r}")
    files = {folder / name: text for name, text in FORMATS[kind](exercises).items()}
    there = [path for path in files if path.exists()]
    if there and not force:
        raise InputError(f"{str(there[0])!r} is there already; give another folder, or --force to replace it")
    for path, text in files.items():
        write_atomically(path, text)
        if text.startswith("#!"):
            path.chmod(0o755)
    return list(files)


__all__ = ["FORMATS", "export"]
