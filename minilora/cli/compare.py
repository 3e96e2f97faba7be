"""``minilora compare``: several methods on the same weights and batches, followed over training. Calls ``lab.compare.compare``."""

import shlex
from pathlib import Path
from typing import Any

import click

from ..lab.compare import Comparison, compare
from ..train.runs import free_folder
from .errors import resumable
from .options import config_of, make_settings, run_options, settings_options
from .output import print_json, tell_too_long

TEXTS = {
    "model": "A shipped model's name, or a model folder.",
    "task": "A task's name, as for finetune.",
    "data": "The file or folder that the task reads.",
    "data_seed": "Tasks that are made: the seed they are made from.",
    "methods": "Separated by commas, each as name or name:field=value,…; lr= sets a learning rate.  [default: full, two LoRAs, houlsby, bitfit]",
    "steps": "Optimizer steps of each method.",
    "rows": "Examples a batch.",
    "length": "text: tokens a row.  [default: 256, or what fits]",
    "too_long": "Examples longer than what every method leaves of the context: error, cut or skip, as for finetune.",
    "warmup": "Steps over which the learning rate rises, a third of all at most.  [default: 20, or that third]",
    "points": "How many times everything is measured.",
    "held_out": "Validation examples for the loss.",
    "limit": "Validation examples that are answered at the end; 0 asks nothing.",
    "seed": "Of the adapters' starts and the order of examples.",
}


@click.command("compare")
@settings_options(Comparison, TEXTS)
@run_options("comparison", out="runs/compare, or the next free name")
def command(
    config: str | None, out: str | None, resume: bool, force: bool, as_json: bool, **given: Any
) -> None:
    """Train several methods from the same weights on the same batches, and follow what each does to them: the update beside full fine-tuning's, the gradient's share in LoRA's span, ranks, distances, losses.

    Writes report.html, which opens in a browser, and report.json.

    \b
    Examples:
      minilora compare --methods lora:rank=4,targets=all-linear,houlsby:width=16,bitfit --steps 250
      minilora compare --task e2e --data e2e-dataset.zip --limit 0 --out runs/e2e-compare
      minilora compare --out runs/compare --resume
    """
    config = config_of(config, out, resume, given)
    settings = make_settings(Comparison, given, config, "compare")
    folder = free_folder(Path("runs") / "compare") if out is None else Path(out)
    with resumable(f"minilora compare --out {shlex.quote(str(folder))} --resume", folder):
        report = compare(settings, folder, resume=resume, force=force)
    if as_json:
        print_json(report)
    else:
        show(report)
        tell_too_long(report["too_long"])
        click.echo(f"written to {folder}: open {folder / 'report.html'}")


def show(report: dict[str, Any]) -> None:
    """One row a method, at the end of training."""
    from rich.console import Console
    from rich.table import Table

    primary = report["task"]["primary"]
    table = Table(
        caption="at the end; cos: with full fine-tuning's update and answers; span: the full gradient's share that A and B can follow"
    )
    table.add_column("method", overflow="fold")
    for title in (
        "trainable",
        "loss",
        *([primary] if report["settings"]["limit"] else []),
        "cos ΔW",
        "cos answers",
        "span",
        "rank ΔW",
    ):
        table.add_column(title, justify="right", no_wrap=len(title) < 12)
    for method in report["methods"]:
        last = method["points"][-1]
        update, gradient, score = last["weights"] or {}, last["gradient"], method["score"] or {}
        figures = [
            last["loss"],
            *([score[primary]] if report["settings"]["limit"] else []),
            update.get("cosine"),
            last["answers"]["cosine"],
            gradient["share_in_span"],
            update.get("effective_rank"),
        ]
        table.add_row(
            method["title"].replace(":", ": ").replace(",", ", "),
            f"{method['trainable']:,}",
            *("–" if f is None else f"{f:.3g}" for f in figures),
        )
    Console().print(table)
