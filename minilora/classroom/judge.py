"""From outcomes to verdicts: shape first, then dtype, then value, then the likely mistake by name.

Comes after ``worker.py`` (the student's outcomes) and ``exercise.py``; before ``marking.py``. The right answer to a check is what its code gives with the solution in place, on the
same random inputs; a mistake is known by its name when the student's answers are those of one of the exercise's wrong answers, or stand to the right ones in a simple
relation (``mistakes.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..autograd import relative_error
from . import worker
from .exercise import Check, Exercise
from .mistakes import by_dtype, by_problem, by_shape, by_value
from .worker import Array, Outcome, Problem


@dataclass(frozen=True)
class Verdict:
    """What one check found: ``found`` says what is wrong and ``likely`` why, both empty where the check passed; ``stage`` is "shape", "dtype", "value" or "run"."""

    check: Check
    passed: bool
    stage: str = ""
    found: str = ""
    likely: str = ""

    @property
    def points(self) -> int:
        """What the student gets for it."""
        return self.check.points if self.passed else 0


def judge(exercise: Exercise, outcomes: Sequence[Outcome], seed: int) -> list[Verdict]:
    """One verdict for each check of ``exercise``, from the outcomes of all of them."""
    right = reference(exercise, seed)
    return [
        judge_one(check, outcome, due, named_mistake(exercise, number, outcomes, seed))
        for number, (check, outcome, due) in enumerate(zip(exercise.checks, outcomes, right, strict=True))
    ]


def judge_one(check: Check, outcome: Outcome, due: Outcome, named: str) -> Verdict:
    """The verdict of one check. named: the message of the wrong answer that it looks like, or ""."""
    problem = outcome.problem
    if problem is None and outcome.answers.keys() != due.answers.keys():
        problem = Problem("type", "dict")  # of the student's own: the check's line asked for an array there
    if problem is not None:
        found, likely = by_problem(problem)
        return Verdict(check, False, "run", found, named or likely)
    for label, wanted in due.answers.items():
        complaint = compare(label, outcome.answers[label], wanted)
        if complaint is not None:
            stage, found, likely = complaint
            return Verdict(check, False, stage, found, named or likely)
    return Verdict(check, True)


def compare(label: str, got: Array, due: Array) -> tuple[str, str, str] | None:
    """None where the two are equal up to rounding; otherwise the first stage that they differ in, how, and the general name of the mistake ("" where none fits)."""
    of = f" of {label}" if label else ""
    if got.shape != due.shape:
        return "shape", f"Shape{of}: {got.shape}, and should be {due.shape}.", by_shape(got, due)
    if not same_kind(got, due):
        return "dtype", f"Dtype{of}: {got.dtype}, and should be {due.dtype}.", by_dtype(got, due)
    if equal(got, due):
        return None
    if due.ndim == 0:
        return "value", f"Value{of}: {shown(got)}, and should be {shown(due)}.", by_value(got, due)
    wrong = ~close(got, due)
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    share = "every entry" if wrong.all() else f"{int(wrong.sum())} of {wrong.size} entries"
    text = f"Value{of}: {share} differ{'s' if wrong.all() else ''}; the first is [{', '.join(map(str, place))}], which is {shown(got[place])} and should be {shown(due[place])}"
    with np.errstate(all="ignore"):
        error = (
            relative_error(got.astype(np.float64), due.astype(np.float64), 1e-300) if numeric(due) else np.nan
        )
    text += f" (relative error {error:.1e})." if np.isfinite(error) and error < 0.01 else "."
    return "value", text, by_value(got, due)


def numeric(x: Array) -> bool:
    """Whether x holds numbers."""
    return x.dtype.kind in "iuf"


def same_kind(got: Array, due: Array) -> bool:
    """Whether the dtypes are equal, all integers counting as one."""
    return (
        got.dtype == due.dtype
        or (got.dtype.kind in "iu" and due.dtype.kind in "iu")
        or got.dtype.kind == due.dtype.kind == "U"
    )


def close(got: Array, due: Array) -> Array:
    """Where the two are equal up to the rounding of their dtype, relative to the largest entry."""
    if due.dtype.kind != "f":
        return np.asarray(got == due)
    tolerance = 1e-8 if due.dtype == np.float64 else 1e-4
    with np.errstate(all="ignore"):
        finite = np.abs(due[np.isfinite(due)])
        largest = float(finite.max(initial=0.0))
        return np.isclose(got, due, rtol=tolerance, atol=tolerance * largest, equal_nan=True)


def equal(got: Array, due: Array) -> bool:
    """Whether shape, dtype and every value agree."""
    return got.shape == due.shape and same_kind(got, due) and bool(np.all(close(got, due)))


def shown(value: Array) -> str:
    """One entry, as people read it."""
    return f"{value:.6g}" if np.asarray(value).dtype.kind == "f" else str(value)


def named_mistake(exercise: Exercise, number: int, outcomes: Sequence[Outcome], seed: int) -> str:
    """The message of the wrong answer that comes to the same outcome in check ``number``, and to the most of the same in the others; "" where none does.

    In one check two mistakes may look alike (both give infinity, say); over all of them they differ.
    """
    best, message = 0, ""
    for index, wrong in enumerate(exercise.wrongs):
        theirs = wrong_outcomes(exercise, index, seed)
        agree = [same_outcome(a, b) for a, b in zip(outcomes, theirs, strict=True)]
        if agree[number] and sum(agree) > best:
            best, message = sum(agree), wrong.message
    return message


def same_outcome(a: Outcome, b: Outcome) -> bool:
    """Whether two runs of a check came to the same: equal answers, or the same exception."""
    if a.problem and b.problem:
        return a.problem.kind != "unwritten" and a.problem[:2] == b.problem[:2]
    if a.problem or b.problem:
        return False
    return a.answers.keys() == b.answers.keys() and all(equal(a.answers[k], b.answers[k]) for k in a.answers)


@lru_cache(maxsize=256)
def reference(exercise: Exercise, seed: int) -> tuple[Outcome, ...]:
    """The right outcomes: the checks with the solution in place. A problem in them is a defect of the exercise, and raised."""
    outcomes = worker.run(exercise.given, [("solution", exercise.answer)], codes(exercise), seed)
    for outcome, check in zip(outcomes, exercise.checks, strict=True):
        if outcome.problem is not None:
            raise RuntimeError(
                f"the solution of {exercise.name} fails its check {check.name!r}: {outcome.problem}"
            )
    return tuple(outcomes)


@lru_cache(maxsize=1024)
def wrong_outcomes(exercise: Exercise, index: int, seed: int) -> tuple[Outcome, ...]:
    """The outcomes with a wrong answer in place; where it defines only part of what the solution does, the rest is the solution's."""
    parts = [("solution", exercise.answer), ("wrong answer", exercise.wrongs[index].code)]
    return tuple(worker.run(exercise.given, parts, codes(exercise), seed))


def codes(exercise: Exercise) -> list[str]:
    """The code of every check."""
    return [check.code for check in exercise.checks]
