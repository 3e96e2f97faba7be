"""LoRA as a value: which layers get a low-rank update, of what rank and scale (the paper, section 4.1).

    ΔW = s·BA,   s = α/r,   A: [r, in] random,  B: [out, r] zero at the start

Comes after ``low_rank.py``, the layers themselves. ``adapt.py`` installs it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from ..backend import Array, namespace, to_host
from ..errors import InputError, nearest
from ..nn import Linear, Module
from .base import Installed, LayerReport, Method, Shapes, Size, brief, norm, number, uniform, whole
from .layers import (
    as_targets,
    base_parameters,
    fits,
    layer_shapes,
    linear_layers,
    linear_shapes,
    near_layers,
    select,
    wrap,
)
from .low_rank import LoRALinear, LowRank, LowRankUpdates
from .together import Together
from .weights import OwnWeights, is_bias, report_weights

SCALINGS: Mapping[str, Callable[[float, int], float]] = MappingProxyType(
    {"lora": lambda alpha, rank: alpha / rank, "rslora": lambda alpha, rank: alpha / math.sqrt(rank)}
)
"""How α and r make the scale: the paper's α/r, or rank-stabilised α/√r (Kalajdzievski 2023), under which the first step does not shrink as the rank grows."""

BIASES = ("none", "own", "all")
"""Which biases LoRA trains beside its matrices: none, those of the adapted layers, or all of the model's."""

Pairs = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class LoRA(Method):
    """Low-rank adaptation of the linear layers that ``targets`` name: ΔW = s·BA (the paper, section 4.1).

    rank: r, at least 1 and at most the smaller side of each matrix. alpha: α, above 0. scaling: ``"lora"`` for s = α/r, ``"rslora"`` for s = α/√r. targets:
    names of layers, see ``layers.select``; the paper adapts query and value. ranks, alphas: another r or α for the layers that a pattern names, such
    as ``{"value": 16, "blocks.0": 2}``; the first pattern that fits a layer wins. dropout: share of the inputs of A that is set to zero in training,
    in [0, 1). bias: which biases are trained too: ``"none"``, ``"own"`` (of the adapted layers) or ``"all"`` (of the model, but its head).

    At the start B = 0, so the model computes what its base computes. A is drawn from U(−1/√in, 1/√in), as in the authors' code (kaiming-uniform with
    a = √5); the paper's text says Gaussian.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("query", "value")
    dropout: float = 0.0
    ranks: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    alphas: tuple[tuple[str, float], ...] = field(default=(), repr=False)
    scaling: str = field(default="lora", repr=False)
    bias: str = field(default="none", repr=False)

    method: ClassVar[str] = "lora"
    __repr__ = brief

    def __post_init__(self) -> None:
        """Complete the value. Raises InputError for a field that no model could use."""
        for name, value in (
            ("rank", whole("rank", self.rank)),
            ("alpha", _alpha("alpha", self.alpha)),
            ("targets", as_targets(self.targets)),
            ("dropout", number("dropout", self.dropout, 0, 1, "at least 0 and below 1")),
            ("ranks", tuple((key, whole(f"ranks[{key!r}]", r)) for key, r in _pairs("ranks", self.ranks))),
            (
                "alphas",
                tuple((key, _alpha(f"alphas[{key!r}]", a)) for key, a in _pairs("alphas", self.alphas)),
            ),
        ):
            object.__setattr__(self, name, value)  # a frozen value is completed once, here
        _one_of("scaling", self.scaling, SCALINGS)
        _one_of("bias", self.bias, BIASES)

    @property
    def scale(self) -> float:
        """s, where no pattern says otherwise."""
        return SCALINGS[self.scaling](self.alpha, self.rank)

    def rank_at(self, path: str) -> int:
        """r of the layer at ``path``."""
        return next((rank for pattern, rank in self.ranks if fits(pattern, path)), self.rank)

    def alpha_at(self, path: str) -> float:
        """α of the layer at ``path``."""
        return next((alpha for pattern, alpha in self.alphas if fits(pattern, path)), self.alpha)

    def scale_at(self, path: str) -> float:
        """s of the layer at ``path``."""
        return SCALINGS[self.scaling](self.alpha_at(path), self.rank_at(path))

    def layers(self, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
        """The layers that are adapted, out of linear layers by path with the (out, in) shapes of their weights.

        Raises InputError for a target or pattern that names none, and for a rank above a matrix.
        """
        chosen = select(shapes, self.targets)
        for argument, patterns in (("ranks", self.ranks), ("alphas", self.alphas)):
            for pattern, _ in patterns:
                if not any(fits(pattern, path) for path in chosen):
                    raise InputError(
                        f"{argument} names {pattern!r}, which matches no adapted layer{near_layers(pattern, chosen)}"
                    )
        for path in chosen:
            if self.rank_at(path) > min(shapes[path]):
                raise InputError(
                    f"rank is {self.rank_at(path)}, but the weight of {path} is {shapes[path]}; give a rank of at most {min(shapes[path])}"
                )
        return chosen

    def install(self, model: Module, name: str, rng: np.random.Generator) -> Installed:
        """Wrap every layer that a target names. Raises InputError for what ``layers`` refuses."""
        layers, chosen = self._chosen(model)
        trained_too = self._biases(base_parameters(model), chosen)
        wrapped = wrap(model, {path: layers[path] for path in chosen}, LoRALinear, outermost=False)
        for path, wrapper in wrapped.items():
            wrapper.adapters[name] = self._start(path, layers[path].weight.data, rng)
        shapes = {f"{path}.weight": layers[path].weight.shape for path in chosen}
        updates = LowRankUpdates(model, name, wrapped, shapes)
        if not trained_too:
            return updates
        own = base_parameters(model)
        return Together([updates, OwnWeights({bias: own[bias] for bias in trained_too})])

    def _chosen(self, model: Module) -> tuple[dict[str, Linear], list[str]]:
        layers = linear_layers(model)
        return layers, self.layers({path: layer.weight.shape for path, layer in layers.items()})

    def _start(self, path: str, W: Array, rng: np.random.Generator) -> LowRank:
        (out, k), rank = W.shape, self.rank_at(path)
        A = uniform(rng, (rank, k), 1 / math.sqrt(k), W)
        B = namespace(W).zeros((out, rank), dtype=A.dtype)
        return LowRank(A, B, scale=self.scale_at(path), dropout=self.dropout)

    def _biases(self, names: Collection[str], chosen: Iterable[str]) -> list[str]:
        """Which of the model's weights are biases to train, where ``chosen`` layers are adapted."""
        if self.bias == "none":
            return []
        own = {f"{path}.bias" for path in chosen}
        return [name for name in names if is_bias(name) and (self.bias == "all" or name in own)]

    def claims(self, model: Module) -> set[str]:
        """The adapted weights, and the biases that are trained."""
        _, chosen = self._chosen(model)
        return {f"{path}.weight" for path in chosen} | {*self._biases(base_parameters(model), chosen)}

    def trainable(self, size: Size) -> int:
        """Σ r·(in + out) over the adapted matrices, for square ones the paper's 2·L̂_LoRA·d·r; and the biases that are trained."""
        layers, shapes = layer_shapes(size), linear_shapes(size)
        chosen = self.layers(shapes)
        own = sum(layers[path].out for path in chosen if layers[path].bias)
        biases = {"none": 0, "own": own, "all": size.biases}[self.bias]
        return sum(self.rank_at(path) * sum(shapes[path]) for path in chosen) + biases

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """A: [rank, in] and B: [out, rank] for each W: [out, in]; the biases as they are."""
        matrices = {
            name.removesuffix(".weight"): shape
            for name, shape in base_shapes.items()
            if name.endswith(".weight") and len(shape) == 2 and not name.startswith("head.")
        }
        chosen = self.layers(matrices)
        shapes: dict[str, tuple[int, ...]] = {}
        for path in chosen:
            (out, k), rank = matrices[path], self.rank_at(path)
            shapes |= {f"{path}.A": (rank, k), f"{path}.B": (out, rank)}
        return shapes | {name: base_shapes[name] for name in self._biases(base_shapes, chosen)}

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a layer, with ‖B‖ and ‖sBA‖ (Frobenius), and one a bias that is trained."""
        rows, own = [], self.weight_shapes(base_shapes)
        for key in own:
            if key.endswith(".A"):
                layer = key.removesuffix(".A")
                A, B = (to_host(arrays[f"{layer}.{part}"]).astype(np.float64) for part in "AB")
                scale = self.scale_at(layer)
                change = scale * norm(B @ A)
                rows.append(LayerReport(name, layer, len(A), scale, norm(B), change, change > 0))
        chosen = [row.layer for row in rows]
        biases = {bias: own[bias] for bias in self._biases(own, chosen)}
        return rows + report_weights(name, arrays, base, biases)


def _alpha(argument: str, value: object) -> float:
    return number(argument, value, math.ulp(0.0), math.inf, "a number above 0")


def _pairs(argument: str, given: object) -> list[tuple[str, object]]:
    """Patterns with a value each, given as a mapping or as pairs. Raises InputError for anything else."""
    items: object = given.items() if isinstance(given, Mapping) else given
    found: list[tuple[str, object]] = []
    for pair in items if isinstance(items, Iterable) and not isinstance(items, str) else [given]:
        if (
            not isinstance(pair, tuple | list)
            or len(pair) != 2
            or not isinstance(pair[0], str)
            or not pair[0]
        ):
            raise InputError(
                f"{argument} must give a value to names of layers, such as {{'value': 4}}, not {given!r}"
            )
        found.append((pair[0], pair[1]))
    return found


def _one_of(argument: str, value: object, known: Iterable[str]) -> None:
    known = list(known)
    if value not in known:
        raise InputError(
            f"{argument} must be one of {', '.join(map(repr, known))}, not {value!r}{nearest(str(value), known)}"
        )
