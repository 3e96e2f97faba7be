"""A frozen base stored as float16 and computed with in float32: the same digits as a float32 base of the same numbers, half of the memory, and what is refused."""

import mmap
import tracemalloc

import numpy as np
import pytest

from minilora import ops
from minilora.autograd import Tensor, gradients
from minilora.backend import wide
from minilora.errors import InputError
from minilora.methods import HeadOnly, LoRA, TopLayers, adapt, as_method, verify_merge
from minilora.models.checkpoint import load, save
from minilora.models.generate import generate
from minilora.models.gpt import GPT, GPTConfig
from minilora.train import AdamW

from ..models.test_encoders import CONFIGS, HEADS, make
from ..models.test_encoders import batch as any_batch
from ..models.test_weights import owner
from .every import MERGEABLE, METHODS
from .small import MODELS, batch, bytes_of, gpt

TRAINS_MATRICES = ["full", "top layer"]
LEAVES_THE_BASE = [name for name in METHODS if name not in TRAINS_MATRICES]


def both(make_model):
    """A model stored as float16, and one of the same numbers in float32."""
    half, single = make_model().store("float16"), make_model().store("float16").store("float32")
    assert {str(p.dtype) for p in half.parameters()} == {"float16", "float32"}
    assert {str(p.dtype) for p in single.parameters()} == {"float32"}
    for one, other in zip(half.parameters(), single.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    return half, single


def run(model, method, steps=3):
    """Losses and adapters of a few steps, as bytes, and the dtypes of all gradients."""
    tuned = adapt(model, METHODS[method], rng=1)
    parameters = [parameter for _, parameter in model.trainable_parameters()]
    optimizer = AdamW(1e-2).start(parameters)
    losses, dtypes = [], set()
    for step in range(steps):
        loss = tuned.loss(batch(model, step), smoothing=0.1, rng=np.random.default_rng(step))
        found = gradients(loss, parameters)
        dtypes |= {str(g.dtype) for g in (loss.data, *found)}
        optimizer.step(found)
        losses.append(loss.data.tobytes())
    return losses, {name: array.tobytes() for name, array in tuned.arrays("default").items()}, dtypes


@pytest.mark.parametrize("method", LEAVES_THE_BASE)
@pytest.mark.parametrize("name", MODELS)
def test_a_run_has_the_digits_of_a_float32_run_on_the_same_numbers(name, method):
    half, single = both(lambda: MODELS[name](dtype=np.float32))
    stored = {id(p): p.data.tobytes() for p in half.parameters() if p.dtype == np.float16}
    found = run(half, method)
    assert found == run(single, method)
    assert found[2] == {"float32"}
    for parameter in half.parameters():
        if id(parameter) in stored:
            assert (parameter.data.tobytes(), parameter.dtype) == (stored[id(parameter)], np.float16)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_every_architecture_and_head_has_the_same_digits(name, head):
    found = []
    for model in both(lambda: make(name, np.random.default_rng(1), head)):
        data = any_batch(model, np.random.default_rng(2))
        tuned = adapt(model, LoRA(rank=2, targets=("all-linear",)), rng=3)
        for _, parameter in model.trainable_parameters():
            parameter.data = parameter.data + np.float32(0.1)
        wrt = [parameter for _, parameter in model.trainable_parameters()]
        answers = model.logits(data.ids, data.mask, data.types)  # an untied head's own product too
        loss = tuned.loss(data, smoothing=0.1)
        found.append([a.tobytes() for a in (answers, loss.data, *gradients(loss, wrt)) if a is not None])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "method",
    [
        *(METHODS[name] for name in TRAINS_MATRICES),
        as_method([LoRA(rank=2, targets=("blocks.0",)), TopLayers(1)]),
    ],
    ids=str,
)
def test_what_is_trained_cannot_be_float16(method):
    model = gpt(dtype=np.float32).store("float16")
    before, shown = bytes_of(model), repr(model)
    with pytest.raises(InputError, match=r"would be trained, but is stored as float16.*without base_dtype"):
        adapt(model, method)
    assert (bytes_of(model), repr(model)) == (before, shown)
    with pytest.raises(InputError, match=r"is stored as float16.*convert the model with astype"):
        model.unfreeze()
    adapt(model.astype(np.float32), method)  # as the message says
    assert model.trainable_parameters()


def test_an_untied_output_matrix_is_of_the_base():
    model = GPT(GPTConfig(20, 8, 8, 1, 2, tied=False), np.random.default_rng(0)).store("float16")
    assert model.head.weight.dtype == np.float16
    with pytest.raises(InputError, match=r"head.weight would be trained, but is stored as float16"):
        adapt(model, HeadOnly())


def test_memory_is_halved_and_nothing_wide_is_kept():
    model = GPT(GPTConfig(2000, 64, 128, 3, 4), np.random.default_rng(0))
    counted = sum(p.data.nbytes for p in model.parameters())
    model.store("float16")
    assert 0.5 * counted <= sum(p.data.nbytes for p in model.parameters()) < 0.505 * counted
    tapes = []
    for one in (model, GPT(model.config, np.random.default_rng(0))):
        tuned = adapt(one, LoRA(rank=2))
        data = batch(one)
        tuned.loss(data)
        tracemalloc.start()
        loss = tuned.loss(data)
        tapes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert loss.node is not None
    assert tapes[0] < 1.01 * tapes[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_is_converted_where_nothing_is_stored_narrow(dtype):
    array = np.ones((2, 3), dtype)
    assert wide(array) is array
    model = gpt(dtype=dtype)
    assert model.dtype == dtype
    adapter = adapt(model, LoRA(rank=1)).arrays("default")
    assert {array.dtype for array in adapter.values()} == {np.dtype(dtype)}


def test_the_head_is_widened_part_by_part(rng):
    """40,000 rows of 64 numbers, 10 MB in float32: the loss takes a tenth of that more than beside a float32 head."""
    W = rng.standard_normal((40_000, 64)).astype(np.float16)
    h = Tensor(rng.standard_normal((500, 64)).astype(np.float32), trainable=True)
    targets = rng.integers(0, 40_000, 500)
    peaks = []
    for head in (W, W.astype(np.float32)):
        tracemalloc.start()
        ops.head_cross_entropy(h, Tensor(head), None, targets=targets, divisor=1.0, smoothing=0.1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < peaks[1] + 1_000_000


@pytest.mark.parametrize("method", [name for name in MERGEABLE if name not in TRAINS_MATRICES])
def test_merging_makes_float32_and_unmerging_gives_back_every_bit(method):
    answers = []
    for model in both(lambda: gpt(dtype=np.float32)):
        before = bytes_of(model)
        tuned = adapt(model, METHODS[method], rng=1)
        for _, parameter in model.trainable_parameters():
            parameter.data = parameter.data + np.float32(0.1)
        adapted = bytes_of(model)
        tuned.merge()
        answers.append(tuned.logits(batch(model).ids).tobytes())
        tuned.unmerge()
        assert bytes_of(model) == adapted
        tuned.remove("default")
        assert bytes_of(model) == before
    assert answers[0] == answers[1]  # so merging rounds no more than on a float32 base


def test_verify_merge_and_fuse_on_a_half_base(tmp_path):
    reports = []
    for model in both(lambda: gpt(dtype=np.float32)):
        tuned = adapt(model, LoRA(rank=2), rng=1)
        for _, parameter in model.trainable_parameters():
            parameter.data = parameter.data + np.float32(0.1)
        reports.append(verify_merge(tuned))
        logits = tuned.logits(batch(model).ids)
        fused = tuned.fuse()
        np.testing.assert_allclose(fused.logits(batch(model).ids), logits, rtol=1e-4, atol=1e-4)
    assert reports[0] == reports[1]
    assert reports[0].restored
    save(fused, tmp_path / "fused")
    np.testing.assert_allclose(
        load(tmp_path / "fused").logits(batch(fused).ids), logits, rtol=1e-4, atol=1e-4
    )


def test_a_model_converted_while_merged_stays_converted():
    model = gpt(dtype=np.float32).store("float16")
    tuned = adapt(model, LoRA(rank=2), rng=1)
    tuned.merge()
    model.astype(np.float64)
    tuned.unmerge()
    assert {str(p.dtype) for p in model.parameters()} == {"float64"}


def test_generation_and_a_new_head():
    half, single = both(lambda: gpt(dtype=np.float32))
    assert generate(half, [[3, 4, 5], [7]], limit=4) == generate(single, [[3, 4, 5], [7]], limit=4)
    half.set_classifier(3, np.random.default_rng(0))
    tuned = adapt(half, LoRA(rank=1))
    assert {str(p.dtype) for _, p in half.trainable_parameters()} == {"float32"}
    assert any(name.startswith("head.") for name in tuned.parameters)


@pytest.mark.parametrize("stored", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", CONFIGS)
def test_loading(name, stored, tmp_path):
    """The numbers of ``load(…).store``; a file in float16 is mapped, as it lies there."""
    save(make(name, np.random.default_rng(1)).astype(np.float32), tmp_path / "m", dtype=stored)
    found, expected = load(tmp_path / "m", base_dtype="float16"), load(tmp_path / "m").store("float16")
    for (key, one), (_, other) in zip(found.named_parameters(), expected.named_parameters(), strict=True):
        assert (one.dtype, one.trainable) == (other.dtype, False), key
        np.testing.assert_array_equal(one.data, other.data)
        if (
            one.dtype == np.float16 and stored == "float16" and name != "deberta v1"
        ):  # which interleaves heads
            assert isinstance(owner(one.data), mmap.mmap), key


def test_an_adapter_knows_a_half_base_by_its_numbers(tmp_path):
    """Those of a float16 file are the same however they are stored; those of a float32 file are not."""
    save(gpt(dtype=np.float32), tmp_path / "single")
    save(gpt(dtype=np.float32), tmp_path / "half", dtype="float16")
    for folder, fits in (("half", True), ("single", False)):
        adapt(load(tmp_path / folder, base_dtype="float16"), LoRA(rank=1)).save(
            tmp_path / f"{folder}-adapter"
        )
        tuned = adapt(load(tmp_path / folder), LoRA(rank=1), name="other")
        if fits:
            tuned.load(tmp_path / f"{folder}-adapter")
            continue
        with pytest.raises(InputError, match="made for another base"):
            tuned.load(tmp_path / f"{folder}-adapter")


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("bfloat16", "base_dtype must be float32 or float16, not 'bfloat16'; NumPy has no bfloat16, so"),
        ("float64", "base_dtype must be float32 or float16, not 'float64'"),
        (np.int8, "base_dtype must be float32 or float16, not 'int8'"),
    ],
)
def test_what_cannot_be_stored(dtype, message, tmp_path):
    model = gpt(dtype=np.float32)
    with pytest.raises(InputError, match=message):
        model.store(dtype)
    save(model, tmp_path / "m")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "m", base_dtype=dtype)


def test_a_weight_too_large_for_float16(tmp_path):
    model = gpt(dtype=np.float32)
    model.blocks[1].mlp.up.weight.data[0, 0] = -7e4
    before = bytes_of(model)
    with pytest.raises(InputError, match=r"blocks.1.mlp.up.weight holds a weight of 7e\+04.*at most 65504"):
        model.store("float16")
    assert bytes_of(model) == before
    assert all(parameter.trainable for parameter in model.parameters())
    save(model, tmp_path / "m")
    with pytest.raises(InputError, match=r"blocks.1.mlp.up.weight holds a weight of 7e\+04"):
        load(tmp_path / "m", base_dtype="float16")
