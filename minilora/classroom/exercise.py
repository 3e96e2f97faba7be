"""What an exercise is: a text, code with a gap, and the checks, hints and wrong answers that go with it.

Comes after nothing; ``source.py`` reads one from its file, ``handout.py`` makes of it what a student gets, ``judge.py`` marks an answer by it.
"""

from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
"""Around the lines that a student has to write; the same marks as nbgrader's."""

GAP = 'raise NotImplementedError("your code goes here")'


@dataclass(frozen=True)
class Check:
    """Code that calls what the student wrote and leaves what came out as ``answer``: an array, a number, or a dict of them by label.

    It finds ``rng``, a generator with a fresh seed, and all that the exercise's own code defines. The right answer is what the same code gives with the solution in
    place, so a check never states it. points: what it is worth. hidden: whether the student's file shows it.
    """

    name: str
    points: int
    hidden: bool
    code: str


@dataclass(frozen=True)
class Wrong:
    """A plausible wrong answer: code that takes the solution's place, and what is said to whose answers equal its answers."""

    message: str
    code: str


@dataclass(frozen=True)
class Exercise:
    """An exercise as its source has it.

    name: how commands call it; order: (tutorial it follows, place among that tutorial's exercises). difficulty: 1 (a line or two) to 5. minutes: for someone who has read the
    tutorial. statement: Markdown. given: code that stands before the gap. solution: code, the part to write between BEGIN and END. hints: Markdown, each saying more than the one
    before. proof: code that shows the solution equal to the library's function; tests run it.
    """

    name: str
    title: str
    topic: str
    order: tuple[int, int]
    difficulty: int
    minutes: int
    statement: str
    given: str
    solution: str
    hints: tuple[str, ...]
    checks: tuple[Check, ...]
    wrongs: tuple[Wrong, ...]
    proof: str
    path: Path

    @property
    def tutorial(self) -> int:
        """The number of the tutorial it follows."""
        return self.order[0]

    @property
    def file_name(self) -> str:
        """The name of the student's files, without their endings."""
        return self.path.stem

    @property
    def points(self) -> int:
        """What all of its checks are worth."""
        return sum(check.points for check in self.checks)

    @property
    def blank(self) -> str:
        """The solution's code with a gap in the place of what is to be written."""
        return without_solution(self.solution)

    @property
    def answer(self) -> str:
        """The solution's code without its marks."""
        lines = self.solution.splitlines()
        return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))


def without_solution(code: str) -> str:
    """``code`` with each marked part replaced by a line that raises NotImplementedError."""
    kept: list[str] = []
    within = False
    for line in code.splitlines():
        if line.strip() == BEGIN:
            within = True
            kept.append(line[: len(line) - len(line.lstrip())] + GAP)
        elif line.strip() == END:
            within = False
        elif not within:
            kept.append(line)
    return "\n".join(kept)
