"""``minilora bench``: how fast, and how much memory. Calls ``lab.bench.bench``."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..files import write_atomically
from ..lab.bench import SHAPES, bench
from ..lab.bench.shapes import shape
from .output import json_option, note, number, print_json, print_table


@click.command("bench")
@click.option(
    "--shape", "names", multiple=True, help=f"{', '.join(SHAPES)}; may be given twice.  [default: all]"
)
@click.option("--rounds", type=int, default=7, show_default=True, help="Turns of every contender.")
@click.option("--threads", type=int, default=2, show_default=True, help="Threads of each program.")
@click.option("--against", metavar="PROGRAM", help="peft: PyTorch + PEFT takes part, on the same weights.")
@click.option(
    "--python", default=sys.executable, help="An interpreter that has torch, transformers and peft.  [default: this one]"
)  # fmt: skip
@click.option("--out", metavar="FILE", help="Write the JSON object to a file too.")
@json_option
def command(
    names: tuple[str, ...],
    rounds: int,
    threads: int,
    against: str | None,
    python: str,
    out: str | None,
    as_json: bool,
) -> None:
    """Measure training steps, forward passes, generation and memory, beside the bare matrix products, and beside PyTorch + PEFT if asked.

    Each contender is a process of its own, and they take turns. Ends within ten minutes; let the machine do nothing else meanwhile.

    \b
    Examples:
      minilora bench --shape small
      minilora bench --against peft --out bench.json
    """
    shapes = [shape(name) for name in names] or list(SHAPES.values())
    record = bench(shapes, rounds=rounds, threads=threads, against=against, python=python, progress=note)
    record["command"] = _command(names, rounds, threads, against)
    if out is not None:
        write_atomically(Path(out), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    if as_json:
        print_json(record)
        return
    for measured in shapes:
        _show(measured.name, record)


def _command(names: tuple[str, ...], rounds: int, threads: int, against: str | None) -> str:
    parts = [
        "minilora bench",
        *(f"--shape {name}" for name in names),
        f"--rounds {rounds} --threads {threads}",
    ]
    return " ".join([*parts, f"--against {against}"] if against else parts)


def _show(name: str, record: dict[str, Any]) -> None:
    rows = [row for row in record["rows"] if row["shape"] == name]
    click.echo(name)
    print_table(
        ("", "ms", "quarter points", "tokens/s", "peak MiB"),
        [
            (
                row["name"],
                number(row["ms"]),
                f"{number(row['ms_low'])} – {number(row['ms_high'])}",
                number(row["tokens_per_second"]),
                f"{row['peak_mib']:,.0f}",
            )
            for row in rows
        ],
    )
    print_table(("ratio", ""), [(ratio, f"{value:.3f}") for ratio, value in record["ratios"][name].items()])
