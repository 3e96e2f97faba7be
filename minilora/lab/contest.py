"""Several methods on one task, under the same conditions: trained, asked the same questions, and measured.

Comes after ``memory.py``; ``quickstart.py`` and ``compare/`` say which methods, and show what comes out. Every method starts from the same weights, sees the same batches in the same
order, and answers the same questions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.batches import Batch
from ..data.examples import Example
from ..data.metrics import bootstrap_interval, wilson_interval
from ..data.tasks import NL2SQL
from ..methods import Method, Tuned, adapt
from ..methods.files import WEIGHTS
from ..models.base import Model
from ..models.gpt import GPT
from ..train import Training, evaluate_task, fit
from ..train.checkpoints import Setting
from .layer_gradients import copy_of
from .memory import step_memory

PIECE = 64
"""Questions between two reports of progress."""


@dataclass(frozen=True)
class Contestant:
    """A method as it enters: a short name (of its folder), a title, and the learning rate it is trained with."""

    name: str
    title: str
    method: Method
    learning_rate: float


@dataclass(frozen=True)
class Score:
    """How many of some questions are answered rightly, the share, and where the true share lies with 95% confidence (Wilson's interval)."""

    right: int
    questions: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Answers:
    """What a model wrote for each question, and whether the query returns the right rows."""

    texts: Sequence[str]
    right: Sequence[bool]

    def score(self, chosen: Sequence[bool]) -> Score:
        """The score over the questions that are chosen."""
        picked = [right for right, wanted in zip(self.right, chosen, strict=True) if wanted]
        low, high = wilson_interval(sum(picked), len(picked))
        return Score(sum(picked), len(picked), sum(picked) / len(picked), low, high)


@dataclass(frozen=True)
class Outcome:
    """What training a contestant came to. seconds: of the steps; step_bytes: see ``StepMemory``; file_bytes: of what was learned, on the disk."""

    contestant: Contestant
    tuned: Tuned
    losses: Sequence[float]
    seconds: float
    step_bytes: int
    file_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """The outcome for a JSON file."""
        return {
            "name": self.contestant.name,
            "title": self.contestant.title,
            "method": str(self.contestant.method),
            "learning_rate": self.contestant.learning_rate,
            "steps": len(self.losses),
            "trainable": self.tuned.trainable,
            "file_bytes": self.file_bytes,
            "training_seconds": self.seconds,
            "step_bytes": self.step_bytes,
            "losses": list(self.losses),
        }


def train(
    contestant: Contestant,
    base: Model,
    batches: Callable[[int], Batch],
    *,
    task: str,
    steps: int,
    warmup: int,
    folder: Path,
    seed: int,
    watch: Callable[[int, Tuned], None],
    resume: bool = False,
    identity: Mapping[str, Setting] | None = None,
) -> Outcome:
    """Adapt a copy of ``base`` by the contestant's method, train it, and save what it learned, under the name ``task``, to ``folder``.

    warmup: steps over which the learning rate rises; a third of all where that is less, so that also the shortest tour learns at its full rate.
    watch: called with the number of steps taken and the adapted model, before the first step and after each. resume: keep checkpoints in the folder, and go on from
    one that is there. identity: what else must be the same then, as for ``fit``. Dropout is off: a few hundred steps do not overfit.
    Raises InputError for a checkpoint from other settings or of another identity.
    """
    tuned = adapt(copy_of(base), contestant.method, name=task, rng=seed)
    settings = Training(
        steps, contestant.learning_rate, warmup=min(warmup, steps // 3), dropout=False, seed=seed
    )
    memory = step_memory(tuned.model, batches(0), settings)
    history = fit(
        tuned.model,
        batches,
        settings,
        out=folder if resume else None,
        watch=lambda step: watch(step, tuned),
        resume=resume,
        identity=identity,
        progress=False,
    )
    tuned.save(folder, force=True)
    size = (folder / WEIGHTS).stat().st_size
    return Outcome(contestant, tuned, history.losses, history.seconds, memory.step, size)


def ask(
    model: Model, task: NL2SQL, questions: Sequence[Example], progress: Callable[[float, str], None]
) -> Answers:
    """Let the model answer greedily, and run what it writes on the tables."""
    assert isinstance(model, GPT)  # only a decoder was let in
    texts: list[str] = []
    for start in range(0, len(questions), PIECE):
        progress(start / len(questions), f"question {start + 1} of {len(questions)}")
        piece = questions[start : start + PIECE]
        report = evaluate_task(model, task, piece, model.tokenizer, limit=task.answer_tokens, progress=False)
        texts.extend(report.predictions)
    return Answers(texts, task.right(questions, texts))


def compare(first: Answers, second: Answers, chosen: Sequence[bool]) -> tuple[float, float, float]:
    """How much more of the chosen questions ``first`` answers rightly, as a share, with its 95% interval.

    The questions are the same for both, so the differences are taken question by question (bootstrap): a hard question is hard for both.
    """
    differences = [
        int(a) - int(b) for a, b, wanted in zip(first.right, second.right, chosen, strict=True) if wanted
    ]
    low, high = bootstrap_interval(differences, np.random.default_rng(0))
    return float(np.mean(differences)), low, high


def verdict(answers: Mapping[str, Answers], chosen: Sequence[bool]) -> dict[str, Any]:
    """Who answers most of the chosen questions rightly, by how much more than the next, and whether chance could have decided it.

    answers: by title. A tie goes to none: ``winner`` is None then. ``clear``: the interval of the lead lies above zero.
    """
    ranking = sorted(answers, key=lambda title: -answers[title].score(chosen).right)
    lead, low, high = compare(answers[ranking[0]], answers[ranking[1]], chosen)
    return {
        "winner": ranking[0] if lead > 0 else None,
        "ranking": ranking,
        "lead": lead,
        "low": low,
        "high": high,
        "clear": low > 0,
    }
