"""What holds for every method on every model, so that an adaptation can be trusted, compared and undone."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import Adapter, FullFineTuning, LoRA, Method, adapt, load_adapter
from minilora.models.gpt import GPT, GPTConfig

from .small import batch, bytes_of, gpt, train

METHODS: dict[str, Method] = {
    "full": FullFineTuning(),
    "lora on query and value": LoRA(rank=2, alpha=8),
    "lora everywhere, with dropout": LoRA(rank=3, alpha=3, targets=("all-linear",), dropout=0.2),
    "houlsby": Adapter(kind="houlsby", width=3),
}
MERGEABLE = [name for name in METHODS if name != "houlsby"]


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Method:
    return METHODS[request.param]


def test_the_output_is_unchanged_at_the_start(model: GPT, ids: np.ndarray, method: Method) -> None:
    before = model.logits(ids)
    np.testing.assert_array_equal(adapt(model, method).logits(ids), before)


def test_training_changes_the_output_but_no_byte_of_the_base(
    model: GPT, ids: np.ndarray, method: Method
) -> None:
    before, output = bytes_of(model), model.logits(ids)
    tuned = adapt(model, method)
    train(tuned)
    assert not np.allclose(tuned.logits(ids), output)
    with tuned.disabled() as base:
        np.testing.assert_array_equal(base.logits(ids), output)
    tuned.remove("default")
    assert bytes_of(model) == before


def test_training_lowers_the_loss(model: GPT, method: Method) -> None:
    tuned = adapt(model, method)
    before = tuned.loss(batch(model)).item()
    for _ in range(10):
        train(tuned, 1, learning_rate=0.05)  # on the same batch
    assert tuned.loss(batch(model)).item() < before


@pytest.mark.parametrize("name", MERGEABLE)
def test_merged_computes_the_same_and_unmerging_is_exact(model: GPT, ids: np.ndarray, name: str) -> None:
    tuned = adapt(model, METHODS[name])
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


def test_a_bottleneck_refuses_to_merge_and_says_why(model: GPT, ids: np.ndarray) -> None:
    tuned = adapt(model, METHODS["houlsby"])
    train(tuned)
    output = tuned.logits(ids)
    for verb in (tuned.merge, tuned.fuse):
        with pytest.raises(InputError, match="nonlinearity"):
            verb()
        np.testing.assert_array_equal(tuned.logits(ids), output)
        assert model.count_parameters(trainable_only=True) == tuned.trainable


def test_removing_restores_the_same_objects(model: GPT, ids: np.ndarray, method: Method) -> None:
    model.blocks[0].norm_1.freeze()  # so that not everything was trainable before
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


@pytest.mark.parametrize(("first", "second"), list(itertools.product(METHODS, METHODS)))
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
    np.testing.assert_array_equal(tuned.logits(ids), base)  # the second starts at the base, not at the first
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
    model: GPT, ids: np.ndarray, method: Method
) -> None:
    output = model.logits(ids)
    tuned = adapt(model, method)
    train(tuned)
    adapted = tuned.logits(ids)
    with tuned.disabled(), tuned.disabled() as base:
        np.testing.assert_array_equal(base.logits(ids), output)
    np.testing.assert_array_equal(tuned.logits(ids), adapted)
    if not isinstance(method, Adapter):
        tuned.merge()
        merged = bytes_of(model)
        with tuned.disabled() as base:
            np.testing.assert_array_equal(base.logits(ids), output)
        assert bytes_of(model) == merged


def test_what_is_saved_is_what_is_loaded(model: GPT, ids: np.ndarray, method: Method, tmp_path: Path) -> None:
    fresh = {name: array.copy() for name, array in model.state().items()}
    tuned = adapt(model, method, name="kept")
    train(tuned)
    tuned.save(tmp_path / "adapter")
    base = GPT(model.config, None, np.float64).load_state(fresh)
    loaded = load_adapter(base, tmp_path / "adapter")
    assert loaded.active == "kept"
    assert loaded.methods == {"kept": method}
    np.testing.assert_array_equal(loaded.logits(ids), tuned.logits(ids))
    loaded.add("other", LoRA(rank=1, targets=("output", "down")))
    loaded.save(tmp_path / "again")  # names in a file do not depend on what else is installed
    for file in ("adapter.safetensors", "adapter.json"):
        assert (tmp_path / "adapter" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_the_closed_form_is_the_real_count(model: GPT, method: Method) -> None:
    tuned = adapt(model, method)
    assert method.trainable(model.config) == tuned.trainable == model.count_parameters(trainable_only=True)


@pytest.mark.parametrize("name", MERGEABLE)
def test_fusing_leaves_a_plain_model_that_computes_the_same(model: GPT, ids: np.ndarray, name: str) -> None:
    model.blocks[0].norm_1.freeze()
    printed, names = repr(model), list(model.state())
    trainable = [name for name, _ in model.trainable_parameters()]
    tuned = adapt(model, METHODS[name])
    train(tuned)
    output = tuned.logits(ids)
    assert tuned.fuse() is model
    assert (repr(model), list(model.state())) == (printed, names)
    assert [name for name, _ in model.trainable_parameters()] == trainable
    np.testing.assert_allclose(model.logits(ids), output, rtol=1e-12, atol=1e-12)
    adapt(model, METHODS[name])  # and it can be adapted again


def test_only_the_active_adapter_is_trainable(model: GPT, method: Method) -> None:
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
    if not isinstance(method, FullFineTuning):
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
