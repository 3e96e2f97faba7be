"""How a command ends: which error becomes which exit status, and what is printed of it.

    0     the command did what it was asked
    1     the run failed though its input was good: training that diverged, a gradient that is wrong (``RunFailed``)
    2     the input cannot be used (``InputError``, or options that click refuses)
    130   stopped by Ctrl-C

Each error is one paragraph on standard error. Whatever else is raised is a defect of the program and keeps its traceback.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from ..errors import InputError, RunFailed
from ..train.ranks import PATIENCE, Ranks
from ..train.runs import CONFIG


class Stopped(click.ClickException):
    """The end of a command as click has it: a message, and an exit status."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it for the class, and reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message as one paragraph, whatever lines it came in."""
        click.echo(" ".join(self.format_message().split()), file=file, err=file is None)


@contextmanager
def exit_statuses() -> Iterator[None]:
    """Within it, errors that are a user's business become ``Stopped``."""
    try:
        yield
    except InputError as error:
        raise Stopped(f"Error: {error}", 2) from error
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "minilora"
        raise Stopped(f"Error: {error.format_message().rstrip('.')}; see {command} --help", 2) from error
    except RunFailed as error:
        raise Stopped(f"Failed: {error}", 1) from error
    except (KeyboardInterrupt, click.Abort) as error:
        raise Stopped("Stopped.", 130) from error


@contextmanager
def resumable(command: str, folder: Path | None = None) -> Iterator[None]:
    """Within it, Ctrl-C ends with the ``command`` that goes on where the run was stopped; not where the run's ``folder`` has no configuration yet, so that there is nothing to go on with."""
    try:
        yield
    except KeyboardInterrupt as error:
        if folder is not None and not (folder / CONFIG).exists():
            raise
        raise Stopped(f"Stopped. Go on with: {command}", 130) from error


@contextmanager
def ending_all(ranks: Ranks) -> Iterator[None]:
    """Within it, what ends a command on one rank ends it on all, with its message and exit status: the others would wait for that one for ever.

    All may have the same error, a setting that cannot be: the first rank tells it, and the others, who give it time to do so, only what the first has not.
    """
    try:
        with exit_statuses():
            yield
    except click.ClickException as stopped:
        if ranks.count == 1:
            raise
        if ranks.rank > 0:
            time.sleep(PATIENCE)
            click.echo(f"On rank {ranks.rank} of {ranks.count}:", err=True)
        stopped.show()
        ranks.end(stopped.exit_code)
