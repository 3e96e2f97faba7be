"""What a student gets: a script and a notebook with a gap where the solution was, and the visible checks as something to try.

Comes after ``exercise.py`` and ``notebook.py``, before ``workspace.py``, which puts the files into a folder.
"""

import numpy as np

from .exercise import Check, Exercise
from .judge import reference
from .notebook import NotebookCell, notebook_text
from .submission import TRIAL

SHOWN_LINES = 12
"""The longest right answer that is printed beside a trial."""


def script_text(exercise: Exercise) -> str:
    """The student's script, in percent format: no solution in it."""
    trials = [trial_code(exercise, number, check) for number, check in visible(exercise)]
    guarded = 'if __name__ == "__main__":  # runs with: python ' + f"{exercise.file_name}.py\n"
    guarded += "    np.set_printoptions(precision=4, suppress=True)\n\n"
    guarded += "\n\n".join("\n".join(f"    {line}".rstrip() for line in code.splitlines()) for code in trials)
    parts = [
        markdown_cell(opening(exercise)),
        f"# %%\n{exercise.given}" if exercise.given else "",
        f"# %%\n{exercise.blank}",
        markdown_cell(closing(exercise)),
        f"# %%\n{guarded}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def notebook(exercise: Exercise) -> str:
    """The student's notebook, with the same content."""
    cells = [
        NotebookCell("markdown", opening(exercise)),
        *([NotebookCell("code", exercise.given)] if exercise.given else []),
        NotebookCell("code", exercise.blank),
        NotebookCell("markdown", closing(exercise)),
        *(
            NotebookCell("code", trial_code(exercise, number, check), {"tags": [TRIAL]})
            for number, check in visible(exercise)
        ),
        NotebookCell("code", f"!minilora exercise check {exercise.name}", {"tags": [TRIAL]}),
    ]
    return notebook_text(cells)


def opening(exercise: Exercise) -> str:
    """The statement, with what it is worth and how long it takes below its heading."""
    heading, _, rest = exercise.statement.partition("\n")
    stars = "★" * exercise.difficulty + "☆" * (5 - exercise.difficulty)
    facts = f"{stars} · about {exercise.minutes} minutes · {exercise.points} points · after tutorial {exercise.tutorial:02d}"
    return f"{heading}\n\n{facts}\n{rest}"


def closing(exercise: Exercise) -> str:
    """How to go on from here."""
    return (
        f"Save, then `minilora exercise check {exercise.name}` in this folder says how far you are, and "
        f"`minilora exercise hint {exercise.name}` helps you on.\n\nTo try your code by itself, run what follows."
    )


def visible(exercise: Exercise) -> list[tuple[int, Check]]:
    """The checks that a student may see, with their numbers."""
    return [(number, check) for number, check in enumerate(exercise.checks) if not check.hidden]


def trial_code(exercise: Exercise, number: int, check: Check) -> str:
    """A check's code on fixed inputs, printing the answer, and below it the right one."""
    outcome = reference(exercise, 0)[number]
    lines = []
    for label, value in outcome.answers.items():
        shown = np.array2string(value, precision=4, suppress_small=True)
        small = len(shown.splitlines()) < SHOWN_LINES
        lines += f"{label + ': ' if label else ''}{shown if small else f'an array of shape {value.shape}'}".splitlines()
    labelled = list(outcome.answers) != [""]
    code = f"# {check.name}\nrng = np.random.default_rng([0, {number}])\n{check.code}\n"
    code += (
        'for label, value in answer.items():\n    print(f"{label}: {value}")' if labelled else "print(answer)"
    )
    return code + "\n# The right answer:\n" + "\n".join(f"#   {line}" for line in lines)


def markdown_cell(text: str) -> str:
    """Text as a Markdown cell of a percent script."""
    return "# %% [markdown]\n" + "\n".join(f"# {line}".rstrip() for line in text.splitlines())
