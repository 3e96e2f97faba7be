"""The modules that bottleneck adapters put in a model: a narrow network in series with a layer (the paper's Adapter baselines, section 5.1).

    h + W_up · σ(W_down h + b_down) + b_up

Comes before ``adapter.py``, the method that says where they go. All start with W_up = 0 and the biases 0, so that the model computes what its base computes.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import LayerCache, LayerNorm, Linear, Module
from ..ops import concatenate, embedding, relu, reshape, silu
from .layers import Wrapper


class Bottleneck(Module):
    """W_up · σ(W_down h + b_down) + b_up, from d numbers to r and back. Only W_down is not zero at the start."""

    activation: Callable[[Tensor], Tensor] = staticmethod(silu)

    def __init__(self, W_down: Array) -> None:
        xp, (r, d) = namespace(W_down), W_down.shape
        self.down = Linear(W_down, xp.zeros(r, dtype=W_down.dtype))
        self.up = Linear(xp.zeros((d, r), dtype=W_down.dtype), xp.zeros(d, dtype=W_down.dtype))

    def change(self, h: Tensor) -> Tensor:
        """What is added: [..., d] → [..., d]."""
        narrow = type(self).activation(self.down(h))  # [..., r]
        return self.up(narrow)  # [..., d]

    def __call__(self, h: Tensor) -> Tensor:
        """h plus the change: [..., d] → [..., d]."""
        return h + self.change(h)


class ReluBottleneck(Bottleneck):
    """The same with relu, as Lin et al. and Pfeiffer et al. have it; Houlsby et al. take swish."""

    activation = staticmethod(relu)


class NormedBottleneck(ReluBottleneck):
    """h + W_up · relu(W_down LN(h) + b_down) + b_up, with a layer norm of its own (Lin et al. 2020)."""

    def __init__(self, W_down: Array) -> None:
        super().__init__(W_down)
        self.norm = LayerNorm(W_down.shape[1], dtype=W_down.dtype)
        for parameter in self.norm.parameters():
            parameter.data = namespace(W_down).asarray(parameter.data)

    def change(self, h: Tensor) -> Tensor:
        return super().change(self.norm(h))


class BottleneckWrapper(Wrapper[Bottleneck]):
    """A module followed by the active bottleneck. What a subclass adds is how its base is called."""

    def each(self, h: Tensor) -> Tensor:
        """``applied`` to h, [rows, tokens, d], with the adapter that is active, or with that of each row."""
        return self.applied(self.active, h) if self.rows is None else by_rows(h, self.rows, self.applied)

    def applied(self, name: str | None, h: Tensor) -> Tensor:
        """The output h of the base after the bottleneck ``name``, if it stands here."""
        return self.adapters[name](h) if name is not None and name in self.adapters else h


class BottleneckLayer(BottleneckWrapper):
    """A linear layer followed by the active bottleneck: ``y = bottleneck(base(x))``."""

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        """x: [..., in] → [..., out]."""
        return self.each(self.base(x, rng))


class BottleneckNorm(BottleneckWrapper):
    """The norm at the end of a block, followed by the active bottleneck."""

    def __call__(self, x: Tensor) -> Tensor:
        """x: [..., d] → [..., d]."""
        return self.each(self.base(x))


class NormAroundBottleneck(BottleneckWrapper):
    """The norm at the end of a block, before the bottleneck and again after it: t = LN(u), y = LN(u + change(t)), with u the sum that the norm is given."""

    def __call__(self, u: Tensor) -> Tensor:
        """u: [..., d] → [..., d]."""
        return self.each(u)

    def applied(self, name: str | None, u: Tensor) -> Tensor:
        """LN(u), or LN(u + change(LN(u))) where a bottleneck of that name stands here."""
        y: Tensor = self.base(u)
        if name is not None and name in self.adapters:
            y = self.base(u + self.adapters[name].change(y))
        return y


class BottleneckBlock(BottleneckWrapper):
    """A decoder's block, which ends with a sum, followed by the active bottleneck."""

    def __call__(
        self,
        x: Tensor,
        *,
        mask: Array | None = None,
        cache: LayerCache | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """x: [rows, tokens, width] → the same shape."""
        h: Tensor = self.base(x, mask=mask, cache=cache, rng=rng)
        return self.each(h)


def by_rows(h: Tensor, rows: tuple[str | None, ...], apply: Callable[[str | None, Tensor], Tensor]) -> Tensor:
    """``apply(name, …)`` to the rows of each name, and the results in the order of the rows. h: [rows, tokens, d] → the same shape."""
    if len(rows) != len(h.data):
        raise InputError(f"{len(rows)} rows were given an adapter each, but the batch has {len(h.data)} rows")
    places = {name: [i for i, row in enumerate(rows) if row == name] for name in dict.fromkeys(rows)}
    pieces = [apply(name, _take(h, own)) for name, own in places.items()]
    return _take(concatenate(*pieces, axis=0), np.argsort(np.concatenate(list(places.values()))))


def _take(h: Tensor, rows: Sequence[int] | Array) -> Tensor:
    """The rows ``rows`` of h: [n, tokens, d]."""
    _, tokens, d = h.shape
    flat = reshape(h, shape=(-1, tokens * d))  # [rows, tokens · d]
    return reshape(embedding(flat, ids=namespace(h.data).asarray(rows)), shape=(-1, tokens, d))
