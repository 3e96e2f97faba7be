"""Each adapter has a head of its own for its task: trained with every method, switched and saved with the adapter."""

from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import HeadOnly, LoRA, Method, adapt, describe, load_adapter
from minilora.models.bert import Bert

from .every import METHODS
from .small import ROBERTA, batch, gpt, roberta, shaken, train


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_trains_and_keeps_a_head(kind: str, tmp_path: Path) -> None:
    model = roberta()
    own = {name: array.copy() for name, array in model.head.state().items()}
    tuned = adapt(model, METHODS[kind], name="a")
    tuned.add("b", METHODS[kind], rng=1)
    train(tuned)
    arrays = tuned.arrays("a")
    for name, array in own.items():
        assert not np.array_equal(arrays[f"head.{name}"], array)
        np.testing.assert_array_equal(tuned.arrays("b")[f"head.{name}"], array)
    tuned.save(tmp_path)
    rows = {row.layer: row.acts for row in describe(tmp_path, base=roberta())}
    assert all(rows[f"head.{name}"] for name in own)
    tuned.remove("a")
    tuned.remove("b")
    for name, array in model.head.state().items():
        np.testing.assert_array_equal(array, own[name])


def test_a_linear_probe_trains_the_head_alone() -> None:
    tuned = adapt(roberta(), HeadOnly())
    assert set(tuned.parameters) == {f"head.{name}" for name in tuned.model.head.state()}
    with pytest.raises(InputError, match="nothing to train"):
        adapt(gpt(), HeadOnly())


@pytest.mark.parametrize("method", [LoRA(rank=1), HeadOnly()], ids=str)
def test_a_fresh_random_head_is_no_other_base(method: Method, tmp_path: Path) -> None:
    """A head starts at random in every process; the adapter brings its own."""
    tuned = adapt(roberta(), method)
    train(tuned)
    tuned.save(tmp_path)
    other = roberta().set_classifier(3, np.random.default_rng(99))
    other.astype(np.float64)
    np.testing.assert_array_equal(
        load_adapter(other, tmp_path).logits(batch(other).ids), tuned.logits(batch(other).ids)
    )


def test_a_head_for_other_labels_is_refused(tmp_path: Path) -> None:
    adapt(roberta(), LoRA(rank=1)).save(tmp_path)
    rng = np.random.default_rng(6)
    other = shaken(Bert(ROBERTA, rng, np.float64).set_classifier(2, rng), rng)
    with pytest.raises(InputError, match=r"head.output.weight is \(3, 12\) there, and \(2, 12\)"):
        load_adapter(other, tmp_path)


def test_heads_are_never_lora_targets() -> None:
    tuned = adapt(roberta(), LoRA(rank=1, targets=("output",)))
    assert not any(name.startswith("head.") and name.endswith(".A") for name in tuned.parameters)
