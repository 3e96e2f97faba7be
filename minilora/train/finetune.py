"""Fine-tuning from beginning to end, in one call: a model, a task and a method in; an adapter, its scores and all that repeats the run out.

Comes after everything else in this room; ``minilora finetune`` and whoever works in a notebook call ``finetune``. What it leaves in the folder ``out``:

    config.toml               all settings, none left open, and the circumstances (``runs.py``)
    log.jsonl                 one line a step
    checkpoint.safetensors    where ``resume`` goes on
    adapter.safetensors, .json   what ``load_adapter`` reads; all weights for full fine-tuning
    predictions/*.jsonl       the answers before and after
    metrics.json              ``Result.report()``
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..backend.devices import use_device
from ..data.tasks import AnyTask, load_task
from ..errors import InputError
from ..methods import adapt
from ..methods.files import CONFIGURATION, WEIGHTS
from ..methods.peft import refuse_peft
from ..models.base import Model
from ..models.checkpoint import load
from ..models.disentangled import DisentangledAttention
from ..nn import Attention, Dropout
from . import checkpoints, log
from .evaluate import evaluate_loss, save_lines
from .fitting import fit_lengths, meet
from .identity import describe_start, identify
from .loop import fit
from .measure import (
    Measured,
    check_scoring,
    measure,
    training_data,
    validation_batches,
)
from .ranks import Ranks
from .recipe import FineTuning, settle
from .result import METRICS, Result, bytes_of_a_step, write
from .runs import CONFIG, begin_folder, check_same, refuse_existing
from .start import begin_at, check_apart, fit_head, read_start

ANSWERS = "predictions/{}.jsonl"
OUTPUTS = (
    *(CONFIG, log.NAME, checkpoints.NAME, WEIGHTS, CONFIGURATION, METRICS),
    *(ANSWERS.format(when) for when in ("before", "after")),
)
"""Files that a run writes into its folder; it refuses a folder that holds one."""

FREE = (
    "model",
    "data",
    "adapter",
    "device",
    "save_every",
    "log_every",
    "part",
    "limit",
    "before",
    "beam",
    "length_penalty",
    "no_repeat_ngram",
    "answer_tokens",
)
"""Settings that may differ when a run is resumed: they decide how it is scored or where files lie. Weights, data and the adapter at the start are compared by content."""


def finetune(
    settings: FineTuning,
    out: str | os.PathLike[str] | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    progress: bool | None = None,
    ranks: Ranks | None = None,
) -> Result:
    """Adapt a model to a task by a method, score it before and after, and write everything to the folder ``out`` (None writes nothing).

    resume: go on with the run in ``out``, to the same digits; it must have been begun with the same settings (those of its scoring may differ). force: begin anew where ``out`` holds
    a run. progress: show bars; None shows them in a terminal or a notebook. ranks: the processes that train together (``ranks.world()``); the first alone scores, and reads and writes
    ``out``; all get the same result. Sets malloc for the whole process, as ``fit`` does.

    Raises InputError for input and a device that cannot be used, for a folder that holds a run when neither ``resume`` nor ``force`` is given, and for one that holds an adapter in PEFT's
    format; TrainingDiverged when the loss is not finite.
    """
    ranks = Ranks() if ranks is None else ranks
    folder = None if out is None else Path(out)
    if folder is None and (resume or force):
        raise InputError("resume and force need out, the folder of the run")
    if folder is not None:
        ranks.on_first(lambda: check_folder(folder, resume=resume, force=force))
    use_device(settings.device, ranks.place)
    model = open_base(settings)
    task = load_task(settings.task, data=settings.data, seed=settings.data_seed or 0)
    settings = settle(settings, model, task)
    if folder is not None and resume:
        ranks.on_first(lambda: check_begun(folder, settings, model, task, free=FREE))
    task = meet(model, task, settings.answers, rng=np.random.default_rng(settings.seed))
    check_scoring(task, settings.measuring())
    parameters = model.count_parameters()
    identity = identify(settings, model, task)
    set_dropout(model, settings.dropout or 0.0)
    start = None
    if settings.adapter is None:
        tuned = adapt(model, settings.adaptation(), name=settings.task, rng=settings.seed)
    else:
        if folder is not None:
            check_apart(folder, settings.adapter)
        saved, head = fit_head(read_start(settings.model, settings.adapter), model)
        tuned = begin_at(model, saved, name=settings.task)
        start = describe_start(settings.adapter, saved, head)
        identity = {**identity, "the adapter at the start": start["digest"]}
    model.to(settings.device)
    task, lengths = fit_lengths(task, model, settings.too_long or "error")
    data = training_data(task, model, rows=settings.rows, length=settings.length, seed=settings.seed)
    validate = None
    if settings.evaluate_every is not None:
        held_out = validation_batches(task, model, rows=settings.rows, length=settings.length)

        def validate() -> float:
            return evaluate_loss(model, held_out, workers=settings.workers).nll

    if folder is not None:
        ranks.on_first(
            lambda: begin_folder(folder, OUTPUTS, "finetune", settings, resume=resume, force=force)
        )

    def score(when: str) -> Measured:
        found = measure(model, task, settings.measuring(), progress=progress, title=f"scoring {when}")
        if folder is not None and found.lines:
            save_lines(folder / ANSWERS.format(when), found.lines)
        return found

    before = ranks.on_first(lambda: score("before")) if settings.before else None
    history = fit(
        model,
        data.batch,
        settings.training(),
        out=folder,
        validate=validate,
        resume=resume,
        overwrite=force,
        identity=identity,
        progress=progress,
        ranks=ranks,
    )
    after = ranks.on_first(lambda: score("after"))
    numbers = sum(parameter.size for _, parameter in tuned.model.trainable_parameters())
    sent = bytes_of_a_step(numbers, settings.dtype) if ranks.count > 1 else 0
    result = Result(
        tuned,
        settings,
        history,
        before,
        after,
        parameters,
        tuned.trainable,
        folder,
        start,
        None if lengths is None else lengths.report(),
        ranks.count,
        sent,
    )

    if folder is not None:
        ranks.on_first(lambda: write(result, folder))
    return result


def open_base(settings: FineTuning) -> Model:
    """The model of a run: its base stored, and computed with, as the settings say. Raises InputError for one that cannot be loaded."""
    if settings.base_dtype == "float16":
        return load(settings.model, base_dtype="float16")
    return load(settings.model).astype(np.dtype(settings.dtype))


def check_folder(folder: Path, *, resume: bool, force: bool) -> None:
    """Raise InputError where a run cannot write into ``folder``: it holds another, which is neither gone on with nor forced, or an adapter in PEFT's format, beside which no other is saved."""
    refuse_existing(folder, OUTPUTS, resume=resume, force=force)
    refuse_peft(folder)


def check_begun(
    folder: Path, settings: FineTuning, model: Model, task: AnyTask, *, free: Sequence[str]
) -> None:
    """Raise InputError where ``folder`` holds a run of other settings (none left open); ``free`` ones may differ. What the run's configuration leaves open is settled too."""
    check_same(folder, settings, "finetune", free=free, settled=lambda begun: settle(begun, model, task))


def set_dropout(model: Model, rate: float) -> None:
    """Give every dropout of the model this rate."""
    for _, module in model.named_modules():
        if isinstance(module, Dropout):
            module.rate = rate
        elif isinstance(module, Attention | DisentangledAttention):
            module.dropout = rate
