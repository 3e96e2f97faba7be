"""``minilora evaluate``: score a model on a task. Calls ``train.measure.measure``."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from ..data.tasks import TASKS, Classification, PlainText, find_task, load_task
from ..errors import InputError
from ..files import check_writable
from ..train.evaluate import save_lines
from ..train.fitting import answers_of, check_answers, fit_lengths, meet, too_long_of
from ..train.measure import Measuring, measure
from .finetune import TEXTS
from .opening import adapter_option, device_option, model_option, open_model, settings_beside
from .options import settings_options
from .output import json_option, note, number, print_json, print_table, tell_too_long

SCORING = tuple(Measuring.__dataclass_fields__)
SCORING_TEXTS = {
    "part": "What is scored: validation or test.  [default: the adapter's own, or validation]",
    "workers": "Threads; each takes a share of the work.  [default: the adapter's own, or 2]",
}


@click.command("evaluate")
@model_option
@adapter_option
@device_option
@click.option("--task", help=f"One of {', '.join(TASKS)}.  [default: the adapter's own]")
@click.option("--data", help="The file or folder that the task reads.  [default: the adapter's own]")
@click.option("--data-seed", type=int, help=TEXTS["data_seed"])
@click.option("--answers", help=TEXTS["answers"])
@settings_options(Measuring, TEXTS | SCORING_TEXTS)
@click.option("--out", metavar="FILE", help="Write the answers to this file, one JSON object a line.")
@click.option("--force", is_flag=True, help="Overwrite the file --out.")
@json_option
def command(
    model: str | None,
    adapter: str | None,
    device: str,
    task: str | None,
    data: str | None,
    data_seed: int | None,
    answers: str | None,
    out: str | None,
    force: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Score a model, with an adapter or without, on a task it may never have seen.

    An adapter's own task is scored as its run was, but for --limit, where nothing else is given.

    \b
    Examples:
      minilora evaluate --adapter runs/sql --part test
      minilora evaluate --model tiny-gpt --task nl2sql --limit 100
      minilora evaluate --adapter runs/e2e --beam 4 --out answers.jsonl
      minilora evaluate --adapter runs/sst2 --task sst2 --data SST-2 --limit 50
    """
    beside = settings_beside(adapter)
    task = task or beside.get("task")
    if task is None:
        raise InputError(
            f"no task is given; give --task with one of {', '.join(TASKS)}, or an --adapter that finetune wrote"
        )
    if task == beside.get("task"):  # another task has other data, and answers of another length
        data, data_seed = (
            data or beside.get("data"),
            beside.get("data_seed") if data_seed is None else data_seed,
        )
        answers = answers or beside.get("answers")
        given = {
            name: beside.get(name) if given[name] is None and name != "limit" else given[name]
            for name in SCORING
        }
    check_free(out, force)
    how = Measuring(**{name: value for name, value in given.items() if value is not None})
    kind = find_task(task)
    check_answers(answers)
    idle = [*how.idle(task, answers), *(["data_seed"] if data_seed is not None and not kind.made else [])]
    idle += ["answers"] if answers is not None and not issubclass(kind, Classification) else []
    if out is not None and issubclass(kind, PlainText):  # which has no answers
        out, idle = None, [*idle, "out"]
    if idle:
        note(f"Note: without effect on {task}: {', '.join(idle)}.")
    found = load_task(task, data=data, seed=data_seed or 0)
    opened = open_model(model, adapter, device)
    by = answers_of(opened.model, found, answers)
    fitted = meet(opened.model, found, by, rng=np.random.default_rng(0))
    fitted, fit = fit_lengths(fitted, opened.model, too_long_of(opened.model, by, how.too_long))
    if out is not None:
        check_writable(out)
    result = measure(opened.model, fitted, how)
    too_long = None if fit is None else fit.report()
    if as_json:
        print_json(
            {
                "model": opened.name,
                "adapter": adapter,
                "task": task,
                "answers": by,
                "too_long": too_long,
                "part": result.part,
                "primary": result.primary,
                "metrics": dict(result.metrics),
                "counted": result.counted,
                "seconds": round(result.seconds, 3),
            }
        )
    else:
        unit = "tokens" if task == "text" else "examples"
        print_table(
            (f"{task}, {result.part}, {number(result.counted)} {unit}", "score"),
            [(name, number(value)) for name, value in result.metrics.items()],
        )
        tell_too_long(too_long)
    if out is not None:
        save_lines(out, result.lines)


def check_free(file: str | None, force: bool) -> None:
    """Raise InputError when the file is there already, unless ``force``."""
    if file is not None and Path(file).exists() and not force:
        raise InputError(f"{file!r} is there already; choose another name, or overwrite it with --force")
