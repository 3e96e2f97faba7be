"""Notebooks for nbgrader: one an exercise, in ``source/minilora/``, from which ``nbgrader generate_assignment minilora`` makes the students' version.

Before: an ``Exercise``. The marks around the solution are nbgrader's own, so it takes them out itself; hidden checks stand where it hides tests.
"""

from collections.abc import Sequence
from typing import Any

from ..exercise import Check, Exercise
from ..handout import opening
from ..notebook import NotebookCell, notebook_text

ASSIGNMENT = "minilora"

CONFIG = """# nbgrader's settings for this course; run its commands in this folder.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "minilora"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your code goes here")'}
"""


def nbgrader_files(exercises: Sequence[Exercise]) -> dict[str, str]:
    """A course folder: the settings, and a notebook an exercise."""
    notebooks = {f"source/{ASSIGNMENT}/{e.file_name}.ipynb": notebook_text(cells(e)) for e in exercises}
    return {"nbgrader_config.py": CONFIG, **notebooks}


def cells(exercise: Exercise) -> list[NotebookCell]:
    """The notebook of one exercise."""
    return [
        NotebookCell("markdown", opening(exercise), metadata(f"{exercise.name}-text", locked=True)),
        NotebookCell("code", exercise.given, metadata(f"{exercise.name}-given", locked=True)),
        NotebookCell("code", exercise.solution, metadata(f"{exercise.name}-code", solution=True)),
        *(
            NotebookCell(
                "code",
                test_code(exercise, check),
                metadata(f"{exercise.name}-check-{number}", locked=True, points=check.points),
            )
            for number, check in enumerate(exercise.checks)
        ),
    ]


def test_code(exercise: Exercise, check: Check) -> str:
    """A cell that raises where a check does not pass."""
    call = verify_call(exercise, check)
    if check.hidden:
        return f"# {check.points} points for a check that is not shown\n### BEGIN HIDDEN TESTS\n{call}\n### END HIDDEN TESTS"
    return f"# {check.name}: {check.points} points\n{call}"


def verify_call(exercise: Exercise, check: Check) -> str:
    """The lines that run one check on what the notebook defines."""
    return f"from minilora.classroom import verify\n\nverify({exercise.name!r}, globals(), [{check.name!r}])"


def metadata(
    name: str, *, locked: bool = False, solution: bool = False, points: int | None = None
) -> dict[str, Any]:
    """What nbgrader wants to know of a cell (its schema, version 3)."""
    described: dict[str, Any] = {
        "grade": points is not None,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        described["points"] = points
    return {"nbgrader": described}
