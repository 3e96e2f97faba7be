"""Targets by name, closed forms, and wrappers in each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.methods import (
    Adapter,
    BitFit,
    BottleneckLayer,
    FullFineTuning,
    LoRA,
    LoRALinear,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    adapt,
    as_method,
    linear_shapes,
    select,
)
from minilora.methods.layers import base_parameters, linear_layers, plain_path
from minilora.models.gpt import GPT, GPTConfig

from .small import batch, bytes_of, gpt, train

PATHS = list(linear_shapes(GPTConfig(vocabulary=9, context=4, width=4, layers=12, heads=1)))


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("query", 12),
        ("attention.query", 12),
        ("attention", 48),
        ("mlp", 24),
        ("mlp.down", 12),
        ("all-linear", 72),
        ("blocks.1", 6),  # and not blocks.10 and blocks.11
        ("blocks.11.mlp.up", 1),
    ],
)
def test_a_target_is_a_run_of_whole_components(target: str, count: int) -> None:
    assert len(select(PATHS, [target])) == count


def test_targets_that_overlap_take_a_layer_once_and_keep_the_models_order() -> None:
    assert select(PATHS, ["mlp", "all-linear", "query"]) == PATHS


def test_the_shapes_without_a_model_are_those_of_the_model() -> None:
    model = gpt()
    assert {path: layer.weight.shape for path, layer in linear_layers(model).items()} == linear_shapes(
        model.config
    )


@given(
    width=st.integers(1, 4).map(lambda n: 2 * n),
    layers=st.integers(1, 3),
    rank=st.integers(1, 2),
    bottleneck=st.integers(1, 5),
    targets=st.lists(st.sampled_from(["query", "key", "value", "output", "up", "down"]), min_size=1),
)
@settings(deadline=None, max_examples=15)
def test_closed_forms_at_any_size(
    width: int, layers: int, rank: int, bottleneck: int, targets: list[str]
) -> None:
    config = GPTConfig(vocabulary=7, context=5, width=width, layers=layers, heads=2)
    for method in (
        LoRA(rank=rank, targets=tuple(targets)),
        LoRA(rank=rank, targets=tuple(targets), ranks={targets[0]: 1}, bias="own"),
        LoRA(rank=rank, targets=tuple(targets), bias="all"),
        Adapter(width=bottleneck),
        Adapter("lin", bottleneck),
        Adapter("pfeiffer", bottleneck, layers=(layers - 1,)),
        FullFineTuning(),
        TopLayers(layers),
        BitFit(),
        PrefixEmbedding(1, 2),
        PrefixLayer(2, 1),
        as_method([LoRA(rank=rank), PrefixLayer(2, 1)]),
    ):
        tuned = adapt(GPT(config, np.random.default_rng(0)), method)
        assert tuned.trainable == method.trainable(config)


def test_closed_forms_reach_the_papers_figures() -> None:
    """Section 5 and table 15 of the paper."""
    gpt3 = GPTConfig(vocabulary=50257, context=2048, width=12288, layers=96, heads=96)
    medium = GPTConfig(vocabulary=50257, context=1024, width=1024, layers=24, heads=16)
    assert LoRA(rank=1).trainable(gpt3) == 4_718_592
    assert LoRA(rank=8).trainable(gpt3) == 37_748_736
    assert LoRA(rank=2, targets=("attention",)).trainable(gpt3) == LoRA(rank=4).trainable(gpt3) == 18_874_368
    assert LoRA(rank=4).trainable(medium) == 393_216
    assert [Adapter(width=r).trainable(gpt3) for r in (1, 4, 8, 16, 64)] == [
        7_078_080,
        21_234_432,
        40_109_568,
        77_859_840,
        304_361_472,
    ]
    assert FullFineTuning().trainable(medium) == 354_823_168
    assert TopLayers(2).trainable(medium) == 25_192_448
    assert Adapter("lin", 6).trainable(medium) == 368_784
    assert Adapter("lin", 224).trainable(medium) == 11_089_152
    assert PrefixEmbedding(256, 8).trainable(gpt3) == 3_244_032
    assert PrefixLayer(8, 8).trainable(gpt3) == 18_874_368  # the paper prints 20.2M, more than its formula
    assert (
        BitFit().trainable(gpt3) == 11 * 96 * 12288 + 12288
    )  # the paper prints 14.2M, as if a block had 12 · d


def test_plain_paths_forget_wrappers_and_nothing_else() -> None:
    assert plain_path("a.query.base.base.weight", {"a.query", "a.query.base"}) == "a.query.weight"
    assert plain_path("base.query.weight", set()) == "base.query.weight"


def test_wrapping_shows_when_printed() -> None:
    tuned = adapt(gpt(), LoRA(rank=2, alpha=8, dropout=0.1), name="sql")
    tuned.add("narrow", Adapter(width=3))
    printed = repr(tuned.model)
    for part in (
        "query: LoRALinear(active: sql)",
        "base: Linear(12 → 12)",
        "adapters.sql: LowRank(rank 2, scale 4, dropout 0.1)",
        "output: BottleneckLayer(active: None)",
        "adapters.narrow: Bottleneck()",
        "down: Linear(12 → 3)",
    ):
        assert part in printed
    tuned.merge()
    assert "LoRALinear(active: sql, merged)" in repr(tuned.model)
    assert "'sql' is merged" in repr(tuned)


@pytest.mark.parametrize("order", list(itertools.permutations(["lora", "bottleneck", "full"])))
@pytest.mark.parametrize("removal", list(itertools.permutations(["lora", "bottleneck", "full"])))
def test_methods_on_the_same_layers_come_and_go_in_any_order(
    order: tuple[str, ...], removal: tuple[str, ...]
) -> None:
    methods = {
        "lora": LoRA(rank=2, targets=("output", "down")),
        "bottleneck": Adapter(width=2),
        "full": FullFineTuning(),
    }
    model = gpt()
    before, names, printed = bytes_of(model), list(base_parameters(model)), repr(model)
    tuned = adapt(model, methods[order[0]], name=order[0])
    for name in order[1:]:
        tuned.add(name, methods[name])
    outputs = {}
    for name in order:
        tuned.use(name)
        train(tuned, 1)
        outputs[name] = tuned.logits(batch(model, 99).ids)
    assert list(base_parameters(model)) == names
    inner, outer = (model.get_module(f"blocks.0.attention.output{path}").__class__ for path in (".base", ""))
    assert (inner, outer) == (LoRALinear, BottleneckLayer)
    for position, name in enumerate(removal):
        for other in removal[position:]:
            tuned.use(other)
            np.testing.assert_array_equal(tuned.logits(batch(model, 99).ids), outputs[other])
        tuned.remove(name)
    assert (bytes_of(model), repr(model)) == (before, printed)
