"""``minilora quickstart``: the tour. Calls ``lab.quickstart.quickstart``, and shows its report with ``lab.screen.show``."""

from pathlib import Path

import click

from ..lab.quickstart import quickstart
from ..lab.screen import show
from ..train.runs import free_folder
from .output import json_option, print_json


@click.command("quickstart")
@click.option("--quick", is_flag=True, help="A shorter tour, under a minute.")
@click.option(
    "--out",
    metavar="DIR",
    help="Where the report is written.  [default: runs/quickstart, or the next free name]",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Of the questions, the adapters and the order of examples.",
)
@click.option(
    "--model", default="tiny-gpt", show_default=True, help="A shipped model's name, or a model folder."
)
@click.option("--force", is_flag=True, help="Write over an earlier tour in --out.")
@json_option
def command(quick: bool, out: str | None, seed: int, model: str, force: bool, as_json: bool) -> None:
    """Adapt a small model to questions about tables by LoRA, full fine-tuning and adapters; compare them, and check LoRA's promises.

    Takes at most five minutes on two cores. Writes report.html, which opens in a browser, report.json, and the adapters.

    \b
    Examples:
      minilora quickstart
      minilora quickstart --quick --out runs/tour --seed 1
    """
    folder = free_folder(Path("runs") / "quickstart") if out is None else Path(out)
    report = quickstart(folder, seed=seed, quick=quick, model=model, force=force)
    if as_json:
        print_json(report)
        return
    show(report)
    click.echo(f"written to {folder}: open {folder / 'report.html'}")
