"""The differentiable functions: primitives, and fused ones with a twin composed of primitives.

Comes after ``autograd``, whose idiom every function here follows, and before ``nn``, which gives the functions their weights.
"""

from . import reference
from .attention import attention
from .convolution import convolution
from .cross_entropy import IGNORED, counted_targets, cross_entropy, head_cross_entropy
from .disentangled import disentangled_attention
from .elementwise import (
    add,
    divide,
    erf,
    exp,
    gelu,
    gelu_exact,
    log,
    multiply,
    negative,
    relu,
    sigmoid,
    silu,
    sqrt,
    subtract,
    tanh,
)
from .index import embedding, getitem
from .linear import linear, lora_linear
from .matmul import matmul
from .normalize import layer_norm
from .operators import install_operators
from .places import pick, place
from .random import dropout, keep_mask
from .reduce import mean, sum
from .shape import concatenate, reshape, transpose

install_operators()

__all__ = [
    "IGNORED",
    "add",
    "attention",
    "concatenate",
    "convolution",
    "counted_targets",
    "cross_entropy",
    "disentangled_attention",
    "divide",
    "dropout",
    "embedding",
    "erf",
    "exp",
    "gelu",
    "gelu_exact",
    "getitem",
    "head_cross_entropy",
    "keep_mask",
    "layer_norm",
    "linear",
    "log",
    "lora_linear",
    "matmul",
    "mean",
    "multiply",
    "negative",
    "pick",
    "place",
    "reference",
    "relu",
    "reshape",
    "sigmoid",
    "silu",
    "sqrt",
    "subtract",
    "sum",
    "tanh",
    "transpose",
]
