"""What is measured: two sizes of model and batch, and the batch itself.

Comes first in this folder. A shape is plain numbers, so that it can be handed to another process, and to another program.
"""

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ...data.batches import IGNORED, Batch
from ...errors import InputError, nearest
from ...models.gpt import GPT, GPTConfig
from ...models.sizes import GPTS


@dataclass(frozen=True)
class Shape:
    """A model and a batch of ``rows`` × ``tokens``. There is no dropout, so that every program does the same work."""

    name: str
    config: GPTConfig
    rows: int
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain numbers: see ``from_dict``."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Shape":
        """The shape again."""
        return cls(**{**values, "config": GPTConfig(**values["config"])})

    def model(self, device: str = "cpu") -> GPT:
        """The model on ``device`` with random weights, the same every time: the work does not depend on what the weights are."""
        return GPT(self.config, np.random.default_rng(0)).to(device)

    def batch(self, *, prompt: float = 0.0) -> Batch:
        """Random rows; each token is to predict the next. prompt: the share of each row, from its start, that is outside the loss."""
        ids = np.random.default_rng(1).integers(0, self.config.vocabulary, (self.rows, self.tokens))
        targets = np.full_like(ids, IGNORED)
        targets[:, :-1] = ids[:, 1:]
        targets[:, : int(prompt * self.tokens)] = IGNORED
        return Batch(ids, targets, np.ones(ids.shape, np.bool_))


def _without_dropout(name: str) -> GPTConfig:
    return dataclasses.replace(GPTS[name], dropout=0.0)


SHAPES = MappingProxyType(
    {
        shape.name: shape
        for shape in (
            Shape("gpt2-small", _without_dropout("gpt2"), rows=4, tokens=128),
            Shape("small", _without_dropout("tiny-gpt"), rows=16, tokens=64),
        )
    }
)
"""GPT-2 small (12 layers × 768, vocabulary 50257), where the products are large; and 6 layers × 256 (vocabulary 4096), where what lies between them shows."""


def shape(name: str) -> Shape:
    """The shape of that name; raises InputError, with the nearest names, for another."""
    if name not in SHAPES:
        raise InputError(f"no shape is named {name!r}{nearest(name, SHAPES)}; there are {', '.join(SHAPES)}")
    return SHAPES[name]
