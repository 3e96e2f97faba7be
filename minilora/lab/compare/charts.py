"""The charts of a comparison: curves over training, spectra, and what a parameter buys.

Comes after ``svg.py``, which draws; ``report.py`` puts them into the page. Each takes entries of the report's dictionary and gives the text of an SVG.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..charts import running_mean
from ..page import colour_classes
from ..svg import Axis, Chart, decades, ticks

Report = Mapping[str, Any]
Look = Callable[[Report], float | None]


def kinds(methods: Sequence[Report]) -> dict[str, str]:
    """The colour class of each method by name: full fine-tuning's own, then one after another."""
    return colour_classes([m["name"] for m in methods], [methods[0]["name"]])


def over_training(
    title: str,
    methods: Sequence[Report],
    look: Look,
    *,
    share: bool = False,
    levels: Mapping[str, Look] | None = None,
) -> str:
    """A curve a method of what ``look`` finds in a point; a method of which it finds nothing has none. share: the axis runs from 0 (or below) to 1. levels: dashed curves by text."""
    colours = kinds(methods)
    curves = [(m, points(m, look), "") for m in methods]
    curves += [(m, points(m, level), text) for text, level in (levels or {}).items() for m in methods]
    shown = [(m, xs_ys, text) for m, xs_ys, text in curves if xs_ys[0]]
    values = [y for _, (_, ys), _ in shown for y in ys] or [0.0, 1.0]
    low = min(0.0, *values)
    high = 1.0 if share else max(*values, 1e-12) * 1.05
    if not share and low == 0 and min(values) > 0.5 * max(values):
        low = min(values) - 0.1 * (max(values) - min(values) or max(values))
    last = max((xs[-1] for _, (xs, _), _ in shown), default=1)
    chart = Chart(title, Axis(0, last, ticks(0, last), "step"), Axis(low, high, ticks(low, high)), left=54)
    for method, (xs, ys), text in shown:
        kind = colours[method["name"]] + (" dashed" if text else "")
        chart.line(
            xs, ys, kind, tip=f"{method['title']}{': ' + text if text else ''}: {ys[-1]:.3g} at the end"
        )
        if not text:
            for x, y in zip(xs, ys, strict=True):
                chart.dot(x, y, f"{kind} small", tip=f"{method['title']}, step {x}: {y:.4g}")
    return chart.svg()


def points(method: Report, look: Look) -> tuple[list[int], list[float]]:
    """The steps, and what ``look`` finds there, where it finds anything."""
    found = [(point["step"], look(point)) for point in method["points"]]
    kept = [(step, value) for step, value in found if value is not None and math.isfinite(value)]
    return [step for step, _ in kept], [value for _, value in kept]


def losses(methods: Sequence[Report]) -> str:
    """Training loss against step, a running mean."""
    colours = kinds(methods)
    steps = max(len(m["losses"]) for m in methods)
    highest = max(max(m["losses"]) for m in methods)
    chart = Chart(
        "training loss", Axis(0, steps, ticks(0, steps), "step"), Axis(0, highest, ticks(0, highest)), left=54
    )
    for method in methods:
        ys = method["losses"]
        smooth = running_mean(ys, max(1, len(ys) // 20))
        chart.line(
            range(1, len(ys) + 1),
            smooth,
            colours[method["name"]],
            tip=f"{method['title']}: {smooth[-1]:.3f} at the end",
        )
    return chart.svg()


def against_parameters(methods: Sequence[Report], look: Callable[[Report], float], title: str) -> str:
    """A dot a method: what ``look`` finds against trainable parameters, on a logarithmic axis."""
    colours = kinds(methods)
    counts = [m["trainable"] for m in methods]
    values = [look(m) for m in methods]
    low, high = min(counts) / 2.5, max(counts) * 2.5
    spread = (max(values) - min(values)) or max(values) or 1.0
    bottom, top = max(0.0, min(values) - 0.25 * spread), max(values) + 0.25 * spread
    chart = Chart(
        title,
        Axis(low, high, decades(low, high), "trainable parameters", log=True),
        Axis(bottom, top, ticks(bottom, top)),
        left=54,
    )
    for method, value in zip(methods, values, strict=True):
        tip = f"{method['title']}: {value:.4g}, {method['trainable']:,} parameters"
        chart.dot(method["trainable"], value, colours[method["name"]], tip=tip)
    return chart.svg()


def spectra(methods: Sequence[Report], kind: str) -> str:
    """Singular values at the last point, each over its first, on a logarithmic axis: of every method's ΔW (lines) and of the full gradient under full fine-tuning (dashed)."""
    colours = kinds(methods)
    lines = [
        (colours[m["name"]], f"ΔW, {m['title']}", last["weights"]["spectra"][kind])
        for m in methods
        if (last := m["points"][-1])["weights"] and kind in last["weights"]["spectra"]
    ]
    gradient = methods[0]["points"][-1]["gradient"]["spectra"].get(kind)
    lines += [("base dashed", "G, under full fine-tuning", gradient)] if gradient else []
    count = max((len(values) for _, _, values in lines), default=2)
    powers = tuple((10.0**-p, f"{10.0**-p:g}") for p in range(4))
    chart = Chart(
        kind,
        Axis(1, count, ticks(1, count), "number of the singular value"),
        Axis(1e-3, 1.2, powers, log=True),
        left=54,
    )
    for colour, tip, values in lines:
        kept = [(i + 1, value) for i, value in enumerate(values) if value >= 1e-3]
        chart.line([i for i, _ in kept], [value for _, value in kept], colour, tip=tip)
    return chart.svg()


def differences(entries: Sequence[Report]) -> str:
    """How far apart the two ways of each equivalence are after each step, on a logarithmic axis."""
    steps = max(len(entry["differences"]) for entry in entries)
    powers = tuple((10.0**-p, f"1e-{p}" if p else "1") for p in range(0, 17, 4))
    chart = Chart(
        "difference of the merged updates",
        Axis(1, steps, ticks(1, steps), "step"),
        Axis(1e-17, 3, powers, log=True),
        left=54,
    )
    for place, entry in enumerate(entries):
        ys = [max(value, 1e-17) for value in entry["differences"]]
        kind = f"s{place + 1}" + ("" if entry["exact"] else " dashed")
        chart.line(range(1, len(ys) + 1), ys, kind, tip=f"{entry['name']}: {ys[-1]:.1e} at the end")
    return chart.svg()
