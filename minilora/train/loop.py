"""The training loop: batch, loss and gradient, clip, step, and again.

Comes after everything else in this room, and before whoever wants a trained model. The loop is a pure function of the model, the batches and the settings:
randomness comes from (seed, step), batches from the step, so a run that was killed and taken up again gives the same losses to the last digit.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..autograd import Tensor
from ..backend import to_host, tune_malloc
from ..data.batches import Batch
from ..errors import InputError, RunFailed
from ..files import make_folder
from . import checkpoints, log
from .checkpoints import (
    Progress,
    Saved,
    Setting,
    describe,
    fingerprint,
    load_checkpoint,
    put_parameters,
    save_checkpoint,
)
from .clipping import clip_gradient, gradient_norm
from .diverged import TrainingDiverged, first_not_finite
from .log import History, Log, Record
from .parallel import Workers
from .progress import progress_bar
from .ranks import Ranks
from .readings import Taken, in_brief, read_back, reading_due, validation_due
from .settings import Training
from .shards import Learner, loss_and_gradient, shards_of


class RanksDisagree(RunFailed):
    """The parameters of two ranks differ: they round differently. Says after which step, and on which rank."""


def fit(
    model: Learner,
    batches: Callable[[int], Batch],
    settings: Training,
    *,
    out: str | Path | None = None,
    validate: Callable[[], float] | None = None,
    watch: Callable[[int], None] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    identity: Mapping[str, Setting] | None = None,
    progress: bool | None = None,
    title: str = "training",
    ranks: Ranks | None = None,
) -> History:
    """Train the trainable parameters of ``model``, in place, and return the history of the run.

    model: has ``loss(batch, divisor=, smoothing=, rng=)``, ``named_parameters()`` and ``trainable_parameters()``. batches: the batch of each number from 0; step t takes
    those from (t − 1) · accumulation on. validate: a number, lower being better, computed after every ``evaluate_every`` steps and after the last.
    watch: called with the number of steps taken, before the first and after each (before a checkpoint knows of it); it may look at the model, and must leave it as it is.
    out: the folder of ``log.jsonl`` and ``checkpoint.safetensors``; None writes nothing. resume: go on from the checkpoint in ``out``, or from the start where there is none
    yet. overwrite: begin anew in a folder that holds a run. identity: further values that decide the run, such as the data file and its seed, which must be the same on resume.
    progress: show a bar; None shows it in a terminal or a notebook.
    ranks: the processes that train together (``ranks.world()``), each with the same arguments; None: this one alone. Each computes its share of a batch's shards; the first alone
    validates, and reads and writes ``out``. The losses are those of one process up to the order in which the shards' gradients are added.

    Sets malloc for the whole process (``backend.tune_malloc``), and BLAS to one thread during each step.

    Raises InputError for settings that contradict each other, a folder that holds a run when neither ``resume`` nor ``overwrite`` is given, a checkpoint from
    other settings, or ranks that were given different things; TrainingDiverged when the loss, the gradient or the validation is not finite; RanksDisagree when the ranks' parameters do.
    """
    ranks = Ranks() if ranks is None else ranks
    parameters = dict(model.trainable_parameters())
    ranks.on_first(lambda: check_arguments(parameters, settings, out, validate, resume, overwrite))
    tune_malloc()
    optimizer = settings.make_optimizer().start(list(parameters.values()))
    gradient = optimizer.layout.zeros()
    state, names = Progress(), {}
    if out is not None or ranks.count > 1:
        names = fingerprint(settings, model, identity or {})
    if (different := ranks.difference(names)) is not None:
        raise InputError(f"the ranks must train the same: {different}; give every one the same")
    if out is not None:
        found = ranks.on_first(lambda: take_up(out, resume, parameters, names))
        if found is not None:
            state = found.progress
            put_parameters(parameters, found.parameters)
            optimizer.load_state(found.moments, state.step)
    alone = ranks.rank == 0  # the first alone writes and shows

    def diverged(step: int, what: str, value: float, rate: float) -> TrainingDiverged:
        where = first_not_finite(parameters, optimizer.layout, gradient)
        return TrainingDiverged(step, what, value, rate, where)

    with (
        Log(out if alone else None, state.step) as journal,
        Workers(settings.workers, ranks) as workers,
        shards_of(model, parameters, workers, optimizer.layout) as shards,
        progress_bar(title, settings.steps, done=state.step, show=progress if alone else False) as bar,
    ):
        if watch is not None:
            watch(state.step)
        taken: list[Taken] = []
        while not finished(settings, state):
            if not taken:
                began = time.perf_counter()
            rate = settings.learning_rate * settings.make_schedule().factor(state.step, settings.steps)
            first = state.step * settings.accumulation
            of_step = [batches(index) for index in range(first, first + settings.accumulation)]
            dropout = (settings.seed, state.step) if settings.dropout else None
            with workers.single_threaded_blas():
                loss = loss_and_gradient(
                    shards, of_step, gradient, smoothing=settings.label_smoothing, dropout=dropout
                )
                norm = gradient_norm(gradient)
                tokens = sum(int(batch.mask.sum()) for batch in of_step)
                taken.append(Taken(state.step + 1, loss, norm, rate, tokens))
                if due := reading_due(settings, state.step + 1):
                    figures = read_back(taken)
                    for step, (loss, norm) in zip(taken, figures, strict=True):
                        for what, value in (("loss", loss), ("norm of the gradient", norm)):
                            if not math.isfinite(value):
                                raise diverged(step.number, what, value, step.learning_rate)
                if settings.clip is not None:
                    clip_gradient(gradient, taken[-1].norm, settings.clip)
                optimizer.step(gradient, rate)
            state.step += 1
            seconds = (time.perf_counter() - began) / len(taken)
            validation = None
            if validate is not None and validation_due(settings, state.step):
                validation = ranks.on_first(lambda: float(validate()))
                if not math.isfinite(validation):
                    raise diverged(state.step, "validation", validation, rate)
                note_validation(state, validation, parameters, keep=settings.patience is not None)
            if due:
                for step, (loss, norm) in zip(taken, figures, strict=True):
                    last = validation if step is taken[-1] else None
                    journal.append(
                        Record(step.number, loss, step.learning_rate, norm, step.tokens, seconds, last)
                    )
                bar.advance(in_brief(journal.records), steps=len(taken))
                taken.clear()
            if watch is not None:
                watch(state.step)
            if finished(settings, state) or state.step % settings.save_every == 0:
                check_ranks(ranks, parameters, state.step)
                if out is not None and alone:
                    journal.sync()
                    save_checkpoint(out, parameters, optimizer.state(), state, names)
    if state.best_parameters:
        put_parameters(parameters, state.best_parameters)
    early = state.step < settings.steps
    return ranks.on_first(lambda: History(journal.records, state.best, state.best_step, stopped_early=early))


def take_up(
    out: str | Path, resume: bool, parameters: Mapping[str, Tensor], names: Mapping[str, Setting]
) -> Saved | None:
    """The checkpoint to go on from; None to begin anew, in a folder without one."""
    found = load_checkpoint(out, parameters, names) if resume else None
    if found is None:
        (make_folder(out) / checkpoints.NAME).unlink(missing_ok=True)
    return found


def check_ranks(ranks: Ranks, parameters: Mapping[str, Tensor], step: int) -> None:
    """Raise RanksDisagree unless the parameters are the same on all ranks, to the last bit: each moves its own, by the same sums."""
    if ranks.count > 1:
        digest = describe((name, to_host(parameter.data)) for name, parameter in parameters.items())
        different = ranks.difference({"the trained parameters": digest})
        if different is not None:
            raise RanksDisagree(
                f"after step {step} {different}: the ranks no longer train one model; "
                "use processors of one kind, and the same versions of NumPy and BLAS on all"
            )


def check_arguments(
    parameters: Mapping[str, Tensor],
    settings: Training,
    out: str | Path | None,
    validate: Callable[[], float] | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Raise InputError for arguments of ``fit`` that contradict each other."""
    if not parameters:
        raise InputError(
            "the model has no trainable parameters: every one is frozen; adapt it, or unfreeze it"
        )
    if validate is None and (settings.evaluate_every is not None or settings.patience is not None):
        raise InputError(
            "evaluate_every and patience need validate, a function that gives the validation loss"
        )
    if resume and overwrite:
        raise InputError(
            "resume and overwrite exclude each other: go on with the run in the folder, or begin it anew"
        )
    if resume and out is None:
        raise InputError("resume needs out, the folder of the run to go on with")
    if out is not None and not (resume or overwrite):
        for name in (checkpoints.NAME, log.NAME):
            if (Path(out) / name).exists():
                raise InputError(
                    f"{str(out)!r} holds a run already ({name}); resume it, overwrite it, or give another folder"
                )


def finished(settings: Training, state: Progress) -> bool:
    """Whether all steps are taken, or patience is at its end."""
    return state.step >= settings.steps or (
        settings.patience is not None and state.worse >= settings.patience
    )


def note_validation(state: Progress, value: float, parameters: Mapping[str, Tensor], keep: bool) -> None:
    """Remember a validation: the best so far (with copies of its parameters if ``keep``), or one more without a better."""
    if state.best is not None and value >= state.best:
        state.worse += 1
        return
    state.best, state.best_step, state.worse = value, state.step, 0
    if keep:
        state.best_parameters = {name: parameter.data.copy() for name, parameter in parameters.items()}
