"""``adapter_config.json``: what PEFT writes about an adapter, checked field by field.

Comes after ``patterns.py``, and before ``reading.py`` and ``writing.py``. A field that would change what the adapter computes in a way that is not known here is
refused by name; one that only says how the adapter was made is passed over.
"""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...errors import InputError, nearest
from ...files import read_json
from ..base import number, whole
from .patterns import ALL_LINEAR, compiled, first_that_fits, fits, layer_number

FILE = "adapter_config.json"

TARGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gpt2": ("c_attn",),
        "bert": ("query", "value"),
        "roberta": ("query", "value"),
        "deberta": ("in_proj",),
        "deberta-v2": ("query_proj", "value_proj"),
    }
)
"""What PEFT adapts of each kind of model where a configuration names nothing."""

REFUSED = MappingProxyType(
    {
        "use_dora": "DoRA, which learns the length of each row of the weight",
        "lora_bias": "a bias of B",
        "target_parameters": "LoRA on a bare parameter",
        "trainable_token_indices": "rows of the embedding that are trained",
        "layer_replication": "layers that are repeated",
        "megatron_config": "Megatron's parallel layers",
        "alora_invocation_tokens": "an adapter that wakes at a token",
        "use_qalora": "QA-LoRA",
        "use_bdlora": "block-diagonal LoRA",
        "arrow_config": "routing between adapters",
        "kasa_config": "KaSA",
        "velora_config": "VeLoRA",
        "monteclora_config": "MonteCLoRA",
        "ensure_weight_tying": "adapters of tied weights",
    }
)
"""Fields of features that are not known here, which must be off: None, False or empty."""

CHANGING_STARTS = ("pissa", "olora", "corda", "lora_ga", "loftq")
"""Values of ``init_lora_weights`` under which PEFT changes the base's weights too, so that the adapter alone means nothing."""

PASSED_OVER = frozenset(
    {"peft_type", "peft_version", "auto_mapping", "base_model_class", "parent_library", "revision", "inference_mode", "fan_in_fan_out",
     "init_lora_weights", "loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size", "megatron_core", "runtime_config"}
)  # fmt: skip
"""Fields that do not change what an adapter with weights computes, or, as fan_in_fan_out, that the model itself says better."""


@dataclass(frozen=True)
class PeftConfig:
    """The fields of a LoRA's configuration that matter, under PEFT's names and with its defaults. Raises InputError for values that cannot be."""

    r: int = 8
    lora_alpha: float = 8.0
    lora_dropout: float = 0.0
    target_modules: tuple[str, ...] | str | None = None
    exclude_modules: tuple[str, ...] | str | None = None
    modules_to_save: tuple[str, ...] | None = None
    layers_to_transform: tuple[int, ...] | None = None
    layers_pattern: tuple[str, ...] | None = None
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)
    use_rslora: bool = False
    bias: str = "none"
    task_type: str | None = None
    base_model_name_or_path: str | None = None

    def __post_init__(self) -> None:
        if self.bias not in ("none", "all", "lora_only"):
            raise InputError(f"bias is {self.bias!r}, but must be 'none', 'all' or 'lora_only'")
        for pattern in (self.target_modules, self.exclude_modules, *self.rank_pattern, *self.alpha_pattern):
            if isinstance(pattern, str):
                compiled(pattern)
        if isinstance(self.target_modules, str) and (
            self.layers_to_transform is not None or self.layers_pattern is not None
        ):
            raise InputError(
                "layers_to_transform and layers_pattern go with a list of target_modules, not with a regular expression"
            )

    def selects(self, path: str, *, linear: Iterable[str], model_type: str) -> bool:
        """Whether the layer at ``path`` is adapted: PEFT's rule. linear: the paths of all linear layers; model_type: whose defaults hold where nothing is named."""
        if self.exclude_modules and fits(self.exclude_modules, path):
            return False
        within = any(path == name or f".{name}." in f".{path}." for name in self.modules_to_save or ())
        if within:  # what is trained whole is not adapted as well
            return False
        targets = TARGETS[model_type] if self.target_modules is None else self.target_modules
        if isinstance(targets, str):
            if targets.lower() == ALL_LINEAR:
                return path in linear and not (
                    self.task_type == "SEQ_CLS" and path in ("classifier", "score")
                )
            return fits(targets, path)
        if path in targets or not fits(
            targets, path
        ):  # a whole path is meant whatever layers_to_transform says
            return path in targets
        if not self.layers_to_transform:
            return True
        return layer_number(path, self.layers_pattern or ()) in self.layers_to_transform

    def rank_at(self, path: str) -> int:
        """r at this layer."""
        rank = first_that_fits(self.rank_pattern, path)
        return self.r if rank is None else rank

    def scale_at(self, path: str) -> float:
        """s = α/r, or α/√r under use_rslora (arXiv 2312.03732), at this layer."""
        alpha, rank = first_that_fits(self.alpha_pattern, path), self.rank_at(path)
        alpha = self.lora_alpha if alpha is None else alpha
        return alpha / math.sqrt(rank) if self.use_rslora else alpha / rank


def read_config(path: Path) -> PeftConfig:
    """The configuration in a file. Raises InputError for a file that ``read_json`` refuses, another method than LoRA, a feature that is not known here, and a value of a
    wrong kind; warns of fields that PEFT 0.21 does not have either, as PEFT itself does."""
    stored = read_json(path)
    if "peft_type" not in stored:
        raise InputError(f"{str(path)!r} is no configuration of PEFT: it has no field peft_type")
    if stored["peft_type"] != "LORA":
        raise InputError(f"{str(path)!r}: peft_type is {stored['peft_type']!r}, and only 'LORA' can be read")
    for name, feature in REFUSED.items():
        if stored.get(name) not in (None, False, [], {}, ""):
            raise InputError(f"{str(path)!r}: {name} asks for {feature}, which is not supported")
    start = str(stored.get("init_lora_weights", True)).lower()
    if start.startswith(CHANGING_STARTS):
        raise InputError(
            f"{str(path)!r}: init_lora_weights is {start!r}, which changes the base's weights too; save it from PEFT with path_initial_model_for_weight_conversion"
        )
    unknown = sorted(stored.keys() - KINDS.keys() - REFUSED.keys() - PASSED_OVER)
    set_ones = [name for name in unknown if stored[name] not in (None, False, [], {}, "")]
    if set_ones:
        hints = "".join(nearest(name, KINDS) for name in set_ones)
        warnings.warn(
            f"{str(path)!r}: passed over are the unknown fields {', '.join(set_ones)}{hints}", stacklevel=2
        )
    try:
        given = {name: stored[name] for name in KINDS if stored.get(name) is not None}
        return PeftConfig(**{name: KINDS[name](name, value) for name, value in given.items()})
    except InputError as error:
        raise InputError(f"{str(path)!r}: {error}") from error


def _alpha(name: str, value: object) -> float:
    return number(name, value, math.ulp(0.0), math.inf, "a number above 0")


def _dropout(name: str, value: object) -> float:
    return number(name, value, 0, 1, "at least 0 and below 1")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {value!r}")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, not {value!r}")
    return value


def _names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InputError(f"{name} must be a list of names, not {value!r}")
    return tuple(value)


def _names_or_text(name: str, value: object) -> tuple[str, ...] | str:
    return value if isinstance(value, str) else _names(name, value)


def _one_or_more_names(name: str, value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _names(name, value)


def _numbers(name: str, value: object) -> tuple[int, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(type(entry) is int and entry >= 0 for entry in listed):
        raise InputError(f"{name} must be numbers of layers, not {value!r}")
    return tuple(listed)


def _ranks(name: str, value: object) -> dict[str, int]:
    return {pattern: whole(f"{name}[{pattern!r}]", rank) for pattern, rank in _table(name, value).items()}


def _alphas(name: str, value: object) -> dict[str, float]:
    return {pattern: _alpha(f"{name}[{pattern!r}]", alpha) for pattern, alpha in _table(name, value).items()}


def _table(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name} must be a table from patterns to numbers, not {value!r}")
    return value


KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "r": whole, "lora_alpha": _alpha, "lora_dropout": _dropout, "target_modules": _names_or_text, "exclude_modules": _names_or_text,
        "modules_to_save": _names, "layers_to_transform": _numbers, "layers_pattern": _one_or_more_names, "rank_pattern": _ranks,
        "alpha_pattern": _alphas, "use_rslora": _flag, "bias": _text, "task_type": _text, "base_model_name_or_path": _text,
    }
)  # fmt: skip
"""The fields that are read, and the function that checks each."""
