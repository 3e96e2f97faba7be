"""Model sizes by name: the published GPT-2 family, and the small model that comes with the package."""

from types import MappingProxyType

from ..errors import InputError, nearest
from .gpt import GPTConfig


def _gpt2(width: int, layers: int, heads: int) -> GPTConfig:
    return GPTConfig(vocabulary=50257, context=1024, width=width, layers=layers, heads=heads)


SIZES = MappingProxyType(
    {
        "gpt2": _gpt2(768, 12, 12),  # 124 M parameters
        "gpt2-medium": _gpt2(1024, 24, 16),  # 355 M, the paper's GPT-2 M
        "gpt2-large": _gpt2(1280, 36, 20),  # 774 M, the paper's GPT-2 L
        "gpt2-xl": _gpt2(1600, 48, 25),  # 1558 M
        "tiny-gpt": GPTConfig(vocabulary=4096, context=512, width=256, layers=6, heads=8),  # 5.9 M
    }
)
"""Radford et al. 2019, table 2, and the package's own."""


def size(name: str) -> GPTConfig:
    """The configuration of that name; raises InputError, with the nearest names, for another."""
    if name not in SIZES:
        raise InputError(
            f"no model size is named {name!r}{nearest(name, SIZES)}; there are {', '.join(SIZES)}"
        )
    return SIZES[name]
