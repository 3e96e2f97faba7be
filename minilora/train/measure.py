"""Scoring a model on a task, whatever the task: answers generated and compared, or the perplexity of text held out.

Comes after ``evaluate.py``, whose two measures it chooses between, and before ``finetune.py``, which scores a model before and after training. It is what
``minilora evaluate`` calls.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import (
    Batch,
    Example,
    Labelled,
    LabelledLoader,
    TextLoader,
    Tokenizer,
    encode_examples,
    pad,
    text_tokens,
    text_windows,
)
from ..data.batches import ExampleLoader
from ..data.cutting import check_policy
from ..data.tasks import AnyTask, Classification, PlainText, Task
from ..errors import InputError
from ..models.base import Model
from ..models.generate import Beam, Decoding, Greedy
from ..models.gpt import GPT
from .evaluate import evaluate_loss, evaluate_task, prediction_lines
from .predictions import predict

PARTS = ("validation", "test")
LONGEST_ROW = 256
"""Tokens of a row of plain text when nothing else is asked for: longer rows cost more and teach little more."""
BEAMS = {"nl2sql": 1, "e2e": 10}
"""Width of beam search where none is given: the paper's for E2E (table 11); SQL is as good when read greedily, and much faster."""


@dataclass(frozen=True)
class Measuring:
    """How a model is scored. None leaves a field to the task; the fields are those of ``FineTuning``, explained there. too_long is carried out by `fitting.fit_lengths`, before scoring."""

    part: str = "validation"
    limit: int | None = None
    beam: int | None = None
    length_penalty: float | None = None
    no_repeat_ngram: int | None = None
    answer_tokens: int | None = None
    length: int | None = None
    too_long: str | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        """Raises InputError for a value that no task could accept."""
        if self.part not in PARTS:
            raise InputError(f"part must be {' or '.join(PARTS)}, not {self.part!r}")
        for name in ("limit", "beam", "answer_tokens", "length", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}")
        check_policy(self.too_long)

    def width(self, task: str) -> int:
        """How many continuations are kept; 1 is greedy."""
        return BEAMS.get(task, 1) if self.beam is None else self.beam

    def decoding(self, task: Task) -> Decoding:
        """How answers are generated: greedily, or by beam search with the paper's penalties where none are given."""
        width = self.width(task.name)
        if width == 1:
            return Greedy()
        penalty = Beam.length_penalty if self.length_penalty is None else self.length_penalty
        ngram = Beam.no_repeat_ngram if self.no_repeat_ngram is None else self.no_repeat_ngram
        return Beam(width, penalty, ngram)

    def idle(self, task: str, answers: str | None = None) -> list[str]:
        """The fields that were given and have no part in scoring this task, answered so."""
        penalties = ("length_penalty", "no_repeat_ngram") if self.width(task) == 1 else ()
        of_writing = ("beam", "answer_tokens", "length_penalty", "no_repeat_ngram")
        others = ("length", *(of_writing if answers == "head" else penalties))
        if task == "text":
            others = (*of_writing, "too_long")
        return [name for name in others if getattr(self, name) is not None]


@dataclass(frozen=True)
class Measured:
    """A score. metrics: figures by name, ``primary`` the one that decides; counted: examples answered, or tokens predicted; lines: what a file of answers says of each example, none for plain text."""

    part: str
    primary: str
    metrics: Mapping[str, float]
    counted: int
    seconds: float
    lines: Sequence[Mapping[str, object]] = ()

    @property
    def predictions(self) -> list[str]:
        """The answers, of a head the labels' names."""
        return [str(line["prediction"]) for line in self.lines]


def measure(
    model: Model,
    task: AnyTask,
    how: Measuring,
    *,
    progress: bool | None = None,
    title: str = "evaluating",
) -> Measured:
    """Score ``model``, adapted or not, on a part of ``task``, which `fitting.meet` has fitted to it. progress: a bar; None: in a terminal or a notebook.

    Raises InputError for a model without a tokenizer, and where the part is too short or a prompt too long for the model.
    """
    tokenizer = tokenizer_of(model)
    if isinstance(task, Classification):
        return measure_labels(model, task, how)
    if isinstance(task, PlainText):
        began = time.perf_counter()
        length = row_length(task, tokenizer, model.room) if how.length is None else how.length
        tokens = text_tokens(getattr(task, how.part), tokenizer)
        shortened = tokens if how.limit is None else tokens[: how.limit * length + 1]
        found = evaluate_loss(model, windows(shortened, length, model.room), workers=how.workers)
        metrics = task.score(found.nll * found.tokens, found.tokens)
        return Measured(how.part, task.primary, metrics, found.tokens, time.perf_counter() - began)
    examples = examples_of(task, how)
    assert isinstance(model, GPT)  # fitting.meet sees to it
    report = evaluate_task(
        model,
        task,
        examples,
        tokenizer,
        decoding=how.decoding(task),
        limit=how.answer_tokens or task.answer_tokens,
        workers=how.workers,
        progress=progress,
        title=title,
    )
    lines = prediction_lines(examples, report.predictions)
    return Measured(how.part, task.primary, report.metrics, len(examples), report.seconds, lines)


def measure_labels(model: Model, task: Classification, how: Measuring) -> Measured:
    """Score the head of ``model``: the class with the greatest logit, or the score itself."""
    began = time.perf_counter()
    examples = labelled_of(task, how)
    answers = predict(model, labelled_data(model, task, examples, rows=32).in_order(), workers=how.workers)
    predictions = answers[:, 0].tolist() if task.regression else answers.argmax(axis=1).tolist()
    scores = task.score(examples, predictions)
    seconds = time.perf_counter() - began
    outputs = answers.astype(float).round(4).tolist()
    lines = [
        {"texts": list(e.texts), "label": task.show(e.label), "prediction": task.show(p), "outputs": numbers}
        for e, p, numbers in zip(examples, predictions, outputs, strict=True)
    ]
    return Measured(how.part, task.primary, scores, len(examples), seconds, lines)


def check_scoring(task: AnyTask, how: Measuring) -> None:
    """Score two right answers, so that what scoring lacks (a package, an example) is found out before training and not after. Raises InputError."""
    if isinstance(task, Classification):
        labelled = labelled_of(task, how)[:2]  # a correlation needs two
        task.score(labelled, [example.label for example in labelled])
    elif not isinstance(task, PlainText):
        examples = examples_of(task, how)[:2]
        task.score(examples, [example.completion.strip() for example in examples])


def examples_of(task: Task, how: Measuring) -> Sequence[Example]:
    """The examples that are answered."""
    examples: Sequence[Example] = getattr(task, how.part)
    return examples[: how.limit]


def labelled_of(task: Classification, how: Measuring) -> Sequence[Labelled]:
    """The labelled examples that are answered; of several groups the first ``limit`` of each."""
    examples: Sequence[Labelled] = getattr(task, how.part)
    groups = sorted({example.group for example in examples})
    return [e for group in groups for e in [e for e in examples if e.group == group][: how.limit]]


def labelled_data(
    model: Model, task: Classification, examples: Sequence[Labelled], *, rows: int, seed: int = 0
) -> LabelledLoader:
    """The batches of labelled examples, with token types where the model tells the two texts of a pair apart."""
    types = getattr(model.config, "types", 0) > 1
    return LabelledLoader(
        examples, task, tokenizer_of(model), rows=rows, context=model.room, seed=seed, types=types
    )


def tokenizer_of(model: Model) -> Tokenizer:
    """The model's tokenizer; raises InputError when it was loaded without one."""
    if model.tokenizer is None:
        raise InputError("the model has no tokenizer; put its tokenizer.json into the model's folder")
    assert isinstance(model.tokenizer, Tokenizer)
    return model.tokenizer


def training_data(
    task: AnyTask, model: Model, *, rows: int, length: int | None, seed: int
) -> ExampleLoader | LabelledLoader | TextLoader:
    """The batches to train on, by number; ``length`` is for plain text. Raises InputError when an example does not fit into the context."""
    tokenizer, context = tokenizer_of(model), model.room
    if isinstance(task, Classification):
        return labelled_data(model, task, task.train, rows=rows, seed=seed)
    if isinstance(task, PlainText):
        length = row_length(task, tokenizer, context) if length is None else length
        check_fits(length, context)
        return TextLoader(text_tokens(task.train, tokenizer), rows=rows, length=length, seed=seed)
    return ExampleLoader(task.train, tokenizer, rows=rows, context=context, seed=seed)


def validation_batches(task: AnyTask, model: Model, *, rows: int, length: int | None) -> list[Batch]:
    """The whole validation part, for its loss: rows of like length together."""
    tokenizer, context = tokenizer_of(model), model.room
    if isinstance(task, Classification):
        by_length = sorted(task.validation, key=lambda example: sum(map(len, example.texts)))
        return labelled_data(model, task, by_length, rows=rows).in_order()
    if isinstance(task, PlainText):
        length = row_length(task, tokenizer, context) if length is None else length
        return windows(text_tokens(task.validation, tokenizer), length, context)
    pairs = sorted(
        encode_examples(task.validation, tokenizer, context), key=lambda pair: len(pair[0]) + len(pair[1])
    )
    chunks = [pairs[first : first + rows] for first in range(0, len(pairs), rows)]
    return [pad(chunk, end=tokenizer.end, padding=tokenizer.padding) for chunk in chunks]


def windows(tokens: NDArray[np.int32], length: int, context: int, rows: int = 16) -> list[Batch]:
    """The text from beginning to end."""
    check_fits(length, context)
    return list(text_windows(tokens, rows=rows, length=length))


def check_fits(length: int, context: int) -> None:
    """Raise InputError when a row of text is longer than what the model reads."""
    if length > context:
        raise InputError(
            f"length is {length}, more than the model's context of {context} tokens; give at most {context}"
        )


def row_length(task: PlainText, tokenizer: Tokenizer, context: int) -> int:
    """Tokens a row when none are asked for: 256, or fewer where the context or a part held out is shorter."""
    held_out = min(len(text_tokens(getattr(task, part), tokenizer)) for part in PARTS)
    return max(1, min(LONGEST_ROW, context, held_out - 1))
