"""What commands print: results on standard output, notes on standard error, and with ``--json`` one JSON object on standard output and nothing else there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ..train.result import plain

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")


def note(text: str) -> None:
    """One line on standard error: what is going on."""
    click.echo(text, err=True)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output; a number that is not finite is null."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=1))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output; every column but the first is set to the right."""
    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def tell_too_long(report: Mapping[str, Any] | None) -> None:
    """A line a part of which examples were cut or left out, since they were longer than the model's context."""
    for part, counts in (report or {}).items():
        for done in ("cut", "skipped") if part != "policy" else ():
            if counts[done]:
                click.echo(
                    f"longer than the context: {counts[done]:,} of {counts['examples']:,} examples of {part} were {done}"
                )


def number(value: float | None) -> str:
    """A figure with four digits, or a dash where there is none."""
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def size(count: int) -> str:
    """A number of bytes as people read it: powers of ten, as disks are labelled."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
