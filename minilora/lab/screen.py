"""The quickstart's report on the screen: one table, a question, and what was checked.

Comes after ``quickstart.py``; the command and a notebook print what ``show`` is given.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .page import size
from .words import findings, percent, promise_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Report = Mapping[str, Any]


def show(report: Report, console: "Console | None" = None) -> None:
    """Print the report. console: where to; None: standard output."""
    from rich.console import Console
    from rich.markup import escape
    from rich.panel import Panel
    from rich.text import Text

    console = console or Console()
    console.print(comparison(report))
    for line in findings(report):
        console.print(Text(line), style="bold")
    if report["leaves_out"]:
        console.print(Text(f"Quick tour: {report['leaves_out']}."), style="yellow")
    for entry in report["samples"]:
        mark = "[green]right[/green]" if entry["right"] else "[red]wrong[/red]"
        console.print(
            Panel(
                Text(sample(entry)),
                title=f"a question on an unseen table · LoRA is {mark}",
                title_align="left",
            )
        )
    console.print()
    for line in promise_lines(report):
        head, _, rest = line.partition(":")
        console.print(f"[bold]{escape(head)}[/bold]:{escape(rest)}", highlight=False)


def comparison(report: Report) -> "Table":
    """What is measured down the side, a column for each method."""
    from rich.table import Table

    task, base, methods = report["task"], report["base"], report["methods"]
    table = Table(
        title=f"{report['model']['name']} ({report['model']['parameters']:,} parameters) on NL2SQL, seed {report['seed']}",
        caption="accuracy: queries that return the right rows, with 95% intervals; memory: arrays of one training step; latency: one forward of 128 tokens",
    )
    table.add_column("")
    table.add_column("base", justify="right")
    for method in methods:
        table.add_column(method["title"], justify="right")

    def row(name: str, of_base: str, cells: list[str]) -> None:
        table.add_row(name, of_base, *cells)

    row("trainable parameters", "–", [f"{m['trainable']:,}" for m in methods])
    row("share of all", "–", [percent(m["share"], 2) for m in methods])
    row("file", "–", [size(m["file_bytes"]) for m in methods])
    for group in ("unseen", "seen"):
        cells = [
            f"{percent(s['accuracy'])}\n[dim]{percent(s['low'])} – {percent(s['high'])}[/dim]"
            for s in (e[group] for e in (base, *methods))
        ]
        row(f"accuracy, {group} tables\n[dim]{task[group]} questions[/dim]", cells[0], cells[1:])
    row("training steps", "–", [str(m["steps"]) for m in methods])
    row("training time", "–", [f"{m['training_seconds']:.1f} s" for m in methods])
    row("memory of a step", "–", [size(m["step_bytes"]) for m in methods])
    row("latency", _time(base["latency"]), [_time(m["latency"]) for m in methods])
    row("latency, merged", "–", [_time(m["latency_merged"]) if m["latency_merged"] else "–" for m in methods])
    return table


def sample(entry: Report) -> str:
    """One question, what was written, and what SQLite returns."""
    returned = [" | ".join(map(str, row)) for row in entry["rows"]] or ["(no rows)"]
    if entry["error"]:
        returned = [f"SQLite says: {entry['error']}"]
    elif entry["rows_in_all"] > len(entry["rows"]):
        returned.append(f"… and {entry['rows_in_all'] - len(entry['rows'])} more")
    base = " ".join(entry["base_writes"].split())
    lines = [
        entry["prompt"].removesuffix("SQL:").strip(),
        "",
        f"base   {base[:90] + '…' if len(base) > 90 else base}",
        f"LoRA   {entry['adapted_writes']}",
        *([] if entry["right"] else [f"right  {entry['reference']}"]),
        *(f"{'rows' if not number else '':6} {line}" for number, line in enumerate(returned)),
    ]
    return "\n".join(lines)


def _time(latency: Report) -> str:
    return f"{latency['median']:.1f} ms\n[dim]{latency['low']:.1f} – {latency['high']:.1f}[/dim]"
