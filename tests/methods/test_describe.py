"""What an adapter is said to do is what it does."""

from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import (
    Adapter,
    BitFit,
    FullFineTuning,
    LoRA,
    Method,
    PrefixEmbedding,
    TopLayers,
    adapt,
    describe,
)

from .small import gpt, train


def test_every_adapter_of_a_model_is_described() -> None:
    tuned = adapt(gpt(), LoRA(rank=2, alpha=8), name="sql")
    tuned.add("narrow", Adapter(width=3))
    tuned.add("all", FullFineTuning())
    assert [row.acts for row in describe(tuned)] == [False] * len(describe(tuned))
    for name in tuned.methods:
        tuned.use(name)
        train(tuned)
    rows = describe(tuned)
    assert tuned.active == "all"
    # A key's bias adds the same to all of a query's scores, so softmax does not see it: its gradient is 0, up to rounding.
    assert all(row.acts for row in rows if not row.layer.endswith("key.bias"))
    assert {row.adapter: row.rank for row in rows} == {"sql": 2, "narrow": 3, "all": None}
    assert len(rows) == 4 + 4 + len(tuned.arrays("all"))


def test_norms_are_those_of_the_weights_change() -> None:
    model = gpt()
    before = {name: array.copy() for name, array in model.state().items()}
    tuned = adapt(model, LoRA(rank=2, alpha=8))
    train(tuned)
    B = {name.removesuffix(".B"): a for name, a in tuned.arrays("default").items() if name.endswith(".B")}
    rows = describe(tuned)
    after = tuned.fuse().state()
    for row in rows:
        weight = f"{row.layer}.weight"
        assert row.scale == 4
        assert row.norm_B == pytest.approx(np.linalg.norm(B[row.layer]), rel=1e-12)
        assert row.norm_update == pytest.approx(np.linalg.norm(after[weight] - before[weight]), rel=1e-9)


def test_a_folder_says_the_same_as_the_model(tmp_path: Path) -> None:
    for method in (LoRA(rank=2), Adapter(width=3), FullFineTuning()):
        tuned = adapt(gpt(), method)
        train(tuned)
        folder = tmp_path / method.method
        tuned.save(folder)
        assert describe(folder, base=gpt()) == describe(tuned)
    assert {row.acts for row in describe(tmp_path / "full")} == {None}  # nothing to compare with
    with pytest.raises(InputError, match="made for another base"):
        describe(tmp_path / "full", base=gpt("one block"))
    with pytest.raises(InputError, match="no adapter in"):
        describe(tmp_path)


@pytest.mark.parametrize(
    "methods",
    [
        (BitFit(), Adapter(width=2)),
        (FullFineTuning(), PrefixEmbedding(1)),
        (LoRA(rank=1, bias="all"), Adapter(width=2)),
        (TopLayers(1), Adapter("pfeiffer", width=2)),
    ],
    ids=str,
)
def test_a_composition_is_described_part_by_part(methods: tuple[Method, ...], tmp_path: Path) -> None:
    """Each method sees its own weights alone: every row is one that the methods by themselves would have."""
    alone = []
    for method in methods:
        alone += [(row.layer, row.rank) for row in describe(adapt(gpt(), method, name="a"))]
    tuned = adapt(gpt(), methods, name="a")
    assert sorted((row.layer, row.rank) for row in describe(tuned)) == sorted(alone)
    tuned.save(tmp_path / "a")
    assert describe(tmp_path / "a", base=gpt()) == describe(tuned)
