"""GPT-2 against its definition: a plain NumPy forward pass, causality, padding, the cache, and gradients of the whole model."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from minilora.autograd import Tensor, gradients, no_grad, relative_error
from minilora.errors import InputError
from minilora.models.gpt import GPT, GPTConfig
from minilora.models.sizes import size

SMALL = GPTConfig(vocabulary=50, context=24, width=16, layers=2, heads=4)


@pytest.fixture
def model(rng) -> GPT:
    model = GPT(SMALL, rng, dtype=np.float64)
    for parameter in model.parameters():  # no zeros: every bias must matter
        parameter.data = rng.standard_normal(parameter.shape) * 0.3
    return model


def plain_forward(model: GPT, ids: np.ndarray) -> np.ndarray:
    """The logits of one row, written out: Radford et al. 2019, no class and no tape."""
    w = model.state()

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        return (
            centred / np.sqrt(centred.var(-1, keepdims=True) + 1e-5) * w[f"{name}.gain"] + w[f"{name}.bias"]
        )

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["tokens.weight"][ids] + w["positions.weight"][: len(ids)]
    for i in range(model.config.layers):
        n = norm(x, f"blocks.{i}.norm_1")
        q, k, v = (linear(n, f"blocks.{i}.attention.{part}") for part in ("query", "key", "value"))
        d = model.config.width // model.config.heads
        mixed = np.empty_like(x)
        for head in range(model.config.heads):
            part = slice(head * d, (head + 1) * d)
            for t in range(len(ids)):
                scores = k[: t + 1, part] @ q[t, part] / math.sqrt(d)
                weights = np.exp(scores - scores.max())
                mixed[t, part] = weights / weights.sum() @ v[: t + 1, part]
        x = x + linear(mixed, f"blocks.{i}.attention.output")
        h = linear(norm(x, f"blocks.{i}.norm_2"), f"blocks.{i}.mlp.up")
        h = 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + linear(h, f"blocks.{i}.mlp.down")
    return norm(x, "norm") @ w["tokens.weight"].T


def test_logits_are_those_of_the_definition(model, rng):
    ids = rng.integers(0, 50, (3, 11))
    found = model.logits(ids)
    for row in range(3):
        assert relative_error(found[row], plain_forward(model, ids[row])) < 1e-12
    assert relative_error(model.logits(ids[1]), found[1]) < 1e-14


def test_a_token_does_not_change_what_stands_before_it(model, rng):
    ids = rng.integers(0, 50, (1, 10))
    changed = ids.copy()
    changed[0, 6] = (ids[0, 6] + 1) % 50
    before, after = model.logits(ids), model.logits(changed)
    np.testing.assert_array_equal(before[0, :6], after[0, :6])
    assert not np.allclose(before[0, 6:], after[0, 6:])


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(model, rng, side):
    ids = rng.integers(0, 50, (1, 7))
    padding = np.zeros((1, 4), int)
    padded = np.concatenate([padding, ids] if side == "left" else [ids, padding], axis=1)
    mask = np.concatenate([padding > 0, ids >= 0] if side == "left" else [ids >= 0, padding > 0], axis=1)
    assert relative_error(model.logits(padded, mask)[mask], model.logits(ids)[0]) < 1e-12


def test_the_cache_gives_what_the_whole_text_gives(model, rng):
    ids = rng.integers(0, 50, (2, 12))
    cache = model.new_cache(2, 12)
    with no_grad():
        parts = [model.hidden(ids[:, a:b], cache=cache).data for a, b in ((0, 5), (5, 6), (6, 12))]
        whole = model.hidden(ids).data
    assert cache.length == 12
    assert relative_error(np.concatenate(parts, axis=1), whole) < 1e-12


def test_whole_model_gradients_agree_with_central_differences(model, rng):
    ids = rng.integers(0, 50, (2, 9))
    targets = np.where(rng.random((2, 9)) < 0.3, -100, rng.integers(0, 50, (2, 9)))
    batch = SimpleNamespace(ids=ids, targets=targets)
    parameters = model.parameters()
    found = gradients(model.loss(batch, smoothing=0.1), parameters)
    for parameter, gradient in zip(parameters, found, strict=True):
        direction = rng.standard_normal(parameter.shape)
        direction /= np.linalg.norm(direction)
        kept, losses = parameter.data, []
        for step in (1e-5, -1e-5):
            parameter.data = kept + step * direction
            losses.append(model.loss(batch, smoothing=0.1).item())
        parameter.data = kept
        differences = (losses[0] - losses[1]) / 2e-5
        assert relative_error(np.array(float((gradient * direction).sum())), np.array(differences)) < 1e-7


def test_dropout_follows_its_generator_and_nothing_else(model, rng):
    ids = rng.integers(0, 50, (2, 9))
    one, two, other = (model(ids, rng=np.random.default_rng(seed)).data for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(model(ids).data, model(ids).data)


def test_the_loss_averages_over_what_counts(model, rng):
    ids = rng.integers(0, 50, (1, 6))
    targets = np.array([[-100, 3, -100, 7, 1, -100]])
    logits = model.logits(ids)[0]
    log_p = logits - logits.max(-1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(-1, keepdims=True))
    expected = -np.mean([log_p[1, 3], log_p[3, 7], log_p[4, 1]])
    assert model.loss(SimpleNamespace(ids=ids, targets=targets)).item() == pytest.approx(expected, rel=1e-12)


def test_parameter_counts_are_the_published_ones():
    """12·d² + 13·d a layer, two norms' gains and biases within, and the two tables: 124,439,808 for GPT-2 small."""
    for name, published in (("gpt2", 124_439_808), ("gpt2-medium", 354_823_168), ("gpt2-large", 774_030_080)):
        c = size(name)
        formula = c.layers * (12 * c.width**2 + 13 * c.width) + (c.vocabulary + c.context + 2) * c.width
        assert formula == published
    c = SMALL
    assert (
        GPT(c, None).count_parameters()
        == c.layers * (12 * c.width**2 + 13 * c.width) + (c.vocabulary + c.context + 2) * c.width
    )


@pytest.mark.parametrize("name", ["vocabulary", "context", "width", "layers", "heads"])
def test_an_impossible_shape_is_refused(name):
    shape = {"vocabulary": 5, "context": 5, "width": 4, "layers": 1, "heads": 2}
    with pytest.raises(InputError, match=name):
        GPTConfig(**(shape | {name: 0}))


def test_width_must_divide_by_heads():
    with pytest.raises(InputError, match="10 is not divisible by 4"):
        GPTConfig(vocabulary=5, context=5, width=10, layers=1, heads=4)


def test_bad_ids_are_refused(model):
    for bad in (-1, 50):
        with pytest.raises(InputError, match=r"0 … 49"):
            model.logits(np.array([[1, bad]]))
    with pytest.raises(InputError, match="25 tokens"):
        model.logits(np.zeros((1, 25), int))


def test_float32_stays_float32(rng):
    model = GPT(SMALL, rng)
    ids = rng.integers(0, 50, (2, 9))
    loss = model.loss(SimpleNamespace(ids=ids, targets=ids))
    assert loss.dtype == np.float32
    assert {g.dtype for g in gradients(loss, model.parameters())} == {np.dtype(np.float32)}
    assert isinstance(loss, Tensor)


def test_an_empty_text_is_refused(rng):
    model = GPT(GPTConfig(16, 8, 8, 1, 2), rng)
    for ids in ([], [[]], [[], []]):
        with pytest.raises(InputError, match="the text is empty"):
            model.logits(np.array(ids, dtype=np.int64))
