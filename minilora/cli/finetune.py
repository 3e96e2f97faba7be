"""``minilora finetune``: adapt a model to a task. Calls ``train.finetune.finetune``."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..data.tasks import TASKS
from ..lab.grid import SPELLINGS
from ..train.finetune import finetune
from ..train.ranks import Ranks, world
from ..train.recipe import FineTuning
from ..train.result import Result, bytes_of_a_step
from ..train.runs import free_folder
from .errors import ending_all, resumable
from .opening import base_of, settings_beside
from .options import DEVICE, config_of, make_settings, run_options, settings_options
from .output import note, number, print_json, print_table, size, tell_too_long

TEXTS = {
    "model": "A shipped model's name, or a model folder.",
    "task": f"One of {', '.join(TASKS)}.",
    "data": "The file or folder that the task reads (docs/reference/tasks.md lists them); tasks that are made need none.",
    "data_seed": "Tasks that are made: the seed they are made from.  [default: 0]",
    "answers": "Tasks with labels: prompt (in words) or head (a classification head).  [default: decoders prompt, encoders head]",
    "adapter": "A folder that finetune wrote, or one of PEFT's, to start from: its training goes on, on its own model and task unless others are given.  [default: a fresh adapter]",
    "method": "lora, full, top-layers, bitfit, head, houlsby, lin, pfeiffer, prefix-embedding, prefix-layer, or several joined by +.  [default: the adapter's, or lora]",
    "rank": "LoRA: r, the rank of the update.  [default: 8]",
    "alpha": "LoRA: α; the update is scaled by α/r.  [default: 16]",
    "targets": "LoRA: which layers, by name, separated by commas; all-linear for all.  [default: query,value]",
    "lora_dropout": "LoRA: dropout on the input of A.  [default: 0]",
    "ranks": "LoRA: other ranks by layer, such as value=16,blocks.0=2.",
    "alphas": "LoRA: other α by layer, written like ranks.",
    "scaling": "LoRA: lora for α/r, rslora for α/√r.  [default: lora]",
    "bias": "LoRA: the biases that are trained too: none, own (of the adapted layers) or all.  [default: none]",
    "width": "houlsby, lin, pfeiffer: the width of the bottleneck.  [default: 16]",
    "blocks": "houlsby, lin, pfeiffer: the numbers of the blocks that have adapters.  [default: all]",
    "top": "top-layers: how many blocks are trained.  [default: 2]",
    "prefix": "prefix-embedding, prefix-layer: special tokens before each text.  [default: 8]",
    "infix": "prefix-embedding, prefix-layer: special tokens after its prompt.  [default: 0]",
    "learning_rate": "The highest learning rate.  [default: the method's: lora 4e-3, full 4e-4, houlsby 8e-3 (3e-3 with a head), …]",
    "steps": "Optimizer steps.",
    "rows": "Examples a batch.",
    "length": "text: tokens a row.  [default: 256, or what fits]",
    "too_long": "Examples longer than the model's context: error (refuse the run), cut (their texts) or skip (leave them out); what was done is counted.  [default: error; an encoder's texts: cut]",
    "schedule": "linear, cosine or constant.",
    "warmup": "Steps over which the learning rate rises.  [default: a tenth of all, at most 20]",
    "weight_decay": "Decoupled weight decay, on matrices only.",
    "clip": "The largest norm of the gradient; 0 never clips.",
    "accumulation": "Batches a step.",
    "label_smoothing": "ε, spread evenly over the vocabulary.",
    "dropout": "The rate of the model's own dropout.  [default: that of its configuration]",
    "workers": "Shards of a batch, computed side by side by as many processes, or shared out to MPI ranks.  [default: 2, or as many as there are ranks]",
    "seed": "Of the adapter's start, the order of the examples, and dropout.",
    "dtype": "float32 or float64.",
    "base_dtype": "What the frozen base is stored as: float16 takes half of its memory, and more time on the CPU; all is computed in --dtype.  [default: as --dtype]",
    "device": DEVICE,
    "log_every": "Steps from one reading of losses to the next; the log tells of every step.  [default: 1; on a card 10]",
    "evaluate_every": "Steps from one validation loss to the next.  [default: never]",
    "patience": "Stop after so many validations without a new best, and take the best.",
    "save_every": "Steps from one checkpoint to the next.",
    "part": "What the score is reported on: validation or test.",
    "limit": "Score only the first so many examples.",
    "before": "Score the model before training too.  [default: yes, unless beam search makes it long]",
    "beam": "Width of beam search; 1 is greedy.  [default: e2e 10, nl2sql 1]",
    "length_penalty": "Beam search: the length penalty.  [default: 0.9]",
    "no_repeat_ngram": "Beam search: no run of so many tokens twice; 0 allows all.  [default: 4]",
    "answer_tokens": "The most tokens of an answer.  [default: the task's]",
}


@click.command("finetune")
@settings_options(FineTuning, TEXTS, SPELLINGS)
@run_options("run", out="runs/TASK-METHOD, or the next free name")
def command(
    config: str | None, out: str | None, resume: bool, force: bool, as_json: bool, **given: Any
) -> None:
    """Adapt a model to a task, and score it before and after.

    \b
    Examples:
      minilora finetune --task nl2sql --method lora --rank 8 --steps 300 --out runs/sql
      minilora finetune --task e2e --data e2e-dataset.zip --method houlsby --width 16
      minilora finetune --task text --data book.txt --method full --lr 2e-4
      minilora finetune --config runs/sql/config.toml        repeats that run
      minilora finetune --out runs/sql --resume              goes on after Ctrl-C
      minilora finetune --adapter runs/sql --steps 300       trains that adapter further
      mpiexec -n 4 minilora finetune --task nl2sql --out runs/sql    trains with four processes
    """
    ranks = world()
    with ending_all(ranks):
        settings, out = ranks.on_first(lambda: settle_command(config, out, resume, force, given, ranks))
        folder = None if out is None else Path(out)
        with resumable(f"minilora finetune --out {shlex.quote(str(out))} --resume", folder):
            result = finetune(settings, out=out, resume=resume, force=force, ranks=ranks)
        if ranks.rank > 0:
            return
        if as_json:
            print_json(result.report())
        else:
            show(result)


def settle_command(
    config: str | None, out: str | None, resume: bool, force: bool, given: Mapping[str, Any], ranks: Ranks
) -> tuple[FineTuning, str | None]:
    """The settings and the folder of the run, of what was given and what lies in ``out``; says what has no effect."""
    config = config_of(config, out, resume, given)
    defaults = {"workers": max(FineTuning.workers, ranks.count)}
    if given["adapter"] is not None:
        defaults |= of_adapter(given["adapter"], given, alone=config is None)
    settings = make_settings(FineTuning, given, config, "finetune", SPELLINGS, defaults)
    if out is None and not (resume or force):
        out = str(free_folder(Path("runs") / f"{settings.task}-{settings.names}"))
    if idle := settings.idle():
        note(f"Note: without effect in a run of {settings.names} on {settings.task}: {', '.join(idle)}.")
    if settings.workers < ranks.count:
        note(
            f"Note: workers is {settings.workers}, so {ranks.count - settings.workers} of {ranks.count} ranks have no share of a batch; give --workers {ranks.count} or more to a new run."
        )
    return settings, out


def of_adapter(adapter: str, given: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    """What a run that starts from an adapter takes over where nothing else is given: the model, and the task with its data unless a configuration says them (``alone``: there is none)."""
    beside = settings_beside(adapter)
    values: dict[str, Any] = {} if given["model"] is not None else {"model": base_of(adapter)}
    values |= {"method": beside.get("method")}
    if alone and given["task"] in (None, beside.get("task")):
        values |= {name: beside.get(name) for name in ("task", "data", "data_seed", "answers")}
    return {name: value for name, value in values.items() if value is not None}


def show(result: Result) -> None:
    """The scores, what was trained, and where it lies."""
    settings, after = result.settings, result.after
    before = {} if result.before is None else result.before.metrics
    rows = [(name, number(before.get(name)), number(value)) for name, value in after.metrics.items()]
    kind = "tokens" if settings.task == "text" else "examples"
    click.echo(f"{settings.task}: {result.tuned.methods[settings.task]}")
    print_table((f"{after.part}, {number(after.counted)} {kind}", "before", "after"), rows)
    click.echo(
        f"trained {result.trainable:,} of {result.parameters:,} parameters ({result.trainable / result.parameters:.2%}) "
        f"for {len(result.history.losses):,} steps in {result.history.seconds:.0f} s"
    )
    if result.ranks > 1:
        full = bytes_of_a_step(result.parameters, settings.dtype)
        click.echo(
            f"{result.ranks} ranks: each sent {result.sent:,} bytes a step, {size(result.sent)}; full fine-tuning sends {size(full)}"
        )
    tell_too_long(result.too_long)
    if result.folder is not None:
        click.echo(f"written to {result.folder}")
