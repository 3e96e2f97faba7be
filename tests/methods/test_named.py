"""Methods written as text."""

import pytest

from minilora.errors import InputError
from minilora.methods import Adapter, Composition, FullFineTuning, LoRA
from minilora.methods.named import make_method, method_from_text, names


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("full", FullFineTuning()),
        ("lora", LoRA()),
        ("lora:rank=4,alpha=8,targets=query/value", LoRA(4, 8.0, ("query", "value"))),
        (" lora:targets=all-linear,dropout=0.1 ", LoRA(targets=("all-linear",), dropout=0.1)),
        ("houlsby:width=8", Adapter("houlsby", 8)),
        ("pfeiffer:layers=0/2", Adapter("pfeiffer", layers=(0, 2))),
        ("lora:rank=2+houlsby", Composition((LoRA(2), Adapter("houlsby")))),
    ],
)
def test_a_text_is_a_method(text, method):
    assert method_from_text(text) == method


def test_every_name_makes_a_method():
    assert {"full", "lora", "houlsby", "lin", "pfeiffer"} <= names().keys()
    for name, (kind, _) in names().items():
        assert isinstance(make_method(name, {}), kind)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lara", "there is no method 'lara'; did you mean 'lora'"),
        ("lora:rnk=4", "the method lora has no field 'rnk'; did you mean 'rank'"),
        ("lora:rank", "'rank' is no setting"),
        ("lora:rank=four", "rank of lora must be a whole number, not 'four'"),
        ("lora:rank=0", "rank must be a whole number of at least 1"),
        ("houlsby:kind=lin", "no field 'kind'"),
        ("full:width=3", "it has none"),
    ],
)
def test_what_is_no_method_is_refused(text, sentence):
    with pytest.raises(InputError, match=sentence):
        method_from_text(text)
