"""``minilora sweep``: a run for every combination of settings. Calls ``lab.sweep.run_sweep``, and shows what came out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import InputError, RunFailed
from ..lab.grid import SPELLINGS, GridAxis, read_grid
from ..lab.sweep import run_sweep, sweep_settings
from ..lab.sweep_results import CROSSTAB, PICTURE, SUMMARY, TABLE, best, table
from ..train.recipe import FineTuning
from ..train.runs import read_config
from .errors import resumable
from .finetune import TEXTS as OF_A_RUN
from .finetune import of_adapter
from .options import settings_options
from .output import json_option, note, print_json, print_table

TEXTS = OF_A_RUN | {
    "workers": "Shards of a batch, side by side; whole runs side by side use cores better.  [default: 1]"
}


@click.command("sweep")
@click.option(
    "--grid",
    "first",
    multiple=True,
    metavar="FIELD=VALUES",
    help="An axis of the grid: any setting below, and the values it takes, separated by commas; where one value is a list of names, they are joined by /. May be given several times.",
)
@click.argument("more", nargs=-1, metavar="[FIELD=VALUES]...")
@settings_options(FineTuning, TEXTS, SPELLINGS)
@click.option(
    "--config",
    metavar="FILE",
    help="Take settings from a TOML file, such as a run's config.toml; options and the grid win.",
)
@click.option(
    "--out",
    metavar="DIR",
    default="runs/sweep",
    show_default=True,
    help="Where every run has its folder; runs that are there are not made again.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes, one a run.  [default: one a core]")
@click.option("--dask", metavar="ADDRESS", help="Make the runs on the Dask cluster whose scheduler is there.")
@json_option
def command(
    first: Sequence[str],
    more: Sequence[str],
    config: str | None,
    out: str,
    jobs: int | None,
    dask: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a run for every combination of settings, side by side, and compare what comes out.

    A grid has one axis or several. rank=1,2,4 are three values; targets=query,query/value are two, the second of two names. With seed as an axis each of the others' combinations has a
    mean and a spread. Stopped, the same command goes on; a run that fails stops no other, and makes the exit status 1.

    \b
    Examples:
      minilora sweep --grid rank=1,2,4,8 --grid targets=query,value,query/value --steps 300
      minilora sweep --grid lr=1e-3,2e-3,4e-3 seed=0,1,2 --task text --data book.txt
      minilora sweep --grid method=lora,full --config runs/sql/config.toml --out runs/methods
      minilora sweep --grid rank=1,2,4,8 --dask tcp://10.0.0.5:8786
    """
    axes = read_grid((*first, *more))
    base = base_settings(axes, config, given)
    runs = [settings for _, settings in sweep_settings(base, axes)]
    for name, count in Counter(name for settings in runs for name in settings.idle()).items():
        note(f"Note: {name} is without effect in {count} of {len(runs)} runs.")
    with resumable("the same command"):
        summary = run_sweep(base, axes, out, jobs=jobs, dask=dask, tell=note)
    if as_json:
        print_json(summary)
    else:
        show(summary, Path(out))
    if summary["failed"]:
        raise RunFailed(
            f"{summary['failed']} of {len(runs)} runs; why stands above and in {Path(out) / TABLE}"
        )


def base_settings(axes: Sequence[GridAxis], config: str | None, given: Mapping[str, Any]) -> FineTuning:
    """The settings that all runs share, with the first value of each axis. Raises InputError for an option that is an axis too."""
    values = {} if config is None else read_config(config, FineTuning, "finetune", spellings=SPELLINGS)
    chosen = {name: value for name, value in given.items() if value is not None}
    varied = {axis.field: axis.values for axis in axes}
    both = sorted(chosen.keys() & varied.keys())
    if both:
        raise InputError(f"{both[0]} is an axis of the grid and an option too; leave one out")
    adapters = [adapter for adapter in varied.get("adapter", (given["adapter"],)) if adapter is not None]
    taken = of_adapters(adapters, {**given, **values, **chosen, **varied}, alone=config is None)
    first = {field: of_axis[0] for field, of_axis in varied.items()}
    return FineTuning(**({"workers": 1} | taken | values | chosen | first))


def of_adapters(adapters: Sequence[str], asked: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    """What runs that start from these adapters take over where nothing else is ``asked``, as a single run does; but the method is left to the adapter of each run.

    Raises InputError where they were made on different models or tasks: the runs of a sweep share what is no axis.
    """
    found = [of_adapter(adapter, asked, alone=alone) for adapter in adapters]
    shared = {name: value for name, value in found[0].items() if name != "method"} if found else {}
    for own in found:
        for name in sorted((own.keys() | shared.keys()) - {"method"}):
            if asked[name] is None and own.get(name) != shared.get(name):
                raise InputError(
                    f"the adapters of the grid were made with the {name} {shared.get(name)!r} and {own.get(name)!r}; give --{name.replace('_', '-')}, or a sweep to each"
                )
    return shared


def show(summary: Mapping[str, Any], out: Path) -> None:
    """The table, the best combination, and where everything lies."""
    print_table(*table(summary))
    winner = best(summary)
    if winner is not None and winner["point"]:
        point = ", ".join(f"{field} {text}" for field, text in winner["point"].items())
        click.echo(f"best {summary['measures'][0]}: {winner['mean']:.4g} with {point}")
    files = [name for name in (SUMMARY, TABLE, CROSSTAB, PICTURE) if (out / name).exists()]
    click.echo(f"written to {out}: {', '.join(files)}, and a folder a run")
