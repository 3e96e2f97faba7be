"""Tasks with labels: texts to a class, or to a score.

Before it: the readers of ``glue`` and ``labels.py``, and the generators of ``language``. After it: an encoder, or a decoder, learns them by a head, in batches of
``data/labelled.py``; or a decoder learns them as words, by the task that `prompted` gives.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import InputError
from ..cutting import cut_longest_first
from ..examples import Example, Labelled
from ..metrics import accuracy, f1, macro_f1, matthews, pearson, spearman
from ..tokenizer import Tokenizer
from .base import Task, check_pairs

Number = int | float
FIGURES: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "macro_f1": macro_f1,
    "matthews": matthews,
    "pearson": pearson,
    "spearman": spearman,
}


class Classification(ABC):
    """A task with labels.

    Attributes:
        name: what `load_task` calls it.
        description, made: as in `Task`.
        labels: the names of the classes; empty for a regression.
        figures: what `score` gives, of `FIGURES`; the first decides between models.
        titles: what a prompt calls the texts, one or two.
        asked: what a prompt asks for.
        words: a class's word in prompts, by its number.
        span: the least and the greatest score of a regression.
    """

    name: str
    description: str
    made: bool = False
    lower_is_better: bool = False
    labels: tuple[str, ...] = ()
    figures: tuple[str, ...] = ("accuracy",)
    titles: tuple[str, ...] = ("sentence",)
    asked: str = "label"
    words: tuple[str, ...] = ()
    span: tuple[float, float] = (0.0, 1.0)

    @property
    @abstractmethod
    def train(self) -> Sequence[Labelled]:
        """Examples to learn from."""

    @property
    @abstractmethod
    def validation(self) -> Sequence[Labelled]:
        """Examples to choose settings by."""

    @property
    @abstractmethod
    def test(self) -> Sequence[Labelled]:
        """Examples for the reported figures."""

    @property
    def primary(self) -> str:
        """The entry of `score` that decides between models."""
        return self.figures[0]

    @property
    def regression(self) -> bool:
        """Whether labels are scores and not classes."""
        return not self.labels

    @property
    def outputs(self) -> int:
        """How wide a head must be: one a class, or one for a score."""
        return len(self.labels) or 1

    def score(self, examples: Sequence[Labelled], predictions: Sequence[Number]) -> dict[str, float]:
        """Every figure by its name, those of a group apart as ``figure/group``.

        ``predictions[i]`` is the class or the score that was given to ``examples[i]``; a number that is no class is wrong. Raises InputError when there are
        not as many predictions as examples, or none, and for a regression with a single example.
        """
        check_pairs(examples, predictions)
        scores: dict[str, float] = {}
        for group in sorted({example.group for example in examples}):
            chosen = [i for i, example in enumerate(examples) if example.group == group]
            given, right = [predictions[i] for i in chosen], [examples[i].label for i in chosen]
            for name in self.figures:
                scores[f"{name}/{group}" if group else name] = self._figure(name, given, right)
        return scores

    def _figure(self, name: str, given: list[Any], right: list[Any]) -> float:
        if self.regression and len(right) < 2:
            raise InputError(
                f"there is 1 example to score, and {name}, a correlation, needs two; give at least 2 (see limit)"
            )
        if name == "macro_f1":  # an answer that names no class is not one more class to average over
            return macro_f1(given, right, classes=len(self.labels))
        return FIGURES[name](given, right)

    def show(self, label: Number) -> str:
        """A label as people read it: the class's name, or the score with one decimal."""
        return (
            f"{label:.1f}"
            if self.regression
            else self.labels[int(label)]
            if label < len(self.labels)
            else "none"
        )

    def prompt(self, texts: Sequence[str]) -> str:
        """The texts under their titles, up to where the answer begins."""
        lines = [f"{title}: {' '.join(text.split())}" for title, text in zip(self.titles, texts, strict=True)]
        return "\n".join([*lines, f"{self.asked}:"])

    def word(self, label: Number) -> str:
        """How a prompt's answer says a label."""
        return f"{label:.1f}" if self.regression else self.words[int(label)]

    def shortened(self, example: Labelled, tokenizer: Tokenizer, tokens: int) -> Labelled:
        """The example with texts whose prompt has at most so many tokens: the longer of two is cut first. Raises InputError where the titles alone are longer."""
        texts = [" ".join(text.split()) for text in example.texts]  # as the prompt writes them
        return replace(example, texts=cut_longest_first(texts, self.prompt, tokenizer, tokens))

    def prompted(self) -> "Prompted":
        """The same task for a model that writes: each label becomes a word after a prompt."""
        return Prompted(self)


class Prompted(Task):
    """A classification task as prompts and words. ``extra["labelled"]`` of an example is the `Labelled` it was made of."""

    def __init__(self, task: Classification) -> None:
        self.task = task
        self.name, self.description = task.name, task.description
        self.primary, self.lower_is_better = task.primary, task.lower_is_better
        self.answer_tokens = 12
        self._known: dict[str, tuple[Example, ...]] = {}

    @property
    def train(self) -> tuple[Example, ...]:
        """The prompts of the task's training part."""
        return self._part("train", self.task.train)

    @property
    def validation(self) -> tuple[Example, ...]:
        """The prompts of its validation part."""
        return self._part("validation", self.task.validation)

    @property
    def test(self) -> tuple[Example, ...]:
        """The prompts of its test part."""
        return self._part("test", self.task.test)

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """The task's figures, and ``unanswered``, the share of answers that are none of the words (or, for a regression, no number).

        Such an answer is wrong; for a regression it counts as the middle of the scores.
        """
        answers = [self._read(text) for text in predictions]
        labelled = [example.extra["labelled"] for example in examples]
        middle = sum(self.task.span) / 2 if self.task.regression else len(self.task.labels)
        found = self.task.score(labelled, [middle if answer is None else answer for answer in answers])
        return {**found, "unanswered": sum(answer is None for answer in answers) / len(answers)}

    def shortened(self, example: Example, tokenizer: Tokenizer, tokens: int) -> Example:
        """The example with shorter texts: see `Classification.shortened`."""
        labelled = self.task.shortened(example.extra["labelled"], tokenizer, tokens)
        return self._example(labelled)

    def _example(self, labelled: Labelled) -> Example:
        return Example(
            self.task.prompt(labelled.texts), f" {self.task.word(labelled.label)}", {"labelled": labelled}
        )

    def _part(self, name: str, examples: Sequence[Labelled]) -> tuple[Example, ...]:
        if name not in self._known:
            self._known[name] = tuple(map(self._example, examples))
        return self._known[name]

    def _read(self, text: str) -> Number | None:
        """The label that an answer names."""
        said = text.strip().split("\n")[0].strip().rstrip(".").lower()
        if not self.task.regression:
            return self._by_word.get(said)
        try:
            value = float(said)
        except ValueError:
            return None
        return min(max(value, self.task.span[0]), self.task.span[1]) if value == value else None

    @property
    def _by_word(self) -> Mapping[str, int]:
        return {word.lower(): label for label, word in enumerate(self.task.words)}
