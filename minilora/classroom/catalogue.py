"""All exercises, and one by its name.

Comes after ``source.py``. The sources lie in ``tutorials/exercises/`` of a checkout; a wheel carries them beside this file, in ``exercises/`` (pyproject.toml puts them there).
"""

from functools import cache
from pathlib import Path

from ..errors import InputError, nearest
from .exercise import Exercise
from .source import read_exercise

INSTALLED = Path(__file__).parent / "exercises"
CHECKOUT = Path(__file__).parents[2] / "tutorials" / "exercises"


def folder() -> Path:
    """Where the sources lie. Raises InputError where neither place has any."""
    for place in (INSTALLED, CHECKOUT):
        if place.is_dir():
            return place
    raise InputError("the exercises are missing from this installation; install minilora again")


@cache
def all_exercises() -> tuple[Exercise, ...]:
    """Every exercise, in the order in which they are to be done."""
    found = (read_exercise(path) for path in folder().glob("[0-9]*.py"))
    return tuple(sorted(found, key=lambda exercise: exercise.order))


def find(name: str) -> Exercise:
    """The exercise that ``name`` means: its name, or the name of its file with or without an ending. Raises InputError with the nearest names otherwise."""
    wanted = name.removesuffix(".py").removesuffix(".ipynb")
    for exercise in all_exercises():
        if wanted in (exercise.name, exercise.file_name):
            return exercise
    known = [exercise.name for exercise in all_exercises()]
    raise InputError(
        f"there is no exercise {name!r}{nearest(wanted, known)}; minilora exercise list names them all"
    )
