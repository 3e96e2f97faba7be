"""The commands that call the lab: what they measure is tested there; here, that their options reach it, and that what they show is shown."""

import json

from minilora.cli import bench
from minilora.errors import InputError
from minilora.lab import quickstart

from ..lab.conftest import PLAN


def test_plan_takes_all_that_it_assumes(run):
    line = "plan gpt2 --rank 4 --targets query,value --precision mixed --gradients block --rows 2 --tokens 64"
    kept, recomputed = (
        json.loads(run(f"{line} {how} --devices 4 --json").stdout) for how in ("--keep", "--recompute")
    )
    assert kept["devices"] == 4
    assert kept["adapted"]["trainable"] == recomputed["adapted"]["trainable"] == 147_456
    assert kept["adapted"]["activations"] > recomputed["adapted"]["activations"]
    shown = run("plan gpt2 --devices 4")
    assert shown.exit_code == 0
    assert "each of 4 devices" in shown.stdout


def test_compare(run, tmp_path):
    line = "compare --model @model --task text --data @text.txt --methods full,lora:rank=2,alpha=4,bitfit --steps 2 --points 1 --rows 2 --length 16 --held-out 2 --limit 0 --warmup 0 --out c"
    done = run(line)
    assert done.exit_code == 0, done.stderr
    report = json.loads((tmp_path / "c" / "report.json").read_text(encoding="utf-8"))
    assert [method["title"] for method in report["methods"]] == ["full", "lora:rank=2,alpha=4", "bitfit"]
    assert all(f"{method['trainable']:,}" in done.stdout for method in report["methods"])


def test_quickstart(run, tmp_path, monkeypatch):
    monkeypatch.setattr(quickstart, "QUICK", PLAN)
    done = run("quickstart --quick --model @model --seed 1 --out tour")
    assert done.exit_code == 0, done.stderr
    report = json.loads((tmp_path / "tour" / "report.json").read_text(encoding="utf-8"))
    assert all(f"{method['trainable']:,}" in done.stdout for method in report["methods"])
    assert "open tour/report.html" in done.stdout
    again = run("quickstart --quick --model @model --out tour")
    assert (again.exit_code, "holds" in again.stderr) == (2, True)


def test_bench_prints_before_it_writes(run, monkeypatch):
    record = {"rows": [{"varied": "rank", "value": 4, "ms": 1.5, "step_mib": 2.0}]}

    def full(path, text):
        raise InputError("the disk is full")

    monkeypatch.setattr(bench, "growth", lambda **options: record)
    monkeypatch.setattr(bench, "write_atomically", full)
    done = run("bench --study growth --out folder/growth.json")
    assert (done.exit_code, "rank" in done.stdout) == (2, True)
    assert done.stderr == "Error: the disk is full\n"
