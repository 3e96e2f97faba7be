"""``minilora export``: an adapter in another format. Calls ``methods.Tuned.save`` and, for checkpoints of the paper's own code, ``methods.load_loralib``."""

from pathlib import Path

import click
import numpy as np

from ..errors import InputError
from ..methods import load_loralib
from ..methods.stored import FORMATS
from ..models.checkpoint import load
from ..models.torch_file import load_torch
from .opening import Opened, base_of, model_option, open_model
from .output import json_option, print_json

SUFFIXES = (".bin", ".pt")
"""How files of torch are called."""


@click.command("export")
@click.argument("adapter")
@model_option
@click.option("--out", metavar="DIR", required=True, help="The folder of the new adapter.")
@click.option(
    "--format", default="peft", show_default=True, help=f"{' or '.join(FORMATS)}: of the new adapter."
)
@click.option(
    "--alpha",
    type=float,
    help="For a file of the paper's own code: the α it was trained with, which the file lacks.",
)
@click.option("--force", is_flag=True, help="Overwrite the adapter in --out.")
@json_option
def command(
    adapter: str, model: str | None, out: str, format: str, alpha: float | None, force: bool, as_json: bool
) -> None:
    """Write ADAPTER, of minilora or PEFT or the paper's authors, in the format of minilora or PEFT.

    ADAPTER is a folder that finetune or PEFT wrote, or a torch file (.bin, .pt) of loralib, for which --model and --alpha must be given.

    \b
    Examples:
      minilora export runs/sql --out sql-peft
      minilora export sql-peft --model tiny-gpt --format minilora --out sql
      minilora export roberta_base_lora_mnli.bin --model ./roberta-base --alpha 16 --out mnli-peft
    """
    if Path(out).resolve() == Path(adapter).resolve():
        raise InputError(f"--out {out!r} is the folder that is read; give another one")
    opened = (
        open_loralib(model, adapter, alpha)
        if Path(adapter).suffix in SUFFIXES
        else open_folder(model, adapter, alpha)
    )
    assert opened.tuned is not None
    opened.tuned.save(out, format=format, base_name=opened.name if format == "peft" else None, force=force)
    written = sorted(file.name for file in Path(out).iterdir() if file.name.startswith("adapter"))
    if as_json:
        print_json(
            {
                "adapter": adapter,
                "model": opened.name,
                "format": format,
                "out": out,
                "files": written,
                "numbers": opened.tuned.trainable,
            }
        )
    else:
        click.echo(
            f"wrote the adapter {adapter} ({opened.tuned.trainable:,} numbers) in the format of {format} to {out}: {', '.join(written)}"
        )


def open_folder(model: str | None, adapter: str, alpha: float | None) -> Opened:
    """The adapter in a folder, in its model."""
    if alpha is not None:
        raise InputError(
            f"--alpha is for files of the paper's own code, and {adapter!r} is a folder that knows its own; leave it out"
        )
    return open_model(model, adapter)


def open_loralib(model: str | None, path: str, alpha: float | None) -> Opened:
    """The adapter in a file of the paper's own code, in its model, which gets a head with the file's number of classes."""
    if alpha is None:
        raise InputError(
            f"{path!r} does not say which α it was trained with; give --alpha (the scale is α/r)"
        )
    name = model or base_of(None)
    loaded = load(name)
    outputs = load_torch(path).get("classifier.out_proj.weight")
    if outputs is not None and not loaded.head.task:
        loaded.set_classifier(len(outputs), np.random.default_rng(0))  # the file brings its weights
    return Opened(loaded, name, load_loralib(loaded, path, alpha=alpha))
