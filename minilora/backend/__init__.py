"""Where arrays live, and the few things NumPy and CuPy do differently.

Comes before everything else: the other rooms ask an array for its namespace and otherwise write plain array code. Nothing here knows of tensors.
"""

from .differences import erf, memory_in_use, row_dot, row_sum, same_card, scatter_add, synchronise
from .elementwise import elementwise
from .memory import tune_malloc
from .namespace import Array, namespace, to_device, to_host
from .storage import narrow, wide, wide_dtype

__all__ = [
    "Array",
    "elementwise",
    "erf",
    "memory_in_use",
    "namespace",
    "narrow",
    "row_dot",
    "row_sum",
    "same_card",
    "scatter_add",
    "synchronise",
    "to_device",
    "to_host",
    "tune_malloc",
    "wide",
    "wide_dtype",
]
