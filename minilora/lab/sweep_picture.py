"""The picture of a sweep: a line over one axis, a heat map over two, a row of heat maps over more.

Comes before ``sweep_results.py``, which writes it. Values stand at equal distances, in the order in which the grid has them: a grid's values are chosen, seldom linear, and not always numbers.
"""

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .grid import SEED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GAP = "#1f4e8c", "#dddddd"


def picture(summary: Mapping[str, Any]) -> str | None:
    """An SVG of the groups' means, the same every time; None where there is nothing to draw or the runs were not all measured alike. summary: see ``sweep_results.summarise``."""
    axes = {field: texts for field, texts in summary["axes"].items() if field != SEED}
    if not axes or len(summary["measures"]) != 1 or all(g["mean"] is None for g in summary["groups"]):
        return None
    import matplotlib as mpl  # only who draws pays for it
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "minilora", "svg.fonttype": "path"}):
        figure = Figure(layout="constrained")
        FigureCanvasSVG(figure)
        measure = summary["measures"][0]
        if len(axes) == 1:
            (field,) = axes
            line(figure, field, axes[field], summary["groups"], measure)
        else:
            heat_maps(figure, axes, summary["groups"], measure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def line(
    figure: "Figure", field: str, texts: Sequence[str], groups: Sequence[Mapping[str, Any]], measure: str
) -> None:
    """The means as a line, the spread over seeds as bars, each run's score as a small dot. A value whose runs all failed leaves a gap."""
    figure.set_size_inches(max(4.2, 1.2 + 0.8 * len(texts)), 3.2)
    axes = figure.add_subplot()
    means = [float("nan") if g["mean"] is None else g["mean"] for g in groups]
    spreads = [g["spread"] or 0.0 for g in groups]
    places = range(len(texts))
    axes.errorbar(places, means, yerr=spreads, fmt="o-", color=INK, capsize=3, linewidth=1.6)
    for place, group in zip(places, groups, strict=True):
        if len(group["scores"]) > 1:
            axes.plot(
                [place + 0.08] * len(group["scores"]), group["scores"], ".", color="#e0761b", markersize=5
            )
    axes.set_xticks(list(places), labels(texts))
    axes.set(xlabel=field, ylabel=measure)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def heat_maps(
    figure: "Figure",
    axes: Mapping[str, Sequence[str]],
    groups: Sequence[Mapping[str, Any]],
    measure: str,
) -> None:
    """The first axis downwards, the second to the right; one map for each combination of the others, all with the same colours."""
    (down, rows), (right, columns), *others = axes.items()
    means = {tuple(group["point"][field] for field in axes): group for group in groups}
    panels = list(itertools.product(*(texts for _, texts in others)))
    across = min(3, len(panels))
    lines = -(-len(panels) // across)
    width, height = 1.6 + 0.95 * len(columns), 1.1 + 0.6 * len(rows)
    figure.set_size_inches(max(4.2, across * width + 0.8), max(2.6, lines * height))
    found = [group["mean"] for group in groups if group["mean"] is not None]
    low, high = min(found), max(found)
    plots = figure.subplots(lines, across, squeeze=False)
    for plot in plots.flat[len(panels) :]:
        plot.set_axis_off()
    for plot, panel in zip(plots.flat, panels, strict=False):
        shown = [[means[row, column, *panel] for column in columns] for row in rows]
        image = heat_map(plot, shown, low, high)
        plot.set_xticks(range(len(columns)), labels(columns))
        plot.set_yticks(range(len(rows)), labels(rows))
        plot.set(xlabel=right, ylabel=down)
        plot.set_title(
            "\n".join(f"{field} {text}" for (field, _), text in zip(others, panel, strict=True)), fontsize=10
        )
    figure.colorbar(image, ax=plots, label=measure)


def heat_map(plot: "Axes", shown: Sequence[Sequence[Mapping[str, Any]]], low: float, high: float) -> Any:
    """Coloured fields with the figure in each, and the spread under it; a field whose runs all failed is grey and says so."""
    plot.set_facecolor(GAP)
    values = [[float("nan") if group["mean"] is None else group["mean"] for group in row] for row in shown]
    image = plot.imshow(values, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    for y, row in enumerate(shown):
        for x, group in enumerate(row):
            if group["mean"] is None:
                text, colour = "failed", "black"
            else:
                spread = "" if group["spread"] is None else f"\n± {group['spread']:.2g}"
                text = f"{group['mean']:.4g}{spread}"
                colour = "black" if group["mean"] > low + 0.6 * (high - low) else "white"
            plot.text(x, y, text, ha="center", va="center", color=colour, fontsize=9)
    return image


def labels(texts: Sequence[str]) -> list[str]:
    """Values as ticks show them: a list's names one under the other, and the end of what is long."""
    return [
        "\n".join(part if len(part) <= 16 else f"…{part[-15:]}" for part in text.split("/")) for text in texts
    ]
