"""The four charts of the quickstart's report: loss, accuracy, accuracy against parameters, latency.

Comes after ``svg.py``, which draws; ``report.py`` puts them into the page. Each takes entries of the report's dictionary and gives the text of an SVG.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .svg import Axis, Chart, decades, ticks
from .words import interval

Report = Mapping[str, Any]

SHARES = tuple((quarter / 4, f"{25 * quarter}%") for quarter in range(5))
"""The ticks of an axis of shares."""


def losses(methods: Sequence[Report]) -> str:
    """Loss against step, raw and smoothed, for each method."""
    steps = max(len(method["losses"]) for method in methods)
    highest = max(max(method["losses"]) for method in methods)
    chart = Chart(
        "loss against step", Axis(0, steps, ticks(0, steps), "step"), Axis(0, highest, ticks(0, highest))
    )
    for method in methods:
        ys = method["losses"]
        xs = range(1, len(ys) + 1)
        chart.line(xs, ys, f"{method['name']} faint")
        chart.line(xs, running_mean(ys), method["name"], tip=f"{method['title']}: {ys[-1]:.3f} at the end")
    return chart.svg()


def running_mean(values: Sequence[float], window: int = 15) -> list[float]:
    """The mean of each value and those before it, at most ``window``."""
    return [sum(values[max(0, i - window + 1) : i + 1]) / min(window, i + 1) for i in range(len(values))]


def accuracies(report: Report) -> str:
    """Bars with intervals: base and methods, on unseen and on seen tables."""
    entries = [
        ("base", "base model", report["base"]),
        *((m["name"], m["title"], m) for m in report["methods"]),
    ]
    width = len(entries) + 1.2
    groups = (("unseen", "unseen tables"), ("seen", "seen tables"))
    middle = (len(entries) - 1) / 2
    labels = tuple((place * width + middle, title) for place, (_, title) in enumerate(groups))
    chart = Chart(
        "accuracy",
        Axis(-0.8, 2 * width - 1.4, labels),
        Axis(0, 1.08, SHARES),
    )
    for place, (group, _) in enumerate(groups):
        for number, (kind, title, entry) in enumerate(entries):
            score, x = entry[group], place * width + number
            chart.column(x, score["accuracy"], kind, width=0.82, tip=f"{title}: {interval(score)}")
            chart.whisker((x, score["low"]), (x, score["high"]))
            chart.text(x, score["high"], f"{100 * score['accuracy']:.0f}", down=-5)
    return chart.svg()


def parameters(report: Report) -> str:
    """Accuracy on unseen tables against trainable parameters, on a logarithmic axis."""
    methods = report["methods"]
    counts = [method["trainable"] for method in methods]
    low, high = min(counts) / 2.5, max(counts) * 2.5
    axis = Axis(low, high, decades(low, high), "trainable parameters", log=True)
    chart = Chart(
        "accuracy against trainable parameters",
        axis,
        Axis(0, 1.08, SHARES),
    )
    chart.level(report["base"]["unseen"]["accuracy"], "base")
    for method in methods:
        score, x = method["unseen"], method["trainable"]
        chart.whisker((x, score["low"]), (x, score["high"]))
        chart.dot(
            x,
            score["accuracy"],
            method["name"],
            tip=f"{method['title']}: {interval(score)}, {x:,} parameters",
        )
    middle = (low * high) ** 0.5
    for left in (
        True,
        False,
    ):  # labels stand to the right of points in the left half, and to the left of the others
        highest = math.inf
        for method in sorted(methods, key=lambda m: m["unseen"]["accuracy"]):
            x, score = method["trainable"], method["unseen"]["accuracy"]
            if (x < middle) == left:
                _, y = chart.at(x, score)
                place = min(
                    y, highest - 15
                )  # pixels downwards: a label moves out of the way of the one below it
                highest = place
                right, anchor = (11, "start") if left else (-11, "end")
                chart.text(x, score, method["title"], right=right, down=place - y + 4, anchor=anchor)
    return chart.svg()


def latencies(report: Report) -> str:
    """A bar for each way of computing, the base on top."""
    bars = [("base", "base model", report["base"]["latency"])]
    for method in report["methods"]:
        if method["latency_merged"]:
            bars.append((method["name"], f"{method['title']}, merged", method["latency_merged"]))
            bars.append((f"{method['name']} hollow", f"{method['title']}, unmerged", method["latency"]))
        else:
            bars.append((method["name"], method["title"], method["latency"]))
    highest = 1.5 * max(latency["high"] for _, _, latency in bars)
    rows = tuple((len(bars) - 1 - place, title) for place, (_, title, _) in enumerate(bars))
    chart = Chart(
        "latency of a forward pass",
        Axis(0, highest, ticks(0, highest), "ms"),
        Axis(-0.6, len(bars) - 0.4, rows),
        left=140,
        rows=True,
    )
    base = bars[0][2]["median"]
    for (y, title), (kind, _, latency) in zip(rows, bars, strict=True):
        more = f" ({more_than(latency['median'], base)})" if y < len(bars) - 1 else ""
        chart.row(latency["median"], y, kind, width=0.62, tip=title)
        chart.whisker((latency["low"], y), (latency["high"], y))
        chart.text(latency["high"], y, f"{latency['median']:.1f}{more}", right=6, down=4, anchor="start")
    return chart.svg()


def more_than(value: float, base: float) -> str:
    """How much more than ``base``, in whole percent and with a sign; none where it rounds to nothing."""
    points = round(100 * (value / base - 1))
    return f"{'+' if points > 0 else '−' if points < 0 else ''}{abs(points)}%"
