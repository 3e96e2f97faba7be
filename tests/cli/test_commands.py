"""What each command does when all is well: what it prints, what it writes, and what a program may read."""

import json
import re
import shlex
import subprocess
import sys

import click
import numpy as np
import pytest

from minilora.cli import evaluate, finetune, pretrain
from minilora.cli.errors import exit_statuses, resumable
from minilora.cli.main import COMMANDS, main
from minilora.data.tasks import load_task
from minilora.errors import InputError
from minilora.methods import LoRA, adapt, load_adapter, read_adapter
from minilora.models.checkpoint import load
from minilora.tensors import read_header
from minilora.train.measure import measure
from minilora.train.pretrain import Pretraining
from minilora.train.recipe import FineTuning

from .tiny import text

TEXT = "finetune --model @model --task text --data @text.txt --steps 2 --rows 2 --length 32"


def test_help_lists_every_command_without_importing_one(run):
    result = run("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert run("").stdout == result.stdout
    program = "import sys; from minilora.cli.main import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for name in ("minilora.cli.finetune", "minilora.lab", "rich", "matplotlib", "tokenizers"):
        assert f"'{name}'" not in modules


def test_version(run):
    assert re.fullmatch(r"minilora \S+ \(Python [\d.]+\S*, NumPy [\d.]+\S*\)\n", run("--version").stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_whose_options_exist(run, name):
    result = run(f"{name} --help")
    assert result.exit_code == 0
    examples = re.findall(rf"^ +(?:.*&& )?(minilora {name}\b.*?)(?:   .*)?$", result.stdout, re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example.split(" && ")[0])[2:]
        command = main.get_command(click.Context(main), name)
        with command.make_context(
            name, words, parent=click.Context(main)
        ):  # raises where an option is not there
            pass


@pytest.mark.parametrize(("texts", "kind"), [(finetune.TEXTS, FineTuning), (pretrain.TEXTS, Pretraining)])
def test_every_setting_has_an_option_with_a_text(texts, kind):
    assert list(texts) == list(kind.__dataclass_fields__)


def test_finetune_prints_scores_and_where_they_lie(run, tmp_path):
    result = run(TEXT)
    assert result.exit_code == 0
    assert "perplexity" in result.stdout
    assert "1,024 of 18,880 parameters" in result.stdout
    assert "written to runs/text-lora" in result.stdout
    assert run(TEXT).stdout.endswith("written to runs/text-lora-2\n")  # nothing is overwritten
    assert (tmp_path / "runs" / "text-lora" / "adapter.safetensors").exists()


def test_finetune_says_one_json_object(run, tmp_path):
    result = run(f"{TEXT} --method full --rank 3 --out r --json")
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert report["after"]["perplexity"] < report["before"]["perplexity"]
    assert result.stderr == "Note: without effect in a run of full on text: rank.\n"


def test_finetune_learns_sql(run):
    result = run("finetune --model @model --task nl2sql --steps 2 --limit 3 --json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["after"].keys() == {"execution", "exact"}


def test_targets_are_separated_by_commas(run, tmp_path):
    assert run(f"{TEXT} --targets mlp.up,key --out r").exit_code == 0
    assert read_adapter(tmp_path / "r").method.targets == ("mlp.up", "key")


def test_a_configuration_and_what_is_given_beside_it(run, tmp_path):
    (tmp_path / "mine.toml").write_text('lr = 1e-3\ntargets = "mlp"\nrank = 2\nsteps = 9\n')
    assert run(f"{TEXT} --config mine.toml --rank 3 --out r").exit_code == 0
    written = (tmp_path / "r" / "config.toml").read_text()
    for line in ("learning_rate = 0.001", 'targets = ["mlp"]', "rank = 3", "steps = 2"):
        assert f"{line}\n" in written


def test_an_adapter_goes_on_with_its_own_model_task_and_method(run, material, tmp_path):
    result = run("finetune --adapter @houlsby --steps 2 --rows 2 --length 32 --json --out on")
    report = json.loads(result.stdout)
    assert (report["task"], report["method"]) == ("text", "houlsby")
    assert report["start"]["adapter"] == str(material / "houlsby")
    done = json.loads((material / "houlsby" / "metrics.json").read_text())
    assert report["before"] == done["after"]
    beside = run(
        "finetune --adapter @houlsby --task e2e --data @e2e.csv --steps 1 --limit 1 --json --out other"
    )
    assert json.loads(beside.stdout)["task"] == "e2e"
    refused = run("finetune --adapter @houlsby --method lora --out third")
    assert refused.exit_code == 2
    assert "method is 'lora', but the adapter in" in refused.stderr
    assert run("finetune --adapter @houlsby --steps 2 --out @houlsby --force").exit_code == 2


def test_evaluate_gives_the_score_that_finetune_reported(run, material):
    reported = json.loads((material / "lora" / "metrics.json").read_text())["after"]
    result = run("evaluate --adapter @lora --json")
    assert json.loads(result.stdout)["metrics"] == reported
    model = load(material / "model")
    base = measure(model, load_task("text", data=material / "text.txt"), FineTuning(length=32).measuring())
    alone = json.loads(run("evaluate --model @model --task text --data @text.txt --length 32 --json").stdout)
    assert alone["metrics"] == base.metrics
    assert alone["metrics"]["perplexity"] > reported["perplexity"]


def test_evaluate_writes_answers_once(run, tmp_path):
    line = "evaluate --model @model --task e2e --data @e2e.csv --limit 2 --beam 2 --answer-tokens 4 --out a.jsonl"
    assert "bleu" in run(line).stdout
    answers = [json.loads(text) for text in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [answer.keys() for answer in answers] == [{"prompt", "completion", "prediction"}] * 2
    assert run(line).exit_code == 2
    assert run(f"{line} --force").exit_code == 0


def test_evaluate_finds_out_before_it_measures_that_it_cannot_write(run, monkeypatch):
    line = "evaluate --model @model --task e2e --data @e2e.csv --limit 1 --answer-tokens 2 --beam 1 --out a.jsonl"

    def full(file, lines):
        raise InputError("the disk is full")

    monkeypatch.setattr(evaluate, "save_lines", full)
    shown = run(line)
    assert (shown.exit_code, "bleu" in shown.stdout) == (2, True)  # what was measured is not lost
    monkeypatch.setattr(evaluate, "measure", lambda *arguments: pytest.fail("it was measured"))
    for out in ("@text.txt/a.jsonl", "@model --force"):
        assert run(line.replace("a.jsonl", out)).exit_code == 2


def test_evaluate_has_no_answers_to_a_text_and_says_so(run, tmp_path):
    result = run("evaluate --adapter @lora --limit 2 --out a.jsonl")
    assert (result.exit_code, result.stderr) == (0, "Note: without effect on text: out.\n")
    assert not (tmp_path / "a.jsonl").exists()


def test_help_of_evaluate_says_what_the_adapter_decides(run):
    help_text = " ".join(run("evaluate --help").stdout.split())
    assert "validation or test. [default: the adapter's own, or validation]" in help_text


def test_evaluate_on_another_task_takes_nothing_from_the_run(run):
    result = run(
        "evaluate --adapter @lora --task e2e --data @e2e.csv --limit 1 --answer-tokens 2 --beam 1 --json"
    )
    assert json.loads(result.stdout)["counted"] == 1


def test_generate_continues_a_text(run, tmp_path):
    greedy = run("generate --model @model Hello --limit 6 --json")
    report = json.loads(greedy.stdout)
    assert report["prompt"] == "Hello"
    assert report["tokens"] == 6
    assert run("generate --model @model Hello --limit 6").stdout == report["text"] + "\n"
    (tmp_path / "prompt.txt").write_text("Hello\n")
    assert run("generate --model @model --file prompt.txt --limit 6 --json").stdout == greedy.stdout
    assert run("generate --model @model --file - --limit 6 --json", input="Hello\n").stdout == greedy.stdout
    assert run("generate --model @model Hello --limit 6 --beam 3").exit_code == 0


def test_generate_draws_the_same_for_the_same_seed(run):
    line = "generate --model @model Hello --limit 12 --temperature 2 --top-k 50 --top-p 0.9 --seed"
    assert run(f"{line} 1").stdout == run(f"{line} 1").stdout != run(f"{line} 2").stdout


def test_resume_begins_a_run_that_is_spelt_out_where_there_is_none(run, tmp_path):
    assert run(f"{TEXT} --out r --resume").exit_code == 0
    assert run("finetune --out r --resume").exit_code == 0
    assert "steps = 2\n" in (tmp_path / "r" / "config.toml").read_text()


def test_ranks_and_alphas_by_layer(run, tmp_path):
    done = run(f"{TEXT} --ranks value=3,blocks.0=1 --alphas value=2.5 --out run")
    assert done.exit_code == 0, done.stderr
    method = read_adapter(tmp_path / "run").method
    assert [method.rank_at(f"blocks.{place}") for place in ("1.attention.value", "0.attention.query")] == [
        3,
        1,
    ]
    assert method.alpha_at("blocks.1.attention.value") == 2.5


def test_merge_writes_a_model_that_computes_the_same(run, material, tmp_path):
    result = run("merge --adapter @lora --out merged")
    assert (result.exit_code, "merged into it" in result.stdout) == (0, True)
    ids = np.arange(20)[None] % 512
    tuned = load_adapter(load(material / "model"), material / "lora")
    np.testing.assert_allclose(load(tmp_path / "merged").logits(ids), tuned.logits(ids), rtol=1e-5, atol=1e-6)
    assert run("generate --model merged Hello --limit 3").exit_code == 0
    again = run("merge --adapter @lora --out merged")
    assert (again.exit_code, "already holds" in again.stderr) == (2, True)
    report = json.loads(run("merge --adapter @lora --out merged --force --dtype float16 --json").stdout)
    file = tmp_path / "merged" / "model.safetensors"
    assert report["bytes"] == file.stat().st_size
    assert {entry.code for entry in read_header(file).arrays.values()} == {"F16"}


def test_inspect_says_what_is_there(run, material):
    model = json.loads(run("inspect @model --json").stdout)
    assert (model["kind"], model["parameters"]) == ("model", sum(model["parts"].values()))
    lora = json.loads(run("inspect @lora --json").stdout)
    assert (lora["kind"], lora["trainable"], lora["does anything"]) == ("adapter", 1024, True)
    assert len(lora["layers"]) == 4
    assert all(layer["norm_B"] > 0 and layer["scale"] == 2 for layer in lora["layers"])
    file = json.loads(run("inspect @lora/adapter.safetensors --json").stdout)
    assert (file["kind"], file["numbers"]) == ("safetensors", 1024)
    for name in ("model", "lora", "houlsby", "lora/checkpoint.safetensors"):
        assert run(f"inspect @{name}").exit_code == 0


def test_inspect_tells_an_adapter_that_does_nothing(run, material, tmp_path):
    adapt(load(material / "model"), LoRA(rank=2)).save(tmp_path / "fresh")
    assert "it does nothing: every update is zero" in run("inspect fresh").stdout
    assert json.loads(run("inspect fresh --json").stdout)["does anything"] is False


def test_gradcheck_passes(run):
    report = json.loads(run("gradcheck --model @model --json").stdout)
    assert report["passed"]
    assert report["rows"]


@pytest.mark.slow
def test_pretrain_trains_a_model_and_goes_on(run, tmp_path):
    (tmp_path / "books.txt").write_text(text(150), encoding="utf-8")
    line = "pretrain books.txt --out base --steps 2 --final-steps 1 --rows 1 --length 512 --warmup 1"
    report = json.loads(run(f"{line} --start random --json").stdout)
    assert report["folder"] == "base/model"
    assert len(report["loss"]) == 3
    assert load(tmp_path / "base" / "model").config.context == 512
    assert "already holds" in run(line).stderr
    assert "cannot resume: steps is 3" in run(f"{line} --steps 3 --resume").stderr
    resumed = json.loads(run("pretrain books.txt --out base --resume --json").stdout)
    assert resumed["loss"] == report["loss"]


def test_ctrl_c_names_no_way_to_go_on_before_there_is_a_run(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumable("again", tmp_path):
        raise KeyboardInterrupt
    (tmp_path / "config.toml").touch()
    with (
        pytest.raises(click.ClickException, match="Go on with: again"),
        resumable("again", tmp_path),
    ):
        raise KeyboardInterrupt


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (click.Abort(), 130)])
def test_ctrl_c_ends_with_130(error, status):
    with pytest.raises(click.ClickException) as found, exit_statuses():
        raise error
    assert found.value.exit_code == status


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), exit_statuses():
        raise ZeroDivisionError
