"""A class's work, marked: a table of points from a folder of submissions.

Comes after ``marking.py``. Each student is a folder or a zip file in ``SUBMISSIONS/``, with files named as they were handed out, at any depth; script or notebook, and where both
are there, the one that was changed, or the one with more points. Several students are marked at a time, each exercise in a process and folder of its own. Every mark is written down at
once, with a digest of the file it is for, so a run that was stopped goes on where it was, and a student who hands in again is marked again.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import InputError
from ..files import make_folder, write_atomically
from .catalogue import all_exercises
from .exercise import Exercise
from .marking import Marked, as_dict, in_words, mark
from .submission import parts_of
from .workspace import ENDINGS, handout

NOTES = ".jsonl"
"""How the file ends that stands beside the table: a mark a line, with what the student is told."""

LARGEST = 1 << 20
"""Bytes of the largest file that is read; what is handed out has some thousand."""


@dataclass(frozen=True)
class Handed:
    """One student's file for one exercise."""

    student: str
    exercise: Exercise
    name: str
    text: str

    def key(self, seed: int) -> str:
        """What a mark depends on: the file, the exercise as it stands, and the seed."""
        exercise = repr((self.exercise.answer, self.exercise.checks, self.exercise.wrongs))
        content = "\0".join([self.student, self.name, self.text, exercise, str(seed)])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Grade:
    """A mark: points for an exercise, and what the student is told. ``exercise`` is "" where nothing of the student's could be read."""

    student: str
    exercise: str
    points: int
    words: str


def grade(
    submissions: Path, table: Path, *, seed: int, workers: int, only: Sequence[Exercise] = ()
) -> list[Grade]:
    """Mark everything in ``submissions`` and write ``table`` (CSV), with notes beside it (``NAME.jsonl``).

    Raises InputError where ``submissions`` is no folder with students' work in it, and where ``table`` cannot be one: it is a folder, or has the notes' name.
    """
    if table.is_dir() or table.suffix == NOTES:
        raise InputError(
            f"table is {str(table)!r}; give the name of a file that does not end in {NOTES}, such as grades.csv"
        )
    exercises = tuple(only) or all_exercises()
    if not submissions.is_dir():
        raise InputError(
            f"submissions is {str(submissions)!r}, which is no folder; give one with a folder or zip file per student"
        )
    students = sorted(p for p in submissions.iterdir() if p.is_dir() or p.suffix == ".zip")
    students = [path for path in students if not path.name.startswith((".", "__"))]
    if not students:
        raise InputError(f"{str(submissions)!r} holds no folder and no zip file, so there is nobody to mark")
    handed: list[Handed] = []
    unread: list[Grade] = []
    for path in students:
        try:
            handed += files_of(path, exercises)
        except InputError as error:  # one student's broken file must not keep the others from their marks
            unread.append(Grade(name_of(path), "", 0, str(error)))
    journal = table.with_suffix(NOTES)
    make_folder(table.parent)
    known = read_journal(journal)
    if journal.exists() and not journal.read_bytes().endswith(b"\n"):
        with journal.open("a", encoding="utf-8") as file:
            file.write("\n")  # below a line that a stopped run left half-written
    lock = Lock()

    def marked(one: Handed) -> Grade:
        key = one.key(seed)
        if key not in known:
            values = mark_one(one, seed)
            with lock, journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **values}, ensure_ascii=False) + "\n")
            known[key] = values
        return Grade(one.student, one.exercise.name, known[key]["points"], known[key]["words"])

    with ThreadPoolExecutor(workers) as pool:
        grades = list(pool.map(marked, handed))
    write_atomically(table, table_text([name_of(path) for path in students], exercises, best(grades)))
    return grades + unread


def name_of(path: Path) -> str:
    """The student's name: that of the folder, or of the zip file."""
    return path.stem if path.suffix == ".zip" else path.name


def mark_one(one: Handed, seed: int) -> dict[str, Any]:
    """Points and words for one file; a file that cannot be read has none and is told so."""
    try:
        marked = mark(one.exercise, parts_of(one.name, one.text), seed)
    except InputError as error:
        return {"student": one.student, "exercise": one.exercise.name, "points": 0, "words": str(error)}
    brief = as_dict(marked)
    return {
        "student": one.student,
        "exercise": one.exercise.name,
        "points": marked.points,
        "words": in_words(marked),
        "checks": brief["checks"],
    }


def files_of(path: Path, exercises: Sequence[Exercise]) -> Iterator[Handed]:
    """A student's files that are not as they were handed out."""
    named = {f"{e.file_name}{ending}": e for e in exercises for ending in ENDINGS}
    for name, content in sorted(contents(path, set(named))):
        exercise, text = named[name], content.decode("utf-8", "replace")
        if not unchanged(exercise, name, text):
            yield Handed(name_of(path), exercise, name, text)


def contents(path: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file so named in a folder or a zip file, at any depth. Nothing is unpacked, links out of the folder are not followed, and large files are left."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            inside = file.resolve().is_relative_to(path.resolve())
            if file.name in names and inside and file.is_file() and file.stat().st_size <= LARGEST:
                yield file.name, file.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = Path(info.filename).name
                if name in names and info.file_size <= LARGEST and "__MACOSX" not in info.filename:
                    yield name, archive.read(info)
    except Exception as error:  # a password, or damage: each way of packing has errors of its own
        raise InputError(
            f"{str(path)!r} cannot be opened as a zip file: {error}; ask for it again, or take it out"
        ) from error


def unchanged(exercise: Exercise, name: str, text: str) -> bool:
    """Whether a file's code is what was handed out."""
    try:
        return parts_of(name, text) == parts_of(name, handout(exercise, Path(name).suffix))
    except InputError:
        return False


def read_journal(path: Path) -> dict[str, dict[str, Any]]:
    """Marks by key; a last line that a stopped run left half-written is passed over."""
    known = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            values = json.loads(line)
            known[values["key"]] = values
        except (ValueError, KeyError):
            continue
    return known


def best(grades: Sequence[Grade]) -> dict[tuple[str, str], int]:
    """The points of each (student, exercise): the better of script and notebook."""
    found: dict[tuple[str, str], int] = {}
    for one in grades:
        if not one.exercise:
            continue
        place = one.student, one.exercise
        found[place] = max(one.points, found.get(place, 0))
    return found


def table_text(
    students: Sequence[str], exercises: Sequence[Exercise], points: dict[tuple[str, str], int]
) -> str:
    """The table as CSV: a row a student, a column an exercise, then the sum and what it is of."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", *(e.name for e in exercises), "points", "maximum"])
    maximum = sum(e.points for e in exercises)
    for student in students:
        row = [points.get((student, e.name), 0) for e in exercises]
        writer.writerow([harmless(student), *row, sum(row), maximum])
    return text.getvalue()


def harmless(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def marks_of(path: Path, exercises: Sequence[Exercise], *, seed: int) -> dict[str, Marked]:
    """One student's work, marked, by exercise: the better of script and notebook. Files that cannot be read count as not handed in."""
    found: dict[str, Marked] = {}
    for one in files_of(path, exercises):
        try:
            marked = mark(one.exercise, parts_of(one.name, one.text), seed)
        except InputError:
            continue
        if one.exercise.name not in found or marked.points > found[one.exercise.name].points:
            found[one.exercise.name] = marked
    return found
