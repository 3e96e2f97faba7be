"""``minilora bench``: how fast, and how much memory. Calls ``bench``, ``techniques`` and ``growth`` of ``lab.bench``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import InputError, nearest
from ..files import check_writable, write_atomically
from ..lab.bench import SHAPES, bench
from ..lab.bench.growth import growth
from ..lab.bench.shapes import shape
from ..lab.bench.techniques import techniques
from .output import json_option, note, number, print_json, print_table


@click.command("bench")
@click.option(
    "--shape", "names", multiple=True, help=f"{', '.join(SHAPES)}; may be given twice.  [default: all]"
)
@click.option(
    "--study", default="speed", show_default=True, help="What is measured: speed, techniques or growth."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=7, show_default=True, help="Turns of every contender."
)
@click.option(
    "--threads", type=click.IntRange(1), default=2, show_default=True, help="Threads of each program."
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Where everything is computed: cpu or cuda; for the speed study.",
)
@click.option("--against", metavar="PROGRAM", help="peft: PyTorch + PEFT takes part, on the same weights.")
@click.option(
    "--python",
    help="With --against: an interpreter that has torch, transformers and peft.  [default: this one]",
)
@click.option("--out", metavar="FILE", help="Write the JSON object to a file too.")
@json_option
def command(
    names: tuple[str, ...],
    study: str,
    rounds: int,
    threads: int,
    device: str,
    against: str | None,
    python: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Measure training steps, forward passes, generation and memory, beside the bare matrix products, and beside PyTorch + PEFT if asked.

    Each contender is a process of its own, and they take turns. Ends within ten minutes; let the machine do nothing else meanwhile. With --study techniques it measures what each
    technique gives a LoRA step, by switching it off; with --study growth, how time and memory grow with the size of the model and the batch.

    \b
    Examples:
      minilora bench --shape small
      minilora bench --against peft --out bench.json
      minilora bench --device cuda --against peft
      minilora bench --study techniques --out techniques.json
    """
    if study not in STUDIES:
        raise InputError(f"study must be one of {', '.join(STUDIES)}, not {study!r}{nearest(study, STUDIES)}")
    shapes = [shape(name) for name in names] or list(SHAPES.values())
    check_part(study, names, device, against, python)
    if out is not None:
        check_writable(out)
    if study == "growth":
        record = growth(repeats=rounds, threads=threads, progress=note)
    elif study == "techniques":
        record = techniques(shapes, rounds=rounds, threads=threads, progress=note)
    else:
        record = bench(
            shapes,
            rounds=rounds,
            threads=threads,
            device=device,
            against=against,
            python=python or sys.executable,
            progress=note,
        )
    record["command"] = _command(names, study, rounds, threads, device, against)
    if as_json:
        print_json(record)
    else:
        STUDIES[study](record)
    if out is not None:
        write_atomically(Path(out), json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def check_part(
    study: str, names: Sequence[str], device: str, against: str | None, python: str | None
) -> None:
    """Raise InputError for an option that has no part in the study: the other two are of this package on a processor, and growth has models of its own."""
    given = {
        "--shape": bool(names) and study == "growth",
        "--device": device != "cpu" and study != "speed",
        "--against": against is not None and study != "speed",
        "--python": python is not None and study != "speed",
    }
    idle = [option for option, without in given.items() if without]
    if idle:
        raise InputError(
            f"the study {study} has no place for {' and '.join(idle)}; leave that out, or measure --study speed"
        )
    if python is not None and against is None:
        raise InputError("--python is the interpreter of another program; give --against peft too")


def _command(
    names: tuple[str, ...], study: str, rounds: int, threads: int, device: str, against: str | None
) -> str:
    """The command that measures the same again."""
    chosen = [*(f"--shape {name}" for name in names), *([f"--study {study}"] if study != "speed" else [])]
    where = [f"--device {device}"] if device != "cpu" else []
    versus = [f"--against {against}"] if against else []
    return " ".join(["minilora bench", *chosen, f"--rounds {rounds} --threads {threads}", *where, *versus])


def _show_speed(record: dict[str, Any]) -> None:
    for name, ratios in record["ratios"].items():
        _show_rows(name, record)
        print_table(("ratio", ""), [(ratio, f"{value:.3f}") for ratio, value in ratios.items()])


def _show_techniques(record: dict[str, Any]) -> None:
    for name, ratios in record["ratios"].items():
        _show_rows(name, record)
        rows = [(k, f"{found['time']:.3f}", f"{found['memory']:.3f}") for k, found in ratios.items()]
        print_table(("without", "times as long", "times the memory"), rows)


def _show_growth(record: dict[str, Any]) -> None:
    rows = [
        (r["varied"], str(r["value"]), number(r["ms"]), number(r.get("step_mib"))) for r in record["rows"]
    ]
    print_table(("varied", "value", "ms", "MiB of a step"), rows)


def _show_rows(name: str, record: dict[str, Any]) -> None:
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
            for row in record["rows"]
            if row["shape"] == name
        ],
    )


STUDIES = {"speed": _show_speed, "techniques": _show_techniques, "growth": _show_growth}
"""What can be measured, and how it is shown."""
