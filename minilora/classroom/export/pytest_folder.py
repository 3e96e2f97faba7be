"""Tests for pytest: one a check, on the files of a folder of a student's.

Before: an ``Exercise``. Each exercise runs once, in a process of its own with limits, and its checks are so many tests.
"""

from collections.abc import Sequence
from pprint import pformat

from ..exercise import Exercise

CONFTEST = '''"""pytest --submission=FOLDER: where the student's files are."""

from pathlib import Path


def pytest_addoption(parser):
    parser.addoption("--submission", type=Path, default=Path("."), help="the folder with the student's files")
'''

TESTS = '''"""One test a check. Run: pytest --submission=FOLDER"""

import functools

import pytest

from minilora.classroom import find, mark, read_parts

CHECKS = {checks}
SEED = 1


@functools.cache
def marked(name, folder):
    """The exercise as the student has it, marked once."""
    exercise = find(name)
    files = [folder / (exercise.file_name + ending) for ending in (".py", ".ipynb")]
    there = [path for path in files if path.is_file()]
    if not there:
        pytest.fail(f"{{files[0].name}} is not in {{folder}}", pytrace=False)
    results = [mark(exercise, read_parts(path), SEED) for path in there]
    return max(results, key=lambda result: result.points)


@pytest.mark.parametrize(("name", "check"), CHECKS)
def test_exercise(name, check, request):
    result = marked(name, request.config.getoption("--submission").resolve())
    (verdict,) = [v for v in result.verdicts if v.check.name == check]
    if not verdict.passed:
        pytest.fail(f"{{verdict.found}} {{verdict.likely}}", pytrace=False)
'''


def pytest_files(exercises: Sequence[Exercise]) -> dict[str, str]:
    """A test file and what makes pytest know the folder of the student's."""
    checks = [(exercise.name, check.name) for exercise in exercises for check in exercise.checks]
    return {"conftest.py": CONFTEST, "test_exercises.py": TESTS.format(checks=pformat(checks, width=100))}
