"""Rows with adapters of their own in one batch: each as if alone, in value and every gradient."""

import numpy as np
import pytest

from minilora.autograd import gradients
from minilora.data.batches import Batch
from minilora.errors import InputError
from minilora.methods import (
    Adapter,
    BitFit,
    FullFineTuning,
    LoRA,
    PrefixEmbedding,
    Tuned,
    adapt,
    mixed,
)
from minilora.train.finetune import set_dropout

from .small import batch, bytes_of, gpt, roberta, train

ROWS = ("a", "c", None, "b", "a", "d", "e")


@pytest.fixture
def tuned() -> Tuned:
    """Adapters of different ranks and layers, and bottlenecks beside them."""
    made = adapt(gpt(), LoRA(rank=2), name="a")
    made.add("b", LoRA(rank=3, alpha=3, targets=("query", "down")), rng=1)
    made.add("c", Adapter("houlsby", 2), rng=2)
    made.add("d", Adapter("lin", 3), rng=3)
    made.add("e", [LoRA(rank=1, targets=("up",)), Adapter("pfeiffer", 2)], rng=4)
    for name in "abcde":
        made.use(name)
        train(made, 2)
    return made


def seven(tuned: Tuned) -> Batch:
    rng = np.random.default_rng(3)
    ids, targets = rng.integers(0, 23, (2, 7, 9))
    targets[:, :3] = -100
    return Batch(ids, targets, np.ones((7, 9), bool))


def test_each_row_comes_out_as_alone(tuned: Tuned) -> None:
    ids = seven(tuned).ids
    with mixed(tuned, ROWS) as model:
        together = model.logits(ids)
    for row, name in enumerate(ROWS):
        if name is None:
            with tuned.disabled() as model:
                alone = model.logits(ids[row])
        else:
            tuned.use(name)
            alone = tuned.logits(ids[row])
        np.testing.assert_allclose(together[row], alone, rtol=1e-12, atol=1e-12)


def test_the_gradients_are_the_sum_of_those_of_each_row_alone(tuned: Tuned) -> None:
    whole = seven(tuned)
    with mixed(tuned, ROWS) as model:
        own = {name: tuned.installed[name].parameters for name in "abcde"}
        wrt = {(name, key): p for name in own for key, p in own[name].items()}
        assert len(model.trainable_parameters()) == len(wrt)
        found = dict(zip(wrt, gradients(model.loss(whole, divisor=1.0), list(wrt.values())), strict=True))
    for name in "abcde":
        tuned.use(name)
        rows = [row for row, adapter in enumerate(ROWS) if adapter == name]
        alone = gradients(tuned.loss(whole.rows(rows), divisor=1.0), list(own[name].values()))
        for key, gradient in zip(own[name], alone, strict=True):
            np.testing.assert_allclose(found[name, key], gradient, rtol=1e-9, atol=1e-11)


def test_afterwards_everything_is_as_before(tuned: Tuned) -> None:
    tuned.use("b")
    before, output = bytes_of(tuned.model), tuned.logits(seven(tuned).ids)
    trainable = [name for name, _ in tuned.model.trainable_parameters()]
    with mixed(tuned, ROWS) as model:
        with pytest.raises(InputError, match="inside of disabled"):
            tuned.use("a")
        model.logits(seven(tuned).ids)
    assert bytes_of(tuned.model) == before
    assert [name for name, _ in tuned.model.trainable_parameters()] == trainable
    np.testing.assert_array_equal(tuned.logits(seven(tuned).ids), output)


def test_dropout_falls_on_an_adapters_own_rows() -> None:
    model = gpt()
    set_dropout(model, 0.0)  # the model's own
    tuned = adapt(model, LoRA(rank=2, dropout=0.5), name="a")
    train(tuned, 1)
    ids = batch(model).ids
    with mixed(tuned, ["a", None, "a"]):
        plain = model.logits(ids)
        dropped = model.head(model.hidden(ids, rng=np.random.default_rng(0))).data
    np.testing.assert_allclose(dropped[1], plain[1], rtol=1e-12)
    assert not any(np.allclose(dropped[row], plain[row]) for row in (0, 2))


def test_what_cannot_be_mixed_says_why(tuned: Tuned) -> None:
    tuned.add("full", FullFineTuning())
    tuned.add("biases", BitFit())
    tuned.add("prefix", PrefixEmbedding(1))
    for name, words in (
        ("full", "it trains weights of the model itself"),
        ("biases", "it trains weights of the model itself"),
        ("prefix", "its prefix lets its rows read more tokens"),
        ("z", "no adapter is named 'z'"),
    ):
        with pytest.raises(InputError, match=words), mixed(tuned, ["a", name]):
            pass
    with pytest.raises(InputError, match="2 rows were given an adapter each"), mixed(tuned, ["a", "c"]) as m:
        m.logits(seven(tuned).ids)
    tuned.use("a")
    tuned.merge()
    with pytest.raises(InputError, match="merged; unmerge it before mixing"), mixed(tuned, ["a"]):
        pass
    with_head = adapt(roberta(), LoRA(rank=1), name="a")
    with pytest.raises(InputError, match="a head of its own"), mixed(with_head, ["a"]):
        pass
