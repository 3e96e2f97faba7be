"""What a run leaves so that it can be repeated, and what it refuses to overwrite."""

import tomllib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.train.runs import (
    CONFIG,
    begin_folder,
    check_same,
    circumstances,
    free_folder,
    read_config,
    refuse_existing,
    toml,
    write_config,
)


@dataclass(frozen=True)
class Settings:
    """Settings of every type."""

    name: str = "x"
    rate: float = 0.1
    steps: int = 3
    on: bool = True
    targets: tuple[str, ...] = ("query", "value")
    limit: int | None = None


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, st.floats(), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.lists(TEXTS))
def test_toml_reads_what_is_written(text, number, count, flag, texts):
    values = {"text": text, "number": number, "count": count, "flag": flag, "texts": texts}
    read = tomllib.loads("".join(f"{name} = {toml(value)}\n" for name, value in values.items()))
    assert repr(read) == repr(values)  # repr: NaN is no number's equal, and −0.0 is 0.0's


def test_a_configuration_gives_back_the_settings_to_the_last_digit(tmp_path):
    settings = Settings(name='with "quotes"\nand lines', rate=0.1 + 0.2, targets=("mlp",), limit=7)
    write_config(tmp_path, "finetune", settings)
    assert Settings(**read_config(tmp_path / CONFIG, Settings, "finetune")) == settings


def test_a_configuration_names_what_decides_the_digits(tmp_path):
    write_config(tmp_path, "finetune", Settings())
    table = tomllib.loads((tmp_path / CONFIG).read_text())
    assert "limit" not in table  # None: left open
    assert table["run"]["command"] == "finetune"
    assert table["run"] == {"command": "finetune", **circumstances()}
    assert {"minilora", "python", "numpy", "blas", "blas_threads", "cores"} <= table["run"].keys()


def test_a_configuration_may_be_written_by_hand(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('lr = 1\ntargets = "mlp"\n', encoding="utf-8")
    read = read_config(file, Settings, "finetune", spellings={"lr": "rate"})
    assert read == {"rate": 1.0, "targets": ("mlp",)}
    assert isinstance(read["rate"], float)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stps = 3", "no setting 'stps'; did you mean 'steps'"),
        ("colour = 3", "there are name, rate, steps"),
        ("steps = 2.5", "steps must be a whole number, not 2.5"),
        ("steps = true", "steps must be a whole number, not True"),
        ('rate = "fast"', "rate must be a number, not 'fast'"),
        ("on = 1", "on must be true or false, not 1"),
        ("name = 1", "name must be a text, not 1"),
        ("targets = [1]", r"targets must be a list of texts, not \[1\]"),
        ("rate = 1\nlr = 2", "sets rate twice"),
        ("steps =", "is not TOML"),
        ('[run]\ncommand = "pretrain"', "written by minilora pretrain, not by minilora finetune"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(tmp_path, content, message):
    file = tmp_path / "mine.toml"
    file.write_text(content + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_config(file, Settings, "finetune", spellings={"lr": "rate"})


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(InputError, match="no configuration file"):
        read_config(tmp_path / "none.toml", Settings, "finetune")


def test_nothing_is_overwritten_unasked(tmp_path):
    refuse_existing(tmp_path, ["log.jsonl"])
    (tmp_path / "log.jsonl").write_text("x")
    for resume in (False, True):  # no configuration: not a run that could be resumed
        with pytest.raises(InputError, match=r"already holds log\.jsonl; give another folder, or overwrite"):
            refuse_existing(tmp_path, ["log.jsonl"], resume=resume)
    refuse_existing(tmp_path, ["log.jsonl"], force=True)
    assert (tmp_path / "log.jsonl").read_text() == "x"  # only looked at


def test_a_run_may_be_resumed_but_not_begun_again(tmp_path):
    begin_folder(tmp_path, [CONFIG], "finetune", Settings(), resume=False, force=False)
    refuse_existing(tmp_path, [CONFIG], resume=True)
    with pytest.raises(InputError, match="go on with --resume, give another folder"):
        refuse_existing(tmp_path, [CONFIG])
    with pytest.raises(InputError, match="exclude each other"):
        refuse_existing(tmp_path, [CONFIG], resume=True, force=True)


def test_of_two_runs_that_begin_at_once_one_is_refused(tmp_path):
    begin_folder(tmp_path, [CONFIG], "finetune", Settings(steps=3), resume=False, force=False)
    with pytest.raises(
        InputError, match=r"already holds config\.toml, of a run that was begun there meanwhile"
    ):
        begin_folder(tmp_path, [CONFIG], "finetune", Settings(steps=4), resume=False, force=False)
    assert read_config(tmp_path / CONFIG, Settings, "finetune")["steps"] == 3


def test_force_leaves_nothing_of_the_old_run_and_all_else(tmp_path):
    (tmp_path / "adapter.json").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    begin_folder(tmp_path, ["adapter.json"], "finetune", Settings(), resume=False, force=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == [CONFIG, "notes.txt"]


def test_a_run_of_other_settings_is_not_resumed(tmp_path):
    check_same(tmp_path, Settings(), "finetune")  # nothing there: nothing to differ from
    write_config(tmp_path, "finetune", Settings(steps=3))
    check_same(tmp_path, Settings(steps=3), "finetune")
    check_same(tmp_path, Settings(steps=4), "finetune", free=["steps"])
    with pytest.raises(InputError, match=r"steps is 4, but the run in .* was begun with steps 3"):
        check_same(tmp_path, Settings(steps=4), "finetune")


def test_the_next_free_folder(tmp_path):
    assert free_folder(tmp_path / "a") == tmp_path / "a"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2").mkdir()
    assert free_folder(tmp_path / "a") == tmp_path / "a-3"
