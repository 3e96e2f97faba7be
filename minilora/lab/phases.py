"""Progress over several phases of different kinds, with one estimate of the time left over all of them.

Comes before ``quickstart.py``. Every phase has a weight, about the seconds it takes on two cores; what is left is the weights to come, at the pace of those done.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..train.progress import in_notebook

if TYPE_CHECKING:
    from rich.progress import Progress


class Phases:
    """Where a long task stands. ``begin`` a phase, then say how far it is; nothing else is needed."""

    def __init__(
        self, weights: Mapping[str, float], bar: "Progress | None" = None, *, lines: bool = False
    ) -> None:
        """weights: about the seconds of each phase, by title, in order. bar: what draws, if anything. lines: one line a phase on standard error instead."""
        self.weights = dict(weights)
        self.done = 0.0
        self.current: str | None = None
        self.began = time.perf_counter()
        self._lines = lines
        self._bar = bar
        self._task = bar.add_task("", total=sum(self.weights.values()), left="") if bar is not None else None

    def begin(self, title: str) -> None:
        """The phase before is over; ``title``, one of the weights, begins."""
        if self.current is not None:
            self.done += self.weights[self.current]
        self.current = title
        if self._lines:
            print(f"{self.seconds():6.1f} s  {title}", file=sys.stderr, flush=True)
        self.at(0.0)

    def at(self, share: float, text: str = "") -> None:
        """The current phase is done to ``share``, from 0 to 1; ``text`` is shown beside it."""
        if self._bar is not None and self._task is not None and self.current is not None:
            done = self.done + share * self.weights[self.current]
            title = f"{self.current} · {text}" if text else self.current
            self._bar.update(self._task, completed=done, description=title, left=self._left(done))

    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self.began

    def _left(self, done: float) -> str:
        """The time left: the weights themselves are believed at first, and the pace so far as more is done."""
        total = sum(self.weights.values())
        pace = (self.seconds() + 0.05 * total) / (done + 0.05 * total)  # seconds a unit of weight
        minutes, seconds = divmod(round((total - done) * pace), 60)
        return f"{minutes}:{seconds:02d} left"


@contextmanager
def phases(weights: Mapping[str, float], *, show: bool | None = None) -> Iterator[Phases]:
    """Progress over phases with these weights, on standard error.

    show: True draws a bar, False nothing; None draws it in a terminal or a notebook, and elsewhere writes one line a phase.
    """
    drawn = sys.stderr.isatty() or in_notebook() if show is None else show
    if not drawn:
        yield Phases(weights, lines=show is None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f}%"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.description}"),
    ]
    with Progress(*columns, console=None if in_notebook() else Console(stderr=True), transient=True) as bar:
        yield Phases(weights, bar)
