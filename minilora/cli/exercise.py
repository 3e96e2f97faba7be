"""``minilora exercise``: the exercises of the tutorials, for students and for those who mark them. Each command calls one function of ``classroom``.

``exercise_demo.py``, beside this file, trains with what a student wrote; ``exercise_class.py`` has the commands for teachers.
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

import click

from ..classroom import (
    Exercise,
    Marked,
    Progress,
    Workspace,
    all_exercises,
    as_dict,
    find,
    in_words,
    mark,
    start,
)
from ..classroom.watch import saves
from ..errors import InputError, RunFailed
from .exercise_class import export_command, grade_command
from .exercise_demo import demo_command
from .output import json_option, note, print_json, print_table

within = click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="The folder that start filled, or one within it.",
)


@click.group("exercise")
def command() -> None:
    """Exercises: build the parts of this program yourself, and have them checked.

    \b
    Examples:
      minilora exercise start my-exercises
      minilora exercise check softmax --in my-exercises
      minilora exercise hint softmax --in my-exercises
    """


@command.command("list")
@within
@json_option
def list_command(folder: Path, as_json: bool) -> None:
    """List the exercises, from the easy to the hard, with what was done in this folder.

    \b
    Examples:
      minilora exercise list
      minilora exercise list --json
    """
    try:
        progress = Workspace(folder).progress()
    except InputError:
        if folder != Path("."):
            raise
        progress = {}  # listing needs no folder
    states = {e.name: progress.get(e.name, Progress()) for e in all_exercises()}
    if as_json:
        print_json({"exercises": [entry(e, states[e.name]) for e in all_exercises()]})
        return
    rows = [
        [
            e.name,
            f"{e.tutorial:02d}",
            e.topic,
            "★" * e.difficulty,
            str(e.minutes),
            in_brief(e, states[e.name]),
        ]
        for e in all_exercises()
    ]
    print_table(["exercise", "tutorial", "topic", "difficulty", "minutes", "done"], rows)


@command.command("start")
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
    """Put the exercises into a folder: scripts and notebooks, with gaps to fill. Files that are there already stay as they are.

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


@command.command("check")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every exercise in the folder.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the inputs.  [default: another each time]")
@within
@json_option
def check_command(
    names: tuple[str, ...], everything: bool, seed: int | None, folder: Path, as_json: bool
) -> None:
    """Check what you wrote, on fresh random inputs; exit status 1 while a check fails.

    Without names: the exercises whose files you have changed. Of script and notebook, the one you saved last counts.

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


@command.command("hint")
@click.argument("name")
@within
def hint_command(name: str, folder: Path) -> None:
    """Show the next hint of an exercise; each says more than the one before.

    \b
    Examples:
      minilora exercise hint softmax
    """
    exercise = find(name)
    number, text = Workspace(folder).hint(exercise)
    click.echo(f"Hint {number} of {len(exercise.hints)} for {exercise.name}:\n\n{text}")


@command.command("solution")
@click.argument("name")
@click.option("--give-up", is_flag=True, help="Show it though the exercise has not passed.")
@within
def solution_command(name: str, give_up: bool, folder: Path) -> None:
    """Show the solution of an exercise that has passed, or of any with --give-up.

    \b
    Examples:
      minilora exercise solution softmax
      minilora exercise solution softmax --give-up
    """
    click.echo(Workspace(folder).solution(find(name), give_up))


@command.command("reset")
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


@command.command("watch")
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
        for marked in check(workspace, [exercise], secrets.randbits(32)):
            click.echo(in_words(marked))
        if count == times:
            return


def entry(exercise: Exercise, progress: Progress) -> dict[str, object]:
    """One exercise of ``list --json``."""
    facts = ("name", "title", "topic", "tutorial", "difficulty", "minutes", "points")
    return {
        **{fact: getattr(exercise, fact) for fact in facts},
        "hints": len(exercise.hints),
        "hints_shown": progress.hints,
        "attempts": progress.attempts,
        "best": progress.points,
        "passed": progress.passed,
        "given_up": progress.given_up,
    }


def in_brief(exercise: Exercise, progress: Progress) -> str:
    """What was done, in a word or two."""
    if progress.passed:
        return "✓"
    if progress.given_up:
        return "solution seen"
    return f"{progress.points} of {exercise.points}" if progress.attempts else ""


def praise(workspace: Workspace, exercise: Exercise) -> str:
    """What to do after a pass."""
    progress = workspace.progress()
    after = [e for e in workspace.started() if e.order > exercise.order]
    left = [e for e in after if not progress.get(e.name, Progress()).passed]
    text = f"Compare with ours: minilora exercise solution {exercise.name}."
    return text + (f" Next: {left[0].name}, about {left[0].minutes} minutes." if left else "")


command.add_command(export_command)
command.add_command(grade_command)
command.add_command(demo_command)
