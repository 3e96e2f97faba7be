"""Exercises: handing them out, checking what a student wrote, naming the mistake, hints, solutions, and marking a class.

Stands beside the tower of rooms: it uses ``autograd`` alone, and only ``cli`` uses it. The sources are in ``tutorials/exercises/``, one file each (``source.py`` says how one is written).
The way of a check: ``catalogue`` → ``workspace`` (the student's file) → ``sandbox`` (runs it) → ``judge`` (what is wrong, and why) → ``marking`` (in words).
"""

from .catalogue import all_exercises, find
from .exercise import Check, Exercise, Wrong
from .marking import Marked, as_dict, in_words, mark, verify
from .sandbox import Limits, run_limited
from .source import read_exercise
from .submission import read_parts
from .workspace import Progress, Workspace, start

__all__ = [
    "Check",
    "Exercise",
    "Limits",
    "Marked",
    "Progress",
    "Workspace",
    "Wrong",
    "all_exercises",
    "as_dict",
    "find",
    "in_words",
    "mark",
    "read_exercise",
    "read_parts",
    "run_limited",
    "start",
    "verify",
]
