"""Model sizes by name: the published families, and the small model that comes with the package. A size can be counted without anything being allocated.

Comes after the architectures, whose configurations these are; ``pretrain`` builds a model of one, ``lab/plan.py`` reckons with those that nobody could build here.
"""

from types import MappingProxyType

from ..errors import InputError, nearest
from .bert import BertConfig
from .build import AnyConfig
from .deberta_config import Convolution, DebertaConfig
from .gpt import GPTConfig


def _gpt2(width: int, layers: int, heads: int) -> GPTConfig:
    return GPTConfig(vocabulary=50257, context=1024, width=width, layers=layers, heads=heads)


def _gpt3(width: int, layers: int, heads: int) -> GPTConfig:
    return GPTConfig(vocabulary=50257, context=2048, width=width, layers=layers, heads=heads)


GPTS = MappingProxyType(
    {
        "gpt2": _gpt2(768, 12, 12),  # 124 M parameters
        "gpt2-medium": _gpt2(1024, 24, 16),  # 355 M, the LoRA paper's GPT-2 M
        "gpt2-large": _gpt2(1280, 36, 20),  # 774 M, the LoRA paper's GPT-2 L
        "gpt2-xl": _gpt2(1600, 48, 25),  # 1558 M
        "gpt3-125m": _gpt3(768, 12, 12),
        "gpt3-350m": _gpt3(1024, 24, 16),
        "gpt3-760m": _gpt3(1536, 24, 16),
        "gpt3-1.3b": _gpt3(2048, 24, 16),  # printed with 24 heads of 128, which 2048 does not hold; 16 do
        "gpt3-2.7b": _gpt3(2560, 32, 32),
        "gpt3-6.7b": _gpt3(4096, 32, 32),
        "gpt3-13b": _gpt3(5120, 40, 40),  # printed 5140, which 40 heads of 128 are not
        "gpt3-175b": _gpt3(12288, 96, 96),  # 174.6 G
        "tiny-gpt": GPTConfig(vocabulary=4096, context=512, width=256, layers=6, heads=8),  # 5.9 M
    }
)
"""Radford et al. 2019, table 2; Brown et al. 2020, table 2.1 (all layers dense: the weights do not depend on which positions a layer looks at); the package's own."""

ENCODERS: MappingProxyType[str, AnyConfig] = MappingProxyType(
    {
        "tiny-roberta": BertConfig(
            vocabulary=4096, context=256, width=256, layers=4, heads=8, inner=768, types=1, epsilon=1e-5, padding=1
        ),  # 3.8 M with its head
        "tiny-deberta": DebertaConfig(
            vocabulary=4096, context=256, width=256, layers=4, heads=8, inner=768,
            distance=256, buckets=64, share_keys=True, normalised=True, decoder=2,
        ),  # 3.9 M with its head; as DeBERTa v3
    }
)  # fmt: skip
"""The package's own encoders."""


def _roberta(width: int, layers: int, heads: int) -> BertConfig:
    return BertConfig(50265, 512, width, layers, heads, types=1, epsilon=1e-5, padding=1)


def _deberta_v2(layers: int) -> DebertaConfig:
    return DebertaConfig(
        128100,
        512,
        1536,
        layers,
        24,
        buckets=256,
        share_keys=True,
        normalised=True,
        convolution=Convolution(activation="gelu"),
    )


PUBLISHED_ENCODERS: MappingProxyType[str, AnyConfig] = MappingProxyType(
    {
        "roberta-base": _roberta(768, 12, 12),  # 124 M
        "roberta-large": _roberta(1024, 24, 16),  # 354 M
        "deberta-base": DebertaConfig(50265, 512, 768, 12, 12, key_bias=False),
        "deberta-large": DebertaConfig(50265, 512, 1024, 24, 16, key_bias=False),
        "deberta-v2-xlarge": _deberta_v2(24),
        "deberta-v2-xxlarge": _deberta_v2(48),  # 1.5 G, the LoRA paper's DeBERTa XXL
    }
)
"""Liu et al. 2019; He et al. 2021 and their checkpoints' configurations; without heads."""

SIZES: MappingProxyType[str, AnyConfig] = MappingProxyType({**GPTS, **PUBLISHED_ENCODERS, **ENCODERS})
"""Every size by name."""


def size(name: str) -> AnyConfig:
    """The configuration of that name; raises InputError, with the nearest names, for another."""
    if name not in SIZES:
        raise InputError(
            f"no model size is named {name!r}{nearest(name, SIZES)}; there are {', '.join(SIZES)}"
        )
    return SIZES[name]
