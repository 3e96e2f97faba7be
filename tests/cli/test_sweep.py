"""``minilora sweep`` as it is typed: what it prints, and how it ends."""

import json
import os

import pytest

from minilora.train.recipe import FineTuning
from minilora.train.runs import read_config

pytest.importorskip("joblib", reason="joblib (extra: sweep) is not installed")

LINE = "sweep --model @model --task text --data @text.txt --steps 2 --rows 2 --length 32 --limit 4 --no-before --jobs 1"


def test_a_table_and_where_everything_lies(run, tmp_path):
    result = run(f"{LINE} --grid rank=1,2 --grid targets=query,query/value")
    assert result.exit_code == 0
    assert "query/value" in result.stdout
    assert "best perplexity" in result.stdout
    assert "written to runs/sweep: sweep.json, sweep.csv, sweep.md, sweep.svg" in result.stdout
    assert result.stderr.count(" of 4: ") == 4
    assert (tmp_path / "runs" / "sweep" / "runs" / "rank=2,targets=query+value" / "config.toml").is_file()


def test_axes_may_follow_one_grid_and_settings_may_come_from_a_run(run):
    result = run("sweep --config @lora/config.toml --steps 2 --jobs 1 --grid seed=0,1 rank=2 --json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["axes"] == {"seed": ["0", "1"], "rank": ["2"]}
    assert (summary["settings"]["rows"], summary["settings"]["steps"]) == (2, 2)
    assert len(summary["groups"]) == 1
    assert len(summary["groups"][0]["scores"]) == 2


ADAPTED = "sweep --steps 1 --rows 2 --length 32 --limit 4 --no-before --jobs 1 --json"


def test_an_adapter_brings_its_own_model_and_task(run, material, tmp_path):
    os.symlink(material, tmp_path / "here")
    result = run(f"{ADAPTED} --adapter here/houlsby --grid seed=0,1")
    assert result.exit_code == 0, result.stderr
    settings = json.loads(result.stdout)["settings"]
    assert (settings["task"], settings["model"]) == ("text", str(material / "model"))
    (one, _) = sorted((tmp_path / "runs" / "sweep" / "runs").iterdir())
    written = read_config(one / "config.toml", FineTuning, "finetune")
    assert (written["method"], written["adapter"]) == ("houlsby", str(material / "houlsby"))


def test_adapters_as_an_axis_go_on_each_by_its_own_method(run, material):
    result = run(f"{ADAPTED} --grid adapter={material}/lora,{material}/houlsby")
    assert result.exit_code == 0, result.stderr
    runs = json.loads(result.stdout)["runs"]
    assert [entry["report"]["method"] for entry in runs] == ["lora", "houlsby"]
    assert [entry["report"]["task"] for entry in runs] == ["text", "text"]


def test_adapters_of_different_tasks_share_no_sweep(run, material, tmp_path):
    line = "finetune --model @model --task e2e --data @e2e.csv --steps 1 --rows 2 --limit 1 --beam 1 --answer-tokens 2 --out e2e"
    assert run(line).exit_code == 0
    result = run(f"{ADAPTED} --grid adapter={material}/lora,e2e")
    assert result.exit_code == 2
    assert "the adapters of the grid were made with the data" in result.stderr
    given = run(f"{ADAPTED} --task text --data @text.txt --grid adapter={material}/lora,e2e")
    assert given.exit_code == 0, given.stderr


def test_a_failed_run_makes_the_status_1(run):
    result = run(f"{LINE} --grid targets=nothing,query")
    assert result.exit_code == 1
    assert "matches no linear layer" in result.stderr
    assert result.stderr.endswith("Failed: 1 of 2 runs; why stands above and in runs/sweep/sweep.csv\n")
    assert "best perplexity" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "the grid is empty"),
        ("--grid rnak=1", "did you mean 'rank' or"),
        ("--grid rank=x", "rank in the grid must be a whole number, not 'x'"),
        ("--grid rank=1 --rank 2", "rank is an axis of the grid and an option too"),
        ("--grid rank=0", "rank"),
    ],
)
def test_bad_input_ends_with_2_and_one_sentence(run, tmp_path, arguments, words):
    result = run(f"{LINE} {arguments}")
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_axis_without_effect_is_said(run):
    result = run(f"{LINE} --grid method=lora,full --grid rank=1,2")
    assert "Note: rank is without effect in 2 of 4 runs." in result.stderr
