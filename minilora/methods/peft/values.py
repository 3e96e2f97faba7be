"""One configuration as another: PEFT's as a ``LoRA`` of ours, and a ``LoRA`` with its weights as PEFT's ``adapter_config.json``.

Comes after ``config.py``, ``places.py`` and ``blocks.py``. Rank and scale of each layer are settled by then; what is done here is to say them shortly: the most frequent
values once, the others by patterns that fit the layers meant and no other.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from ...errors import InputError
from ..lora import LoRA
from .blocks import Update
from .config import PeftConfig
from .patterns import shortest_endings
from .places import Places
from .whole import saved_modules

Value = TypeVar("Value", int, float)

BIAS = {"none": "none", "all": "all", "lora_only": "own"}
"""PEFT's words for which biases are trained, and ours."""

TASKS = {"language-model": "CAUSAL_LM", "classifier": "SEQ_CLS", "embedding": "FEATURE_EXTRACTION"}
"""PEFT's task types by the kind of our head; a masked language model has none there."""


def alpha_of(update: Update, rslora: bool) -> float:
    """α = s·r, or s·√r for rsLoRA, rounded where it is a whole number but for the last bits."""
    alpha = update.scale * (math.sqrt(update.rank) if rslora else update.rank)
    return float(round(alpha)) if math.isclose(alpha, round(alpha), rel_tol=1e-12) else alpha


def common(values: Mapping[str, Value]) -> tuple[Value, dict[str, Value]]:
    """The most frequent value, and for the paths of others a pattern with theirs."""
    usual = Counter(values.values()).most_common(1)[0][0]
    patterns: dict[str, Value] = {}
    for other in dict.fromkeys(values.values()):
        if other != usual:
            paths = [path for path, value in values.items() if value == other]
            patterns |= dict.fromkeys(shortest_endings(paths, values), other)
    return usual, patterns


def to_lora(config: PeftConfig, updates: Mapping[str, Update], layers: Collection[str]) -> LoRA:
    """The method that has these updates, by our layer's path. layers: the paths of all layers that it could adapt."""
    if not updates:
        raise InputError("the adapter has no update of any layer")
    rank, ranks = common({path: update.rank for path, update in updates.items()})
    alpha, alphas = common({path: alpha_of(update, config.use_rslora) for path, update in updates.items()})
    return LoRA(
        rank=rank,
        alpha=alpha,
        targets=tuple(shortest_endings(updates, layers)),
        dropout=config.lora_dropout,
        ranks=tuple(ranks.items()),
        alphas=tuple(alphas.items()),
        scaling="rslora" if config.use_rslora else "lora",
        bias=BIAS[config.bias],
    )


def to_fields(
    method: LoRA, updates: Mapping[str, Update], there: Places, kind: str, base: str | None
) -> dict[str, Any]:
    """The fields of ``adapter_config.json`` for these updates, by the foreign layer's path. kind: of the model's head; base: the base model's name, if it has one."""
    rslora = method.scaling == "rslora"
    rank, ranks = common({path: update.rank for path, update in updates.items()})
    alpha, alphas = common({path: alpha_of(update, rslora) for path, update in updates.items()})
    modules = {path.rpartition(".")[0] for path in there.parts}
    return {
        "alpha_pattern": {path: _short(value) for path, value in alphas.items()},
        "auto_mapping": None,
        "base_model_name_or_path": base,
        "bias": next(theirs for theirs, ours in BIAS.items() if ours == method.bias),
        "exclude_modules": None,
        "fan_in_fan_out": any(there.linear[path].transposed for path in updates),
        "inference_mode": True,
        "init_lora_weights": True,
        "layers_pattern": None,
        "layers_to_transform": None,
        "lora_alpha": _short(alpha),
        "lora_dropout": method.dropout,
        "modules_to_save": saved_modules(there),
        "peft_type": "LORA",
        "r": rank,
        "rank_pattern": ranks,
        "revision": None,
        "target_modules": shortest_endings(updates, modules),
        "task_type": TASKS.get(kind),
        "use_dora": False,
        "use_rslora": rslora,
    }


def _short(value: float) -> int | float:
    """A whole number without a point, as PEFT itself has it."""
    return int(value) if value.is_integer() else value
