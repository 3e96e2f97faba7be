"""``minilora plan``: what training would take, reckoned without allocating it. Calls ``lab.plan.plan``, and ``lab.claims.claims`` beside it."""

from collections.abc import Mapping
from dataclasses import asdict

import click

from ..lab.claims import claims
from ..lab.devices import LAYOUTS, Share, shares
from ..lab.plan import GRADIENTS, PRECISIONS, Assumptions, Plan, plan
from ..methods.named import make_method, read_text
from .output import json_option, print_json, print_table, size


@click.command("plan")
@click.argument("model")
@click.option("--method", default="lora", show_default=True, help="A name, or name:field=value,…")
@click.option("--rank", type=int, help="LoRA: r.")
@click.option(
    "--targets", metavar="NAMES", help="LoRA: names of layers, separated by commas; all-linear for all."
)
@click.option("--width", type=int, help="Adapters: the width of the bottleneck.")
@click.option(
    "--precision", type=click.Choice([*PRECISIONS]), default="half", show_default=True, help="Bytes a number."
)
@click.option(
    "--gradients",
    type=click.Choice([*GRADIENTS]),
    default="all",
    show_default=True,
    help="When gradients are held.",
)
@click.option("--rows", type=int, default=1, show_default=True, help="Texts a batch.")
@click.option("--tokens", type=int, help="Tokens a text.  [default: the model's context]")
@click.option(
    "--recompute/--keep", default=True, show_default=True, help="Compute activations again, or keep them."
)
@click.option(
    "--devices", type=int, help="Reckon the share of each of so many devices that train together, too."
)
@json_option
def command(
    model: str,
    method: str,
    rank: int | None,
    targets: str | None,
    width: int | None,
    precision: str,
    gradients: str,
    rows: int,
    tokens: int | None,
    recompute: bool,
    devices: int | None,
    as_json: bool,
) -> None:
    """Reckon what training takes on a model of a published size: parameters, checkpoint, optimizer and memory, beside full fine-tuning. Nothing is allocated.

    \b
    Examples:
      minilora plan gpt3-175b --method lora --rank 4 --targets query,value
      minilora plan gpt3-175b --method lora --rank 4 --targets query,value --devices 16
      minilora plan gpt2-medium --method houlsby --width 64 --precision mixed --json
    """
    given = {"rank": rank, "targets": targets, "width": width}
    name, fields = read_text(method)
    fields |= {field: str(value) for field, value in given.items() if value is not None}
    found = plan(model, make_method(name, fields), Assumptions(precision, gradients, rows, tokens, recompute))
    spread = {} if devices is None else shares(found, devices)
    if as_json:
        over = {
            layout: {name: share.as_dict() for name, share in both.items()} for layout, both in spread.items()
        }
        paper = [asdict(claim) for claim in claims(found)]
        print_json({**found.as_dict(), "paper": paper, "devices": devices, "of_each_device": over or None})
        return
    show(found)
    if devices is not None:
        show_devices(found, devices, spread)


def show(found: Plan) -> None:
    """The table, the assumptions, and, for the paper's own setting, its claims."""
    adapted, full, ratios = found.adapted, found.full, found.ratios()
    click.echo(f"{found.model}, {found.parameters:,} parameters · {found.method}")
    rows = [
        ("trainable parameters", f"{adapted.trainable:,}", f"{full.trainable:,}", f"{ratios['trainable']:,.0f}"),
        ("checkpoint", size(adapted.checkpoint), size(full.checkpoint), f"{ratios['checkpoint']:,.0f}"),
        ("training memory", size(adapted.memory), size(full.memory), f"{ratios['memory']:.1f}"),
        *(
            (f"  {part}", size(getattr(adapted, part)), size(getattr(full, part)), "")
            for part in ("weights", "gradients", "optimizer", "activations")
        ),
    ]  # fmt: skip
    print_table(("", found.method.method, "full fine-tuning", "times"), rows)
    click.echo("Assumed: " + "; ".join(found.assumptions.sentences(found.tokens)) + ".")
    said = claims(found)
    if said:
        print_table(("the paper says", "", "here"), [(c.about, c.printed, c.computed) for c in said])
        click.echo("\n".join(f"{c.about}: {c.remark}." for c in said))


def show_devices(found: Plan, devices: int, spread: Mapping[str, Mapping[str, Share]]) -> None:
    """What each device holds and sends, for both layouts."""
    columns = [(layout, name) for layout in spread for name in ("adapted", "full")]
    titles = [f"{found.method.method if name == 'adapted' else 'full'}, {layout}" for layout, name in columns]
    parts = [
        ("memory", "memory"),
        *((f"  {part}", part) for part in ("weights", "gradients", "optimizer", "activations")),
    ]
    rows = [
        (title, *(size(getattr(spread[layout][name], part)) for layout, name in columns))
        for title, part in [*parts, ("sent in a step", "sent")]
    ]  # fmt: skip
    print_table((f"each of {devices} devices", *titles), rows)
    click.echo("\n".join(f"{layout}: {words}." for layout, words in LAYOUTS.items()))
    click.echo("Each device has a batch of its own. Reckoned, not measured: bytes, and no speed.")
