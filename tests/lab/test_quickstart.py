"""The tour on a tiny model: what it measures, writes and refuses."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from minilora.errors import InputError
from minilora.lab.contest import Answers, compare, verdict
from minilora.lab.quickstart import CONTESTANTS, QUICK, quickstart, weights
from minilora.lab.report import page
from minilora.lab.screen import show
from minilora.lab.words import findings, promise_lines
from minilora.methods import load_adapter
from minilora.models.gpt import GPT

from .conftest import PLAN

TIMES = {"seconds", "training_seconds", "latency", "latency_merged", "milliseconds", "milliseconds_merged"}


@pytest.fixture(scope="module")
def tour(model: GPT, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("tour") / "out"
    return quickstart(folder, model=model, plan=PLAN, progress=False), folder


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def test_the_report_is_written_as_it_is_returned(tour):
    report, folder = tour
    assert json.loads((folder / "report.json").read_text("utf-8")) == report
    assert (folder / "report.html").read_text("utf-8") == page(report)


def test_what_is_counted_is_right(tour, model):
    report, _ = tour
    assert [m["name"] for m in report["methods"]] == ["lora", "full", "houlsby"]
    for entry, contestant in zip(report["methods"], CONTESTANTS, strict=True):
        assert entry["trainable"] == contestant.method.trainable(model.config)
        assert entry["share"] == entry["trainable"] / model.count_parameters()
        assert entry["file_bytes"] > 4 * entry["trainable"]
        assert len(entry["losses"]) == entry["steps"] == 3
        assert entry["unseen"]["questions"] == 4
        assert entry["seen"]["questions"] == 2
    lora, full, _ = report["methods"]
    assert lora["step_bytes"] < full["step_bytes"]
    assert lora["latency_merged"]
    assert not full["latency_merged"]


def test_promises_hold(tour):
    report, _ = tour
    assert max(entry["error"] for entry in report["gradients"]) < 1e-12
    merge, switch = report["merge"], report["switch"]
    assert merge["merging_changed_weights"]
    assert merge["unmerge_gives_bytes_back"]
    assert merge["same_logits_after"]
    assert 0 < merge["largest_difference"] < 1e-5
    assert switch["untrained_is_base"]
    assert switch["back_is_the_same"]
    assert "NOT" not in " ".join(promise_lines(report))


def test_the_base_is_left_alone_and_adapters_load(tour, model):
    _, folder = tour
    assert all(parameter.trainable for parameter in model.parameters())
    tuned = load_adapter(model, folder / "adapters" / "lora")
    tuned.remove("sql")


def test_a_folder_is_written_over_only_by_force_and_the_same_seed_gives_the_same_figures(
    tour, model, tmp_path
):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds mine\.txt already"):
        quickstart(tmp_path, model=model, plan=PLAN, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    again = without_times(quickstart(tmp_path, model=model, plan=PLAN, progress=False, force=True))
    assert (tmp_path / "mine.txt").read_text() == "mine"
    before = without_times(tour[0])
    for ours, theirs in zip(again["methods"], before["methods"], strict=True):
        # Python's own objects are counted with the arrays, and differ a little from run to run.
        assert abs(ours.pop("step_bytes") - theirs.pop("step_bytes")) < 20_000
    assert again == before


def test_the_page_stands_alone(tour):
    report, _ = tour
    html = page(report)
    assert not re.search(r"""(src|href)=|@import|url\(|<script""", html)
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)
        assert "nan" not in drawing


def test_the_page_escapes_what_models_write(tour):
    report, _ = tour
    evil = [{**entry, "adapted_writes": "<script>alert(1)</script>"} for entry in report["samples"]]
    assert "<script" not in page({**report, "samples": evil})


def test_the_screen_shows_everything(tour):
    report, _ = tour
    console = Console(file=io.StringIO(), width=120)
    show(report, console)
    shown = console.file.getvalue()
    for title in ("LoRA", "full fine-tuning", "Houlsby adapters", "Merging", "Switching", "latency, merged"):
        assert title in shown


def test_a_quick_tour_says_what_it_leaves_out_and_names_no_winner(model, tmp_path, capsys):
    plan = replace(PLAN, steps={"lora": 2, "full": 1, "houlsby": 1}, leaves_out=QUICK.leaves_out)
    report = quickstart(tmp_path, model=model, plan=plan)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" s  ")[1] for line in lines] == list(weights(plan))
    assert report["verdict"] is None
    assert not any("wins" in line or "tie" in line for line in findings(report))
    assert "80 steps instead of 250" in page(report)


def test_a_model_without_a_tokenizer_is_refused(model, tmp_path):
    bare = GPT(model.config, np.random.default_rng(0))
    with pytest.raises(InputError, match="no tokenizer"):
        quickstart(tmp_path / "out", model=bare, plan=PLAN, progress=False)
    assert not (tmp_path / "out").exists()


def test_the_verdict_names_the_winner_and_says_when_chance_may_have_decided():
    def answers(right: int) -> Answers:
        return Answers([""] * 100, [i < right for i in range(100)])

    chosen = [True] * 100
    clear = verdict({"a": answers(20), "b": answers(70), "c": answers(10)}, chosen)
    assert clear["winner"] == "b"
    assert clear["ranking"] == ["b", "a", "c"]
    assert clear["lead"] == 0.5
    assert clear["clear"]
    assert not verdict({"a": answers(50), "b": answers(51)}, chosen)["clear"]
    assert verdict({"a": answers(50), "b": answers(50)}, chosen)["winner"] is None


def test_comparison_is_paired():
    first = Answers([""] * 4, [True, True, False, True])
    second = Answers([""] * 4, [True, False, False, False])
    mean, low, high = compare(first, second, [True, True, True, False])
    assert mean == pytest.approx(1 / 3)
    assert low == 0
    assert high <= 1
