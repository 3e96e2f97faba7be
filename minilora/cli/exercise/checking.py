"""``minilora exercise check`` and ``watch``: run what a student wrote, and say what is right and what the mistake is.

Comes after ``student.py``, which hands out what is checked here.
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

import click

from ...classroom import Exercise, Marked, Progress, Workspace, as_dict, find, in_words, mark
from ...classroom.watch import saves
from ...errors import InputError, RunFailed
from ..output import json_option, note, print_json
from .folder import within


@click.command("check")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every exercise in the folder.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the inputs.  [default: another each time]")
@within
@json_option
def check_command(
    names: tuple[str, ...], everything: bool, seed: int | None, folder: Path, as_json: bool
) -> None:
    """Check what you wrote, on fresh random inputs.

    Exit status 1 while a check fails. Without names: the exercises whose files you have changed. Of script and notebook, the one you saved last counts.

    \b
    Examples:
      minilora exercise check softmax
      minilora exercise check --all --json
    """
    workspace = Workspace(folder)
    chosen = [find(name) for name in names] if names else workspace.started()
    if not (names or everything):
        chosen = [e for e in chosen if any(workspace.touched(e, path) for path in workspace.files(e))]
        if not chosen:
            raise InputError("no exercise has been changed yet; name one, or give --all")
    marked = check(workspace, chosen, secrets.randbits(32) if seed is None else seed)
    failing = [m.exercise.name for m in marked if not m.passed]
    if as_json:
        print_json({"passed": not failing, "exercises": [as_dict(m) for m in marked]})
    else:
        click.echo("\n".join(in_words(m) for m in marked))
        if len(marked) == 1 and marked[0].passed:
            click.echo(praise(workspace, marked[0].exercise))
    if failing:
        raise RunFailed(f"{len(failing)} of {len(marked)} exercises do not pass yet")


@click.command("watch")
@within
@click.option("--times", type=click.IntRange(min=1), help="End after so many checks.  [default: at Ctrl-C]")
def watch_command(folder: Path, times: int | None) -> None:
    """Check an exercise whenever you save its file, until Ctrl-C.

    \b
    Examples:
      minilora exercise watch --in my-exercises
    """
    workspace = Workspace(folder)
    note(f"Watching {workspace.folder}: save a file, and it is checked. Ctrl-C ends.")
    for count, exercise in enumerate(saves(workspace), start=1):
        try:
            for marked in check(workspace, [exercise], secrets.randbits(32)):
                click.echo(in_words(marked))
        except (InputError, FileNotFoundError) as error:  # an editor replaces a file while it saves
            note(f"{exercise.name} was not checked: {error}")
        if count == times:
            return


def check(workspace: Workspace, exercises: Sequence[Exercise], seed: int) -> list[Marked]:
    """Mark exercises, several at a time, and remember how they went."""
    files = {exercise: workspace.parts(exercise) for exercise in exercises}
    for exercise, (path, _) in files.items():
        if len(exercises) == 1 and len(workspace.files(exercise)) > 1:
            note(f"Checking {path.name} …")
    with ThreadPoolExecutor(cpu_count()) as pool:
        marked = list(pool.map(lambda exercise: mark(exercise, files[exercise][1], seed), exercises))
    for m in marked:
        if not m.unwritten:
            workspace.record(m.exercise, m.points, m.passed)
    return marked


def praise(workspace: Workspace, exercise: Exercise) -> str:
    """What to do after a pass."""
    progress = workspace.progress()
    after = [e for e in workspace.started() if e.order > exercise.order]
    left = [e for e in after if not progress.get(e.name, Progress()).passed]
    text = f"Compare with ours: minilora exercise solution {exercise.name}."
    return text + (f" Next: {left[0].name}, about {left[0].minutes} minutes." if left else "")
