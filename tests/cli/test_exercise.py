"""``minilora exercise``: what its commands print, their exit statuses, and training with a student's own code."""

import json
import os
import re
import threading
from pathlib import Path

import pytest

from minilora import ops
from minilora.autograd import REGISTRY
from minilora.classroom import all_exercises, find
from minilora.cli.exercise import checking, demo
from minilora.cli.exercise.demo import BESIDE
from minilora.cli.exercise.parts import PARTS

from .tiny import write_model

START = "exercise start work --only softmax --only linear"


def solve(name: str, folder: str = "work") -> None:
    """Write the solution where the student would."""
    exercise = find(name)
    Path(folder, f"{exercise.file_name}.py").write_text(f"{exercise.given}\n\n\n{exercise.answer}\n")


def test_list_needs_no_folder(run):
    result = run("exercise list --json")
    listed = json.loads(result.stdout)["exercises"]
    assert [entry["name"] for entry in listed] == [exercise.name for exercise in all_exercises()]
    assert not any(entry["passed"] for entry in listed)
    assert "softmax" in run("exercise list").stdout
    assert run("exercise list --in nowhere").exit_code == 2


def test_a_student_goes_through_an_exercise(run):
    assert "4 files written to work" in run(START).stdout
    assert "4 that were there left as they are" in run(START).stdout
    result = run("exercise check softmax --in work")
    assert result.exit_code == 1
    assert "softmax: not written yet" in result.stdout
    assert run("exercise check --in work").exit_code == 2  # nothing was changed, so nothing is meant
    assert run("exercise hint softmax --in work").stdout.startswith("Hint 1 of 3 for softmax:")
    assert run("exercise solution softmax --in work").exit_code == 2
    solve("softmax")
    result = run("exercise check --in work")
    assert result.exit_code == 0
    assert "✓ softmax: all 4 checks passed, 7 of 7 points." in result.stdout
    assert "np.exp" in run("exercise solution softmax --in work").stdout
    assert "old-1" in run("exercise reset softmax --in work").stdout
    entry = next(
        e for e in json.loads(run("exercise list --in work --json").stdout)["exercises"] if e["passed"]
    )
    assert (entry["name"], entry["hints_shown"], entry["attempts"], entry["best"]) == ("softmax", 1, 1, 7)


def test_check_all_fails_while_any_does(run):
    run(START)
    solve("linear")
    result = run("exercise check --all --json --in work --seed 4")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert not report["passed"]
    assert [(e["exercise"], e["passed"], e["written"]) for e in report["exercises"]] == [
        ("linear", True, True),
        ("softmax", False, False),
    ]
    solve("softmax")
    assert run("exercise check --all --in work").exit_code == 0


def test_a_failing_check_names_the_mistake_and_how_to_repeat_it(run):
    run(START)
    softmax = find("softmax")
    Path("work/03_4_softmax.py").write_text(f"{softmax.given}\n{softmax.wrongs[2].code}\n")
    result = run("exercise check softmax --in work")
    assert result.exit_code == 1
    assert softmax.wrongs[2].message in result.stdout
    seed = re.search(r"--seed (\d+)", result.stdout)[1]
    assert run(f"exercise check softmax --in work --seed {seed}").stdout == result.stdout


def test_watch_checks_what_is_saved(run, tmp_path):
    run(START)
    path = tmp_path / "work" / "03_4_softmax.py"

    over = threading.Event()

    def save():
        second = 1
        while not over.wait(0.5):  # again and again: the watch may not have begun
            os.utime(path, (second, second))
            second += 1

    saving = threading.Thread(target=save)
    saving.start()
    try:
        assert "softmax: not written yet" in run("exercise watch --in work --times 1").stdout
    finally:
        over.set()
        saving.join()


def test_watch_goes_on_over_a_notebook_that_is_seen_half_saved(run, tmp_path, monkeypatch):
    run("exercise start work --only softmax --format notebook")
    path = tmp_path / "work" / "03_4_softmax.ipynb"
    whole = path.read_text()

    def saved(workspace):
        for text in (whole[: len(whole) // 2], whole):
            path.write_text(text)
            yield find("softmax")

    monkeypatch.setattr(checking, "saves", saved)
    result = run("exercise watch --in work --times 2")
    assert result.exit_code == 0
    assert "softmax was not checked: '03_4_softmax.ipynb' is not a notebook that can be read" in result.stderr
    assert "softmax: not written yet" in result.stdout


def test_names_that_are_not_there(run):
    result = run("exercise check sofmax --in nowhere")
    assert result.exit_code == 2
    assert "minilora exercise start DIR" in result.stderr
    run(START)
    assert "did you mean 'softmax'" in run("exercise hint sofmax --in work").stderr
    assert "has no file" in run("exercise check gelu --in work").stderr


def test_teachers_commands(run, tmp_path):
    assert "files written" in run("exercise export course --format nbgrader --only softmax").stdout
    run("exercise start class/ada --only softmax")
    solve("softmax", "class/ada")
    result = run("exercise grade class --csv grades.csv --only softmax")
    assert "1 exercises of 1 students marked" in result.stdout
    assert (tmp_path / "grades.csv").read_text() == "student,softmax,points,maximum\nada,7,7,7\n"


def test_demo_refuses_a_model_that_cannot_write_before_anything_is_checked(run, tmp_path, monkeypatch):
    run(START)
    monkeypatch.setattr(demo, "solved_in", lambda workspace: pytest.fail("it was checked"))
    assert "texts are continued by a decoder" in run("exercise demo --in work --model tiny-roberta").stderr
    write_model(tmp_path / "model")
    (tmp_path / "model" / "tokenizer.json").unlink()
    result = run("exercise demo --in work --model model")
    assert (result.exit_code, "the model has no tokenizer" in result.stderr) == (2, True)


def test_lora_is_trained_with_the_students_own_code(run):
    names = [*dict.fromkeys(name for part in PARTS for name in part.exercises), *BESIDE]
    run("exercise start work " + " ".join(f"--only {name}" for name in names))
    assert run("exercise demo --in work").exit_code == 2
    for name in names:
        solve(name)
    before = dict(REGISTRY), ops.gelu, ops.linear
    report = json.loads(run("exercise demo --in work --model @model --steps 8 --json").stdout)
    assert len(report["parts"]) == len(PARTS) + len(BESIDE)
    assert report["losses"][-1] < report["losses"][0]
    assert 0 < report["difference"] < 1e-3  # another arithmetic, the same mathematics
    assert (dict(REGISTRY), ops.gelu, ops.linear) == before
