"""``minilora exercise list``: every exercise, how hard it is, and how far a student is."""

from collections.abc import Mapping
from pathlib import Path

import click

from ...classroom import Exercise, Progress, Workspace, all_exercises
from ...errors import InputError
from ..output import json_option, print_json
from .folder import within


@click.command("list")
@within
@json_option
def list_command(folder: Path, as_json: bool) -> None:
    """List the exercises, and how far you are.

    They stand in the order of the tutorials; "after" is the number of the tutorial to read first.

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
    states = {exercise: progress.get(exercise.name, Progress()) for exercise in all_exercises()}
    if as_json:
        print_json({"exercises": [entry(exercise, state) for exercise, state in states.items()]})
        return
    click.echo("after  exercise              level  minutes  about                    so far")
    for exercise, state in states.items():
        click.echo(line(exercise, state).rstrip())
    click.echo(f"\n{in_all(states)}")


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
        return "seen"
    return f"{progress.points} of {exercise.points}" if progress.attempts else ""


def line(exercise: Exercise, progress: Progress) -> str:
    """One exercise in at most 80 columns, so that it fits a terminal."""
    return (
        f"{exercise.tutorial:5d}  {exercise.name:<20}  {'★' * exercise.difficulty:<5}  {exercise.minutes:7d}  "
        f"{exercise.topic:<23}  {in_brief(exercise, progress)}"
    )


def in_all(states: Mapping[Exercise, Progress]) -> str:
    """How many have passed, how long the others take, and which comes next."""
    left = [exercise for exercise, progress in states.items() if not progress.passed]
    passed = f"{len(states) - len(left)} of {len(states)} passed."
    if not left:
        return f"{passed} Train with what you wrote: minilora exercise demo"
    hours = sum(exercise.minutes for exercise in left) / 60
    return f"{passed} The others take about {hours:.1f} hours; next: minilora exercise check {left[0].name}"
