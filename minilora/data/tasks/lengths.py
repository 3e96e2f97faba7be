"""A task whose examples fit a model's context: those that are too long are cut or left out, part by part, and counted.

Before it: a task in the form that a model is given it. After it: the loaders, and scoring, which see a task like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ...errors import InputError
from ..cutting import check_policy, refuse_long
from ..examples import Example, Labelled
from ..tokenizer import Tokenizer
from .base import Task
from .classification import Classification, Number

One = TypeVar("One", Example, Labelled)


@dataclass(frozen=True)
class TooLong:
    """What became of one part. examples: how many it had; cut, skipped: how many of them were cut, or left out."""

    examples: int
    cut: int
    skipped: int


class Fit:
    """What is done with examples that are too long, and what was done with each part of a task.

    policy: ``"error"``, ``"cut"`` or ``"skip"``. context: the tokens that a model reads. ``counts``: what became of each part that was asked for.
    """

    def __init__(self, policy: str, context: int) -> None:
        check_policy(policy)
        self.policy, self.context = policy, context
        self.counts: dict[str, TooLong] = {}

    def part(
        self, name: str, examples: Sequence[One], lengths: Sequence[int], shorten: Callable[[One], One]
    ) -> Sequence[One]:
        """The examples of a part that fit, those that are too long cut by ``shorten``, or left out. Raises InputError for any under ``"error"``, and where none is left."""
        long = [length > self.context for length in lengths]
        if self.policy == "error":
            refuse_long(f"examples of the part {name}", lengths, self.context)
        kept = [
            shorten(example) if too_long else example
            for example, too_long in zip(examples, long, strict=True)
            if not (too_long and self.policy == "skip")
        ]
        if not kept:
            raise InputError(
                f"all {len(examples)} examples of {name} are longer than the model's context of {self.context} tokens, and too_long is 'skip'; take 'cut', or a model with a longer context"
            )
        cut, skipped = (sum(long), 0) if self.policy == "cut" else (0, sum(long))
        self.counts[name] = TooLong(len(examples), cut, skipped)
        return kept

    def report(self) -> dict[str, object]:
        """For a JSON file: the policy, and of each part how many examples it had and how many were cut or left out."""
        counts = {
            name: {"examples": one.examples, "cut": one.cut, "skipped": one.skipped}
            for name, one in self.counts.items()
        }
        return {"policy": self.policy, **counts}


class FittedTask(Task):
    """A task of prompts and completions whose examples fit: prompt and completion together take at most the context. A prompt that is cut leaves room for its completion, and for an answer as long as the task's may be (at most half of the context)."""

    def __init__(self, task: Task, tokenizer: Tokenizer, fit: Fit) -> None:
        self.task, self.tokenizer, self.fit = task, tokenizer, fit
        self.name, self.description, self.made = task.name, task.description, task.made
        self.primary, self.lower_is_better = task.primary, task.lower_is_better
        self.answer_tokens, self.cue = task.answer_tokens, task.cue
        self._parts: dict[str, Sequence[Example]] = {}

    @property
    def train(self) -> Sequence[Example]:
        """The examples to learn from."""
        return self._part("train", self.task.train)

    @property
    def validation(self) -> Sequence[Example]:
        """The examples to choose settings by."""
        return self._part("validation", self.task.validation)

    @property
    def test(self) -> Sequence[Example]:
        """The examples for the reported figures."""
        return self._part("test", self.task.test)

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The task's own."""
        return self.task.score(examples, predictions)

    def _part(self, name: str, examples: Sequence[Example]) -> Sequence[Example]:
        if name not in self._parts:
            prompts = self.tokenizer.encode_all([example.prompt for example in examples])
            completions = self.tokenizer.encode_all([example.completion for example in examples])
            # the end token is predicted and not read
            lengths = [len(p) + len(c) for p, c in zip(prompts, completions, strict=True)]
            reserve = min(self.answer_tokens, self.fit.context // 2)

            def shorten(example: Example) -> Example:
                answer = max(len(self.tokenizer.encode(example.completion)), reserve)
                return self.task.shortened(example, self.tokenizer, self.fit.context - answer)

            self._parts[name] = self.fit.part(name, examples, lengths, shorten)
        return self._parts[name]


class FittedLabels(Classification):
    """A task with labels whose texts fit. A decoder's prompts are cut by the task; an encoder's texts between their marks are cut where they are encoded (`encode_marked_all`), by the same rule, and here only counted."""

    def __init__(self, task: Classification, tokenizer: Tokenizer, fit: Fit) -> None:
        self.task, self.tokenizer, self.fit = task, tokenizer, fit
        self.name, self.description, self.made = task.name, task.description, task.made
        self.lower_is_better, self.labels, self.figures = task.lower_is_better, task.labels, task.figures
        self.titles, self.asked, self.words, self.span = task.titles, task.asked, task.words, task.span
        self._parts: dict[str, Sequence[Labelled]] = {}

    @property
    def train(self) -> Sequence[Labelled]:
        """The examples to learn from."""
        return self._part("train", self.task.train)

    @property
    def validation(self) -> Sequence[Labelled]:
        """The examples to choose settings by."""
        return self._part("validation", self.task.validation)

    @property
    def test(self) -> Sequence[Labelled]:
        """The examples for the reported figures."""
        return self._part("test", self.task.test)

    def score(self, examples: Sequence[Labelled], predictions: Sequence[Number]) -> dict[str, float]:
        """The task's own."""
        return self.task.score(examples, predictions)

    def _part(self, name: str, examples: Sequence[Labelled]) -> Sequence[Labelled]:
        if name not in self._parts:
            marked = self.tokenizer.start is not None
            if marked:
                seconds = [example.texts[1] for example in examples] if len(self.titles) == 2 else None
                rows = self.tokenizer.encode_marked_all([e.texts[0] for e in examples], seconds)
                lengths = [len(row.ids) for row in rows]
            else:
                prompts = [self.task.prompt(example.texts) for example in examples]
                lengths = [len(ids) for ids in self.tokenizer.encode_all(prompts)]

            def shorten(example: Labelled) -> Labelled:
                return example if marked else self.task.shortened(example, self.tokenizer, self.fit.context)

            self._parts[name] = self.fit.part(name, examples, lengths, shorten)
        return self._parts[name]
