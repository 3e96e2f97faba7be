"""What a model is pretrained to do: a decoder to say the next token, an encoder to say the tokens that were hidden from it.

Comes before ``pretrain.py``, which does the rest: corpus, tokenizer, stages, record. An objective is a value; ``objective_of`` tells which one fits an architecture.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..autograd import no_grad
from ..backend import to_host
from ..data import END, ROBERTA, Batch, Shares, Tokenizer, copying_accuracy, copying_batch
from ..data.masking import mask_tokens
from ..models.base import Model
from ..models.bert import BertConfig
from ..models.build import AnyConfig, build
from ..models.generate import Sample, generate
from ..models.gpt import GPT, GPTConfig
from ..models.induction import gpt_with_induction_heads
from ..models.neighbours import bert_with_neighbour_heads
from .evaluate import evaluate_loss


@dataclass(frozen=True)
class Objective(ABC):
    """What differs between ways to pretrain.

    name: as records and cards know it. special: the tokenizer's special tokens. starts: what weights may begin with, the default first. shares: how the rows of a batch are divided.
    """

    name: ClassVar[str]
    special: ClassVar[tuple[str, ...]]
    starts: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def shares(self) -> Shares:
        """How the rows of a batch are divided among the mixture's sources."""

    @abstractmethod
    def model(self, config: AnyConfig, start: str, rng: np.random.Generator) -> Model:
        """A new model with weights of this start."""

    @abstractmethod
    def batch(self, batch: Batch, tokenizer: Tokenizer, seed: Sequence[int]) -> Batch:
        """What is learned from a batch of the mixture; the same for the same seed."""

    @abstractmethod
    def measure(
        self, model: Model, unseen: Mapping[str, list[Batch]], tokenizer: Tokenizer
    ) -> dict[str, float]:
        """How good the model is, by the names that a card's table shows. unseen: batches of this objective, by the source of their text."""

    @abstractmethod
    def samples(self, model: Model, tokenizer: Tokenizer) -> list[dict[str, str]]:
        """What the model says to a few prompts."""


def perplexities(model: Model, unseen: Mapping[str, list[Batch]]) -> dict[str, float]:
    """The perplexity of each source."""
    return {
        f"{name} perplexity": round(evaluate_loss(model, batches).perplexity, 3)
        for name, batches in unseen.items()
    }


def likeliest(model: Model, batch: Batch) -> np.ndarray:
    """The token that the model finds likeliest at each place: [rows, tokens]."""
    with no_grad():
        return np.concatenate(
            [to_host(model(batch.ids[i : i + 16]).data.argmax(axis=-1)) for i in range(0, len(batch.ids), 16)]
        )


class NextToken(Objective):
    """Say the next token: GPT."""

    name = "next token"
    special = (END,)
    starts = ("induction", "random")
    prompts = (
        "The old captain opened the door and",
        "table: lanterns\ncolumns: height, painter, village\nSELECT painter FROM",
    )

    @property
    def shares(self) -> Shares:
        return Shares()

    def model(self, config: AnyConfig, start: str, rng: np.random.Generator) -> Model:
        assert isinstance(config, GPTConfig)
        return gpt_with_induction_heads(config, rng) if start == "induction" else GPT(config, rng)

    def batch(self, batch: Batch, tokenizer: Tokenizer, seed: Sequence[int]) -> Batch:
        """The mixture's batch itself."""
        return batch

    def measure(
        self, model: Model, unseen: Mapping[str, list[Batch]], tokenizer: Tokenizer
    ) -> dict[str, float]:
        """Perplexities, and the share of names that the model copies rightly."""
        copying = copying_batch(tokenizer)
        accuracy = copying_accuracy(copying, likeliest(model, copying))
        return perplexities(model, unseen) | {"copying accuracy": round(accuracy, 4)}

    def samples(self, model: Model, tokenizer: Tokenizer) -> list[dict[str, str]]:
        """How the model goes on from two beginnings."""
        assert isinstance(model, GPT)
        texts = generate(
            model,
            [tokenizer.encode(prompt) for prompt in self.prompts],
            limit=60,
            decoding=Sample(temperature=0.7, top_p=0.9, seed=0),
            end=tokenizer.end,
        )
        return [
            {"prompt": prompt, "text": tokenizer.decode(ids)}
            for prompt, ids in zip(self.prompts, texts, strict=True)
        ]


class MaskedTokens(Objective):
    """Say the hidden tokens, 15% of all: RoBERTa, DeBERTa. Other tokens are hidden each time a text is read (Liu et al. 2019)."""

    name = "masked tokens"
    special = ROBERTA
    starts: ClassVar[tuple[str, ...]] = ("random",)
    prompts = (
        "The old<mask> opened the door and looked at the sea.",
        "She said that she was very<mask> to hear it.",
        "Kent is a county, and the castle of<mask> is a castle.",
    )

    @property
    def shares(self) -> Shares:
        """Books above all: strings without sense teach an encoder nothing that its tasks ask for."""
        return Shares(repeats=0.0, formatted=0.15)

    def model(self, config: AnyConfig, start: str, rng: np.random.Generator) -> Model:
        return build(config, rng)

    def batch(self, batch: Batch, tokenizer: Tokenizer, seed: Sequence[int]) -> Batch:
        """The batch's texts between start and end tokens, with tokens hidden."""
        return mask_tokens(batch.ids, tokenizer, np.random.default_rng([*seed, 15]))

    def measure(
        self, model: Model, unseen: Mapping[str, list[Batch]], tokenizer: Tokenizer
    ) -> dict[str, float]:
        """Perplexities of the hidden tokens, and how many of them the model says rightly."""
        accuracies = {}
        for name, batches in unseen.items():
            right = np.concatenate([(likeliest(model, b) == b.targets)[b.targets >= 0] for b in batches])
            accuracies[f"{name} accuracy"] = round(float(right.mean()), 4)
        return perplexities(model, unseen) | accuracies

    def samples(self, model: Model, tokenizer: Tokenizer) -> list[dict[str, str]]:
        """The five likeliest tokens for a hidden one."""
        found = []
        for prompt in self.prompts:
            ids = tokenizer.encode_marked(prompt).ids
            logits = to_host(model.logits(ids))[ids.index(tokenizer.mask or 0)]  # [vocabulary]
            best = np.argsort(-logits, kind="stable")[:5]
            words = ", ".join(tokenizer.decode([token]).strip() for token in best)
            found.append({"prompt": prompt, "text": f" {words}"})
        return found


class MaskedTokensByPlace(MaskedTokens):
    """The same for a model that knows places by an embedding of each: BERT, RoBERTa. It can start with heads that look at neighbours, see ``models.neighbours``."""

    starts = ("neighbours", "random")

    def model(self, config: AnyConfig, start: str, rng: np.random.Generator) -> Model:
        assert isinstance(config, BertConfig)
        return bert_with_neighbour_heads(config, rng) if start == "neighbours" else build(config, rng)


def objective_of(config: AnyConfig) -> Objective:
    """What a model of this configuration is pretrained to do."""
    if isinstance(config, GPTConfig):
        return NextToken()
    return MaskedTokensByPlace() if isinstance(config, BertConfig) else MaskedTokens()
