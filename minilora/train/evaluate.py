"""How good a model is: its loss on held-out text, and its answers to a task.

Comes after training. Both measures run on threads as a training step does: pieces of the work side by side, each with a single-threaded BLAS (for small matrices that is
also the fastest way: measured on tiny-gpt, greedy decoding takes 3.9 s for what takes 5.4 s with threads inside BLAS, and far longer once other programs use the cores).
"""

import json
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..autograd import no_grad
from ..data.batches import Batch
from ..data.cutting import refuse_long
from ..data.examples import Example
from ..data.tokenizer import Tokenizer
from ..errors import InputError
from ..files import write_atomically
from ..models.base import Model
from ..models.generate import Beam, Decoding, Greedy, Sample, generate
from .parallel import Workers, split
from .progress import progress_bar
from .shards import Learner

PIECE = 64
"""Prompts that one thread takes at a time: as many as ``generate`` runs together."""


@dataclass(frozen=True)
class TextLoss:
    """nll: mean negative log-likelihood in nats a counted token; perplexity: exp(nll); tokens: how many were counted."""

    nll: float
    perplexity: float
    tokens: int


@dataclass(frozen=True)
class TaskReport:
    """metrics: what the task's ``score`` says; predictions: one text an example, in order; tokens: how many were generated; seconds: how long that took."""

    metrics: Mapping[str, float]
    predictions: Sequence[str]
    tokens: int
    seconds: float


class Task(Protocol):
    """What evaluation asks of a task."""

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> Mapping[str, float]:
        """The task's metrics by name, for one prediction an example."""


def evaluate_loss(model: Learner, batches: Iterable[Batch], *, workers: int = 2) -> TextLoss:
    """The loss of ``model`` over all ``batches`` together, without dropout or smoothing, and without a tape.

    nll = Σ over counted targets of −log p(target) / their number. Raises InputError when no target counts.
    """
    total, counted = 0.0, 0

    def summed(shard: Batch) -> float:
        with no_grad():  # each thread has its own
            return model.loss(shard).item() * shard.counted

    with Workers(workers) as pool, pool.single_threaded_blas():
        for batch in batches:
            shards = [shard for shard in split(batch, workers) if shard.counted]
            total += sum(pool.map(summed, shards))
            counted += batch.counted
    if counted == 0:
        raise InputError("there is nothing to evaluate: no target of the batches given counts in the loss")
    nll = total / counted
    return TextLoss(nll, math.exp(nll) if nll < 700 else math.inf, counted)


def evaluate_task(
    model: Model,
    task: Task,
    examples: Sequence[Example],
    tokenizer: Tokenizer,
    *,
    decoding: Decoding = Greedy(),  # noqa: B008 (a frozen value)
    limit: int = 128,
    workers: int = 2,
    out: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    title: str = "evaluating",
) -> TaskReport:
    """Let ``model`` complete the prompt of each example, and score the completions.

    decoding, limit: as for ``models.generate``; a completion ends at the tokenizer's end token or after ``limit`` tokens, and loses the blanks around it. out: a file to
    write the predictions to, one JSON object a line. progress: show a bar; None shows it in a terminal or a notebook.

    Raises InputError when there are no examples, or a prompt does not fit the model's context.
    """
    if not examples:
        raise InputError("there is nothing to evaluate: the list of examples is empty")
    prompts = tokenizer.encode_all([example.prompt for example in examples])
    refuse_long("prompts", [len(prompt) for prompt in prompts], model.room)
    began = time.perf_counter()
    with Workers(workers) as pool, progress_bar(title, len(prompts), show=progress) as bar:

        def complete(piece: Sequence[int]) -> list[list[int]]:
            texts = generate(
                model, [prompts[i] for i in piece], limit=limit, decoding=decoding, end=tokenizer.end
            )
            bar.advance("", steps=len(piece))
            return texts

        pieces = cut(prompts, workers, decoding)
        with pool.single_threaded_blas():
            completions = list(pool.map(complete, pieces))
    seconds = time.perf_counter() - began
    predictions = [""] * len(prompts)
    for piece, texts in zip(pieces, completions, strict=True):
        for place, text in zip(piece, texts, strict=True):
            predictions[place] = tokenizer.decode(text).strip()
    if out is not None:
        save_predictions(out, examples, predictions)
    tokens = sum(len(text) for texts in completions for text in texts)
    return TaskReport(dict(task.score(examples, predictions)), predictions, tokens, seconds)


def cut(prompts: Sequence[Sequence[int]], workers: int, decoding: Decoding) -> list[list[int]]:
    """The places of the prompts in pieces of like length, small enough that every worker gets some.

    Sampling stays in one piece: what a prompt draws depends on its place in the list that ``generate`` sees.
    """
    if isinstance(decoding, Sample):
        return [list(range(len(prompts)))]
    size = min(PIECE, -(-len(prompts) // workers))
    if isinstance(decoding, Beam):  # a beam is as many rows as it is wide
        size = min(size, max(1, PIECE // decoding.width))
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    return [order[begin : begin + size] for begin in range(0, len(order), size)]


def save_predictions(
    path: str | os.PathLike[str], examples: Sequence[Example], predictions: Sequence[str]
) -> None:
    """Write one JSON object a line: see ``prediction_lines``."""
    save_lines(path, prediction_lines(examples, predictions))


def prediction_lines(examples: Sequence[Example], predictions: Sequence[str]) -> list[dict[str, str]]:
    """What a file of answers says of each example: prompt, the completion that was wanted, and the prediction."""
    pairs = zip(examples, predictions, strict=True)
    return [{"prompt": e.prompt, "completion": e.completion.strip(), "prediction": p} for e, p in pairs]


def save_lines(path: str | os.PathLike[str], records: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line."""
    write_atomically(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
