"""Every exercise proves itself: the solution passes and is the library's, the blank fails, and each wrong answer fails with its own message.

All of it runs in this process, without the sandbox: the code is the project's own.
"""

import ast
import re

import numpy as np
import pytest

from minilora.classroom import Exercise, all_exercises, worker
from minilora.classroom.exercise import GAP
from minilora.classroom.handout import notebook, script_text
from minilora.classroom.judge import codes, judge, reference, wrong_outcomes
from minilora.classroom.submission import parts_of

SEEDS = (0, 1, 20)
every = pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.name)


def test_there_are_enough_and_they_grow_harder() -> None:
    exercises = all_exercises()
    assert len(exercises) >= 24
    assert len({e.name for e in exercises}) == len(exercises)
    assert {e.tutorial for e in exercises} == {*range(2, 13), 14}
    assert {e.difficulty for e in exercises} == {1, 2, 3, 4, 5}
    for tutorial in {e.tutorial for e in exercises}:  # each tutorial's begin with what is easy
        first, *others = [e for e in exercises if e.tutorial == tutorial]
        assert all(first.difficulty <= other.difficulty + 1 for other in others)


@every
def test_the_solution_passes(exercise: Exercise) -> None:
    for seed in SEEDS:
        verdicts = judge(exercise, reference(exercise, seed), seed)
        assert [v.check.name for v in verdicts if not v.passed] == []


@every
def test_the_solution_is_the_librarys(exercise: Exercise) -> None:
    assert "assert" in exercise.proof
    names = {"rng": np.random.default_rng(0)}
    for part in (exercise.given, exercise.answer, exercise.proof):
        exec(compile(part, exercise.path.name, "exec"), names)


@every
def test_the_blank_fails_as_not_written(exercise: Exercise) -> None:
    outcomes = worker.run(exercise.given, [("blank", exercise.blank)], codes(exercise), 0)
    assert {outcome.problem.kind for outcome in outcomes if outcome.problem} == {"unwritten"}
    assert not any(verdict.passed for verdict in judge(exercise, outcomes, 0))


@every
def test_each_wrong_answer_gets_its_own_message(exercise: Exercise) -> None:
    assert len(exercise.wrongs) >= 3
    assert len({wrong.message for wrong in exercise.wrongs}) == len(exercise.wrongs)
    for seed in SEEDS:
        for index, wrong in enumerate(exercise.wrongs):
            verdicts = judge(exercise, wrong_outcomes(exercise, index, seed), seed)
            failed = [verdict for verdict in verdicts if not verdict.passed]
            assert failed, f"{wrong.message} passes with seed {seed}"
            assert {verdict.likely for verdict in failed} == {wrong.message}
            assert all(verdict.found for verdict in failed)


@pytest.mark.parametrize(
    "exercise", [e for e in all_exercises() if e.name != "lora_init"], ids=lambda exercise: exercise.name
)
def test_inputs_are_fresh(exercise: Exercise) -> None:
    """Answers that were copied from one run do not pass all others. (Left out: what holds of every random start.)"""
    first, *others = (reference(exercise, seed) for seed in range(1, 6))
    assert any(
        not np.array_equal(a.answers[label], b.answers[label])
        for other in others
        for a, b in zip(first, other, strict=True)
        for label in a.answers
    )


@every
def test_it_says_what_a_student_needs(exercise: Exercise) -> None:
    assert exercise.statement.startswith(f"# {exercise.title}\n")
    assert 5 <= exercise.minutes <= 60
    assert exercise.hints
    assert any(check.hidden for check in exercise.checks)
    assert any(not check.hidden for check in exercise.checks)
    assert len({check.name for check in exercise.checks}) == len(exercise.checks)
    for function in ast.walk(ast.parse(exercise.blank)):
        if isinstance(function, ast.FunctionDef) and function.name != "__init__":
            assert ast.get_docstring(function)


@every
def test_what_is_handed_out_holds_no_solution(exercise: Exercise) -> None:
    script, text = script_text(exercise), notebook(exercise)
    ast.parse(script)
    assert GAP in script
    hidden = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", exercise.solution, re.DOTALL)
    lines = {line.strip() for part in hidden for line in part.splitlines() if len(line.strip()) > 12}
    lines -= {line.strip() for line in exercise.blank.splitlines()}
    for handed in (script, "\n".join(code for _, code in parts_of("x.ipynb", text))):
        assert [line for line in lines if line in handed] == []
        assert not any(check.code in handed for check in exercise.checks if check.hidden)
    assert "SOLUTION" not in text
