"""From a configuration to a model: the class that belongs to it, and the head that is asked for.

Comes after the architectures and their heads.
"""

import numpy as np

from ..nn import Linear
from .base import Model
from .bert import Bert, BertConfig
from .deberta import Deberta
from .deberta_config import DebertaConfig
from .gpt import GPT, GPTConfig
from .heads import HeadKind, SentenceEmbedding
from .start import Start

AnyConfig = GPTConfig | BertConfig | DebertaConfig


def build(
    config: AnyConfig,
    rng: np.random.Generator | None,
    head: HeadKind | None = None,
    dtype: np.typing.DTypeLike = np.float32,
) -> Model:
    """A new model of this shape; its head is that of pretraining unless another kind is given. Without ``rng`` its matrices are not set."""
    model: Model
    if isinstance(config, GPTConfig):
        model = GPT(config, rng, dtype)
    elif isinstance(config, BertConfig):
        model = Bert(config, rng, dtype)
    else:
        model = Deberta(config, rng, dtype)
    if head is None or head.kind == model.head.kind:
        return model
    if head.kind == "classifier":
        return model.set_classifier(head.labels, rng)
    model.set_embedding()
    pooler: Linear | None = Start(rng, dtype).linear(config.width, config.width) if head.pooled else None
    model.head = SentenceEmbedding(pooler)
    return model
