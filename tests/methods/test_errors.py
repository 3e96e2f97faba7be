"""Bad input is refused by one sentence that says what is wrong and what would do, and leaves the model as it was."""

from collections.abc import Callable

import pytest

from minilora.errors import InputError
from minilora.methods import (
    Adapter,
    BitFit,
    Composition,
    FullFineTuning,
    HeadOnly,
    LoRA,
    Method,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    adapt,
    as_method,
)

from .small import bytes_of, gpt


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LoRA(rank=0), "rank must be a whole number of at least 1, not 0"),
        (lambda: LoRA(rank=2.5), "rank must be a whole number"),
        (lambda: LoRA(rank=True), "rank must be a whole number"),
        (lambda: LoRA(alpha=0), "alpha must be a number above 0, not 0"),
        (lambda: LoRA(alpha=float("nan")), "alpha must be a number above 0, not nan"),
        (lambda: LoRA(alpha=float("inf")), "alpha must be a number above 0, not inf"),
        (lambda: LoRA(alpha="16"), "alpha must be a number above 0, not '16'"),
        (lambda: LoRA(dropout=1.0), "dropout must be at least 0 and below 1, not 1.0"),
        (lambda: LoRA(dropout=-0.1), "dropout must be at least 0 and below 1, not -0.1"),
        (lambda: LoRA(targets=()), "targets must be names of layers"),
        (lambda: LoRA(targets=3), "targets must be names of layers"),
        (lambda: LoRA(targets=("query", "")), "targets must be names of layers"),
        (lambda: LoRA(ranks={"value": 0}), "ranks['value'] must be a whole number of at least 1, not 0"),
        (lambda: LoRA(alphas={"value": -1}), "alphas['value'] must be a number above 0, not -1"),
        (lambda: LoRA(ranks=("value", 2)), "ranks must give a value to names of layers, such as {'value': 4}"),
        (lambda: LoRA(ranks=3), "ranks must give a value to names of layers"),
        (lambda: LoRA(ranks={"": 3}), "ranks must give a value to names of layers"),
        (lambda: LoRA(scaling="rslorra"), "scaling must be one of 'lora', 'rslora', not 'rslorra'; did you mean 'rslora'"),
        (lambda: LoRA(bias="al"), "bias must be one of 'none', 'own', 'all', not 'al'; did you mean 'all'"),
        (lambda: TopLayers(0), "layers must be a whole number of at least 1, not 0"),
        (lambda: Adapter(layers=()), "layers must be numbers of blocks from 0, such as (4, 5), or None for all"),
        (lambda: Adapter(layers=(-1,)), "layers must be numbers of blocks from 0"),
        (lambda: Adapter(layers="01"), "layers must be numbers of blocks from 0"),
        (lambda: PrefixEmbedding(-1), "prefix must be a whole number of at least 0, not -1"),
        (lambda: PrefixLayer(1, 1.5), "infix must be a whole number of at least 0, not 1.5"),
        (lambda: PrefixLayer(0, 0), "prefix and infix are both 0, so nothing would be trained"),
        (lambda: Composition((LoRA(),)), "a composition needs at least two methods, not 1"),
        (lambda: Composition((LoRA(), "lora")), "a composition is made of single methods, such as LoRA(), not of 'lora'"),
        (lambda: Composition((LoRA(), Composition((LoRA(), BitFit())))), "a composition is made of single methods"),
        (lambda: as_method([]), "a composition needs at least two methods, not 0"),
        (lambda: as_method("lora"), "a method is a value such as LoRA(rank=8), or a list of such values, not 'lora'"),
        (lambda: as_method(LoRA), "a method is a value such as LoRA(rank=8)"),
        (lambda: Adapter(width=0), "width must be a whole number of at least 1, not 0"),
        (lambda: Adapter(kind="houlsbi"), "kind must be one of 'houlsby', 'lin', 'pfeiffer', not 'houlsbi'; did you mean 'houlsby'?"),
    ],
)  # fmt: skip
def test_a_method_refuses_what_it_cannot_be(make: Callable[[], Method], words: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (LoRA(targets=("querry",)), "target 'querry' matches no linear layer; did you mean 'query'?"),
        (LoRA(targets=("query", "atention.value")), "did you mean 'attention.value'"),
        (LoRA(targets=("xyz",)), "layers here are all-linear, attention, blocks, down, key, mlp, output, query, up, value"),
        (LoRA(targets=("tokens",)), "target 'tokens' matches no linear layer"),
        (LoRA(targets=("uery",)), "matches no linear layer"),
        (LoRA(ranks={"up": 2}), "ranks names 'up', which matches no adapted layer; layers here are all-linear, attention, blocks, query, value"),
        (LoRA(alphas={"valeu": 2}), "alphas names 'valeu', which matches no adapted layer; did you mean 'value'?"),
        (LoRA(ranks={"value": 13}), "rank is 13, but the weight of blocks.0.attention.value is (12, 12)"),
        (TopLayers(3), "layers is 3, but the model has 2 blocks; give at most 2, or use FullFineTuning"),
        (HeadOnly(), "HeadOnly() has nothing to train in this model"),
        (Adapter(layers=(0, 2)), "layers names block 2, but the model has 2 blocks, numbered from 0 to 1"),
        (PrefixLayer(12), "leave no room for a text in the model's context of 12"),
        ([LoRA(), LoRA(targets=("query",))], "both change blocks.0.attention.query.weight; let them change different weights, or use one alone"),
        ([LoRA(), FullFineTuning()], "cannot be composed: both change blocks.0.attention.query.weight"),
        ([LoRA(bias="all"), BitFit()], "both change blocks.0.attention.key.bias"),
        ([TopLayers(1), LoRA(targets=("up",))], "both change blocks.1.mlp.up.weight"),
        ([PrefixEmbedding(1), PrefixLayer(1)], "both change what is read before and after the text"),
        ([Adapter("lin"), Adapter("pfeiffer")], "both change the output of blocks.0"),
        ([LoRA(), LoRA(targets=("querry",))], "target 'querry' matches no linear layer"),
        ([LoRA(), PrefixLayer(20)], "leave no room for a text"),
        (LoRA(rank=13), "rank is 13, but the weight of blocks.0.attention.query is (12, 12); give a rank of at most 12"),
    ],
)  # fmt: skip
def test_a_method_that_does_not_fit_leaves_the_model_as_it_was(
    method: Method | list[Method], words: str
) -> None:
    model = gpt()
    model.tokens.freeze()
    before, printed = bytes_of(model), repr(model)
    trainable = [name for name, _ in model.trainable_parameters()]
    with pytest.raises(InputError) as caught:
        adapt(model, method)
    assert words in str(caught.value)
    assert (bytes_of(model), repr(model)) == (before, printed)
    assert [name for name, _ in model.trainable_parameters()] == trainable


def test_numpy_numbers_become_plain_ones() -> None:
    """A NumPy float64 as scale would turn a float32 model into a float64 one."""
    import numpy as np

    method = LoRA(rank=np.int64(4), alpha=np.float64(8), targets=["query"])
    assert method == LoRA(rank=4, alpha=8.0, targets=("query",))
    assert (type(method.rank), type(method.alpha)) == (int, float)
    assert LoRA(targets="mlp").targets == ("mlp",)
    assert LoRA(ranks={"value": np.int64(3)}, alphas=[["value", np.float32(2)]]) == LoRA(
        ranks=(("value", 3),), alphas=(("value", 2.0),)
    )
    assert Adapter(layers=[np.int64(3), 1, 1]).layers == (1, 3)


def test_values_are_printed_as_they_are_written() -> None:
    """Fields that most never set show only where they are set."""
    for method in (
        LoRA(),
        LoRA(ranks={"value": 3}, scaling="rslora", bias="own"),
        Adapter("lin", 3, (0,)),
        PrefixLayer(2, 1),
        as_method([LoRA(rank=2), BitFit()]),
    ):
        assert eval(repr(method)) == method
    assert repr(LoRA()) == "LoRA(rank=8, alpha=16.0, targets=('query', 'value'), dropout=0.0)"


def test_adapters_are_named_once_and_by_one_word() -> None:
    tuned = adapt(gpt(), LoRA(rank=1), name="sql")
    with pytest.raises(InputError, match="'sql' is installed already"):
        tuned.add("sql", LoRA(rank=2))
    for name in ("", "a.b", "a/b"):
        with pytest.raises(InputError, match="one word without dots or slashes"):
            tuned.add(name, LoRA(rank=2))
    for verb in (tuned.use, tuned.remove, tuned.arrays):
        with pytest.raises(InputError, match="no adapter is named 'sqll'; did you mean 'sql'"):
            verb("sqll")


@pytest.mark.parametrize("method", [LoRA(rank=1), BitFit(), FullFineTuning(), PrefixEmbedding(1)], ids=str)
def test_an_adapted_model_is_not_adapted_from_outside(method: Method) -> None:
    """Whether the method wraps layers or trains the model's own weights; once it is taken out, the model is free again."""
    tuned = adapt(gpt(), method, name="a")
    with pytest.raises(InputError, match="adapted already; use the add method"):
        adapt(tuned.model, Adapter())
    tuned.remove("a")
    adapt(tuned.model, Adapter())


def test_what_is_merged_must_be_unmerged_first() -> None:
    tuned = adapt(gpt(), LoRA(rank=1), name="a")
    tuned.add("b", LoRA(rank=1))
    with pytest.raises(InputError, match="nothing is merged"):
        tuned.unmerge()
    tuned.merge()
    for verb in (tuned.merge, lambda: tuned.use("b"), lambda: tuned.remove("a")):
        with pytest.raises(InputError, match="the adapter 'a' is merged; unmerge it before"):
            verb()
    tuned.remove("b")  # what is not merged may go


def test_nothing_active_is_said() -> None:
    tuned = adapt(gpt(), LoRA(rank=1), name="a")
    tuned.add("b", LoRA(rank=1))
    tuned.remove("a")
    assert (tuned.active, tuned.parameters, tuned.trainable) == (None, {}, 0)
    for verb in (tuned.merge, tuned.unmerge, tuned.fuse, lambda: tuned.save("nowhere")):
        with pytest.raises(InputError, match=r"no adapter is active.*call use with one of \['b'\]"):
            verb()


def test_fuse_asks_for_the_only_adapter() -> None:
    tuned = adapt(gpt(), LoRA(rank=1), name="a")
    tuned.add("b", FullFineTuning())
    with pytest.raises(InputError, match=r"the adapters \['b'\]; remove them first"):
        tuned.fuse()


def test_adapters_stay_as_they_are_inside_of_disabled() -> None:
    tuned = adapt(gpt(), LoRA(rank=1))
    with tuned.disabled():
        for verb in (lambda: tuned.use("default"), lambda: tuned.remove("default"), tuned.merge):
            with pytest.raises(InputError, match="inside of disabled"):
                verb()
        with pytest.raises(InputError, match="inside of disabled"):
            tuned.add("b", LoRA(rank=1))
    assert tuned.active == "default"
