"""Sums of LoRA adapters are exact, and smaller ones are the best there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.methods import Adapter, LoRA, Tuned, adapt, combine, recompress
from minilora.methods.combine import compress
from minilora.methods.together import low_rank_parts

from .small import batch, gpt, train


@pytest.fixture
def tuned() -> Tuned:
    made = adapt(gpt(), LoRA(rank=2, alpha=8), name="a")
    made.add("b", LoRA(rank=3, targets=("query", "up"), scaling="rslora"), rng=1)
    for name in "ab":
        made.use(name)
        train(made)
    return made


def updates(tuned: Tuned, name: str) -> dict[str, np.ndarray]:
    layers = low_rank_parts(tuned.installed[name])
    return {path: layer.adapters[name].update() for path, layer in layers.items()}


def test_a_weighted_sum_is_exact(tuned: Tuned) -> None:
    assert combine(tuned, {"a": 0.7, "b": -2}, name="sum") == 0
    a, b, found = (updates(tuned, name) for name in ("a", "b", "sum"))
    assert found.keys() == a.keys() | b.keys()
    for path, update in found.items():
        np.testing.assert_allclose(update, 0.7 * a.get(path, 0) - 2 * b.get(path, 0), rtol=1e-12, atol=1e-13)
    method = tuned.methods["sum"]
    assert isinstance(method, LoRA)
    assert method.rank_at("blocks.0.attention.query") == 5
    assert method.rank_at("blocks.0.attention.value") == 2
    assert {method.scale_at(path) for path in found} == {1}
    tuned.use("sum")
    train(tuned, 1)  # and it is trained on like any other


def test_a_sum_whose_rank_exceeds_the_matrix_is_still_exact(tuned: Tuned) -> None:
    for number in range(6):
        tuned.add(f"more{number}", LoRA(rank=2, targets=("query",)), rng=number)
        tuned.use(f"more{number}")
        train(tuned, 1)
    names = ["a", "b", *(f"more{number}" for number in range(6))]
    assert combine(tuned, dict.fromkeys(names, 1.0), name="all") == 0
    assert tuned.methods["all"].rank_at("blocks.0.attention.query") == 12  # type: ignore[attr-defined]
    path = "blocks.0.attention.query"
    expected = sum(updates(tuned, name)[path] for name in names)
    np.testing.assert_allclose(updates(tuned, "all")[path], expected, rtol=1e-9, atol=1e-12)


def test_recompression_keeps_what_has_the_rank_already(tuned: Tuned) -> None:
    combine(tuned, {"a": 1.0, "b": 1.0}, name="sum")
    assert recompress(tuned, "sum", name="same", rank=5) < 1e-12
    for path, update in updates(tuned, "same").items():
        np.testing.assert_allclose(update, updates(tuned, "sum")[path], rtol=1e-9, atol=1e-12)
    ids = batch(tuned.model).ids
    tuned.use("sum")
    output = tuned.logits(ids)
    tuned.use("same")
    np.testing.assert_allclose(tuned.logits(ids), output, rtol=1e-9, atol=1e-11)


@given(out=st.integers(1, 9), k=st.integers(1, 9), rank=st.integers(1, 12), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_compression_is_the_truncated_svd(out: int, k: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    B, A = rng.standard_normal((out, rank)), rng.standard_normal((rank, k))
    kept = int(rng.integers(1, min(out, k, rank) + 1))
    (B2, A2), lost = compress(B, A, kept)
    assert (B2.shape, A2.shape) == ((out, kept), (kept, k))
    S = np.linalg.svd(B @ A, compute_uv=False)
    best = np.sqrt((S[kept:] ** 2).sum())
    assert np.linalg.norm(B @ A - B2 @ A2) == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert lost == pytest.approx(best / np.linalg.norm(S), rel=1e-6, abs=1e-9)


def test_what_is_lost_is_said(tuned: Tuned) -> None:
    lost = recompress(tuned, "b", name="thin", rank=1)
    worst = max(
        np.linalg.norm(update - updates(tuned, "thin")[path]) / np.linalg.norm(update)
        for path, update in updates(tuned, "b").items()
    )
    assert lost == pytest.approx(worst, rel=1e-9)
    assert 0 < lost < 1


def test_an_untrained_adapter_loses_nothing() -> None:
    tuned = adapt(gpt(), LoRA(rank=2), name="a")
    assert recompress(tuned, "a", name="thin", rank=1) == 0


def test_only_loras_can_be_added_up(tuned: Tuned) -> None:
    tuned.add("narrow", Adapter(width=2))
    tuned.add("biased", LoRA(rank=1, bias="own"))
    for name in ("narrow", "biased"):
        with pytest.raises(InputError, match="only the updates of LoRA can be added up"):
            combine(tuned, {"a": 1.0, name: 1.0}, name="sum")
    for weights, words in (
        ({}, "at least one adapter"),
        ({"a": float("nan")}, "the weight of 'a' must be a number"),
        ({"a": "1"}, "the weight of 'a' must be a number"),
        ({"aa": 1.0}, "no adapter is named 'aa'"),
    ):
        with pytest.raises(InputError, match=words):
            combine(tuned, weights, name="sum")
    with pytest.raises(InputError, match="rank must be a whole number"):
        recompress(tuned, "a", name="thin", rank=0)
    assert set(tuned.methods) == {"a", "b", "narrow", "biased"}
