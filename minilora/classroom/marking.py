"""Checking a student's code: run it within limits, judge what came out, and say it in words.

Comes after ``sandbox.py`` and ``judge.py``; before the commands, ``grade.py`` and the exports, which all mark by this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import worker
from .catalogue import find
from .exercise import Exercise
from .judge import Verdict, codes, judge, reference
from .sandbox import Limits, run_limited
from .worker import Part

PRINTED_LINES = 8
"""How much of what the student's code printed is shown."""


@dataclass(frozen=True)
class Marked:
    """An exercise as it was marked: its verdicts, the seed of its inputs, and what the code printed."""

    exercise: Exercise
    verdicts: tuple[Verdict, ...]
    seed: int
    printed: str = ""

    @property
    def points(self) -> int:
        """What it is worth."""
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def unwritten(self) -> bool:
        """Whether the gap is still there."""
        return not self.points and any("Not written yet" in verdict.found for verdict in self.verdicts)

    @property
    def failed(self) -> list[Verdict]:
        """The checks that did not pass."""
        return [verdict for verdict in self.verdicts if not verdict.passed]


def mark(exercise: Exercise, parts: Sequence[Part], seed: int, limits: Limits | None = None) -> Marked:
    """Run the checks of ``exercise`` on the student's ``parts``, with inputs drawn from ``seed``. Takes the limits' time at most, and a moment for judging."""
    reference(exercise, seed)  # first, so that a defect of the exercise is not the student's
    ran = run_limited(exercise.given, parts, codes(exercise), seed, limits)
    return Marked(exercise, tuple(judge(exercise, ran.outcomes, seed)), seed, ran.printed)


def verify(
    name: str, namespace: Mapping[str, Any], checks: Sequence[str] | None = None, seed: int = 1
) -> None:
    """Raise AssertionError, with the same words as ``minilora exercise check``, where what ``namespace`` defines does not pass.

    For notebooks that are graded by other programs (nbgrader, Otter), which limit the code themselves: it runs right here. namespace: ``globals()`` of the notebook.
    checks: names of the checks to run; None for all. Raises InputError for an exercise that is not there.
    """
    exercise = find(name)
    given, _ = worker.load(exercise.given, [])
    scope = {**given, **namespace}
    with np.errstate(all="ignore"):  # as in the sandbox: an overflow is judged by what comes of it
        outcomes = [worker.probe(scope, code, seed, number) for number, code in enumerate(codes(exercise))]
    for verdict in judge(exercise, outcomes, seed):
        if not verdict.passed and (checks is None or verdict.check.name in checks):
            raise AssertionError(
                f"{verdict.check.name}: {' '.join(filter(None, (verdict.found, verdict.likely)))}"
            )


def in_words(marked: Marked) -> str:
    """The paragraph that a student reads: what passed, and the first thing that did not, with its likely reason."""
    exercise = marked.exercise
    if marked.unwritten:
        return (
            f"· {exercise.name}: not written yet. Replace the line that raises NotImplementedError; "
            f"minilora exercise hint {exercise.name} helps you begin."
        )
    if marked.passed:
        return f"✓ {exercise.name}: all {len(marked.verdicts)} checks passed, {marked.points} of {exercise.points} points."
    first = marked.failed[0]
    lines = [f"✗ {exercise.name}: {marked.points} of {exercise.points} points."]
    for verdict in marked.verdicts:
        sign = "✓" if verdict.passed else "✗"
        lines.append(f"  {sign} {verdict.check.name} ({verdict.points} of {verdict.check.points})")
        if verdict is first:
            lines.append(f"      {verdict.found}")
            lines += [f"      → {verdict.likely}"] if verdict.likely else []
    lines.append(
        f"  To repeat with these inputs: minilora exercise check {exercise.name} --seed {marked.seed}"
    )
    if marked.printed.strip():
        printed = marked.printed.strip().splitlines()
        more = (
            [f"  | … and {len(printed) - PRINTED_LINES} more lines"] if len(printed) > PRINTED_LINES else []
        )
        lines += ["  Your code printed:", *(f"  | {line[:200]}" for line in printed[:PRINTED_LINES]), *more]
    return "\n".join(lines)


def as_dict(marked: Marked) -> dict[str, Any]:
    """The same for programs."""
    return {
        "exercise": marked.exercise.name,
        "passed": marked.passed,
        "written": not marked.unwritten,
        "points": marked.points,
        "maximum": marked.exercise.points,
        "seed": marked.seed,
        "checks": [
            {
                "name": verdict.check.name,
                "passed": verdict.passed,
                "points": verdict.points,
                "maximum": verdict.check.points,
                "found": verdict.found,
                "likely": verdict.likely,
            }
            for verdict in marked.verdicts
        ],
    }
