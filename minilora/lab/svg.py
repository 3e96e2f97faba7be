"""Charts as SVG text: no library, no script, and colours that the page's style sheet decides, so that one picture serves light and dark.

Comes before the reports, which put charts into a page (``page.py`` has the style sheet). A mark's ``kind`` is a CSS class; the sheet gives each class its colour ``--c``.
Units are pixels of a drawing 440 wide, which the page scales to its column.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 440, 280


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, linear or logarithmic, with (value, label) ticks and a title."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str = ""
    log: bool = False

    def place(self, value: float) -> float:
        """Where ``value`` lies between the ends: 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


class Chart:
    """A drawing with two axes, to which marks are added; ``svg()`` gives its text."""

    def __init__(
        self,
        title: str,
        x: Axis,
        y: Axis,
        *,
        left: int = 46,
        right: int = 14,
        height: int = HEIGHT,
        rows: bool = False,
    ) -> None:
        """title: also what a screen reader says. left, right: room for labels beside the axes. rows: the bars lie, so lines stand at the ticks of x, not of y."""
        self.title, self.x, self.y = title, x, y
        self.left, self.right, self.top, self.bottom = left, WIDTH - right, 12, height - 44
        self.height = height
        self.rows = rows
        self._marks: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in pixels."""
        return (
            self.left + self.x.place(x) * (self.right - self.left),
            self.bottom - self.y.place(y) * (self.bottom - self.top),
        )

    def line(self, xs: Sequence[float], ys: Sequence[float], kind: str, *, tip: str = "") -> None:
        """A line through the points."""
        places = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        self._marks.append(f'<polyline class="line {kind}" points="{places}">{_tip(tip)}</polyline>')

    def level(self, y: float, kind: str) -> None:
        """A dashed horizontal line all across."""
        _, place = self.at(self.x.low, y)
        self._marks.append(_line(f"level {kind}", self.left, place, self.right, place))

    def column(self, x: float, y: float, kind: str, *, width: float, tip: str = "") -> None:
        """A bar from the bottom to ``y``, ``width`` in units of x."""
        (x1, top), (x2, _) = self.at(x - width / 2, y), self.at(x + width / 2, y)
        self._rectangle(x1, top, x2, self.bottom, kind, tip)

    def row(self, x: float, y: float, kind: str, *, width: float, tip: str = "") -> None:
        """A bar from the left to ``x``, ``width`` in units of y."""
        (right, top), (_, low) = self.at(x, y + width / 2), self.at(x, y - width / 2)
        self._rectangle(self.left, top, right, low, kind, tip)

    def dot(self, x: float, y: float, kind: str, *, tip: str = "") -> None:
        """A point."""
        cx, cy = self.at(x, y)
        self._marks.append(
            f'<circle class="dot {kind}" cx="{cx:.1f}" cy="{cy:.1f}" r="6">{_tip(tip)}</circle>'
        )

    def whisker(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """An interval, from one point to another."""
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        self._marks.append(f'<line class="whisker" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        right: float = 0,
        down: float = 0,
        kind: str = "label",
        anchor: str = "middle",
    ) -> None:
        """A text at a point, moved by some pixels."""
        px, py = self.at(x, y)
        self._marks.append(_text(px + right, py + down, text, kind, anchor))

    def svg(self) -> str:
        """The drawing: axes below, marks above."""
        label = escape(self.title, quote=True)
        return "\n".join(
            [
                f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{label}">',
                *self._axes(),
                *self._marks,
                "</svg>",
            ]
        )

    def _axes(self) -> list[str]:
        parts = []
        for value, label in self.y.ticks:
            _, y = self.at(self.x.low, value)
            if not self.rows:
                parts.append(_line("grid", self.left, y, self.right, y))
            parts.append(_text(self.left - 7, y + 4, label, "tick", "end"))
        for value, label in self.x.ticks:
            x, _ = self.at(value, self.y.low)
            if self.rows:
                parts.append(_line("grid", x, self.top, x, self.bottom))
            parts.append(_text(x, self.bottom + 17, label, "tick", "middle"))
        low = (
            (self.left, self.top, self.left, self.bottom)
            if self.rows
            else (self.left, self.bottom, self.right, self.bottom)
        )
        parts.append(_line("axis", *low))
        parts.append(_text((self.left + self.right) / 2, self.height - 6, self.x.title, "tick", "middle"))
        return parts

    def _rectangle(self, x1: float, y1: float, x2: float, y2: float, kind: str, tip: str) -> None:
        size = f'width="{max(x2 - x1, 1):.1f}" height="{max(y2 - y1, 1):.1f}"'
        self._marks.append(
            f'<rect class="bar {kind}" x="{x1:.1f}" y="{y1:.1f}" {size} rx="2">{_tip(tip)}</rect>'
        )


def ticks(low: float, high: float, count: int = 5, unit: str = "") -> tuple[tuple[float, str], ...]:
    """About ``count`` round numbers from low to high: multiples of 1, 2 or 5 times a power of ten."""
    rough = max(high - low, 1e-12) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple((number * step, f"{number * step:g}{unit}") for number in range(first, last + 1))


def decades(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """The powers of ten from low to high, as 10 k, 1 M."""
    names = {0: "", 3: " k", 6: " M", 9: " G", 12: " T"}
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    return tuple((10.0**p, f"{10 ** (p % 3)}{names[p - p % 3]}") for p in powers)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _tip(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
