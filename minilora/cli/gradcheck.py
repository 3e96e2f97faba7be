"""``minilora gradcheck``: are the gradients right? Calls ``lab.gradcheck.gradcheck``."""

import click
from rich.console import Console

from ..errors import RunFailed
from ..lab.gradcheck import METHODS, gradcheck, render
from ..methods.named import method_from_text
from .opening import device_option
from .output import json_option, print_json


@click.command("gradcheck")
@click.option("--model", help="A shipped model's name, or a model folder.  [default: a small random one]")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="METHOD",
    help="Check these methods on the whole model, as name or name:field=value,…; may be repeated.  [default: all kinds]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the random inputs and directions.",
)
@device_option
@json_option
def command(model: str | None, methods: tuple[str, ...], seed: int, device: str, as_json: bool) -> None:
    """Check every gradient in float64: each op and the whole model under every method against central differences, fused ops against their twins, and the identities that
    tie LoRA, adapters, prefixes and later methods to full fine-tuning.

    The last rows are statements known to be wrong, which the check must find out. Exit status 1 when a row does not pass. With --device cuda ops and whole models compute on the
    card, and are held against differences and twins of NumPy's; the identities stay on the CPU.

    \b
    Examples:
      minilora gradcheck
      minilora gradcheck --model tiny-gpt --json
      minilora gradcheck --method lora:rank=4,targets=all-linear --method prefix-layer:prefix=2
    """
    chosen = tuple(method_from_text(text) for text in methods) or METHODS
    report = gradcheck(model, methods=chosen, seed=seed, device=device)
    if as_json:
        print_json(report.as_dict())
    else:
        Console().print(render(report))
    if not report.passed:
        wrong = [f"{row.group}: {row.name}" for row in report.rows if not row.passed]
        raise RunFailed(f"{len(wrong)} of {len(report.rows)} checks did not pass, first {wrong[0]!r}")
