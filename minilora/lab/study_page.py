"""What a study found, as people read it: a Markdown table, a picture of the learning rates that were tried, and a page with both.

Comes after ``study.py``, whose ``study.json`` it reads, and ``page.py``.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .charts import SHARES
from .page import colour_classes, figure, html_page, key
from .page import table as html_table
from .svg import Axis, Chart

Summary = Mapping[str, Any]

PARTS = ("unseen tables", "seen tables")


def page(summary: Summary) -> str:
    """The whole page, as HTML."""
    questions, rows = summary["questions"], summary["rows"]
    words = (
        f"Each method was trained with {len(rows[0]['tries'])} learning rates and scored on {questions['validation']} validation questions; with the best rate it was trained "
        f"from {len(summary['seeds'])} seeds, and scored on {questions['unseen tables']:,} test questions about tables that occur in no training example and {questions['seen tables']:,} about tables that do. "
        "Intervals hold 95%, over questions and seeds."
    )
    cells = [("none: the base", "0", "–", *(_cell(summary["base"][part]) for part in PARTS))]
    cells += [
        (escape(row["name"]), f"{row['trainable']:,}", f"{row['learning rate']:g}", *(_cell(row[part]) for part in PARTS))
        for row in rows
    ]  # fmt: skip
    legend = key((kind, name) for name, kind in kinds(summary).items())
    shares = "".join(f"<li>{escape(line.removeprefix('- '))}</li>" for line in ratios(summary))
    parts = [
        "<h1>Methods compared fairly</h1>",
        f'<p class="lede">{escape(words)}</p>',
        "<h2>Accuracy on test questions</h2>",
        html_table(("method", "trainable", "learning rate", *PARTS), cells),
        "<h2>Beside the first method</h2>",
        f'<ul class="card" style="padding-left:2.2rem">{shares}</ul>',
        "<p class=\"soft\">Accuracy on unseen tables as a share of the first method’s.</p>",
        "<h2>How the learning rates were chosen</h2>",
        legend,
        '<div class="grid2">',
        figure("Learning rates", "Accuracy on validation questions, one run each; a dot is the rate that was taken.", tries(summary)),
        "</div>",
    ]  # fmt: skip
    return html_page("minilora: methods compared fairly", parts)


def table(summary: Summary) -> Iterable[str]:
    """The lines of a Markdown table: base and contenders, with intervals of 95%."""
    yield "| method | trainable | learning rate | unseen tables | seen tables |"
    yield "|---|---:|---:|---:|---:|"
    yield f"| none: the base | 0 | – | {' | '.join(_score(summary['base'][part]) for part in PARTS)} |"
    for row in summary["rows"]:
        scores = " | ".join(_score(row[part]) for part in PARTS)
        yield f"| {row['name']} | {row['trainable']:,} | {row['learning rate']:g} | {scores} |"


def ratios(summary: Summary) -> Iterable[str]:
    """A line for each contender: its accuracy on unseen tables as a share of the first contender's; a dash for what is no number, where the first answers nothing."""
    for name, found in summary["ratios"].items():
        share, low, high = (
            "–" if value is None else f"{value:.1%}" for value in (found["ratio"], *found["interval"])
        )
        yield f"- {name}: {share}" if found["ratio"] is None else f"- {name}: {share} ({low} – {high})"


def kinds(summary: Summary) -> dict[str, str]:
    """The colour class of each contender by name: full fine-tuning's own, then one after another."""
    full = [row["name"] for row in summary["rows"] if row["settings"]["method"] == "full"]
    return colour_classes([row["name"] for row in summary["rows"]], full)


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
    colours = kinds(summary)
    for row in summary["rows"]:
        xs, ys = [float(rate) for rate in row["tries"]], list(row["tries"].values())
        kind = colours[row["name"]]
        chart.line(xs, ys, kind, tip=row["name"])
        chart.dot(
            row["learning rate"],
            row["tries"][f"{row['learning rate']:g}"],
            kind,
            tip=f"{row['name']}: chosen",
        )
    return chart.svg()


def _score(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['accuracy']:.1%} ({low:.1%} – {high:.1%})"


def _cell(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    return f"{found['accuracy']:.1%}<small>{low:.1%} – {high:.1%}</small>"
