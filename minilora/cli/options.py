"""Options out of a dataclass of settings: one an attribute, so that the command line, a configuration file and Python know the same names and defaults.

Comes before the commands that run for long (``pretrain``, ``finetune``, ``compare``). An option that is not given is None; then the configuration file's value holds, then the default.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from ..errors import InputError
from ..train.runs import CONFIG, read_config
from .output import json_option

Function = TypeVar("Function", bound=Callable[..., Any])
Settings = TypeVar("Settings")

DEVICE = "cpu, or cuda for a graphics card (see minilora devices)."
"""What ``--device`` takes, in every command that has it."""


def settings_options(
    kind: type, texts: Mapping[str, str], spellings: Mapping[str, str] | None = None
) -> Callable[[Function], Function]:
    """A decorator that adds an option for each field of the dataclass ``kind``.

    texts: what the help says of each field; a default that is not None is added. spellings: further names (``lr`` for ``learning_rate``).
    """
    hints = typing.get_type_hints(kind)

    def decorate(function: Function) -> Function:
        for field in reversed(dataclasses.fields(kind)):  # click puts the last decorator first
            function = _option(field, hints[field.name], texts[field.name], spellings or {})(function)
        return function

    return decorate


def _option(
    field: "dataclasses.Field[Any]", hint: Any, text: str, spellings: Mapping[str, str]
) -> Callable[[Function], Function]:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    names = [field.name, *(short for short, name in spellings.items() if name == field.name)]
    flags = [f"--{name.replace('_', '-')}" for name in names]
    named = field.default is None or isinstance(field.default, bool) or "[default" in text
    shown = text if named else f"{text}  [default: {field.default}]"
    if bool in kinds:
        flag = flags[0].removeprefix("--")
        return click.option(f"--{flag}/--no-{flag}", field.name, default=None, help=shown)
    if typing.get_origin(kinds[0]) is tuple:
        return click.option(*flags, field.name, default=None, callback=_names, metavar="NAMES", help=shown)
    plain = next(kind for kind in (int, float, str) if kind in kinds)
    return click.option(*flags, field.name, type=plain, default=None, help=shown)


def _names(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """``query,value`` as two names, ``value=16,blocks.0=2`` as two; ``full,lora:rank=4,alpha=8`` too, since after a name with a colon what says ``field=value`` belongs to it."""
    if value is None:
        return None
    names: list[str] = []
    for part in value.split(","):
        if names and ":" in names[-1] and "=" in part and ":" not in part:
            names[-1] += f",{part.strip()}"
        else:
            names.append(part.strip())
    return tuple(names)


def run_options(run: str, *, out: str) -> Callable[[Function], Function]:
    """A decorator that adds the options of every command whose work lies in a folder and may be stopped: ``--config``, ``--out``, ``--resume``, ``--force`` and ``--json``.

    run: what the command makes ("run", "comparison"). out: the folder where none is given, in words.
    """
    options = (
        click.option(
            "--config", metavar="FILE", help="Take settings from a TOML file; options given here win."
        ),
        click.option("--out", metavar="DIR", help=f"Where everything is written.  [default: {out}]"),
        click.option(
            "--resume", is_flag=True, help=f"Go on with the {run} in --out, under its own settings."
        ),
        click.option("--force", is_flag=True, help=f"Overwrite the {run} in --out."),
        json_option,
    )

    def decorate(function: Function) -> Function:
        for option in reversed(options):  # click puts the last decorator first
            function = option(function)
        return function

    return decorate


def config_of(config: str | None, out: str | None, resume: bool, given: Mapping[str, Any]) -> str | None:
    """The configuration file of a run: ``config``, or with ``resume`` the one that the run in ``out`` began with; None where there is none.

    given: as for ``make_settings``. Raises InputError for ``resume`` without a folder, and where nothing says what is to go on: a run of the defaults would begin, whatever was meant.
    """
    if not resume or config is not None:
        return config
    if out is None:
        raise InputError("resume needs --out, the folder of the run")
    if (Path(out) / CONFIG).is_file():
        return str(Path(out) / CONFIG)
    if all(value is None for value in given.values()):
        raise InputError(
            f"there is no run to go on with: {out!r} holds no {CONFIG}; give --out the run's folder"
        )
    return None


def make_settings(
    kind: type[Settings],
    given: Mapping[str, Any],
    config: str | None,
    command: str,
    spellings: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a run: what was ``given`` on the command line (None: not given) over the file ``config`` over ``defaults`` over the dataclass's own. Raises InputError."""
    values = dict(defaults or {})
    values |= {} if config is None else read_config(config, kind, command, spellings=spellings)
    values |= {name: value for name, value in given.items() if value is not None}
    return kind(**values)
