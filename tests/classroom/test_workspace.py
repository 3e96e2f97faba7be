"""A student's folder: what is written, what is remembered, and that nothing is lost."""

import json
import os
from pathlib import Path

import pytest

from minilora.classroom import Workspace, all_exercises, find, start
from minilora.classroom.submission import parts_of, without_magics
from minilora.classroom.workspace import NOTE
from minilora.errors import InputError

from .conftest import solved


def test_start_writes_scripts_and_notebooks_and_replaces_nothing(tmp_path: Path) -> None:
    written = start(tmp_path / "a", all_exercises())
    assert len(written) == 2 * len(all_exercises())
    mine = tmp_path / "a" / "03_4_softmax.py"
    mine.write_text("mine")
    (tmp_path / "a" / "02_1_linear.py").unlink()
    assert start(tmp_path / "a", all_exercises()) == [tmp_path / "a" / "02_1_linear.py"]
    assert mine.read_text() == "mine"


def test_a_notebook_is_one(workspace: Workspace, softmax) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat checks notebooks, and is not here")
    book = nbformat.read(workspace.folder / "03_4_softmax.ipynb", as_version=4)
    nbformat.validate(book)
    assert [cell.cell_type for cell in book.cells][:3] == ["markdown", "code", "code"]


def test_the_file_that_was_changed_counts(workspace: Workspace, softmax) -> None:
    script, notebook = (workspace.folder / f"03_4_softmax{ending}" for ending in (".py", ".ipynb"))
    assert workspace.current(softmax) == script
    book = json.loads(notebook.read_text())
    book["cells"][2]["source"] = softmax.answer
    notebook.write_text(json.dumps(book))
    os.utime(script)  # later, but as it was handed out
    assert workspace.current(softmax) == notebook
    script.write_text(solved(softmax))
    os.utime(notebook, (1, 1))
    assert workspace.current(softmax) == script


def test_running_a_notebook_does_not_change_it(workspace: Workspace, softmax) -> None:
    path = workspace.folder / "03_4_softmax.ipynb"
    book = json.loads(path.read_text())
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    path.write_text(json.dumps(book, indent=3))
    assert not workspace.touched(softmax, path)


def test_hints_come_one_after_another_and_stay_shown(workspace: Workspace, softmax) -> None:
    found = [workspace.hint(softmax) for _ in range(4)]
    assert [number for number, _ in found] == [1, 2, 3, 3]
    assert [text for _, text in found[:3]] == list(softmax.hints)
    assert Workspace(workspace.folder / ".").of(softmax).hints == 3


def test_the_solution_opens_after_a_pass_or_giving_up(workspace: Workspace, softmax) -> None:
    with pytest.raises(InputError, match="3 hints are left, or with --give-up"):
        workspace.solution(softmax, give_up=False)
    assert "np.exp" in workspace.solution(softmax, give_up=True)
    assert workspace.of(softmax).given_up
    workspace.record(find("linear"), 5, passed=True)
    assert "W.T" in workspace.solution(find("linear"), give_up=False)
    workspace.record(find("linear"), 1, passed=False)
    assert workspace.of(find("linear")).passed  # once is enough
    assert workspace.of(find("linear")).points == 5


def test_reset_keeps_what_was_written(workspace: Workspace, softmax) -> None:
    script = workspace.folder / "03_4_softmax.py"
    handed_out = script.read_text()
    for number in (1, 2):
        script.write_text(f"mine {number}")
        assert workspace.reset(softmax) == [workspace.folder / f"03_4_softmax.old-{number}.py"]
        assert script.read_text() == handed_out
    assert (workspace.folder / "03_4_softmax.old-1.py").read_text() == "mine 1"
    assert workspace.reset(softmax) == []


@pytest.mark.parametrize("ending", [".py", ".ipynb"])
def test_reset_hands_out_the_kinds_that_were_there(tmp_path: Path, softmax, ending: str) -> None:
    (path,) = start(tmp_path, [softmax], [ending])
    workspace = Workspace(tmp_path)
    path.write_text("mine")
    (aside,) = workspace.reset(softmax)
    assert workspace.files(softmax) == [path]
    assert aside.read_text() == "mine"
    path.unlink()
    workspace.reset(softmax)  # nothing there says which kind is meant
    assert [file.suffix for file in workspace.files(softmax)] == [".py", ".ipynb"]


def test_a_folder_within_is_enough_and_another_is_not(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.folder / "deep").mkdir()
    assert Workspace(workspace.folder / "deep").folder == workspace.folder
    with pytest.raises(InputError, match="minilora exercise start"):
        Workspace(tmp_path)
    (workspace.folder / NOTE).write_text("{")
    with pytest.raises(InputError, match="delete it and run"):
        workspace.progress()


def test_what_only_notebooks_understand_is_passed_over() -> None:
    assert without_magics("%time\nif x:\n    !ls\ny = 1") == "pass\nif x:\n    pass\ny = 1"
    assert without_magics("%%bash\nrm x") == ""
    with pytest.raises(InputError, match="not a notebook"):
        parts_of("x.ipynb", "[]")
