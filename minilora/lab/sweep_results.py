"""What a sweep came to: means over seeds, tables, files and a picture.

Comes after ``sweep.py``, which made the runs. Files in the sweep's folder:

    sweep.json   axes, shared settings, every run with its scores, and the groups: runs that differ in nothing but their seed, with mean and spread
    sweep.csv    one line a run: the axes, the score, trainable parameters, losses, seconds, why it failed
    sweep.md     of a grid of two settings a Markdown table, one down and the other across, with means and spreads
    sweep.svg    a line for one axis, a heat map for two, a row of heat maps for more; seeds are no axis of the picture
"""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.tasks import TASKS
from ..files import write_atomically
from ..train.recipe import FineTuning
from ..train.result import plain
from .grid import SEED, GridAxis
from .sweep_page import Line, crosstab, mean_and_spread
from .sweep_page import axes as compared
from .sweep_picture import picture

SUMMARY, TABLE, CROSSTAB, PICTURE = "sweep.json", "sweep.csv", "sweep.md", "sweep.svg"
Summary = Mapping[str, Any]
FIGURES = ("trainable", "first_loss", "last_loss", "best_validation_loss")
"""Entries of a run's report that the CSV holds beside its scores."""


def summarise(
    base: FineTuning, axes: Sequence[GridAxis], runs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The whole result as JSON can hold it. runs: each with its name, its point (texts by field), and its report or why it failed."""
    fields = {axis.field for axis in axes}
    shared = {name: value for name, value in dataclasses.asdict(base).items() if name not in fields}
    measured = sorted({run["report"]["primary"] for run in runs if run["failed"] is None})
    tasks = {run["report"]["task"] for run in runs if run["failed"] is None}
    return {
        "axes": {axis.field: list(axis.texts) for axis in axes},
        "settings": {name: value for name, value in shared.items() if value is not None},
        "measures": measured,
        "lower_is_better": sorted({TASKS[task].lower_is_better for task in tasks}),
        "runs": [plain(run) for run in runs],
        "groups": groups(runs),
        "failed": sum(run["failed"] is not None for run in runs),
    }


def groups(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Runs that differ in nothing but their seed: the point without it, the scores that are finite, their mean and their spread (`mean_and_spread`)."""
    found: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for run in runs:
        point = tuple((field, text) for field, text in run["point"].items() if field != SEED)
        scores = found.setdefault(point, [])
        value = score(run)
        if value is not None:
            scores.append(value)
    made = []
    for point, scores in found.items():
        mean, spread = mean_and_spread(scores)
        made.append({"point": dict(point), "scores": scores, "mean": mean, "spread": spread})
    return made


def score(run: Mapping[str, Any]) -> float | None:
    """The score that decides, or None where the run failed or its score is no finite number."""
    if run["failed"] is not None:
        return None
    value = run["report"]["after"][run["report"]["primary"]]
    return float(value) if value is not None and math.isfinite(value) else None


def table(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Titles and rows for the screen: a row a group; with seeds, the mean, the spread and how many runs it is over."""
    fields = [field for field in summary["axes"] if field != SEED]
    seeds = SEED in summary["axes"]
    measure = " / ".join(summary["measures"]) or "score"
    titles = [*fields, *(("seeds", measure, "spread") if seeds else (measure,))]
    rows = []
    for group in summary["groups"]:
        cells = [group["point"][field] for field in fields]
        mean = "failed" if group["mean"] is None else f"{group['mean']:.4g}"
        spread = "–" if group["spread"] is None else f"{group['spread']:.2g}"
        rows.append([*cells, *((str(len(group["scores"])), mean, spread) if seeds else (mean,))])
    return titles, rows


def best(summary: Summary) -> Mapping[str, Any] | None:
    """The group with the best mean; None where all failed, and where the runs were not all measured alike."""
    scored = [group for group in summary["groups"] if group["mean"] is not None]
    if not scored or len(summary["measures"]) != 1 or len(summary["lower_is_better"]) != 1:
        return None
    choose = min if summary["lower_is_better"][0] else max
    chosen: Mapping[str, Any] = choose(scored, key=lambda group: group["mean"])
    return chosen


def lines_of(summary: Summary) -> list[Line]:
    """One line a run, as texts: its point, its score, and a few figures of its report."""
    lines: list[Line] = []
    for run in summary["runs"]:
        report = run.get("report", {})
        line = {
            **run["point"],
            "measure": report.get("primary"),
            "score": score(run),
            **{name: report.get(name) for name in FIGURES},
            "training_seconds": report.get("seconds", {}).get("training"),
            "failed": run["failed"],
        }
        lines.append({name: "" if value is None else str(value) for name, value in line.items()})
    return lines


def as_csv(lines: Sequence[Line]) -> str:
    """The lines with their titles."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def write_results(summary: Summary, out: Path) -> None:
    """Write the files. There is no picture of a grid of nothing but seeds, of runs that were measured differently, and where all failed; what an earlier grid left goes."""
    write_atomically(out / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    lines = lines_of(summary)
    write_atomically(out / TABLE, as_csv(lines))
    for name, content in ((CROSSTAB, as_crosstab(lines)), (PICTURE, picture(summary))):
        if content is None:
            (out / name).unlink(missing_ok=True)
        else:
            write_atomically(out / name, content)


def as_crosstab(lines: Sequence[Line]) -> str | None:
    """A Markdown table of the grid's two settings; None where it has fewer or more."""
    settings = compared(lines)
    return "\n".join(crosstab(lines, *settings)) + "\n" if len(settings) == 2 else None
