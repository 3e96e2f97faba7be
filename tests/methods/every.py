"""One value of every method, and of every variant that takes another way through the code: what the tests that hold for all methods run on."""

from minilora.methods import (
    Adapter,
    BitFit,
    FullFineTuning,
    LoRA,
    Method,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    as_method,
)

METHODS: dict[str, Method] = {
    "full": FullFineTuning(),
    "top layer": TopLayers(1),
    "bitfit": BitFit(),
    "lora on query and value": LoRA(rank=2, alpha=8),
    "lora everywhere, with dropout": LoRA(rank=3, alpha=3, targets=("all-linear",), dropout=0.2),
    "lora with ranks and all biases": LoRA(
        rank=2,
        targets=("query", "up"),
        ranks={"up": 3, "blocks.0": 1},
        alphas={"query": 5},
        scaling="rslora",
        bias="all",
    ),
    "lora with its layers' biases": LoRA(rank=1, targets=("attention",), bias="own"),
    "houlsby": Adapter(kind="houlsby", width=3),
    "lin": Adapter(kind="lin", width=3),
    "pfeiffer": Adapter(kind="pfeiffer", width=3),
    "houlsby in the first block": Adapter(kind="houlsby", width=2, layers=(0,)),
    "prefix embedding": PrefixEmbedding(prefix=2, infix=1),
    "prefix layer": PrefixLayer(prefix=1, infix=2),
    "lora and prefix embedding": as_method([LoRA(rank=2), PrefixEmbedding(2, 1)]),
    "lora and prefix layer": as_method([LoRA(rank=2), PrefixLayer(1, 1)]),
    "lora and bitfit": as_method([LoRA(rank=2), BitFit()]),
}
READING = [name for name in METHODS if "prefix" in name]
"""Those that let the model read more than the text: they change its output from the start."""

UNMERGEABLE = [name for name in METHODS if METHODS[name].method == "adapter" or name in READING]
MERGEABLE = [name for name in METHODS if name not in UNMERGEABLE]
