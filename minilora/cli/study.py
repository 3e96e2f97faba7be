"""``minilora study``: the fair comparison of methods on NL2SQL. Calls ``lab.study.run_study``, and shows what it found."""

from pathlib import Path

import click

from ..files import make_folder, write_atomically
from ..lab.study import nl2sql_study, run_study
from ..lab.study_page import page, ratios, table
from .output import json_option, note, print_json

PAGE = "study.html"


@click.command("study")
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    help="Where every run has its folder; runs that are there are not made again.",
)
@click.option(
    "--model", default="tiny-gpt", show_default=True, help="A shipped model's name, or a model folder."
)
@click.option("--steps", type=click.IntRange(1), default=1200, show_default=True, help="Of each run.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How many runs are measured on the test questions.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Shards of a batch, side by side."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs made side by side, each in a process of its own; with one worker each, as many as there are cores is the fastest.",
)
@json_option
def command(out: str, model: str, steps: int, seeds: int, workers: int, jobs: int, as_json: bool) -> None:
    """Compare full fine-tuning, LoRA and adapters on questions about tables never seen, fairly.

    Each method is tried with equally many learning rates on validation questions; with the best it is trained from several seeds and scored on the test questions.
    Takes about an hour on two cores; stopped, it goes on with the same command. It leaves study.json, and study.html to look at.

    \b
    Example:
      minilora study --out runs/study --jobs 2
    """
    study = nl2sql_study(model, steps=steps, seeds=seeds, workers=workers)
    folder = make_folder(Path(out))
    summary = run_study(study, folder, jobs=jobs, tell=note)
    write_atomically(folder / PAGE, page(summary))
    if as_json:
        print_json(summary)
        return
    for line in (*table(summary), "", *ratios(summary)):
        click.echo(line)
    note(f"The same as a page, with the rates that were tried: {folder / PAGE}")
