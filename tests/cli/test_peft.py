"""Adapters in PEFT's format at the command line: written, looked at, and used wherever an adapter may stand."""

import json
from pathlib import Path

import numpy as np
import pytest

from minilora.methods import LoRA, adapt, load_adapter
from minilora.models.checkpoint import load

from ..methods.peft.folder import pair, write_folder
from ..models.torch_zip import write_torch


@pytest.fixture
def sql(material: Path, tmp_path: Path) -> Path:
    """An adapter of ours for the small model, with random numbers."""
    tuned = adapt(load(material / "model"), LoRA(rank=2), name="sql")
    rng = np.random.default_rng(4)
    for parameter in tuned.parameters.values():
        parameter.data = rng.standard_normal(parameter.shape, dtype=np.float32)
    tuned.save(tmp_path / "sql")
    return tmp_path / "sql"


def test_export_there_and_back(run, sql, material, tmp_path):
    result = run("export sql --model @model --out peft")
    assert result.exit_code == 0, result.stderr
    assert "in the format of peft" in result.stdout
    stored = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert (stored["r"], stored["target_modules"], stored["base_model_name_or_path"]) == (
        4,
        ["c_attn"],
        str(material / "model"),
    )
    facts = json.loads(run("export peft --format minilora --out back --json").stdout)
    assert facts["files"] == ["adapter.json", "adapter.safetensors"]
    ids = np.arange(30)[None]
    first, second = (
        load_adapter(load(material / "model"), tmp_path / name).logits(ids) for name in ("sql", "back")
    )
    np.testing.assert_array_equal(first, second)


def test_where_an_adapter_may_stand(run, sql, material, tmp_path):
    """generate, evaluate and merge take PEFT's folder as they take ours; the model is the one that it names."""
    run("export sql --model @model --out peft")
    ours = run("generate --model @model --adapter sql river --limit 5")
    theirs = run("generate --adapter peft river --limit 5")
    assert (ours.exit_code, theirs.exit_code) == (0, 0), theirs.stderr
    assert ours.stdout == theirs.stdout
    scores = [
        json.loads(
            run(
                f"evaluate --model @model --adapter {folder} --task text --data @text.txt --length 32 --json"
            ).stdout
        )["metrics"]
        for folder in ("sql", "peft")
    ]
    assert scores[0] == scores[1]
    assert run("merge --adapter peft --out merged").exit_code == 0
    merged, ids = load(tmp_path / "merged"), np.arange(20)[None]
    np.testing.assert_allclose(
        merged.logits(ids), load_adapter(load(material / "model"), sql).logits(ids), atol=1e-4
    )


def test_inspect_needs_no_base(run, tmp_path):
    tensors = pair("transformer.h.10.attn.c_attn", 16, 48) | pair("transformer.h.2.attn.c_attn", 16, 48)
    write_folder(
        tmp_path / "peft",
        tensors | {"score.weight": np.ones((3, 16), np.float32)},
        modules_to_save=["score"],
        base_model_name_or_path="somewhere/else",
    )
    result = run("inspect peft")
    assert result.exit_code == 0, result.stderr
    assert (
        "an adapter in PEFT's format for somewhere/else: LoRA on 2 layers, with a classifier of 3 classes, 304 trainable parameters"
        in result.stdout
    )
    facts = json.loads(run("inspect peft --json").stdout)
    assert [row["layer"] for row in facts["layers"]] == [
        "transformer.h.2.attn.c_attn",
        "transformer.h.10.attn.c_attn",
    ]
    assert all(row["scale"] == 4 and row["acts"] for row in facts["layers"])
    assert facts["labels"] == 3


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "generate --adapter peft x",
            "was made for the model 'somewhere/else', which is not here; give --model",
        ),
        ("export peft --out peft", "is the folder that is read"),
        (
            "export peft --model @model --out out --format gguf",
            "format must be 'minilora' or 'peft', not 'gguf'",
        ),
        ("export peft --model @model --out out --alpha 3", "--alpha is for files of the paper's own code"),
        ("export a.bin --model @model --out out", "does not say which α it was trained with; give --alpha"),
        ("export a.bin --model @model --out out --alpha 1", "no file"),
        ("export nothing --model @model --out out", "no adapter in"),
        ("inspect peft --base @model", "is looked at without its base; leave --base out"),
    ],
)
def test_bad_input(run, tmp_path, command, words):
    tensors = pair("transformer.h.0.attn.c_attn", 16, 48) | pair("transformer.h.1.attn.c_attn", 16, 48)
    write_folder(tmp_path / "peft", tensors, base_model_name_or_path="somewhere/else")
    result = run(command)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out").exists()


def test_inspect_a_torch_file(run, tmp_path):
    write_torch(tmp_path / "a.bin", {"x.lora_A": np.ones((2, 3), np.float32)})
    result = run("inspect a.bin")
    assert result.exit_code == 0
    assert result.stdout.startswith("a torch file of 1 arrays with 6 numbers")
