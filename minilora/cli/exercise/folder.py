"""The option that says which folder of exercises is meant. Every command for students takes it."""

from pathlib import Path

import click

within = click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="The folder that start filled, or one within it.",
)
