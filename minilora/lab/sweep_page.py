"""A sweep over two settings and seeds as a Markdown table: one setting down, the other across, and in each cell the mean of the seeds with its spread.

Comes before ``sweep_results.py``, which writes the table beside ``sweep.csv``, of whose lines it is made: that file is the record of a sweep that is small enough to keep.
"""

import csv
import io
import statistics
from collections.abc import Callable, Mapping, Sequence

from ..data.tasks.classification import FIGURES
from ..errors import InputError
from .grid import SEED

SHARES = (*FIGURES, "execution", "logical_form", "exact_set")
"""Measures between 0 and 1 (or -1 and 1), which are shown times 100, as the paper's tables show them."""

Line = Mapping[str, str]


def read_lines(text: str) -> list[Line]:
    """The runs of a ``sweep.csv``. Raises InputError where it is none."""
    lines: list[Line] = list(csv.DictReader(io.StringIO(text)))
    if not lines or not {"measure", "score", "trainable", "failed"} <= lines[0].keys():
        raise InputError("this is no sweep.csv: it lacks runs, or one of measure, score, trainable, failed")
    return lines


def cell(lines: Sequence[Line]) -> str:
    """What the runs of one cell came to."""
    scores = [
        float(line["score"]) * (100 if line["measure"] in SHARES else 1) for line in lines if line["score"]
    ]
    failed = sum(bool(line["failed"]) for line in lines)
    mean, spread = mean_and_spread(scores)
    parts = [] if mean is None else [f"{mean:.1f}"]
    parts += [] if spread is None else [f"± {spread:.1f}"]
    parts += [f"({failed} failed)"] if failed else []
    return " ".join(parts) or "–"


def mean_and_spread(scores: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean (None: there is no score), and the standard deviation estimated from n scores, sqrt(Σ(s − mean)² / (n − 1)); None for fewer than two."""
    return (
        statistics.fmean(scores) if scores else None,
        statistics.stdev(scores) if len(scores) > 1 else None,
    )


def crosstab(
    lines: Sequence[Line], down: str, across: str, *, shown: Callable[[Sequence[Line]], str] = cell
) -> list[str]:
    """The lines of the table: mean ± standard deviation over seeds (`mean_and_spread`), times 100 for a share.

    down, across: axes of the sweep. A cell says how many runs failed, where some did, and "–" where there are none; ``shown`` says something else of its runs. Raises InputError for an axis that the sweep does not have.
    """
    for axis in (down, across):
        if axis not in lines[0]:
            raise InputError(f"the sweep has no axis {axis!r}; it has {', '.join(axes(lines))}")
    rows, columns = (list(dict.fromkeys(line[axis] for line in lines)) for axis in (down, across))
    table = [f"| {down} | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for row in rows:
        cells = (
            shown([line for line in lines if (line[down], line[across]) == (row, column)])
            for column in columns
        )
        table.append(f"| {row} | {' | '.join(cells)} |")
    return table


def axes(lines: Sequence[Line]) -> list[str]:
    """The sweep's axes but for the seed: every column before what was measured."""
    names = list(lines[0])
    return [name for name in names[: names.index("measure")] if name != SEED]
