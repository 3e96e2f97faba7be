"""``minilora exercise export`` and ``grade``: for teachers. Each calls one function of ``classroom``."""

from os import cpu_count
from pathlib import Path

import click

from ...classroom import all_exercises, find
from ...classroom.export import FORMATS, export
from ...classroom.grade import best, grade
from ..output import json_option, note, print_json


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), required=True, help="Of which program.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this exercise; may be given again.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def export_command(folder: Path, kind: str, only: tuple[str, ...], force: bool) -> None:
    """For teachers: write the exercises for a grading program.

    What is written holds the solutions; the program takes them out for students.

    \b
    Examples:
      minilora exercise export course --format nbgrader
      minilora exercise export autograder --format gradescope --only softmax
    """
    chosen = [find(name) for name in only] if only else list(all_exercises())
    written = export(folder, kind, chosen, force=force)
    click.echo(f"{len(written)} files written to {folder}; docs/teachers.md says how to go on.")


@click.command("grade")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--csv", "table", type=click.Path(path_type=Path), required=True, help="The table to write.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this exercise; may be given again.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the inputs, the same for all.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="How many at a time.  [default: the number of cores]"
)
@json_option
def grade_command(
    submissions: Path, table: Path, only: tuple[str, ...], seed: int, workers: int | None, as_json: bool
) -> None:
    """For teachers: mark a folder of students' work.

    It holds one folder or zip file a student; a table of points is written. A run that is stopped goes on where it was. What each student is told stands beside the table, in a .jsonl file of the same name.

    \b
    Examples:
      minilora exercise grade submissions --csv grades.csv
    """
    chosen = [find(name) for name in only]
    grades = grade(submissions, table, seed=seed, workers=workers or cpu_count() or 1, only=chosen)
    points = best(grades)
    if as_json:
        rows = [{"student": s, "exercise": e, "points": p} for (s, e), p in points.items()]
        print_json({"table": str(table), "marks": rows})
        return
    for broken in (one for one in grades if not one.exercise):
        note(f"Note: {broken.words}.")
    students = {grade.student for grade in grades}
    click.echo(f"{len(points)} exercises of {len(students)} students marked; the table is {table}")
    note(f"What each student is told is in {table.with_suffix('.jsonl')}.")
