"""``minilora pretrain``: train a small model from scratch. Calls ``train.pretrain.pretrain``."""

import shlex
from pathlib import Path
from typing import Any

import click

from ..train.pretrain import Pretraining, pretrain
from .errors import resumable
from .options import DEVICE, config_of, make_settings, settings_options
from .output import json_option, number, print_json, print_table

TEXTS = {
    "size": "The model's shape, by name.",
    "start": "induction: weights that hold a copying circuit already (decoders); neighbours: heads that look at the tokens beside (RoBERTa); random.  [default: the first that fits]",
    "rows": "Rows a batch, in the first stage.",
    "length": "Tokens a row, in the first stage.",
    "steps": "Steps of the first stage, with short rows.",
    "final_steps": "Steps of the second, with rows as long as the context.",
    "learning_rate": "The highest learning rate.",
    "warmup": "Steps over which it rises.",
    "weight_decay": "Decoupled weight decay, on matrices only.",
    "seed": "Of the weights, the mixture, and the tokenizer's text.",
    "workers": "Processes; each takes a share of the batch.",
    "device": DEVICE,
}
SPELLINGS = {"lr": "learning_rate"}


@click.command("pretrain")
@click.argument("corpus")
@click.option(
    "--out", metavar="DIR", required=True, help="Where everything is written; the model to DIR/model."
)
@settings_options(Pretraining, TEXTS, SPELLINGS)
@click.option("--config", metavar="FILE", help="Take settings from a TOML file; options given here win.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, under its own settings.")
@click.option("--force", is_flag=True, help="Overwrite the run in --out.")
@json_option
def command(
    corpus: str, out: str, config: str | None, resume: bool, force: bool, as_json: bool, **given: Any
) -> None:
    """Train a tokenizer and a small model on CORPUS, a text file or a folder of them, mixed with generated text.

    \b
    Examples:
      minilora pretrain books.txt --out runs/base
      minilora pretrain books.txt --out runs/base --resume     goes on after Ctrl-C
    """
    config = config_of(config, out, resume, given)
    settings = make_settings(Pretraining, given, config, "pretrain", SPELLINGS)
    with resumable(f"minilora pretrain {shlex.quote(corpus)} --out {shlex.quote(out)} --resume", Path(out)):
        record = pretrain(corpus, out, settings, resume=resume, overwrite=force)
    measured = record["measured"]
    assert isinstance(measured, dict)
    if as_json:
        print_json({"folder": str(Path(out) / "model"), **record})
        return
    stages = list(measured)
    print_table(
        ("", *stages),
        [(name, *(number(measured[stage][name]) for stage in stages)) for name in measured[stages[0]]],
    )
    click.echo(f"written to {Path(out) / 'model'}")
