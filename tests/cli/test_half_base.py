"""``finetune --base-dtype``: what lies beside the run, who reads it again, and what is refused."""

import json
import tomllib

import pytest

from minilora.methods import load_adapter
from minilora.models.checkpoint import load

LINE = "finetune --model @model --task text --data @text.txt --steps 2 --rows 2 --length 16 --json"


def test_a_run_on_a_half_base(run, tmp_path, material):
    report = json.loads(run(f"{LINE} --base-dtype float16 --out half").stdout)
    assert tomllib.loads((tmp_path / "half" / "config.toml").read_text())["base_dtype"] == "float16"
    again = json.loads(run("evaluate --adapter half --length 16 --json").stdout)
    assert again["metrics"] == report["after"]
    model = load(material / "model", base_dtype="float16")
    assert load_adapter(model, tmp_path / "half").active == "text"
    assert json.loads(run("inspect half --json").stdout)["made for this base"] is True
    assert run("merge --adapter half --out merged").exit_code == 0
    merged = json.loads(run("evaluate --model merged --task text --data @text.txt --length 16 --json").stdout)
    assert merged["metrics"] == pytest.approx(report["after"], rel=1e-4)
    assert run(f"{LINE} --base-dtype float16 --out half --resume").exit_code == 0
    other = run("finetune --out half --resume --base-dtype float32")
    assert other.exit_code == 2
    assert "base_dtype" in other.stderr


def test_the_base_is_stored_as_it_is_computed_with_where_nothing_is_said(run, tmp_path):
    assert run(f"{LINE} --dtype float64 --out wide").exit_code == 0
    assert tomllib.loads((tmp_path / "wide" / "config.toml").read_text())["base_dtype"] == "float64"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "--base-dtype bfloat16",
            "base_dtype must be float32 or float16, not 'bfloat16'; NumPy has no bfloat16",
        ),
        (
            "--base-dtype float16 --dtype float64",
            "base_dtype must be dtype, or float16 where dtype is float32",
        ),
        ("--base-dtype float16 --method full", "would be trained, but is stored as float16"),
        (
            "--base-dtype float16 --method lora+top-layers --targets blocks.0 --top 1",
            "would be trained, but is stored",
        ),
    ],
)
def test_refused(run, more, message):
    result = run(f"{LINE} {more} --out run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
