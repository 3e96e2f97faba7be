"""A student's folder: the files of each exercise, and a note of what was done.

Comes after ``handout.py`` and ``marking.py``; the commands call it. The note, ``.exercises.json``, holds for each exercise how many hints were shown, how often it was checked,
and whether it was passed or given up. What a student wrote is never overwritten: starting again leaves files alone, and a reset keeps the old one under another name.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import make_folder, write_atomically
from .catalogue import all_exercises
from .exercise import Exercise
from .handout import notebook, script_text
from .submission import parts_of, read_parts
from .worker import Part

NOTE = ".exercises.json"
ENDINGS = (".py", ".ipynb")
"""Of an exercise's files: a script, and a notebook."""


@dataclass(frozen=True)
class Progress:
    """What was done on one exercise."""

    hints: int = 0
    attempts: int = 0
    points: int = 0
    passed: bool = False
    given_up: bool = False

    @property
    def may_see_solution(self) -> bool:
        """The solution opens after a pass, or when the student gives up."""
        return self.passed or self.given_up


class Workspace:
    """A folder that ``start`` filled. Raises InputError where ``folder`` and the folders above it hold no note."""

    def __init__(self, folder: Path) -> None:
        above = [folder.resolve(), *folder.resolve().parents]
        found = next((place for place in above if (place / NOTE).is_file()), None)
        if found is None:
            raise InputError(
                f"there are no exercises in {str(folder)!r}; begin with: minilora exercise start DIR, and go there, or name it with --in DIR"
            )
        self.folder = found

    def progress(self) -> dict[str, Progress]:
        """What was done, by exercise. Raises InputError for a note that cannot be read."""
        try:
            note = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
            return {name: Progress(**values) for name, values in note["exercises"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{str(self.folder / NOTE)!r} cannot be read; delete it and run minilora exercise start {self.folder} again: your files stay"
            ) from error

    def of(self, exercise: Exercise) -> Progress:
        """What was done on one exercise."""
        return self.progress().get(exercise.name, Progress())

    def note(self, exercise: Exercise, progress: Progress) -> None:
        """Remember what was done on one exercise."""
        every = {**self.progress(), exercise.name: progress}
        ordered = {e.name: every[e.name] for e in all_exercises() if e.name in every}
        write_note(self.folder, ordered)

    def files(self, exercise: Exercise) -> list[Path]:
        """The student's files of an exercise: script, notebook, or both."""
        paths = (self.folder / f"{exercise.file_name}{ending}" for ending in ENDINGS)
        return [path for path in paths if path.is_file()]

    def started(self) -> list[Exercise]:
        """The exercises that have a file here."""
        return [exercise for exercise in all_exercises() if self.files(exercise)]

    def current(self, exercise: Exercise) -> Path:
        """The file that the student works in: of those that are not as they were handed out, the one saved last; the script where none was touched.

        Raises InputError where there is no file.
        """
        files = self.files(exercise)
        if not files:
            raise InputError(
                f"{exercise.name} has no file in {str(self.folder)!r}; minilora exercise start {self.folder} puts it there"
            )
        touched = [path for path in files if self.touched(exercise, path)]
        return max(touched, key=lambda path: path.stat().st_mtime_ns) if touched else files[0]

    def touched(self, exercise: Exercise, path: Path) -> bool:
        """Whether the code in a file is another than was handed out. A file that cannot be read was."""
        try:
            return read_parts(path) != parts_of(path.name, handout(exercise, path.suffix))
        except InputError:
            return True

    def parts(self, exercise: Exercise) -> tuple[Path, list[Part]]:
        """The file that counts, and its code."""
        path = self.current(exercise)
        return path, read_parts(path)

    def hint(self, exercise: Exercise) -> tuple[int, str]:
        """The number of the next hint, and the hint; the last one again when all were shown. Raises InputError where there is none."""
        if not exercise.hints:
            raise InputError(f"{exercise.name} has no hints; its text says all there is")
        progress = self.of(exercise)
        number = min(progress.hints + 1, len(exercise.hints))
        self.note(exercise, dataclasses.replace(progress, hints=number))
        return number, exercise.hints[number - 1]

    def record(self, exercise: Exercise, points: int, passed: bool) -> None:
        """Remember a check: the best counts."""
        old = self.of(exercise)
        new = dataclasses.replace(
            old, attempts=old.attempts + 1, points=max(points, old.points), passed=passed or old.passed
        )
        self.note(exercise, new)

    def solution(self, exercise: Exercise, give_up: bool) -> str:
        """The solution. Raises InputError for an exercise that is neither passed nor given up."""
        progress = self.of(exercise)
        if give_up and not progress.passed:
            progress = dataclasses.replace(progress, given_up=True)
            self.note(exercise, progress)
        if not progress.may_see_solution:
            left = len(exercise.hints) - progress.hints
            hints = f", {left} hint{'s are' if left > 1 else ' is'} left," if left else ""
            raise InputError(
                f"the solution of {exercise.name} opens when it passes{hints} or with --give-up if you want to see it now"
            )
        return exercise.answer

    def reset(self, exercise: Exercise) -> list[Path]:
        """Hand the exercise out anew, as the script, notebook or both that were there; where the old files went (only those that were touched)."""
        kept, there = [], self.files(exercise)
        for path in there:
            if self.touched(exercise, path):
                number = 1
                while (aside := path.with_name(f"{path.stem}.old-{number}{path.suffix}")).exists():
                    number += 1
                path.rename(aside)
                kept.append(aside)
        hand_out(self.folder, exercise, [path.suffix for path in there] or ENDINGS)
        return kept


def start(folder: Path, exercises: Sequence[Exercise], endings: Sequence[str] = ENDINGS) -> list[Path]:
    """Put exercises into a folder, new or not, and return the files that were written; those that are there stay as they are."""
    make_folder(folder)
    if not (folder / NOTE).exists():
        write_note(folder, {})
    return [path for exercise in exercises for path in hand_out(folder, exercise, endings)]


def hand_out(folder: Path, exercise: Exercise, endings: Sequence[str]) -> list[Path]:
    """Write those of an exercise's files that are not there."""
    paths = [folder / f"{exercise.file_name}{ending}" for ending in endings]
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        write_atomically(path, handout(exercise, path.suffix))
    return missing


def handout(exercise: Exercise, ending: str) -> str:
    """The text that a file of this ending is handed out with."""
    return script_text(exercise) if ending == ".py" else notebook(exercise)


def write_note(folder: Path, progress: dict[str, Progress]) -> None:
    """Write the note."""
    note = {"format": 1, "exercises": {name: dataclasses.asdict(value) for name, value in progress.items()}}
    write_atomically(folder / NOTE, json.dumps(note, indent=1) + "\n")
