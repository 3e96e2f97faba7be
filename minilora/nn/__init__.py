"""Layers: the functions of ``ops`` with weights of their own.

Comes before ``models``, which puts layers together, and ``methods``, which wraps them.
"""

from .attention import Attention, LayerCache
from .inputs import Reading, TextOnly
from .layers import Dropout, Embedding, LayerNorm, Linear
from .mlp import MLP
from .module import Module, Parameter

__all__ = [
    "MLP",
    "Attention",
    "Dropout",
    "Embedding",
    "LayerCache",
    "LayerNorm",
    "Linear",
    "Module",
    "Parameter",
    "Reading",
    "TextOnly",
]
