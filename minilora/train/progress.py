"""A progress bar for training: loss, tokens a second, time left.

Comes beside the loop. It is drawn by rich, in a terminal or a notebook; where output goes to a file or a pipe it stays silent unless asked for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar(Protocol):
    """A bar on the screen, or nothing at all."""

    def advance(self, text: str, steps: int = 1) -> None:
        """Move on by ``steps``, and show ``text`` beside the bar."""


class Silent:
    """No bar."""

    def advance(self, text: str, steps: int = 1) -> None:
        """Do nothing."""


class Drawn:
    """A bar that rich draws."""

    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress, self._task = progress, task

    def advance(self, text: str, steps: int = 1) -> None:
        """See ``Bar.advance``."""
        self._progress.update(self._task, advance=steps, text=text)


@contextmanager
def progress_bar(title: str, total: int, *, done: int = 0, show: bool | None = None) -> Iterator[Bar]:
    """A bar of ``total`` steps, ``done`` of them before it began. show: True or False; None shows it in a terminal or a notebook only.

    It writes to standard error, so that standard output stays what a program may read.
    """
    if show is False or (show is None and not (sys.stderr.isatty() or in_notebook())):
        yield Silent()
        return
    from rich.console import Console  # 40 ms that only who looks pays for
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[text]}"),
        TimeRemainingColumn(),
    ]
    console = None if in_notebook() else Console(stderr=True)
    with Progress(*columns, console=console, speed_estimate_period=120) as progress:
        yield Drawn(progress, progress.add_task(title, total=total, completed=done, text=""))


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
