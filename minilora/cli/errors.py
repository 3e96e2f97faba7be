"""How a command ends: which error becomes which exit status, and what is printed of it.

    0     the command did what it was asked
    1     the run failed though its input was good: training that diverged, a gradient that is wrong (``RunFailed``)
    2     the input cannot be used (``InputError``, or options that click refuses)
    130   stopped by Ctrl-C

Each error is one paragraph on standard error. Whatever else is raised is a defect of the program and keeps its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..errors import InputError, RunFailed


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
def resumable(command: str) -> Iterator[None]:
    """Within it, Ctrl-C ends with the ``command`` that goes on where the run was stopped."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped(f"Stopped. Go on with: {command}", 130) from error
