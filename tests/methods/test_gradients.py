"""LoRA's gradients against full fine-tuning's on the same weights: identities that hold exactly (the paper's method, differentiated)."""

import numpy as np
import pytest

from minilora.autograd import Tensor, check_gradients, gradients
from minilora.methods import Adapter, Bottleneck, FullFineTuning, LoRA, Tuned, adapt
from minilora.models.base import Model
from minilora.models.gpt import GPT

from .every import METHODS
from .small import batch, gpt

TARGETS = ("all-linear",)


def gradients_by_name(tuned: Tuned) -> dict[str, np.ndarray]:
    found = gradients(tuned.loss(batch(tuned.model)), list(tuned.parameters.values()))
    return {name: g for name, g in zip(tuned.parameters, found, strict=True) if g is not None}


def full_gradients(model: GPT) -> dict[str, np.ndarray]:
    """∂L/∂W of full fine-tuning at the weights that a plain model has."""
    tuned = adapt(model, FullFineTuning())
    found = gradients_by_name(tuned)
    tuned.remove("default")
    return found


def assert_relative(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-12) -> None:
    scale = max(float(np.linalg.norm(expected)), 1e-30)
    assert float(np.linalg.norm(found - expected)) <= tolerance * scale


@pytest.mark.parametrize("size", ["two blocks", "one block"])
@pytest.mark.parametrize(("rank", "alpha"), [(1, 1.0), (3, 16.0)])
def test_gradients_of_A_and_B_are_projections_of_the_full_gradient(
    size: str, rank: int, alpha: float
) -> None:
    """∂A = s·Bᵀ G and ∂B = s·G Aᵀ, G = ∂L/∂W at W₀ + sBA; at a random B, on every linear layer of a GPT."""
    rng = np.random.default_rng(1)
    tuned = adapt(gpt(size), LoRA(rank=rank, alpha=alpha, targets=TARGETS), rng=rng)
    for name, parameter in tuned.parameters.items():
        if name.endswith(".B"):
            parameter.data = 0.1 * rng.standard_normal(parameter.shape)
    found, values, s = gradients_by_name(tuned), tuned.arrays("default"), alpha / rank
    G = full_gradients(tuned.fuse())
    layers = {name.rpartition(".")[0] for name in found}
    assert len(layers) == 6 * tuned.model.config.layers
    for layer in layers:
        A, B, full = values[f"{layer}.A"], values[f"{layer}.B"], G[f"{layer}.weight"]
        assert_relative(found[f"{layer}.A"], s * B.T @ full)
        assert_relative(found[f"{layer}.B"], s * full @ A.T)


def test_at_the_start_A_gets_no_gradient_and_the_first_step_is_a_projection() -> None:
    """From B = 0: ∂A = 0, and one step of gradient descent gives ΔW₁ = −η s² G AᵀA."""
    learning_rate, s = 0.05, 8 / 2
    model = gpt()
    G = full_gradients(model)
    tuned = adapt(model, LoRA(rank=2, alpha=8, targets=TARGETS))
    A = {name: array.copy() for name, array in tuned.arrays("default").items() if name.endswith(".A")}
    for name, gradient in gradients_by_name(tuned).items():
        if name.endswith(".A"):
            assert not gradient.any()
        parameter = tuned.parameters[name]
        parameter.data = parameter.data - learning_rate * gradient
    now = tuned.arrays("default")
    for name, a in A.items():
        layer = name.removesuffix(".A")
        expected = -learning_rate * s**2 * G[f"{layer}.weight"] @ a.T @ a
        assert_relative(s * now[f"{layer}.B"] @ now[name], expected)
        assert np.linalg.matrix_rank(expected) <= 2


def test_lora_with_a_full_orthogonal_A_is_full_fine_tuning_at_rate_s_squared() -> None:
    """With r = in and AᵀA = I the first step from B = 0 is −η s² G."""
    model, layer = gpt(), "blocks.0.attention.query"
    G = full_gradients(model)[f"{layer}.weight"]
    k = model.config.width
    tuned = adapt(model, LoRA(rank=k, alpha=2 * k, targets=(layer,)))
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((k, k)))
    tuned.parameters[f"{layer}.A"].data = Q
    dB = gradients_by_name(tuned)[f"{layer}.B"]
    assert_relative(2.0 * (-0.1 * dB) @ Q, -0.1 * 2.0**2 * G)


def test_dropout_falls_on_the_low_rank_path_alone_with_the_right_mean() -> None:
    """The mean over draws is the output without dropout."""
    model = gpt()
    tuned = adapt(model, LoRA(rank=2, targets=("blocks.0.attention.query",), dropout=0.5))
    layer = model.get_module("blocks.0.attention.query")
    rng = np.random.default_rng(0)
    for parameter in tuned.parameters.values():
        parameter.data = rng.standard_normal(parameter.shape)
    x = Tensor(rng.standard_normal((4, model.config.width)))
    draws = np.stack([layer(x, rng).data for _ in range(1000)])
    spread = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - layer(x).data) <= 5 * spread).all()
    tuned.parameters["blocks.0.attention.query.B"].data[...] = 0
    np.testing.assert_array_equal(layer(x, rng).data, layer.base(x).data)  # the base's input is never dropped


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_is_differentiated_correctly_on_every_model(model: Model, kind: str) -> None:
    """⟨∂L/∂θ, v⟩ against central differences along a random direction v of all that is trained, from weights none of which is zero."""
    tuned = adapt(model, METHODS[kind])
    rng = np.random.default_rng(0)
    parameters = list(tuned.parameters.values())
    for parameter in parameters:
        parameter.data = parameter.data + 0.1 * rng.standard_normal(parameter.shape)
    here = [parameter.data for parameter in parameters]
    v = [rng.standard_normal(x.shape) for x in here]
    found = gradients(tuned.loss(batch(model)), parameters)
    along = sum(float((g * direction).sum()) for g, direction in zip(found, v, strict=True) if g is not None)

    def loss_at(step: float) -> float:
        for parameter, x, direction in zip(parameters, here, v, strict=True):
            parameter.data = x + step * direction
        return tuned.loss(batch(model)).item()

    h = 1e-4
    differences = (8 * (loss_at(h) - loss_at(-h)) - (loss_at(2 * h) - loss_at(-2 * h))) / (12 * h)
    assert along == pytest.approx(differences, rel=1e-6, abs=1e-9)


def test_the_bottleneck_is_differentiated_correctly() -> None:
    rng = np.random.default_rng(0)
    bottleneck = Bottleneck(rng.standard_normal((2, 5)))
    down, up = bottleneck.down, bottleneck.up

    def run(h: Tensor, *weights: Tensor) -> Tensor:
        down.weight, down.bias, up.weight, up.bias = weights
        return bottleneck(h)

    inputs = [rng.standard_normal(shape) for shape in ((3, 5), (2, 5), (2,), (5, 2), (5,))]
    assert check_gradients(run, *inputs) < 1e-7


def test_frozen_weights_cost_no_gradient() -> None:
    """The tape of an adapted model ends at the adapters: the base's weights are not on it."""
    for method in (LoRA(rank=2), Adapter(width=2)):
        model = gpt()
        tuned = adapt(model, method)
        own = {id(parameter) for parameter in tuned.parameters.values()}
        tuned.loss(batch(model)).backward()
        assert {id(p) for p in model.parameters() if p.grad is not None} == own
