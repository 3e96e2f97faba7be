"""The methods as ``minilora finetune --method`` knows them: a name, a learning rate, and which settings are its own.

Comes before ``recipe.py``, whose settings are flat, as options and a TOML file are; here they become a method's fields, and back. Names may be joined,
``lora+prefix-embedding``: the methods are then composed, and the first one's learning rate is taken.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from ..errors import InputError, nearest
from ..methods import (
    Adapter,
    BitFit,
    Composition,
    FullFineTuning,
    HeadOnly,
    LoRA,
    Method,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    as_method,
)


@dataclass(frozen=True)
class Field:
    """A method's field behind a setting. read: from the setting to the field; written: back, for ``config.toml``."""

    name: str
    read: Callable[[Any], Any] = lambda value: value
    written: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Choice:
    """A method as ``--method`` knows it: the learning rate it gets when none is given, what makes it, and the settings that are its own. head_rate: the learning rate beside a classification head, where it is another."""

    learning_rate: float
    make: Callable[..., Method]
    own: Mapping[str, Field] = field(default_factory=dict)
    head_rate: float | None = None

    def rate(self, answers: str | None) -> float:
        """The learning rate for a task that is answered so: ``"head"``, ``"prompt"`` or None."""
        return self.learning_rate if answers != "head" or self.head_rate is None else self.head_rate

    def build(self, settings: object) -> Method:
        """The method, from those of its settings that are not left open."""
        given = {setting: getattr(settings, setting) for setting in self.own}
        fields = {
            self.own[setting].name: self.own[setting].read(value)
            for setting, value in given.items()
            if value is not None
        }
        return self.make(**fields)

    def settled(self, method: Method) -> dict[str, Any]:
        """The settings that make this very method."""
        return {setting: behind.written(getattr(method, behind.name)) for setting, behind in self.own.items()}


def _read_pairs(texts: Iterable[str]) -> list[tuple[str, float]]:
    """``("value=16", "blocks.0=2")`` as patterns and numbers. Raises InputError for a text that is none."""
    pairs = []
    for text in texts:
        pattern, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value, equals = 0.0, ""
        if not equals:
            raise InputError(f"ranks and alphas are written as layer=number, such as value=16, not {text!r}")
        pairs.append((pattern.strip(), int(value) if value.is_integer() else value))
    return pairs


def _written_pairs(pairs: Iterable[tuple[str, float]]) -> tuple[str, ...] | None:
    """The pairs as texts, with every digit: a run is trained with what its settings say once they are settled."""
    exact = ((pattern, int(x) if float(x).is_integer() else x) for pattern, x in pairs)
    return tuple(f"{pattern}={value!r}" for pattern, value in exact) or None


def _read_numbers(texts: Iterable[str]) -> tuple[int, ...]:
    texts = tuple(texts)
    if not all(text.isdecimal() for text in texts):
        raise InputError(f"blocks must be numbers of blocks from 0, such as 4,5, not {','.join(texts)!r}")
    return tuple(int(text) for text in texts)


def _written_numbers(numbers: tuple[int, ...] | None) -> tuple[str, ...] | None:
    return None if numbers is None else tuple(map(str, numbers))


_PAIRS = (_read_pairs, _written_pairs)
_LORA = {
    "rank": Field("rank"),
    "alpha": Field("alpha"),
    "targets": Field("targets"),
    "lora_dropout": Field("dropout"),
    "ranks": Field("ranks", *_PAIRS),
    "alphas": Field("alphas", *_PAIRS),
    "scaling": Field("scaling"),
    "bias": Field("bias"),
}
_ADAPTER = {"width": Field("width"), "blocks": Field("layers", _read_numbers, _written_numbers)}
_PREFIX = {"prefix": Field("prefix"), "infix": Field("infix")}

METHODS: Mapping[str, Choice] = MappingProxyType(
    {
        "lora": Choice(4e-3, LoRA, _LORA),
        "full": Choice(4e-4, FullFineTuning),
        "top-layers": Choice(4e-4, TopLayers, {"top": Field("layers")}),
        "bitfit": Choice(4e-3, BitFit),
        "head": Choice(4e-3, HeadOnly),
        "houlsby": Choice(8e-3, partial(Adapter, "houlsby"), _ADAPTER, head_rate=3e-3),
        "lin": Choice(8e-3, partial(Adapter, "lin"), _ADAPTER, head_rate=3e-3),
        "pfeiffer": Choice(8e-3, partial(Adapter, "pfeiffer"), _ADAPTER, head_rate=3e-3),
        "prefix-embedding": Choice(1e-2, PrefixEmbedding, _PREFIX),
        "prefix-layer": Choice(4e-3, PrefixLayer, _PREFIX),
    }
)
"""The methods. Those of lora, full and houlsby did well on tiny-gpt; the other learning rates are theirs, or near the paper's ratio to LoRA's, and not tuned.
A larger model wants lower ones (the paper: 2e-4 for LoRA on GPT-2 medium). At 8e-3 adapters left a new classification head at chance on SST-2 (MiniLM)."""


def choices(names: str) -> list[Choice]:
    """What ``lora`` or ``lora+prefix-embedding`` stands for. Raises InputError for an unknown name, with the nearest."""
    parts = names.split("+")
    for part in parts:
        if part not in METHODS:
            raise InputError(
                f"there is no method {part!r}; there are {', '.join(METHODS)}, and several joined by +{nearest(part, METHODS)}"
            )
    return [METHODS[part] for part in parts]


def own_settings(names: str) -> set[str]:
    """The settings that have a part in these methods."""
    return {setting for choice in choices(names) for setting in choice.own}


def build_method(names: str, settings: object) -> Method:
    """The method, or composition, that the settings describe. Raises InputError for what a method refuses."""
    return as_method([choice.build(settings) for choice in choices(names)])


def settle_method(names: str, settings: object) -> dict[str, Any]:
    """The settings of these methods with nothing left open."""
    return settings_of(build_method(names, settings))


def settings_of(method: Method) -> dict[str, Any]:
    """The settings that make this very method, or composition, under its name (``name_of``)."""
    settled: dict[str, Any] = {}
    for choice, part in zip(choices(name_of(method)), _parts(method), strict=True):
        settled |= choice.settled(part)
    return settled


def name_of(method: Method) -> str:
    """How ``--method`` calls this method, or composition: ``lora``, ``houlsby``, ``lora+prefix-embedding``."""
    return "+".join(part.kind if isinstance(part, Adapter) else part.method for part in _parts(method))


def _parts(method: Method) -> tuple[Method, ...]:
    return method.methods if isinstance(method, Composition) else (method,)
