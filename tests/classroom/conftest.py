"""What the tests of exercises share: the exercises, and a folder that was started."""

from pathlib import Path

import pytest

from minilora.classroom import Exercise, Workspace, find, start
from minilora.classroom.worker import Part


@pytest.fixture
def softmax() -> Exercise:
    return find("softmax")


@pytest.fixture
def workspace(tmp_path: Path, softmax: Exercise) -> Workspace:
    """A folder with two exercises."""
    start(tmp_path / "work", [softmax, find("linear")])
    return Workspace(tmp_path / "work")


def solved(exercise: Exercise) -> str:
    """A student's script with the right answer."""
    return f"{exercise.given}\n\n\n{exercise.answer}\n"


def as_student(exercise: Exercise, code: str) -> list[Part]:
    """Code as if a student had written it."""
    return [(f"{exercise.file_name}.py", code)]
