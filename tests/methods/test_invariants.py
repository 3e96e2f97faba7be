"""What holds for every method on every model, so that an adaptation can be trusted, compared and undone."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import Adapter, LoRA, Method, adapt, load_adapter
from minilora.models.base import Model
from minilora.models.gpt import GPT, GPTConfig

from .every import MERGEABLE, METHODS, READING, UNMERGEABLE
from .small import MODELS, batch, bytes_of, gpt, train


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Method:
    return METHODS[request.param]


@pytest.mark.parametrize("kind", [kind for kind in METHODS if kind not in READING])
def test_the_output_is_unchanged_at_the_start(model: Model, ids: np.ndarray, kind: str) -> None:
    before = model.logits(ids)
    np.testing.assert_array_equal(adapt(model, METHODS[kind]).logits(ids), before)


def test_training_changes_the_output_but_no_byte_of_the_base(
    model: Model, ids: np.ndarray, method: Method
) -> None:
    before, output = bytes_of(model), model.logits(ids)
    tuned = adapt(model, method)
    train(tuned)
    assert not np.allclose(tuned.logits(ids), output)
    with tuned.disabled() as base:
        np.testing.assert_array_equal(base.logits(ids), output)
    tuned.remove("default")
    assert bytes_of(model) == before


def test_training_lowers_the_loss(model: Model, method: Method) -> None:
    tuned = adapt(model, method)
    before = tuned.loss(batch(model)).item()
    for _ in range(10):
        train(tuned, 1, learning_rate=0.05)  # on the same batch
    assert tuned.loss(batch(model)).item() < before


@pytest.mark.parametrize("kind", MERGEABLE)
def test_merged_computes_the_same_and_unmerging_is_exact(model: Model, ids: np.ndarray, kind: str) -> None:
    tuned = adapt(model, METHODS[kind])
    train(tuned)
    before, output = bytes_of(model), tuned.logits(ids)
    tuned.merge()
    np.testing.assert_allclose(tuned.logits(ids), output, rtol=1e-12, atol=1e-12)
    assert model.trainable_parameters() == []
    for _ in range(3):
        tuned.unmerge()
        assert bytes_of(model) == before
        np.testing.assert_array_equal(tuned.logits(ids), output)
        tuned.merge()


@pytest.mark.parametrize("kind", UNMERGEABLE)
def test_a_bottleneck_or_a_prefix_refuses_to_merge_and_says_why(
    model: Model, ids: np.ndarray, kind: str
) -> None:
    tuned = adapt(model, METHODS[kind])
    train(tuned)
    output = tuned.logits(ids)
    why = "no weight can take the place of a token" if kind in READING else "nonlinearity"
    for verb in (tuned.merge, tuned.fuse):
        with pytest.raises(InputError, match=why):
            verb()
        np.testing.assert_array_equal(tuned.logits(ids), output)
        assert model.count_parameters(trainable_only=True) == tuned.trainable


def test_removing_restores_the_same_objects(model: Model, ids: np.ndarray, method: Method) -> None:
    model.blocks[0].attention.freeze()  # so that not everything was trainable before
    modules = {path: id(module) for path, module in model.named_modules()}
    parameters = {name: (id(p), p.trainable) for name, p in model.named_parameters()}
    printed, before, output = repr(model), bytes_of(model), model.logits(ids)
    tuned = adapt(model, method, name="first")
    tuned.add("second", method)
    train(tuned)
    for name in ("first", "second"):
        tuned.remove(name)
    assert {path: id(module) for path, module in model.named_modules()} == modules
    assert {name: (id(p), p.trainable) for name, p in model.named_parameters()} == parameters
    assert repr(model) == printed
    assert bytes_of(model) == before
    np.testing.assert_array_equal(model.logits(ids), output)


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in itertools.product(METHODS, METHODS) if sum(map(list(METHODS).index, pair)) % 3 == 0],
)
def test_adapters_are_independent(first: str, second: str) -> None:
    model = gpt()
    ids = batch(model, 99).ids
    base = model.logits(ids)
    tuned = adapt(model, METHODS[first], name="first")
    train(tuned)
    tuned.add("second", METHODS[second], rng=1)
    output = tuned.logits(ids)
    held = {name: array.tobytes() for name, array in tuned.arrays("first").items()}
    tuned.use("second")
    if second not in READING:  # the second starts at the base, not at the first
        np.testing.assert_array_equal(tuned.logits(ids), base)
    train(tuned)
    assert {name: array.tobytes() for name, array in tuned.arrays("first").items()} == held
    other = tuned.logits(ids)
    tuned.use("first")
    np.testing.assert_array_equal(tuned.logits(ids), output)
    tuned.remove("first")
    np.testing.assert_array_equal(model.logits(ids), base)
    tuned.use("second")
    np.testing.assert_array_equal(tuned.logits(ids), other)


def test_disabled_shows_the_base_also_when_merged_or_nested(
    model: Model, ids: np.ndarray, method: Method
) -> None:
    output = model.logits(ids)
    tuned = adapt(model, method)
    train(tuned)
    adapted = tuned.logits(ids)
    with tuned.disabled(), tuned.disabled() as base:
        np.testing.assert_array_equal(base.logits(ids), output)
    np.testing.assert_array_equal(tuned.logits(ids), adapted)
    if method in [METHODS[kind] for kind in MERGEABLE]:
        tuned.merge()
        merged = bytes_of(model)
        with tuned.disabled() as base:
            np.testing.assert_array_equal(base.logits(ids), output)
        assert bytes_of(model) == merged


def test_what_is_saved_is_what_is_loaded(name: str, method: Method, tmp_path: Path) -> None:
    tuned = adapt(MODELS[name](), method, name="kept")
    ids = batch(tuned.model, 99).ids
    train(tuned)
    tuned.save(tmp_path / "adapter")
    loaded = load_adapter(MODELS[name](), tmp_path / "adapter")
    assert loaded.active == "kept"
    assert loaded.methods == {"kept": method}
    np.testing.assert_array_equal(loaded.logits(ids), tuned.logits(ids))
    loaded.add("other", LoRA(rank=1, targets=("output", "down")))
    loaded.save(tmp_path / "again")  # names in a file do not depend on what else is installed
    for file in ("adapter.safetensors", "adapter.json"):
        assert (tmp_path / "adapter" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_the_closed_form_is_the_real_count_but_for_the_tasks_head(model: Model, method: Method) -> None:
    tuned = adapt(model, method)
    head = sum(p.size for _, p in model.head.named_parameters()) if model.head.task else 0
    assert method.trainable(model.config) + head == tuned.trainable
    assert tuned.trainable == model.count_parameters(trainable_only=True)


@pytest.mark.parametrize("kind", MERGEABLE)
def test_fusing_leaves_a_plain_model_that_computes_the_same(model: Model, ids: np.ndarray, kind: str) -> None:
    model.blocks[0].attention.freeze()
    printed, names = repr(model), list(model.state())
    trainable = [name for name, _ in model.trainable_parameters()]
    tuned = adapt(model, METHODS[kind])
    train(tuned)
    output = tuned.logits(ids)
    assert tuned.fuse() is model
    assert (repr(model), list(model.state())) == (printed, names)
    assert [name for name, _ in model.trainable_parameters()] == trainable
    np.testing.assert_allclose(model.logits(ids), output, rtol=1e-12, atol=1e-12)
    adapt(model, METHODS[kind])  # and it can be adapted again


def test_only_the_active_adapter_is_trainable(model: Model, method: Method) -> None:
    tuned = adapt(model, method, name="first")
    tuned.add("second", LoRA(rank=1))
    own = {id(parameter) for parameter in tuned.parameters.values()}
    assert {id(parameter) for _, parameter in model.trainable_parameters()} == own
    tuned.use("second")
    own = {id(parameter) for parameter in tuned.parameters.values()}
    assert {id(parameter) for _, parameter in model.trainable_parameters()} == own


def test_the_same_seed_starts_the_same(method: Method) -> None:
    first, second, other = (adapt(gpt(), method, rng=seed) for seed in (7, np.random.default_rng(7), 8))
    assert bytes_of(first.model) == bytes_of(second.model)
    if any(p.data.any() for n, p in first.parameters.items() if n not in gpt().state()):
        assert bytes_of(first.model) != bytes_of(other.model)


def test_starts_are_uniform_with_the_authors_bound_in_either_precision() -> None:
    """U(−1/√k, 1/√k) for a matrix with k inputs; B, W_up and biases 0."""
    model = GPT(GPTConfig(vocabulary=5, context=4, width=64, layers=2, heads=1), np.random.default_rng(0))
    tuned = adapt(model, LoRA(rank=64, targets=("query", "down")))
    tuned.add("narrow", Adapter(width=64))
    drawn = tuned.arrays("default") | tuned.arrays("narrow")
    wide = adapt(
        GPT(model.config, np.random.default_rng(0), np.float64), LoRA(rank=64, targets=("query", "down"))
    )
    for name, array in wide.arrays("default").items():
        np.testing.assert_array_equal(array, drawn[name])
    for name, array in drawn.items():
        if name.endswith((".A", "down.down.weight", "output.down.weight")):
            bound = 1 / np.sqrt(array.shape[1])
            assert 0.98 * bound < array.max() <= bound
            assert -bound <= array.min() < -0.98 * bound
            assert abs(array.mean()) < 0.05 * bound
            assert array.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
        else:
            assert not array.any()


def test_dtype_follows_the_model(method: Method) -> None:
    for dtype in (np.float32, np.float64):
        model = gpt(dtype=dtype)
        tuned = adapt(model, method)
        train(tuned, 1)
        assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(dtype)}
        assert tuned.logits(batch(model).ids).dtype == dtype
    tuned.model.astype(np.float32)  # what was laid aside follows when it comes back
    tuned.remove("default")
    assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}
