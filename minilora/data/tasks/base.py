"""What a task is: examples to learn from, examples to be measured on, and the measure.

Before it: a file a user has, or a generator. After it: ``train`` fits a model to ``train`` and chooses by ``validation``, and the figures reported come
from ``test``, which nothing is chosen by.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

from ...errors import InputError
from ..cutting import cut_before
from ..examples import Example
from ..tokenizer import Tokenizer

Split = Literal["train", "validation", "test"]
"""The parts of a task."""


class Task(ABC):
    """A task with prompts and completions.

    Attributes:
        name: what `load_task` calls it.
        description: what it asks, and what data it reads, in a line.
        made: whether it is made from a seed, and not read from data.
        primary: the entry of `score` that decides between models.
        lower_is_better: whether a smaller primary score is the better one.
        answer_tokens: the most tokens a model may write for one prediction.
        cue: where the part of a prompt begins that is never cut: its last line, or what asks for the answer.
    """

    name: str
    description: str
    made: bool = False
    primary: str
    lower_is_better: bool = False
    answer_tokens: int
    cue: str = "\n"

    @property
    @abstractmethod
    def train(self) -> Sequence[Example]:
        """Examples to learn from."""

    @property
    @abstractmethod
    def validation(self) -> Sequence[Example]:
        """Examples to choose settings by."""

    @property
    @abstractmethod
    def test(self) -> Sequence[Example]:
        """Examples for the reported figures."""

    @abstractmethod
    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """Every figure by its name, `primary` among them; a figure of a group apart is named ``figure/group``.

        ``predictions[i]`` is the text a model wrote after ``examples[i].prompt``, without the end token. Raises InputError when there are not as many
        predictions as examples, or none.
        """

    def shortened(self, example: Example, tokenizer: Tokenizer, tokens: int) -> Example:
        """The example with a prompt of at most so many tokens: its source text is cut at the end, and ``cue`` with what follows it stays. Raises InputError where that alone is longer."""
        return replace(example, prompt=cut_before(example.prompt, self.cue, tokenizer, tokens))


class MadeTask(Task):
    """A task made from ``seed``; a part is made when it is first asked for, from a stream of numbers of its own. Raises InputError for a seed below 0."""

    made = True

    def __init__(self, seed: int = 0) -> None:
        check_seed(self.name, seed)
        self.seed = seed

    @abstractmethod
    def part(self, split: Split, stream: int) -> tuple[Example, ...]:
        """The examples of one part, drawn from (``seed``, ``stream``)."""

    @cached_property
    def train(self) -> tuple[Example, ...]:
        """Examples to learn from."""
        return self.part("train", 0)

    @cached_property
    def validation(self) -> tuple[Example, ...]:
        """Examples to choose settings by."""
        return self.part("validation", 1)

    @cached_property
    def test(self) -> tuple[Example, ...]:
        """Examples for the reported figures."""
        return self.part("test", 2)


def check_seed(name: str, seed: int) -> None:
    """Refuse a seed below 0 for the task ``name``."""
    if seed < 0:
        raise InputError(f"seed is {seed}; the task {name} takes a seed of 0 or more")


def check_pairs(examples: Sequence[object], predictions: Sequence[object]) -> None:
    """Raise InputError unless there is one prediction for each example, and at least one pair."""
    if len(examples) != len(predictions):
        raise InputError(
            f"there are {len(predictions)} predictions for {len(examples)} examples; give one for each"
        )
    if not examples:
        raise InputError("there is no example to score; give at least one")
