"""Bad input is refused by one sentence that says what is wrong and what would do, and leaves the model as it was."""

from collections.abc import Callable

import pytest

from minilora.errors import InputError
from minilora.methods import Adapter, FullFineTuning, LoRA, Method, adapt

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
        (LoRA(rank=13), "rank is 13, but the weight of blocks.0.attention.query is (12, 12); give a rank of at most 12"),
    ],
)  # fmt: skip
def test_a_method_that_does_not_fit_leaves_the_model_as_it_was(method: Method, words: str) -> None:
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


def test_an_adapted_model_is_not_adapted_from_outside() -> None:
    tuned = adapt(gpt(), LoRA(rank=1))
    with pytest.raises(InputError, match="adapted already; use the add method"):
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
