"""Sweeps: what a grid means, that every run is made once and none stops another, and what is written of them."""

import csv
import json
import re
import statistics
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.lab.grid import GridAxis, folder_name, points, read_grid, written
from minilora.lab.run_once import run_once
from minilora.lab.sweep import run_sweep
from minilora.lab.sweep_results import best, groups, table
from minilora.train.recipe import FineTuning
from minilora.train.runs import CONFIG

from ..cli.tiny import text, write_encoder, write_model, write_text
from ..processes import alive, children, wait_until


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> FineTuning:
    """A run of two steps on plain text."""
    folder = tmp_path_factory.mktemp("sweep")
    return FineTuning(
        model=str(write_model(folder / "model")), task="text", data=str(write_text(folder / "text.txt")), length=32,
        rows=2, steps=2, workers=1, limit=4, before=False,
    )  # fmt: skip


def sweep(base: FineTuning, *grid: str, out: Path, **options: object) -> tuple[dict, list[str]]:
    lines: list[str] = []
    pytest.importorskip("joblib")
    return run_sweep(base, read_grid(grid), out, **{"jobs": 1, **options}, tell=lines.append), lines


def test_values_are_read_as_the_field_has_them():
    axes = read_grid(
        [
            "rank=1,2",
            "lr=1e-3,2",
            "targets=query, query/value",
            "before=yes,no",
            "data-seed=3",
            "alphas=value=2",
        ]
    )
    assert [(axis.field, axis.values) for axis in axes] == [
        ("rank", (1, 2)),
        ("learning_rate", (1e-3, 2.0)),
        ("targets", (("query",), ("query", "value"))),
        ("before", (True, False)),
        ("data_seed", (3,)),
        ("alphas", (("value=2",),)),
    ]
    assert len(points(axes)) == 16
    assert [point["before"] for point in points(axes)][:2] == [True, False]  # the last axes run fastest


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ((), "the grid is empty; give at least one axis"),
        (("rank",), "an axis is written as FIELD=VALUE"),
        (("rnak=1",), "'rnak', which is no setting of a run; did you mean 'rank'"),
        (("zzzz=1",), "there are model, task"),
        (("rank=",), "the axis rank of the grid has no values"),
        (("rank=1,,2",), "has an empty value"),
        (("rank=1.5",), "rank in the grid must be a whole number, not '1.5'"),
        (("lr=fast",), "learning_rate in the grid must be a number, not 'fast'"),
        (("lr=nan",), "must be a finite number"),
        (("before=maybe",), "before in the grid must be yes or no"),
        (("targets=query/",), "names joined by /"),
        (("lr=1e-3,0.001",), "has 0.001 twice"),
        (("rank=1", "rank=2"), "the grid has rank twice"),
        (("lr=1", "learning-rate=2"), "the grid has learning_rate twice"),
    ],
)
def test_a_grid_that_cannot_be_read_is_refused(grid, words):
    with pytest.raises(InputError, match=words):
        read_grid(grid)


@given(
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(), min_size=1, unique=True),
)
def test_what_is_written_is_read_again(rates, seeds):
    axes = (GridAxis("learning_rate", tuple(rates)), GridAxis("seed", tuple(seeds)))
    assert read_grid(f"{axis.field}={','.join(axis.texts)}" for axis in axes) == axes


def test_every_field_can_be_an_axis():
    texts = {bool: "yes", int: "3", float: "0.5"}
    hints = get_type_hints(FineTuning)
    for field in fields(FineTuning):
        kinds = get_args(hints[field.name]) or (hints[field.name],)
        text = next((text for kind, text in texts.items() if kind in kinds), "a")
        (axis,) = read_grid([f"{field.name}={text}"])
        assert written(axis.values[0]) == text


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=2, unique=True))
def test_each_point_has_a_folder_of_its_own(models):
    names = {folder_name({"model": model, "rank": 2}) for model in models}
    assert len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9._+=,-]{1,209}", name) for name in names)


def test_a_point_keeps_its_folder_whatever_the_order_of_axes():
    assert folder_name({"rank": 4, "targets": ("query", "value")}) == "rank=4,targets=query+value"
    assert folder_name({"targets": ("query",), "rank": 4}) == folder_name({"rank": 4, "targets": ("query",)})


def test_a_sweep_makes_each_run_as_finetune_would(base, tmp_path):
    summary, lines = sweep(base, "rank=1,2", "targets=query,query/value", out=tmp_path / "out")
    assert len(lines) == 4
    assert summary["failed"] == 0
    entry = next(run for run in summary["runs"] if run["name"] == "rank=2,targets=query+value")
    alone = run_once(replace(base, rank=2, targets=("query", "value")), tmp_path / "alone")
    assert entry["report"]["after"] == alone["after"]
    assert entry["report"]["last_loss"] == alone["last_loss"]
    assert json.loads((tmp_path / "out" / "sweep.json").read_text()) == json.loads(json.dumps(summary))
    rows = list(csv.DictReader((tmp_path / "out" / "sweep.csv").read_text().splitlines()))
    assert [(row["rank"], row["targets"]) for row in rows] == [
        ("1", "query"), ("1", "query/value"), ("2", "query"), ("2", "query/value"),
    ]  # fmt: skip
    assert float(rows[3]["score"]) == alone["after"]["perplexity"]
    assert (tmp_path / "out" / "sweep.svg").read_text().startswith("<?xml")
    table = (tmp_path / "out" / "sweep.md").read_text().splitlines()
    assert table[0] == "| rank | query | query/value |"
    assert table[3].split(" | ")[2] == f"{alone['after']['perplexity']:.1f} |"


def test_a_run_that_is_there_is_not_made_again(base, tmp_path):
    first, _ = sweep(base, "rank=1,2", out=tmp_path)
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").rglob("*") if file.is_file()}
    picture = (tmp_path / "sweep.svg").read_bytes()
    again, _ = sweep(base, "rank=1,2", out=tmp_path)
    assert again == first
    assert (tmp_path / "sweep.svg").read_bytes() == picture
    more, _ = sweep(base, "rank=1,2,3", out=tmp_path)
    assert more["runs"][:2] == first["runs"]
    assert not (tmp_path / "sweep.md").exists()  # one setting has no other to stand across
    assert all(file.stat().st_mtime_ns == then for file, then in times.items())


def test_a_run_that_is_there_with_other_settings_is_not_passed_off(base, tmp_path):
    sweep(base, "rank=1", out=tmp_path)
    summary, _ = sweep(replace(base, steps=3), "rank=1,2", out=tmp_path)
    assert summary["failed"] == 1
    assert "steps is 3, but the run in" in summary["runs"][0]["failed"]
    with pytest.raises(InputError, match="limit is 5, but"):  # scored on other rows
        run_once(replace(base, rank=1, limit=5), tmp_path / "runs" / "rank=1")


def test_a_run_of_a_version_that_knew_fewer_settings_is_read(base, tmp_path):
    made = run_once(base, tmp_path)
    config = tmp_path / CONFIG
    lines = [line for line in config.read_text().splitlines() if not line.startswith("scaling")]
    config.write_text("\n".join(lines))
    assert run_once(base, tmp_path) == made


def test_a_run_that_fails_stops_no_other(base, tmp_path):
    summary, lines = sweep(base, "targets=nothing,query", "lr=1e-3", out=tmp_path)
    assert "matches no linear layer" in summary["runs"][0]["failed"]
    assert summary["runs"][1]["failed"] is None
    assert summary["failed"] == 1
    assert table(summary)[1][0] == ["nothing", "0.001", "failed"]
    assert any("failed: target 'nothing'" in line for line in lines)
    assert best(summary)["point"]["targets"] == "query"


def test_a_defect_leaves_its_traceback(base, tmp_path):
    folder = tmp_path / "runs" / "rank=1"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("no JSON")
    summary, _ = sweep(base, "rank=1,2", out=tmp_path)
    assert "JSONDecodeError" in summary["runs"][0]["failed"]
    assert "Traceback" in (folder / "error.txt").read_text()
    assert summary["runs"][1]["failed"] is None


def test_a_correlation_of_one_example_is_a_run_that_failed_and_no_defect(tmp_path):
    lines = [json.dumps({"sentence1": f"A {i}.", "sentence2": f"B {i}.", "label": i % 6}) for i in range(30)]
    for part in ("train", "dev"):
        (tmp_path / f"{part}.jsonl").write_text("\n".join(lines))
    base = FineTuning(
        model=str(write_encoder(tmp_path / "model", [text()])), task="stsb", data=str(tmp_path), rows=2, steps=1,
        workers=1, limit=1, before=False,
    )  # fmt: skip
    summary, lines = sweep(base, "rank=1,2", out=tmp_path / "out")
    assert [run["failed"] for run in summary["runs"]] == [
        "there is 1 example to score, and pearson, a correlation, needs two; give at least 2 (see limit)"
    ] * 2
    assert len(lines) == 2


def test_seeds_have_a_mean_and_a_spread(base, tmp_path):
    summary, _ = sweep(base, "seed=0,1,2", "lr=1e-2,5e-2", out=tmp_path)
    scores = [
        r["report"]["after"]["perplexity"] for r in summary["runs"] if r["point"]["learning_rate"] == "0.05"
    ]
    group = next(g for g in summary["groups"] if g["point"] == {"learning_rate": "0.05"})
    assert len(set(scores)) == 3
    assert group["scores"] == scores
    assert group["mean"] == pytest.approx(np.mean(scores), rel=1e-14)
    assert group["spread"] == pytest.approx(np.std(scores, ddof=1), rel=1e-12)
    assert table(summary)[0] == ["learning_rate", "seeds", "perplexity", "spread"]
    assert best(summary) == min(summary["groups"], key=lambda g: g["mean"])  # perplexity: lower is better


def test_a_score_that_is_not_finite_counts_for_nothing():
    def run(seed: int, value: float | None) -> dict:
        report = {"primary": "loss", "after": {"loss": value}}
        return {"point": {"seed": str(seed)}, "failed": None, "report": report}

    (group,) = groups([run(0, 1.0), run(1, None), run(2, 3.0)])
    assert (group["scores"], group["mean"], group["spread"]) == (
        [1.0, 3.0],
        2.0,
        statistics.stdev([1.0, 3.0]),
    )


def test_a_combination_that_no_run_could_have_is_refused_before_any_is_made(base, tmp_path):
    with pytest.raises(InputError, match="rank"):
        sweep(base, "rank=1,0", out=tmp_path / "out")
    with pytest.raises(InputError, match="jobs must be at least 1"):
        sweep(base, "rank=1", out=tmp_path, jobs=0)
    with pytest.raises(InputError, match="jobs and dask exclude each other"):
        sweep(base, "rank=1", out=tmp_path, dask="tcp://localhost:1")
    assert not (tmp_path / "out").exists()


def test_processes_give_the_digits_of_one(base, tmp_path):
    one, _ = sweep(base, "rank=1,2", out=tmp_path / "one")
    two, lines = sweep(base, "rank=1,2", out=tmp_path / "two", jobs=2)
    assert [g["scores"] for g in one["groups"]] == [g["scores"] for g in two["groups"]]
    assert sorted(line.split(": ")[1] for line in lines) == ["rank=1", "rank=2"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc, which is not here")
def test_a_sweep_that_is_killed_leaves_no_process_behind(base, tmp_path):
    pytest.importorskip("joblib")
    out = tmp_path / "out"
    program = (
        "from minilora.cli.main import main; "
        f"main(['sweep', '--grid', 'seed=0,1', '--jobs', '2', '--out', {str(out)!r}, '--model', {base.model!r}, "
        f"'--task', 'text', '--data', {base.data!r}, '--length', '32', '--rows', '2', '--steps', '100000'])"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    logs = [out / "runs" / f"seed={seed}" / "log.jsonl" for seed in (0, 1)]
    wait_until(lambda: all(log.exists() for log in logs), 60)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(alive, workers)), 30)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_digits(base, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask (extra: dask) is not installed")
    here, _ = sweep(base, "rank=1,2", out=tmp_path / "here")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        there, _ = sweep(base, "rank=1,2", out=tmp_path / "there", jobs=None, dask=cluster.scheduler_address)
    assert [g["scores"] for g in here["groups"]] == [g["scores"] for g in there["groups"]]


@pytest.mark.slow
def test_a_worker_with_several_threads_is_refused(base, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask (extra: dask) is not installed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        pytest.raises(InputError, match="has 2 threads, and a run wants a process of its own"),
    ):
        sweep(base, "rank=1", out=tmp_path, jobs=None, dask=cluster.scheduler_address)


@pytest.mark.slow
def test_an_address_where_nothing_answers(base, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="Dask (extra: dask) is not installed")
    monkeypatch.setattr("minilora.lab.sweep.PATIENCE", 1)
    for address in ("tcp://127.0.0.1:9", "nowhere://x"):
        with pytest.raises(InputError, match="no Dask scheduler answers at"):
            sweep(base, "rank=1", out=tmp_path, jobs=None, dask=address)
