"""How a task meets a model: which tasks a model can be given, and whether labels are answered in words or by a head.

Comes before ``measure.py`` and ``finetune.py``. A decoder (GPT) writes, so every task fits it: a classification as prompts and words, or by a classification head on
the last token. An encoder (BERT, RoBERTa, DeBERTa) reads and does not write: it fits classifications, by a head.
"""

import numpy as np

from ..data.tasks import AnyTask, Classification, PlainText, Prompted, Task
from ..data.tasks.lengths import Fit, FittedLabels, FittedTask
from ..errors import InputError, nearest
from ..models.base import Model
from ..models.heads import HeadKind

ANSWERS = ("prompt", "head")


def too_long_of(model: Model, answers: str | None, given: str | None) -> str:
    """What is done with texts longer than the model's context: what is ``given``; otherwise an encoder's are cut, as is the custom, and a decoder's refused."""
    return given or ("cut" if answers == "head" and _is_encoder(model) else "error")


def fit_lengths(
    task: AnyTask, model: Model, policy: str, *, room: int | None = None
) -> tuple[AnyTask, Fit | None]:
    """The task, in the form that `meet` gave it, with examples that fit the model, and what becomes of those that are too long; None where nothing is counted.

    Under ``"error"`` the loaders and scoring refuse what is too long, so the task stays as it is, but for an encoder's, which they would cut.
    room: the tokens that a text may have; None: what the model reads.
    """
    if (
        isinstance(task, PlainText)
        or model.tokenizer is None
        or (policy == "error" and not _is_encoder(model))
    ):
        return task, None
    fit = Fit(policy, model.room if room is None else room)
    if isinstance(task, Classification):
        return FittedLabels(task, model.tokenizer, fit), fit
    return FittedTask(task, model.tokenizer, fit), fit


def answers_of(model: Model, task: AnyTask, given: str | None) -> str | None:
    """How a classification is answered, ``"prompt"`` or ``"head"``; None for other tasks. Raises InputError where the task doesn't fit the model."""
    writes = model.head.kind == "language-model"
    kind = type(model).__name__
    if isinstance(task, Classification):
        if given == "prompt" and not writes:
            raise InputError(
                f"answers is 'prompt', but the model ({kind} with the head {model.head.kind}) does not write; give answers 'head', or a decoder such as tiny-gpt"
            )
        return given or ("prompt" if writes else "head")
    if not writes:
        asks = "asks for the next token" if isinstance(task, PlainText) else "is answered in words"
        raise InputError(
            f"the task {task.name} {asks}, and the model ({kind} with the head {model.head.kind}) does not write; "
            "take a decoder such as tiny-gpt, or a task with labels such as sst2"
        )
    return None


def meet(
    model: Model, task: AnyTask, answers: str | None, *, rng: np.random.Generator | None = None
) -> AnyTask:
    """The task in the form that the model is trained and measured on; puts a classification head on the model where that is what answers.

    A head that the model has already, with as many outputs as the task needs, stays. rng: where a new head's start is drawn from.
    """
    if not isinstance(task, Classification):
        return task
    if answers == "prompt":
        return task.prompted()
    if model.head.describe() != HeadKind("classifier", task.outputs):
        model.set_classifier(task.outputs, rng)
    return task


def _is_encoder(model: Model) -> bool:
    """Whether texts are read between marks, and would be cut silently where they are too long."""
    return model.tokenizer is not None and model.tokenizer.start is not None


def check_answers(given: str | None) -> None:
    """Raise InputError for a way to answer that is not known."""
    if given is not None and given not in ANSWERS:
        raise InputError(f"answers must be {' or '.join(ANSWERS)}, not {given!r}{nearest(given, ANSWERS)}")


def writes_answers(task: AnyTask) -> bool:
    """Whether the task, in the form that `meet` gave it, is answered by generating text."""
    return isinstance(task, Task | Prompted)
