"""Bad input: exit status 2 and one paragraph on standard error that names what is wrong and what would do; nothing is written."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from minilora.data import Tokenizer
from minilora.tensors import load_tensors, save_tensors

from .tiny import write_model

TEXT = "finetune --model @model --task text --data @text.txt --steps 2 --rows 2 --length 32"
E2E = "finetune --model @model --task e2e --steps 1 --limit 1"

CASES = {
    "a missing data file": (TEXT.replace("@text.txt", "none.txt"), "no text at 'none.txt'; give a .txt file"),
    "no data at all": ("finetune --model @model --task e2e", "the task e2e needs data"),
    "data for a task without": ("finetune --model @model --task nl2sql --data x", "makes its own data"),
    "an unknown task": ("finetune --model @model --task nlsql", "no task 'nlsql'; there are nl2sql"),
    "an unknown method": (f"{TEXT} --method lroa", "no method 'lroa'; there are lora, full, top-layers, bitfit, head, houlsby"),
    "an unknown model": ("finetune --model nix --task nl2sql", "no model folder or shipped model 'nix'"),
    "a rank of 0": (f"{TEXT} --rank 0", "rank must be a whole number of at least 1, not 0"),
    "a rank above the matrix": (f"{TEXT} --rank 17", "give a rank of at most 16"),
    "a target without a layer": (f"{TEXT} --targets qeury,value", "target 'qeury' matches no linear layer; did you mean 'query'"),
    "an empty target": (f"{TEXT} --targets query,", "targets must be names of layers"),
    "a learning rate of NaN": (f"{TEXT} --lr nan", "learning_rate must be"),
    "a negative learning rate": (f"{TEXT} --lr -1", "learning_rate must be"),
    "negative steps": (f"{TEXT} --steps -3", "steps must be at least 1, not -3"),
    "a word for a number": (f"{TEXT} --steps many", "'many' is not a valid integer"),
    "an unknown dtype": (f"{TEXT} --dtype float16", "dtype must be float32 or float64"),
    "an unknown schedule": (f"{TEXT} --schedule cosin", "did you mean 'cosine'"),
    "rows longer than the context": (f"{TEXT} --length 300", "length is 300, more than the model's context of 256"),
    "a folder under a file": (f"{TEXT} --out @text.txt/x", "cannot create the folder"),
    "a folder that holds a run": (f"{TEXT} --out @lora", "go on with --resume, give another folder, or overwrite with --force"),
    "a run of other settings": (f"{TEXT} --steps 3 --rank 4 --out @lora --resume", "cannot resume: rank is 4, but the run in"),
    "resume without a folder": (f"{TEXT} --resume", "resume needs --out, the folder of the run"),
    "resume without a run": ("finetune --out typo --resume", "there is no run to go on with: 'typo' holds no config.toml"),
    "resume without a comparison": ("compare --out typo --resume", "there is no run to go on with: 'typo' holds no config.toml"),
    "resume without a comparison's folder": ("compare --resume", "resume needs --out, the folder of the run"),
    "resume without pretraining": ("pretrain @text.txt --out typo --resume", "there is no run to go on with: 'typo' holds no config.toml"),
    "resume and force": (f"{TEXT} --out @lora --resume --force", "resume and force exclude each other"),
    "a missing configuration": ("finetune --config none.toml", "no configuration file 'none.toml'"),
    "an unknown option": (f"{TEXT} --stepz 3", "No such option"),
    "an unknown command": ("finetun", "there is no command 'finetun'; did you mean 'finetune'"),
    "an unknown option of all": ("--nix", "No such option"),
    "an adapter for another base": ("generate --model wide --adapter @lora Hello", "was made for another base"),
    "no adapter there": ("generate --model @model --adapter @model Hello", "no adapter in"),
    "no prompt": ("generate --model @model", "give either a PROMPT or a --file"),
    "an empty prompt": ("generate --model @model --file @empty.txt", "the prompt is empty"),
    "a missing prompt file": ("generate --model @model --file none.txt", "cannot read the prompt from 'none.txt': No such file"),
    "a prompt longer than the context": ("generate --model @model --file @text.txt", "more than the model's context of 256; shorten it"),
    "a temperature of 0": ("generate --model @model Hello --temperature 0", "temperature must be above 0"),
    "searching and drawing": ("generate --model @model Hello --beam 2 --top-k 3", "--beam searches and --top-k draws"),
    "no limit": ("generate --model @model Hello --limit 0", "limit must be at least 1"),
    "no task": ("evaluate --model @model", "no task is given"),
    "an answers file that is there": ("evaluate --adapter @lora --out @text.txt", "is there already"),
    "an unknown part": ("evaluate --adapter @lora --part train", "part must be validation or test"),
    "merging a bottleneck": ("merge --adapter @houlsby --out merged", "a bottleneck adapter cannot be merged"),
    "merging onto a model": ("merge --adapter @lora --out @model", "is the folder that is read"),
    "merging without a folder": ("merge --adapter @lora", "Missing option '--out'"),
    "inspecting nothing": ("inspect none", "there is nothing at 'none'"),
    "inspecting a text": ("inspect @text.txt", "not a safetensors file"),
    "inspecting an empty folder": ("inspect .", "neither an adapter"),
    "pretraining on nothing": ("pretrain none.txt --out base", "no text at 'none.txt'"),
    "pretraining an unknown size": ("pretrain @text.txt --out base --size gtp2", "no model size is named 'gtp2'; did you mean 'gpt2'"),
    "pretraining from no seed": ("pretrain @text.txt --out base --seed -1", "seed must be at least 0, not -1"),
    "pretraining without steps": ("pretrain @text.txt --out base --steps 0", "steps must be at least 1, not 0"),
    "pretraining without workers": ("pretrain @text.txt --out base --workers 0", "workers must be at least 1, not 0"),
    "pretraining backwards": ("pretrain @text.txt --out base --lr -1", "learning_rate must be"),
    "checking from no seed": ("gradcheck --seed -1", "'--seed': -1 is not in the range x>=0"),
    "no rounds": ("bench --study techniques --rounds 0", "'--rounds': 0 is not in the range x>=1"),
    "no threads": ("bench --study growth --threads 0", "'--threads': 0 is not in the range x>=1"),
    "growth of a shape": ("bench --study growth --shape small", "the study growth has no place for --shape; leave that out"),
    "techniques on a card": ("bench --study techniques --device cuda", "the study techniques has no place for --device"),
    "techniques against PEFT": ("bench --study techniques --against peft --python py", "has no place for --against and --python; leave that out, or measure --study speed"),
    "an interpreter for nobody": ("bench --python py", "give --against peft too"),
    "bench into a file": ("bench --out @text.txt/bench.json", "cannot create the folder"),
    "bench into a folder": ("bench --out @model", "which is a folder; give the name of a file"),
    "answers into a file": ("evaluate --model @model --task e2e --data @e2e.csv --out @text.txt/a.jsonl", "cannot create the folder"),
    "checking no model": ("gradcheck --model nix", "no model folder or shipped model 'nix'"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input(run, material, tmp_path, case):
    line, message = CASES[case]
    (material / "empty.txt").write_text("\n")
    if "wide" in line:
        write_model(tmp_path / "wide", width=24)
    before = {
        file: file.read_bytes()
        for folder in (material, tmp_path)
        for file in folder.rglob("*")
        if file.is_file()
    }
    result = run(line)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    after = {
        file: file.read_bytes()
        for folder in (material, tmp_path)
        for file in folder.rglob("*")
        if file.is_file()
    }
    assert after == before


LONG_TEXT = b" ".join(b"soup%d" % number for number in range(300))
"""Of different words, which the figures of a scorer are quick to find again."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"mr,text\na,b\n", "E2E files with references begin with mr,ref"),
        (b"mr,ref\n", "there is no line after the header"),
        (b"mr,ref\nname[A]\n", "line 2: found 1 fields"),
        (b"mr,ref\n\xff\xfe,b\n", "not UTF-8 text"),
        (
            b"mr,ref\n" + b"".join(b"name[%d],%s\n" % (i, LONG_TEXT) for i in range(40)),
            "cut them or leave them out with too_long",
        ),
    ],
)
def test_bad_e2e_files(run, tmp_path, content, message):
    (tmp_path / "bad.csv").write_bytes(content)
    result = run(f"{E2E} --data bad.csv --out r")
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "holds no text"), ("one", "too short to divide"), ("some more words " * 4, "too few for one row")],
)
def test_bad_text_files(run, tmp_path, content, message):
    (tmp_path / "bad.txt").write_text(content)
    result = run("finetune --model @model --task text --data bad.txt --length 64 --out r")
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stps = 3", "no setting 'stps'; did you mean 'steps'"),
        ("steps = 'x'", "steps must be a whole number"),
        ("steps 3", "is not TOML"),
    ],
)
def test_bad_configurations(run, tmp_path, content, message):
    (tmp_path / "bad.toml").write_text(content)
    result = run("finetune --config bad.toml")
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("damage", ["truncated", "corrupted", "not finite", "empty", "removed"])
def test_damaged_adapters(run, material, tmp_path, damage):
    for file in ("adapter.json", "adapter.safetensors", "config.toml"):
        (tmp_path / file).write_bytes((material / "lora" / file).read_bytes())
    weights = tmp_path / "adapter.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "corrupted":
        weights.write_bytes(b"\x00\xff" * 100)
    elif damage == "not finite":
        arrays, metadata = load_tensors(weights)
        save_tensors(weights, {name: array * np.float32("nan") for name, array in arrays.items()}, metadata)
    elif damage == "empty":
        weights.write_bytes(b"")
    else:
        weights.unlink()
    for line in (
        "generate --adapter . Hello",
        "merge --adapter . --out merged",
        "inspect .",
        "evaluate --adapter .",
    ):
        result = run(line)
        assert result.exit_code == 2, line
        assert result.stderr.startswith("Error: ")
    assert not (tmp_path / "merged").exists()


def test_damaged_models_and_tokenizers_that_do_not_fit(run, tmp_path):
    write_model(tmp_path / "m")
    line = "generate --model m Hello"
    weights = (tmp_path / "m" / "model.safetensors").read_bytes()
    (tmp_path / "m" / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "truncated, corrupted or not a safetensors file" in run(line).stderr
    (tmp_path / "m" / "model.safetensors").write_bytes(weights)

    words = ("".join(letters) + " " for letters in product("bdfgklmnprst", "aeiou", "bdfgklmnprst", "aeiou"))
    tokenizer = Tokenizer.train(["".join(words) * 2], vocabulary=900)
    assert tokenizer.vocabulary > 512
    tokenizer.save(tmp_path / "m" / "tokenizer.json")
    result = run(line)
    assert (result.exit_code, "the tokenizer belongs to another model" in result.stderr) == (2, True)

    (tmp_path / "m" / "tokenizer.json").unlink()
    assert "the model has no tokenizer" in run(line).stderr
    assert (
        "the model has no tokenizer" in run("finetune --model m --task text --data @text.txt --out r").stderr
    )
    assert not (tmp_path / "r").exists()

    (tmp_path / "m" / "config.json").unlink()
    assert "has no config.json" in run(line).stderr


def test_a_checkpoint_that_is_damaged(run, material, tmp_path):
    assert run(f"{TEXT} --out r").exit_code == 0
    checkpoint = tmp_path / "r" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-10])
    result = run("finetune --out r --resume")
    assert (result.exit_code, "truncated, corrupted" in result.stderr) == (2, True)


def test_a_run_that_diverges_fails_with_status_1(run):
    result = run(f"{TEXT} --method full --lr 1e30 --clip 0 --warmup 0 --steps 9 --out r")
    assert result.exit_code == 1
    assert "training diverged at step" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(["finetune", "--rank", "0"], "rank must be"), (["finetune", "--nix"], "No such option")],
)
def test_the_real_command_ends_with_one_sentence(words, message):
    done = subprocess.run(
        [sys.executable, "-m", "minilora.cli", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_json_leaves_errors_on_standard_error(run):
    result = run(f"{TEXT} --rank 0 --json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: rank must be")
