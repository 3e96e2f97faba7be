"""What teachers get: a class marked, and the exercises in the forms of other programs."""

import csv
import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minilora.classroom import Workspace, find, start
from minilora.classroom.export import FORMATS, export, gradescope
from minilora.classroom.grade import Grade, best, grade, table_text
from minilora.errors import InputError
from minilora.version import VERSION

from .conftest import solved

TWO = [find("softmax"), find("linear")]


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """ada: both right; bob: a zip, one wrong; cem: nothing changed; dot: a file that is no zip; eve: no notebook."""
    folder = tmp_path / "submissions"
    for student in ("ada", "cem"):
        start(folder / student / "exercises", TWO)
    for exercise in TWO:
        (folder / "ada" / "exercises" / f"{exercise.file_name}.py").write_text(solved(exercise))
    wrong = f"{TWO[0].given}\n{TWO[0].wrongs[2].code}\n"
    with zipfile.ZipFile(folder / "bob.zip", "w") as archive:
        archive.writestr("work/03_4_softmax.py", wrong)
        archive.writestr("../02_1_linear.py", "def linear(x, W, b):\n    exit()\n")
    (folder / "dot.zip").write_text("no zip")
    (folder / "eve").mkdir()
    (folder / "eve" / "03_4_softmax.ipynb").write_text("{")
    return folder


def test_a_class_is_marked_and_a_second_run_goes_on(submissions: Path, tmp_path: Path) -> None:
    table = tmp_path / "out" / "grades.csv"
    grades = grade(submissions, table, seed=0, workers=2, only=TWO)
    rows = {row["student"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert {name: row["points"] for name, row in rows.items()} == {
        "ada": str(TWO[0].points + TWO[1].points), "bob": "3", "cem": "0", "dot": "0", "eve": "0",
    }  # fmt: skip
    words = {(one.student, one.exercise): one.words for one in grades}
    assert "the diagonal of the Jacobian alone" in words["bob", "softmax"]
    assert "calls exit()" in words["bob", "linear"]
    assert "cannot be opened as a zip file" in words["dot", ""]
    assert "not a notebook" in words["eve", "softmax"]

    journal = table.with_suffix(".jsonl")
    lines = journal.read_text().splitlines()
    altered = [line.replace("✓ softmax", "✓ kept from before: softmax") for line in lines]
    journal.write_text("\n".join(altered) + '\n{"key": "half')
    again = {
        (one.student, one.exercise): one.words
        for one in grade(submissions, table, seed=0, workers=1, only=TWO)
    }
    assert "kept from before" in again["ada", "softmax"]  # nothing was run a second time
    (submissions / "ada" / "exercises" / "03_4_softmax.py").write_text("")
    third = {
        (one.student, one.exercise): one for one in grade(submissions, table, seed=0, workers=1, only=TWO)
    }
    assert third["ada", "softmax"].points == 0  # but a new file is


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_damaged_zip_file_keeps_no_other_student_from_the_marks(
    packing: int, submissions: Path, tmp_path: Path
) -> None:
    path = submissions / "bob.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("02_1_linear.py", "x = 1\n" * 100)
    content = bytearray(path.read_bytes())
    if packing == zipfile.ZIP_DEFLATED:  # what is packed cannot be unpacked: zlib.error
        begin = 30 + len("02_1_linear.py")
        content[begin : begin + 4] = b"\xff" * 4
    else:  # more is promised than there is: EOFError
        sizes = content.index(b"PK\x01\x02") + 20
        content[sizes : sizes + 8] = 2 * (1 << 20).to_bytes(4, "little")
    path.write_bytes(content)
    grades = grade(submissions, tmp_path / "grades.csv", seed=0, workers=2, only=TWO)
    words = {(one.student, one.exercise): one.words for one in grades}
    assert "cannot be opened as a zip file" in words["bob", ""]
    assert {student for student, exercise in words if exercise} == {"ada", "eve"}


@pytest.mark.parametrize("name", ["grades.jsonl", "."])
def test_a_table_that_would_take_the_notes_place_is_refused(
    name: str, submissions: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"a file that does not end in \.jsonl, such as grades\.csv"):
        grade(submissions, tmp_path / name, seed=0, workers=1)
    assert not (tmp_path / "grades.jsonl").exists()


def test_the_better_of_script_and_notebook_counts_and_names_are_harmless() -> None:
    grades = [Grade("=a", "linear", 1, ""), Grade("=a", "linear", 3, ""), Grade("=a", "linear", 2, "")]
    text = table_text(["=a"], [find("linear")], best(grades))
    assert text.splitlines()[1] == "'=a,3,3,5"


def test_a_folder_without_students_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody to mark"):
        grade(tmp_path, tmp_path / "g.csv", seed=0, workers=1)
    with pytest.raises(InputError, match="no folder"):
        grade(tmp_path / "x", tmp_path / "g.csv", seed=0, workers=1)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_replaces_nothing_unless_told(kind: str, tmp_path: Path) -> None:
    written = export(tmp_path, kind, TWO)
    assert written
    assert all(path.stat().st_size for path in written)
    with pytest.raises(InputError, match="--force"):
        export(tmp_path, kind, TWO)
    assert export(tmp_path, kind, TWO, force=True) == written


@pytest.mark.parametrize(("kind", "notebook"), [("nbgrader", "source/minilora/"), ("otter", "03_4_softmax/")])
def test_notebooks_mark_themselves(kind: str, notebook: str, tmp_path: Path) -> None:
    """The cells as they stand, solution in place, run through; with a wrong answer in its place they raise its message."""
    export(tmp_path, kind, TWO[:1])
    book = json.loads((tmp_path / notebook / "03_4_softmax.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert sum("verify(" in cell for cell in cells) == len(TWO[0].checks)
    names: dict[str, object] = {}
    for cell in cells:
        exec(cell, names)
    exec(TWO[0].wrongs[2].code, names)
    (pullback,) = [cell for cell in cells if "['the pullback']" in cell]
    with pytest.raises(AssertionError, match="the diagonal of the Jacobian alone"):
        exec(pullback, names)


def test_pytest_gives_a_test_a_check(tmp_path: Path) -> None:
    export(tmp_path / "tests", "pytest", TWO[:1])
    start(tmp_path / "work", TWO[:1])
    (tmp_path / "work" / "03_4_softmax.py").write_text(f"{TWO[0].given}\n{TWO[0].wrongs[2].code}\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--submission={tmp_path / 'work'}",
        ],
        cwd=tmp_path / "tests",
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
    )
    assert "2 failed, 2 passed" in done.stdout
    assert "the diagonal of the Jacobian alone" in done.stdout


def test_gradescope_installs_the_version_that_wrote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout too that was never installed, so that no package says its version."""

    def not_installed(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    written = importlib.reload(gradescope).gradescope_files(TWO)
    assert f"minilora=={VERSION}" in written["setup.sh"]


def test_gradescope_reads_results(tmp_path: Path, submissions: Path) -> None:
    export(tmp_path / "source", "gradescope", TWO)
    assert os.access(tmp_path / "source" / "run_autograder", os.X_OK)
    subprocess.run(
        [sys.executable, tmp_path / "source" / "autograde.py", submissions / "ada", tmp_path / "results"],
        check=True,
        timeout=300,
    )
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    assert sum(test["score"] for test in results["tests"]) == TWO[0].points + TWO[1].points
    assert {test["visibility"] for test in results["tests"]} == {"visible", "after_due_date"}


def test_a_workspace_can_be_handed_in_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / "02_1_linear.py").write_text(solved(find("linear")))
    (tmp_path / "class").mkdir()
    workspace.folder.rename(tmp_path / "class" / "fay")
    (one,) = grade(tmp_path / "class", tmp_path / "grades.csv", seed=3, workers=1)
    assert (one.student, one.exercise, one.points) == ("fay", "linear", 5)
