"""Where arrays live, and the few things NumPy and CuPy do differently.

Comes before everything else: the other rooms ask an array for its namespace and otherwise write plain array code. Nothing here knows of tensors.
"""

from .differences import (
    erf,
    known_within,
    memory_in_use,
    row_dot,
    row_sum,
    same_card,
    scatter_add,
    synchronise,
)
from .elementwise import blocks, elementwise
from .memory import tune_malloc
from .namespace import Array, namespace, to_device, to_host
from .products import times_transposed
from .storage import narrow, wide, wide_dtype

__all__ = [
    "Array",
    "blocks",
    "elementwise",
    "erf",
    "known_within",
    "memory_in_use",
    "namespace",
    "narrow",
    "row_dot",
    "row_sum",
    "same_card",
    "scatter_add",
    "synchronise",
    "times_transposed",
    "to_device",
    "to_host",
    "tune_malloc",
    "wide",
    "wide_dtype",
]
