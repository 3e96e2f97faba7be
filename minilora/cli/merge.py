"""``minilora merge``: put an adapter into the weights of its model. Calls ``methods.Tuned.fuse`` and ``models.checkpoint.save``."""

from pathlib import Path

import click

from ..errors import InputError
from ..models.checkpoint import save
from ..tensors import FLOATS
from .opening import model_option, open_model
from .output import json_option, print_json, size


@click.command("merge")
@model_option
@click.option(
    "--adapter", metavar="DIR", required=True, help="A folder that finetune wrote, or one of PEFT's."
)
@click.option("--out", metavar="DIR", required=True, help="The folder of the merged model.")
@click.option("--dtype", default="float32", show_default=True, help=f"{' or '.join(FLOATS)}: of the file.")
@click.option("--force", is_flag=True, help="Overwrite the model in --out.")
@json_option
def command(model: str | None, adapter: str, out: str, dtype: str, force: bool, as_json: bool) -> None:
    """Write a plain model whose own weights hold the adapter: W + (α/r)·BA, in the layout of Hugging Face.

    A merged model costs nothing more than its base at inference. A bottleneck adapter has a nonlinearity and cannot be merged.

    \b
    Example:
      minilora merge --adapter runs/sql --out merged && minilora generate --model merged "table: ..."
    """
    opened = open_model(model, adapter)
    assert opened.tuned is not None
    if Path(out).resolve() in {Path(opened.name).resolve(), Path(adapter).resolve()}:
        raise InputError(f"--out {out!r} is the folder that is read; give another one")
    name = str(opened.tuned.active)
    save(opened.tuned.fuse(), out, dtype=dtype, force=force)
    written = sum(file.stat().st_size for file in Path(out).iterdir() if file.suffix == ".safetensors")
    if as_json:
        print_json({"model": opened.name, "adapter": adapter, "out": out, "dtype": dtype, "bytes": written})
    else:
        click.echo(f"wrote {opened.name} with {name!r} merged into it to {out} ({size(written)})")
