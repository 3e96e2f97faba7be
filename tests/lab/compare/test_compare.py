"""A comparison of every kind of method on a tiny model: what it measures, writes, resumes and refuses."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.lab.compare import Comparison, compare, run
from minilora.lab.compare.equivalence import equivalences
from minilora.lab.compare.report import page
from minilora.lab.compare.settings import contestant
from minilora.lab.whole_model import random_batch, random_model
from minilora.methods.named import names
from minilora.models.checkpoint import load
from minilora.train.choices import METHODS as CHOICES
from tests.cli.tiny import text, write_encoder, write_model, write_text

METHODS = (
    "lora:rank=2,alpha=4,targets=all-linear,lr=1e-2",
    "lora:rank=16,alpha=16",
    "houlsby:width=3",
    "bitfit",
    "top-layers:layers=1",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("base")
    model, text = write_model(folder / "model"), write_text(folder / "text.txt")
    return Comparison(
        str(model),
        "text",
        str(text),
        methods=METHODS,
        steps=4,
        rows=2,
        length=16,
        warmup=1,
        points=2,
        held_out=4,
        limit=2,
    )


@pytest.fixture(scope="module")
def made(settings: Comparison, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("comparison") / "out"
    return compare(settings, folder, progress=False), folder


def last(report: dict, name: str) -> dict:
    return next(m for m in report["methods"] if m["title"].startswith(name))["points"][-1]


def test_full_fine_tuning_is_added_and_is_its_own_measure(made):
    report, _ = made
    assert [m["title"] for m in report["methods"]] == ["full", *METHODS]
    for point in report["methods"][0]["points"][1:]:
        assert point["weights"]["cosine"] == pytest.approx(1)
        assert point["answers"]["cosine"] == pytest.approx(1)


def test_all_start_as_the_base(made):
    report, _ = made
    starts = [m["points"][0] for m in report["methods"]]
    assert len({round(start["loss"], 5) for start in starts}) == 1
    assert all(start["answers"]["divergence"] < 1e-9 for start in starts)
    assert len({round(start["gradient"]["norm"], 4) for start in starts}) == 1


def test_points_are_where_they_were_asked_for(made, settings):
    report, _ = made
    assert settings.measured_at() == [0, 2, 4]
    assert all([p["step"] for p in m["points"]] == [0, 2, 4] for m in report["methods"])
    assert all(len(m["losses"]) == 4 for m in report["methods"])


def test_what_has_no_meaning_for_a_method_is_none(made):
    report, _ = made
    assert last(report, "houlsby")["weights"] is None
    assert last(report, "bitfit")["weights"]["cosine"] is None
    assert last(report, "bitfit")["weights"]["distance"] == 0
    assert last(report, "full")["gradient"]["share_in_span"] is None
    assert last(report, "houlsby")["answers"]["divergence"] > 0


def test_ranks_and_shares_are_possible_ones(made):
    report, _ = made
    low, whole = last(report, "lora:rank=2"), last(report, "lora:rank=16")
    assert 1 <= low["weights"]["effective_rank"] <= 2
    assert abs(low["weights"]["cosine"]) <= low["weights"]["highest_cosine"] + 1e-6
    assert 0 < low["gradient"]["share_in_span"] < 1
    assert whole["gradient"]["share_in_span"] == pytest.approx(1)  # r = in: the span is everything
    assert whole["weights"]["highest_cosine"] == pytest.approx(1)


def test_the_report_is_written_as_it_is_returned(made):
    report, folder = made
    assert json.loads((folder / "report.json").read_text("utf-8")) == json.loads(json.dumps(report))
    assert (folder / "report.html").read_text("utf-8") == page(report)
    assert not (folder / "reference").exists()


def test_the_page_stands_alone_and_is_well_formed(made):
    html = page(made[0])
    assert not re.search(r"""(src|href)=|@import|url\(|<script""", html)
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) > 12
    for drawing in drawings:
        ElementTree.fromstring(drawing)
        assert "nan" not in drawing


def test_a_comparison_that_was_stopped_goes_on_to_the_same_digits(made, settings, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stops(*arguments: object, seed: int) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(run, "equivalences", stops)
        with pytest.raises(Stop):
            compare(settings, tmp_path / "out", progress=False)
    outcome = tmp_path / "out" / "bitfit" / "outcome.json"
    outcome.unlink()  # as if it had been stopped before the end of this one
    (tmp_path / "out" / "bitfit" / "points" / "000004.json").unlink()
    (tmp_path / "out" / "bitfit" / "checkpoint.safetensors").unlink()
    report = compare(settings, tmp_path / "out", resume=True, progress=False)
    for ours, theirs in zip(report["methods"], made[0]["methods"], strict=True):
        assert ours["points"] == theirs["points"]
        assert ours["losses"] == theirs["losses"]
        assert ours["score"] == theirs["score"]


def stopped_at(method: str, patch: pytest.MonkeyPatch) -> type[Exception]:
    """What is raised where ``method`` is begun, as if the comparison had been stopped there."""

    class Stop(Exception):
        pass

    follow = run.follow

    def stops(entry, *arguments, **options):
        if entry.name == method:
            raise Stop
        return follow(entry, *arguments, **options)

    patch.setattr(run, "follow", stops)
    return Stop


@pytest.mark.parametrize("part", ["the training data", "the validation data", "the base's weights"])
@pytest.mark.parametrize("begun", ["done", "half done"])
def test_a_comparison_does_not_go_on_from_another_base_or_data(tmp_path, monkeypatch, part, begun):
    """Full fine-tuning is done, or has a checkpoint, when the comparison is stopped; a file is changed before it goes on."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("train", "dev", "test"):
        lines = [{"prompt": f"{name} {i}", "completion": f"a {i}"} for i in range(12)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = Comparison(
        str(write_model(tmp_path / "model")), "instructions", str(folder), methods=("bitfit",),
        steps=1, rows=2, warmup=0, points=1, held_out=2, limit=0,
    )  # fmt: skip
    with monkeypatch.context() as patch:
        stop = stopped_at("bitfit", patch)
        with pytest.raises(stop):
            compare(settings, tmp_path / "out", progress=False)
    if begun == "half done":
        (tmp_path / "out" / "full" / "outcome.json").unlink()
    if part == "the base's weights":
        shutil.rmtree(tmp_path / "model")
        write_model(tmp_path / "model", seed=1)
    else:
        file = folder / ("train.jsonl" if part == "the training data" else "dev.jsonl")
        file.write_text(file.read_text().replace("a 7", "b 7"))
    with pytest.raises(InputError, match=f"cannot resume: {part} is '"):
        compare(settings, tmp_path / "out", resume=True, progress=False)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"methods": ("full", "lora:targets=qeury")},
            "target 'qeury' matches no linear layer; did you mean 'query'",
        ),
        ({"methods": ("full", "top-layers:layers=9")}, "layers is 9, but the model has 2 blocks"),
        ({"methods": ("full", "prefix-embedding:prefix=300")}, "leave no room for a text"),
    ],
)
def test_what_would_stop_a_later_method_stops_the_first(settings, tmp_path, monkeypatch, change, sentence):
    monkeypatch.setattr(run, "train", lambda *arguments, **options: pytest.fail("a method was trained"))
    with pytest.raises(InputError, match=sentence):
        compare(replace(settings, **change), tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """STS-B's form, for an encoder."""
    folder = tmp_path_factory.mktemp("stsb")
    lines = [json.dumps({"sentence1": f"A {i}.", "sentence2": f"B {i}.", "label": i % 6}) for i in range(30)]
    for part in ("train", "dev"):
        (folder / f"{part}.jsonl").write_text("\n".join(lines))
    return Comparison(
        str(write_encoder(folder / "model", [text()])), "stsb", str(folder), methods=("lora:rank=2",),
        steps=1, rows=2, warmup=0, points=1, held_out=2, limit=3,
    )  # fmt: skip


def test_a_score_has_no_distribution_to_diverge(regression, tmp_path):
    report = compare(regression, tmp_path / "out", progress=False)
    for method in report["methods"]:
        assert method["points"][-1]["answers"] == {"divergence": None, "cosine": None}
        assert {"pearson", "spearman"} <= set(method["score"])
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    row = re.search(r"<tr><t[dh][^>]*>divergence from the base.*?</tr>", html, re.DOTALL)
    assert row is not None
    assert row.group().count(">–<") == 2
    assert "nan" not in html


def test_scoring_that_could_not_be_done_is_refused_before_training(regression, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "train", lambda *arguments, **options: pytest.fail("a method was trained"))
    with pytest.raises(InputError, match="1 example to score, and pearson, a correlation, needs two"):
        compare(replace(regression, limit=1), tmp_path / "out", progress=False)


def test_the_warm_up_that_is_left_open_suits_the_run():
    assert [Comparison(steps=steps, points=1).rise for steps in (250, 60, 30, 2)] == [20, 20, 10, 0]
    assert Comparison(steps=250, warmup=80).rise == 80


def test_long_examples_are_left_out_where_any_method_lacks_room(tmp_path):
    """A prefix of three tokens takes them from the context; what does not fit beside it is left out for all methods."""
    model = write_model(tmp_path / "model")
    lines = [
        {"prompt": f"{number}" + " q" * (300 if number % 4 == 0 else 3), "completion": "c"}
        for number in range(60)
    ]
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = Comparison(
        str(model), "instructions", str(data), methods=("prefix-embedding:prefix=3",),
        steps=1, rows=2, warmup=0, points=1, held_out=2, limit=0,
    )  # fmt: skip
    with pytest.raises(InputError, match="longer than"):
        compare(settings, tmp_path / "refused", progress=False)
    report = compare(replace(settings, too_long="skip"), tmp_path / "out", progress=False)
    assert report["too_long"]["policy"] == "skip"
    assert report["too_long"]["train"]["skipped"] > 0
    base = load(model)
    prefixed = [contestant("prefix-embedding:prefix=3"), contestant("full")]
    assert run.common_room(base, prefixed) == base.config.context - 3


@pytest.mark.parametrize(("answers", "rate"), [("head", 3e-3), ("prompt", 8e-3)])
def test_a_method_gets_the_rate_that_finetune_gives_it(tmp_path, answers, rate):
    """An encoder answers by a head, beside which adapters get less; a decoder by its prompt."""
    folder = tmp_path / "model"
    model = write_encoder(folder, [text()]) if answers == "head" else write_model(folder)
    settings = Comparison(
        str(model), "sentiment", methods=("houlsby", "lora:lr=1e-2"),
        steps=1, rows=2, warmup=0, points=1, held_out=2, limit=0,
    )  # fmt: skip
    report = compare(settings, tmp_path / "out", progress=False)
    assert [method["learning_rate"] for method in report["methods"]] == [4e-4, rate, 1e-2]


def test_every_method_that_can_be_named_has_a_rate():
    assert set(names()) == set(CHOICES)


def test_what_would_be_lost_or_mixed_is_refused(made, settings):
    _, folder = made
    with pytest.raises(InputError, match="already holds"):
        compare(settings, folder, progress=False)
    with pytest.raises(InputError, match="cannot resume: steps"):
        compare(replace(settings, steps=5), folder, resume=True, progress=False)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"methods": ("lara",)}, "did you mean 'lora'"),
        ({"methods": ("lora", "lora")}, "names 'lora' twice"),
        ({"methods": ("lora:lr=fast",)}, "lr must be one number above 0"),
        ({"methods": ("lora:lr=nan",)}, "lr must be one number above 0, not nan"),
        ({"methods": ("lora:lr=inf",)}, "lr must be one number above 0, not inf"),
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"warmup": 90, "steps": 250}, "warmup is 90, more than a third of the 250 steps; give at most 83"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"too_long": "shorten"}, "too_long must be error, cut, skip, not 'shorten'"),
        ({"points": 10, "steps": 4}, "more than the 4 steps"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        Comparison(**change)


def test_equivalences_hold_exactly_where_they_say_so_and_nowhere_else():
    rng = np.random.default_rng(0)
    model = random_model(rng)
    found = equivalences(model, [random_batch(model, rng) for _ in range(4)])
    assert {entry.exact for entry in found} == {True, False}
    for entry in found:
        if entry.exact:
            assert max(entry.differences) < 1e-12, entry.name
        else:
            assert entry.differences[-1] > 1e-5, entry.name
