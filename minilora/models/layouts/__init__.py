"""How other programs name and shape the weights of a model: one table a ``model_type``, in one file an architecture.

Comes after the architectures and before ``checkpoint.py``, which reads and writes the files. A table says for a configuration and a head which foreign tensors there are, their shapes
and what of ours is in them; and it translates ``config.json`` both ways.
"""

from types import MappingProxyType
from typing import Any

from ..bert import BertConfig
from ..deberta_config import DebertaConfig
from ..gpt import GPTConfig
from ..shape import Config
from .bert import Bert, Roberta
from .deberta import DebertaV2
from .deberta_v1 import DebertaV1
from .gpt2 import GPT2, GPT3
from .part import Array, Part

__all__ = ["LAYOUTS", "Array", "Part", "layout_of"]

LAYOUTS: MappingProxyType[str, Any] = MappingProxyType(
    {layout.model_type: layout for layout in (GPT2, GPT3, Bert, Roberta, DebertaV1, DebertaV2)}
)
"""The tables by the ``model_type`` of ``config.json``."""


def layout_of(config: Config) -> Any:
    """The table that a model of this configuration is saved by."""
    if isinstance(config, GPTConfig):
        return GPT2 if config.band is None else GPT3
    if isinstance(config, BertConfig):
        return Bert if config.padding is None else Roberta
    assert isinstance(config, DebertaConfig)
    return DebertaV2 if config.key_bias else DebertaV1
