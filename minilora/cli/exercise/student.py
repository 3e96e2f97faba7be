"""``minilora exercise start``, ``hint``, ``solution`` and ``reset``: what a student is given, from the blank to the solution."""

from pathlib import Path

import click

from ...classroom import Workspace, all_exercises, find, start
from .folder import within


@click.command("start")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="NAME", help="Only this exercise; may be given again.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["both", "script", "notebook"]),
    default="both",
    show_default=True,
    help="Scripts, notebooks, or one of each.",
)
def start_command(folder: Path, only: tuple[str, ...], kind: str) -> None:
    """Put the exercises into a folder, with gaps to fill.

    Scripts and notebooks: work in whichever you like. Files that are there already stay as they are.

    \b
    Examples:
      minilora exercise start my-exercises
      minilora exercise start my-exercises --only softmax --format notebook
    """
    endings = {"both": (".py", ".ipynb"), "script": (".py",), "notebook": (".ipynb",)}[kind]
    chosen = [find(name) for name in only] if only else list(all_exercises())
    written = start(folder, chosen, endings)
    stayed = len(chosen) * len(endings) - len(written)
    click.echo(
        f"{len(written)} files written to {folder}"
        + (f", {stayed} that were there left as they are." if stayed else ".")
    )
    first = chosen[0]
    click.echo(
        f"Begin with {folder / first.file_name}{endings[0]}, then: minilora exercise check {first.name} --in {folder}"
    )


@click.command("hint")
@click.argument("name")
@within
def hint_command(name: str, folder: Path) -> None:
    """Show the next hint; each says more than the one before.

    \b
    Examples:
      minilora exercise hint softmax
    """
    exercise = find(name)
    number, text = Workspace(folder).hint(exercise)
    click.echo(f"Hint {number} of {len(exercise.hints)} for {exercise.name}:\n\n{text}")


@click.command("solution")
@click.argument("name")
@click.option("--give-up", is_flag=True, help="Show it though the exercise has not passed yet.")
@within
def solution_command(name: str, give_up: bool, folder: Path) -> None:
    """Show the solution of an exercise that has passed.

    \b
    Examples:
      minilora exercise solution softmax
      minilora exercise solution softmax --give-up
    """
    click.echo(Workspace(folder).solution(find(name), give_up))


@click.command("reset")
@click.argument("name")
@within
def reset_command(name: str, folder: Path) -> None:
    """Hand an exercise out anew. What you wrote is kept under another name.

    \b
    Examples:
      minilora exercise reset softmax
    """
    exercise = find(name)
    kept = Workspace(folder).reset(exercise)
    click.echo(f"{exercise.name} is as it was handed out.")
    for path in kept:
        click.echo(f"What you had written is in {path}.")
