"""What stands in series with a layer or at the inputs: bottleneck adapters, linear adapters that are LoRA, and prefixes as a mixture of two attentions.

Comes after ``finding.py``. Gradients at a place inside the model are those of a probe: an array of zeros that is added there.
"""

import math

import numpy as np

from ...autograd import Tensor, gradients, largest, no_grad
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA, adapt
from ...methods.bottleneck import Bottleneck
from ...methods.layers import linear_layers, select
from ...models.base import Model
from ...nn import Linear, Module, Parameter
from ...ops import attention, linear
from ..layer_gradients import copy_of
from .finding import Finding, relative, worst
from .spans import Listener

TARGETS = ("query", "value")


class LinearAdapter(Module):
    """y = (I + U D) W x + b: an adapter without nonlinearity and bias, between a layer's weight and its bias. D: [r, out], U: [out, r]."""

    def __init__(self, base: Linear, U: Array, D: Array) -> None:
        self.base, self.U, self.D = base, Parameter(U), Parameter(D)

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        h = linear(x, self.base.weight, None)  # [..., out]
        adapted = h + linear(linear(h, self.D, None), self.U, None)  # [..., out]
        return adapted if self.base.bias is None else adapted + self.base.bias

    def update(self) -> Array:
        """U D W: what is added to the layer's weight, [out, in]."""
        return self.U.data @ (self.D.data @ self.base.weight.data)


class Probed(Module):
    """A layer followed by a bottleneck, with a probe before and one behind it."""

    def __init__(self, base: Linear, bottleneck: Bottleneck, tokens: tuple[int, ...]) -> None:
        self.base, self.bottleneck = base, bottleneck
        shape = (*tokens, len(base.weight.data))
        self.before, self.behind = Parameter(np.zeros(shape)), Parameter(np.zeros(shape))
        self.h = np.zeros(shape)

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        h = self.base(x) + self.before
        self.h = h.data
        return self.bottleneck(h) + self.behind


def check(model: Model, batch: Batch, *, rank: int, seed: int) -> list[Finding]:
    """Every statement of this file."""
    return [
        bottleneck_gradients(model, batch, rank, seed),
        *linear_adapter_is_lora(model, batch, rank, seed),
        prefix_is_a_mixture(model, batch, rank, seed),
    ]


def bottleneck_gradients(model: Model, batch: Batch, rank: int, seed: int) -> Finding:
    """h + Uσ(Dh + b): ∂D = (σ′ ⊙ Uᵀδ) hᵀ and ∂h = δ + Dᵀ(σ′ ⊙ Uᵀδ), δ = ∂L/∂output; after the MLP's last layer, as Houlsby et al. put it, σ being swish."""
    rng = np.random.default_rng(seed)
    probed_model = copy_of(model, np.float64)
    probed_model.freeze()
    probes = {}
    for path in select(linear_layers(probed_model), ("mlp.down",)):
        layer = linear_layers(probed_model)[path]
        d = len(layer.weight.data)
        bottleneck = Bottleneck(rng.standard_normal((rank, d)) / math.sqrt(d))
        for array in (bottleneck.up.weight, bottleneck.down.bias):
            assert array is not None
            array.data = 0.1 * rng.standard_normal(array.shape)
        probes[path] = Probed(layer, bottleneck, batch.ids.shape)
    for path, probe in probes.items():
        probed_model.set_module(path, probe)
    wrt = [p for probe in probes.values() for p in (probe.before, probe.behind, probe.bottleneck.down.weight)]
    found = gradients(probed_model.loss(batch), wrt)
    errors = {}
    for place, (path, probe) in enumerate(probes.items()):
        dh, delta, dD = found[3 * place : 3 * place + 3]
        assert dh is not None and delta is not None and dD is not None  # noqa: PT018 (no test)
        down, bias, up = (
            p.data
            for p in (probe.bottleneck.down.weight, probe.bottleneck.down.bias, probe.bottleneck.up.weight)
            if p is not None
        )
        width = probe.h.shape[-1]
        h, of_output = probe.h.reshape(-1, width), delta.reshape(-1, width)  # [tokens, d]
        z = h @ down.T + bias  # [tokens, r]
        sigmoid = 1 / (1 + np.exp(-z))
        through = (sigmoid * (1 + z * (1 - sigmoid))) * (of_output @ up)  # σ′ ⊙ Uᵀδ
        errors[path] = largest(
            [relative(dD, through.T @ h), relative(dh.reshape(-1, width), of_output + through @ down)]
        )
    return worst("a bottleneck's gradients", "∂D = (σ′⊙Uᵀδ)hᵀ, ∂h = δ + Dᵀ(σ′⊙Uᵀδ)", "any U, D, b", errors)


def linear_adapter_is_lora(model: Model, batch: Batch, rank: int, seed: int) -> list[Finding]:
    """(I + UD)W = W + U(DW): the same losses as LoRA with B = U and A = DW, ∂U = ∂B, and ∂D = ∂A Wᵀ."""
    rng = np.random.default_rng(seed)
    adapted = copy_of(model, np.float64)
    adapted.freeze()
    tuned = adapt(copy_of(model, np.float64), LoRA(rank, float(rank), TARGETS))
    adapters = {}
    for path in select(linear_layers(adapted), TARGETS):
        W = linear_layers(adapted)[path].weight.data
        U, D = (
            0.1 * rng.standard_normal((len(W), rank)),
            rng.standard_normal((rank, len(W))) / math.sqrt(len(W)),
        )
        adapters[path] = LinearAdapter(linear_layers(adapted)[path], U, D)
        tuned.parameters[f"{path}.A"].data, tuned.parameters[f"{path}.B"].data = D @ W, U.copy()
    for path, adapter in adapters.items():
        adapted.set_module(path, adapter)
    loss, lora_loss = adapted.loss(batch), tuned.loss(batch)
    values = {"the whole model": relative(loss.data, lora_loss.data)}
    own = gradients(loss, [p for adapter in adapters.values() for p in (adapter.U, adapter.D)])
    lora = dict(zip(tuned.parameters, gradients(lora_loss, list(tuned.parameters.values())), strict=True))
    errors = {}
    for place, (path, adapter) in enumerate(adapters.items()):
        dU, dD, dA, dB = own[2 * place], own[2 * place + 1], lora[f"{path}.A"], lora[f"{path}.B"]
        assert dU is not None and dD is not None and dA is not None and dB is not None  # noqa: PT018 (no test)
        errors[path] = largest([relative(dU, dB), relative(dD, dA @ adapter.base.weight.data.T)])
    statement = "(I + UD)W = W + U(DW)"
    return [
        worst(
            "a linear adapter is LoRA: loss",
            f"{statement}: equal losses",
            "B = U, A = DW, no bias between",
            values,
        ),
        worst(
            "a linear adapter is LoRA: gradients",
            "∂U = ∂B, ∂D = ∂A Wᵀ",
            "B = U, A = DW, no bias between",
            errors,
        ),
    ]


def prefix_is_a_mixture(model: Model, batch: Batch, prefix: int, seed: int) -> Finding:
    """Attention with a prefix = (1 − λ)·attention without + λ·softmax(q P_kᵀ)P_v, λ being the share of the weights that falls on the prefix (He et al. 2022).

    q, k and v are those of the model's own layers for this batch; P_k and P_v are random, ``prefix`` of them, and every query sees them all.
    """
    rng = np.random.default_rng(seed)
    plain = copy_of(model, np.float64)
    paths = [path.removesuffix(".query") for path in select(linear_layers(plain), ("attention.query",))]
    listeners = {
        f"{path}.{part}": Listener(linear_layers(plain)[f"{path}.{part}"])
        for path in paths
        for part in ("query", "key", "value")
    }
    for path, listener in listeners.items():
        plain.set_module(path, listener)
    with no_grad():
        plain.loss(batch)
    heads, errors = plain.config.heads, {}
    for path in paths:
        rows = batch.ids.shape[0]
        q, k, v = (
            _output(listeners[f"{path}.{part}"], rows) for part in ("query", "key", "value")
        )  # [rows, tokens, width]
        P_k, P_v = (rng.standard_normal((rows, prefix, q.shape[-1])) for _ in range(2))
        with_prefix = attention(
            q, np.concatenate([P_k, k], 1), np.concatenate([P_v, v], 1), heads=heads, causal=True
        ).data
        text = attention(q, k, v, heads=heads, causal=True).data
        special = attention(q, P_k, P_v, heads=heads, causal=False).data
        share = _share(q, P_k, k, heads)  # [rows, tokens, width]
        errors[path] = relative(with_prefix, (1 - share) * text + share * special)
    return worst(
        "a prefix mixes two attentions",
        "Attn_prefix = (1 − λ)Attn + λ softmax(qP_kᵀ)P_v",
        "λ the prefix's share of the weights; causal",
        errors,
    )


def _output(listener: Listener, rows: int) -> Array:
    """What the layer puts out for what it heard: [rows, tokens, width]."""
    assert isinstance(listener.base, Linear)
    with no_grad():
        found = listener.base(Tensor(listener.heard[-1])).data
    return found.reshape(rows, -1, found.shape[-1])


def _share(q: Array, prefix: Array, k: Array, heads: int) -> Array:
    """λ of every query and head, repeated over the head's width: [rows, tokens, width]."""
    rows, tokens, width = q.shape
    split = [
        x.reshape(rows, -1, heads, width // heads).swapaxes(1, 2) for x in (q, prefix, k)
    ]  # [rows, heads, …, d]
    to_prefix, to_text = (split[0] @ x.swapaxes(-1, -2) / math.sqrt(width // heads) for x in split[1:])
    to_text = np.where(np.tri(tokens, dtype=bool), to_text, -np.inf)
    highest = np.maximum(to_prefix.max(-1), to_text.max(-1))[..., None]
    special, text = (np.exp(x - highest).sum(-1) for x in (to_prefix, to_text))  # [rows, heads, tokens]
    share = (special / (special + text)).swapaxes(1, 2)  # [rows, tokens, heads]
    return np.repeat(share, width // heads, axis=2)
