"""Tasks by name, and the plain-text task."""

import math

import pytest

from minilora.data.tasks import NL2SQL, TASKS, PlainText, Task, load_task
from minilora.errors import InputError


def test_an_unknown_task_is_refused_with_the_near_name():
    with pytest.raises(InputError, match=r"there are nl2sql, .*; did you mean 'nl2sql"):
        load_task("nlsql")
    with pytest.raises(InputError, match=r"there are nl2sql, .*, text$"):
        load_task("zzz")


@pytest.mark.parametrize("name", [name for name, kind in TASKS.items() if not kind.made])
def test_a_task_that_needs_data_says_what_it_needs(name):
    with pytest.raises(InputError, match=f"the task {name} needs data: "):
        load_task(name)


def test_nl2sql_takes_no_data():
    with pytest.raises(InputError, match="reads no file"):
        load_task("nl2sql", data="file.csv")
    task = load_task("nl2sql", seed=5)
    assert isinstance(task, NL2SQL)
    assert isinstance(task, Task)
    assert task.seed == 5


def test_plain_text_holds_out_a_part(tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"Document {number}. " * 30)
    task = load_task("text", data=tmp_path)
    assert isinstance(task, PlainText)
    assert (task.primary, task.lower_is_better) == ("perplexity", True)
    texts = [*task.train, *task.validation, *task.test]
    assert len(set(texts)) == len(texts) == 40
    assert len(task.train) > 30
    assert task == load_task("text", data=tmp_path)


def test_one_document_loses_its_end(tmp_path):
    text = " ".join(map(str, range(2000)))
    (tmp_path / "a.txt").write_text(text)
    task = load_task("text", data=tmp_path / "a.txt")
    assert task.train[0] + task.validation[0] + task.test[0] == text


def test_a_text_too_short_to_divide_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("ab")
    with pytest.raises(InputError, match="too short to divide"):
        load_task("text", data=tmp_path / "a.txt")
    with pytest.raises(InputError, match="no text at"):
        load_task("text", data=tmp_path / "absent.txt")


def test_perplexity_of_plain_text():
    task = PlainText(("a",), ("b",), ("c",))
    assert task.score(10 * math.log(7), 10) == {
        "perplexity": pytest.approx(7),
        "loss": pytest.approx(math.log(7)),
    }
