"""Notebooks for Otter-Grader: one an exercise, as ``otter assign NAME/NAME.ipynb NAME/dist`` reads them.

Before: an ``Exercise``. Otter has marks of its own, in raw cells around questions and in comments around solutions.
"""

from collections.abc import Sequence

from ..exercise import BEGIN, END, GAP, Check, Exercise
from ..handout import opening
from ..notebook import NotebookCell, notebook_text
from .nbgrader import verify_call

CONFIG = """# ASSIGNMENT CONFIG
init_cell: true
check_all_cell: true
export_cell: false
solutions_pdf: false
"""


def otter_files(exercises: Sequence[Exercise]) -> dict[str, str]:
    """A notebook an exercise, each in a folder of its own."""
    return {f"{e.file_name}/{e.file_name}.ipynb": notebook_text(cells(e)) for e in exercises}


def cells(exercise: Exercise) -> list[NotebookCell]:
    """The notebook of one exercise."""
    points = "\n".join(f"  - {check.points}" for check in exercise.checks)
    return [
        NotebookCell("raw", CONFIG),
        NotebookCell("code", exercise.given),
        NotebookCell("raw", f"# BEGIN QUESTION\nname: {exercise.name}\npoints:\n{points}"),
        NotebookCell("markdown", opening(exercise)),
        NotebookCell("raw", "# BEGIN SOLUTION"),
        NotebookCell("code", otter_solution(exercise.solution)),
        NotebookCell("raw", "# END SOLUTION"),
        NotebookCell("raw", "# BEGIN TESTS"),
        *(NotebookCell("code", test_code(exercise, check)) for check in exercise.checks),
        NotebookCell("raw", "# END TESTS"),
        NotebookCell("raw", "# END QUESTION"),
    ]


def otter_solution(code: str) -> str:
    """The solution with Otter's marks: the part to write, and the gap as a prompt in its place."""
    lines = []
    for line in code.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip() == BEGIN:
            lines.append(f"{indent}# BEGIN SOLUTION")
        elif line.strip() == END:
            lines += [
                f"{indent}# END SOLUTION",
                f'{indent}""" # BEGIN PROMPT',
                f"{indent}{GAP}",
                f'{indent}"""; # END PROMPT',
            ]
        else:
            lines.append(line)
    return "\n".join(lines)


def test_code(exercise: Exercise, check: Check) -> str:
    """A test case: no output where the check passes, its words where it does not."""
    return ("# HIDDEN\n" if check.hidden else "") + verify_call(exercise, check)
