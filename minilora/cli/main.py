"""The entry point ``minilora``: finds the file of a command when it is asked for, and hands over.

Comes before the commands; ``errors.py`` says how they end.
"""

import importlib
import platform
from typing import Any

import click
import numpy as np

from ..backend import tune_malloc
from ..errors import InputError, nearest
from ..version import VERSION
from .errors import exit_statuses

COMMANDS = {
    "quickstart": "Adapt the small model to a task by three methods, and compare them.",
    "pretrain": "Train a small model from scratch on text.",
    "finetune": "Adapt a model to a task: LoRA, full fine-tuning or adapters.",
    "evaluate": "Score a model, adapted or not, on a task.",
    "generate": "Continue a text.",
    "merge": "Put an adapter into the weights of its model.",
    "export": "Write an adapter in the format of PEFT, or back.",
    "compare": "Follow what several methods do to the same weights, over training.",
    "plan": "Reckon what training would take, without allocating it.",
    "sweep": "Fine-tune with every combination of settings, side by side or on a cluster.",
    "study": "Compare methods fairly: equally many rates tried, several seeds, intervals.",
    "gradcheck": "Check the gradients of every op and of whole models.",
    "bench": "Measure speed and memory, also beside PyTorch + PEFT.",
    "exercise": "Build the parts of this program yourself: exercises, checked.",
    "devices": "Say what there is to compute with, and why CUDA cannot be used.",
    "inspect": "Say what a model, an adapter or a file of weights holds.",
}
"""Every command and what it does. ``minilora/cli/NAME.py``, or the folder ``NAME``, holds it, as ``command``; none is imported before it is asked for, so that ``--help`` answers at once."""


class Commands(click.Group):
    """The commands by name, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first day with the program."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of that name; raises InputError with the nearest names for one that is not there."""
        if cmd_name not in COMMANDS:
            raise InputError(
                f"there is no command {cmd_name!r}{nearest(cmd_name, COMMANDS)}; see minilora --help"
            )
        command = importlib.import_module(f"{__package__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read what stands before the command; what cannot be read ends as any other error does."""
        with exit_statuses():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end it by what it raised."""
        with exit_statuses():
            return super().invoke(ctx)


@click.command(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--version", "show_version", is_flag=True, help="Show the version.")
@click.pass_context
def main(ctx: click.Context, show_version: bool) -> None:
    """The LoRA paper as a program: a transformer in NumPy, adapted by LoRA, full fine-tuning or adapters.

    \b
    The tour, five minutes:         minilora quickstart
    Adapt the small model to SQL:   minilora finetune --task nl2sql --method lora --rank 8 --out runs/sql
    Ask it:                         minilora generate --adapter runs/sql --file prompt.txt

    Exit status: 0 done, 1 the run failed, 2 the input cannot be used, 130 stopped.
    """
    tune_malloc()
    if show_version:
        click.echo(f"minilora {VERSION} (Python {platform.python_version()}, NumPy {np.__version__})")
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
