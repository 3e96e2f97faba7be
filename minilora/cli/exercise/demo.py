"""``minilora exercise demo``: solved exercises take the library's place, and LoRA is trained with them, beside the same run by the library alone.

Comes after ``parts.py``, which says what stands in for what.
"""

from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np

from ...autograd import gradients
from ...backend import Array
from ...classroom import Workspace, find, mark
from ...classroom.worker import load as load_code
from ...data import ExampleLoader
from ...data.tasks import NL2SQL
from ...errors import InputError
from ...methods import LoRA, adapt
from ...models.checkpoint import load
from ...models.generate import decoder
from ...train.measure import tokenizer_of
from ...train.optimizers import AdamW
from ...train.progress import progress_bar
from ...train.schedules import Schedule
from ..output import json_option, note, print_json
from .folder import within
from .parts import PARTS, Defined, swapped

RANK, ROWS, RATE, WARMUP = 8, 8, 8e-3, 5
"""Of the run: LoRA's rank (α is twice that), rows a batch, the largest learning rate, and steps of warm-up."""

ROUNDING = 1e-3
"""What the losses of the two runs may differ by, relatively, and still be the same to rounding."""

BESIDE = {
    "lora_init": "the start of A and B",
    "adamw": "the optimizer",
    "schedule": "the schedule of the learning rate",
}
"""What the training below calls by itself, where it is solved."""


@click.command("demo")
@within
@click.option("--steps", type=click.IntRange(min=WARMUP + 1), default=40, show_default=True)
@click.option(
    "--model", default="tiny-gpt", show_default=True, help="A shipped model's name, or a model folder."
)
@json_option
def demo_command(folder: Path, steps: int, model: str, as_json: bool) -> None:
    """Train LoRA with your own code in the library's place.

    Exercises that pass are used. The same run by the library alone stands beside it. What is not solved yet stays the library's.

    \b
    Examples:
      minilora exercise demo --in my-exercises
    """
    workspace = Workspace(folder)
    tokenizer_of(decoder(load(model)))  # what is wrong with the model is said before anything is checked
    solved = solved_in(workspace)
    with swapped(solved) as parts:
        yours = parts + [f"{what} ({name})" for name, what in BESIDE.items() if name in solved]
        note("\n  ".join(["Your code stands in for:", *yours]))
        if others := the_librarys(solved):
            note("\n  ".join(["Still the library's:", *others]))
        own = losses(model, steps, solved, "With your code")
    library = losses(
        model, steps, {name: solved[name] for name in ("lora_init",) if name in solved}, "The library's own"
    )
    difference = float(np.max(np.abs(np.subtract(own, library)) / np.abs(library)))
    if as_json:
        print_json({"parts": yours, "losses": own, "library": library, "difference": difference})
        return
    click.echo(
        f"\nLoRA of rank {RANK} on {model}, learning to write SQL. The mean loss of every ten steps of {ROWS} examples:\n"
    )
    click.echo("     steps   with your code   the library's")
    for first in range(0, steps, 10):
        here = slice(first, min(first + 10, steps))
        click.echo(
            f"  {f'{here.start + 1} – {here.stop}':>8}   {np.mean(own[here]):14.4f}   {np.mean(library[here]):13.4f}"
        )
    click.echo(f"\nThe largest difference of a single loss is {difference:.1e} of it. {verdict(difference)}")


def verdict(difference: float) -> str:
    """What a relative difference of the losses says."""
    if difference < ROUNDING:
        return "It is the same mathematics; float32 numbers that are added in another order are rounded otherwise."
    return (
        "Rounding makes less than that as a rule: look for what the checks of your exercises may have missed."
    )


def solved_in(workspace: Workspace) -> dict[str, Defined]:
    """What the exercises that the demo can use define, where they pass now. Raises InputError where none does."""
    usable = [*dict.fromkeys(name for part in PARTS for name in part.exercises), *BESIDE]
    begun = [
        exercise
        for exercise in map(find, usable)
        if any(workspace.touched(exercise, path) for path in workspace.files(exercise))
    ]
    solved: dict[str, Defined] = {}
    with progress_bar("Checking what you wrote", len(begun)) as bar:
        for exercise in begun:
            _, parts = workspace.parts(exercise)
            if mark(exercise, parts, seed=1).passed:  # in a process with limits, before it runs in this one
                solved[exercise.name] = load_code(exercise.given, parts)[0]
            bar.advance(exercise.name)
    alone = [name for part in PARTS for name in part.exercises if set(part.exercises) <= set(solved)]
    if not alone and not set(BESIDE) & set(solved):
        raise InputError(
            f"none of the exercises that the demo can use passes yet; solve one of: {', '.join(usable)}"
        )
    return solved


def the_librarys(solved: Mapping[str, Defined]) -> list[str]:
    """What no solved exercise stands in for, each with the exercises that would."""
    missing = {part.what: [name for name in part.exercises if name not in solved] for part in PARTS}
    missing |= {what: [name] for name, what in BESIDE.items() if name not in solved}
    return [f"{what} (to solve: {', '.join(names)})" for what, names in missing.items() if names]


def losses(model: str, steps: int, solved: Mapping[str, Defined], title: str) -> list[float]:
    """Train LoRA on query and value and return the loss of each step; optimizer, schedule and start are the student's where solved. title: of the bar that shows how far it is.

    Raises InputError for a model that does not write, or has no tokenizer.
    """
    base = decoder(load(model))
    train = NL2SQL(seed=0).train
    loader = ExampleLoader(train, tokenizer_of(base), rows=ROWS, context=base.config.context, seed=0)
    tuned = adapt(base, LoRA(RANK, 2 * RANK), rng=np.random.default_rng(0))
    if "lora_init" in solved:
        rng = np.random.default_rng(0)
        for name, A in tuned.parameters.items():
            if name.endswith(".A"):
                B = tuned.parameters[f"{name.removesuffix('.A')}.B"]
                A.data, B.data = solved["lora_init"]["start"](len(B.data), A.shape[1], RANK, rng)
    parameters = list(tuned.parameters.values())
    library = AdamW(RATE, weight_decay=0.01).start(parameters)
    moments: list[tuple[Array, Array]] = [(np.zeros_like(p.data), np.zeros_like(p.data)) for p in parameters]
    found = []
    with progress_bar(title, steps) as bar:
        for step in range(steps):
            loss = tuned.loss(loader.batch(step))
            gradient = gradients(loss, parameters)
            if "schedule" in solved:
                rate = RATE * solved["schedule"]["factor"](step, steps, WARMUP)
            else:
                rate = RATE * Schedule("linear", WARMUP).factor(step, steps)
            if "adamw" in solved:
                for place, (p, g) in enumerate(zip(parameters, gradient, strict=True)):
                    p.data, *new = solved["adamw"]["adamw"](
                        p.data, g, *moments[place], step + 1, lr=rate, decay=0.01
                    )
                    moments[place] = (new[0], new[1])
            else:
                library.step(gradient, rate)
            found.append(loss.item())
            bar.advance(f"loss {found[-1]:.2f}")
    return found
