"""What a study found, as people read it: a Markdown table, and a picture of the learning rates that were tried.

Comes after ``study.py``, whose ``study.json`` it reads.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .charts import SHARES
from .svg import Axis, Chart

Summary = Mapping[str, Any]

PARTS = ("unseen tables", "seen tables")


def table(summary: Summary) -> Iterable[str]:
    """The lines of a Markdown table: base and contenders, with intervals of 95%."""
    yield "| method | trainable | learning rate | unseen tables | seen tables |"
    yield "|---|---:|---:|---:|---:|"
    yield f"| none: the base | 0 | – | {' | '.join(_score(summary['base'][part]) for part in PARTS)} |"
    for row in summary["rows"]:
        scores = " | ".join(_score(row[part]) for part in PARTS)
        yield f"| {row['name']} | {row['trainable']:,} | {row['learning rate']:g} | {scores} |"


def ratios(summary: Summary) -> Iterable[str]:
    """A line for each contender: its accuracy on unseen tables as a share of the first contender's."""
    for name, found in summary["ratios"].items():
        low, high = found["interval"]
        yield f"- {name}: {found['ratio']:.1%} ({low:.1%} – {high:.1%})"


def tries(summary: Summary) -> str:
    """The SVG of accuracy on validation against learning rate, a line for each contender; the rate that was chosen is a dot."""
    rates = [float(rate) for row in summary["rows"] for rate in row["tries"]]
    low, high = min(rates) / 1.5, max(rates) * 1.5
    marks = tuple((rate, f"{rate:g}") for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2) if low <= rate <= high)
    chart = Chart(
        "accuracy on validation against learning rate",
        Axis(low, high, marks, "learning rate", log=True),
        Axis(0, 1.08, SHARES),
        height=300,
    )
    for row in summary["rows"]:
        xs, ys = [float(rate) for rate in row["tries"]], list(row["tries"].values())
        kind = row["settings"]["method"]
        chart.line(xs, ys, kind)
        chart.dot(
            row["learning rate"],
            row["tries"][f"{row['learning rate']:g}"],
            kind,
            tip=f"{row['name']}: chosen",
        )
        chart.text(xs[len(xs) // 2], min(ys), row["name"], down=22)
    return chart.svg()


def _score(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['accuracy']:.1%} ({low:.1%} – {high:.1%})"
