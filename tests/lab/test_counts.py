"""Trainable parameters in closed form: what a real model has at a small size, and what the paper prints at full size. Where the two part, the paper is wrong, and it says so here."""

import numpy as np
import pytest

from minilora.methods import (
    Adapter,
    BitFit,
    Composition,
    FullFineTuning,
    LoRA,
    Method,
    PrefixEmbedding,
    PrefixLayer,
    TopLayers,
    adapt,
)
from minilora.models.build import build
from minilora.models.gpt import GPT, GPTConfig
from minilora.models.sizes import size

from ..models.test_encoders import CONFIGS

SMALL = GPTConfig(vocabulary=61, context=24, width=16, layers=3, heads=4)
QV, QKVO = ("query", "value"), ("query", "key", "value", "output")

EVERY_METHOD: tuple[Method, ...] = (
    FullFineTuning(),
    LoRA(3, targets=QV),
    LoRA(2, targets=QKVO),
    LoRA(2, targets=("all-linear",)),
    LoRA(2, targets=QV, ranks={"value": 3}, bias="none"),
    Adapter("houlsby", 5),
    Adapter("lin", 5),
    Adapter("pfeiffer", 5),
    Adapter("houlsby", 5, layers=(0, 2)),
    TopLayers(2),
    BitFit(),
    Composition((LoRA(2, targets=QV), Adapter("houlsby", 3))),
    PrefixEmbedding(3, 2),
    PrefixLayer(2, 1),
    Composition((LoRA(2, targets=QV), PrefixLayer(2, 1))),
)

PRINTED = (  # size, method, exact count, as printed in millions, the paper's table
    ("roberta-base", LoRA(8, targets=QV), 294_912, "0.3", "table 2"),
    ("roberta-large", LoRA(8, targets=QV), 786_432, "0.8", "table 2"),
    ("deberta-v2-xxlarge", LoRA(16, targets=QV), 4_718_592, "4.7", "table 2"),
    ("roberta-base", BitFit(), 12 * (7 * 768 + 3072) + 768, "0.1", "table 2"),
    ("gpt3-175b", PrefixEmbedding(256, 8), 3_244_032, "3.2", "tables 4 and 15"),
    ("gpt3-175b", PrefixEmbedding(32, 8), 491_520, "0.4", "table 15"),
    ("gpt3-175b", PrefixEmbedding(512, 8), 6_389_760, "6.4", "table 15"),
    ("gpt3-175b", Composition((LoRA(8, targets=QV), PrefixEmbedding(8, 4))), 37_896_192, "37.8", "table 15"),
    ("gpt2-medium", Adapter("lin", 6), 368_784, "0.37", "table 3"),
    ("gpt2-medium", Adapter("lin", 224), 11_089_152, "11.09", "table 3"),
    ("gpt2-large", Adapter("lin", 8), 875_808, "0.88", "table 3"),
    ("gpt2-large", Adapter("lin", 248), 23_002_848, "23.00", "table 3"),
    ("gpt2-medium", TopLayers(2), 25_192_448, "25.19", "table 3: FTTop2"),
    ("gpt3-175b", Adapter("houlsby", 1), 7_078_080, "7.1", "tables 4 and 15"),
    ("gpt3-175b", Adapter("houlsby", 4), 21_234_432, "21.2", "table 15"),
    ("gpt3-175b", Adapter("houlsby", 8), 40_109_568, "40.1", "tables 4 and 15"),
    ("gpt3-175b", Adapter("houlsby", 16), 77_859_840, "77.9", "table 15"),
    ("gpt3-175b", Adapter("houlsby", 64), 304_361_472, "304.4", "table 15"),
    ("gpt2-large", FullFineTuning(), 774_030_080, "774.03", "table 3"),
    ("gpt3-175b", LoRA(1, targets=QV), 4_718_592, "4.7", "tables 4 and 15"),
    ("gpt3-175b", LoRA(2, targets=("value",)), 4_718_592, "4.7", "table 15"),
    ("gpt3-175b", LoRA(2, targets=QV), 9_437_184, "9.4", "table 15"),
    ("gpt3-175b", LoRA(1, targets=QKVO), 9_437_184, "9.4", "table 15"),
    ("gpt3-175b", LoRA(4, targets=QV), 18_874_368, "18.8", "table 15"),
    ("gpt3-175b", LoRA(2, targets=QKVO), 18_874_368, "18.8", "table 15"),
    ("gpt3-175b", LoRA(8, targets=QV), 37_748_736, "37.7", "tables 4 and 15"),
    ("gpt3-175b", LoRA(4, targets=QKVO), 37_748_736, "37.7", "table 15"),
    ("gpt3-175b", LoRA(64, targets=QV), 301_989_888, "301.9", "table 15"),
    ("gpt3-175b", LoRA(8, targets=("query",)), 18_874_368, "18", "table 5: a budget of 18 M"),
)

ERRATA = (  # size, method, exact count, as printed, what is wrong
    ("gpt2-medium", FullFineTuning(), 354_823_168, "354.92", "table 3: a tenth of a million more than GPT-2 medium has"),
    ("gpt3-175b", FullFineTuning(), 174_604_259_328, "175255.8", "table 4: with GPT-3's vocabulary and context, dense, it is 174,604.3 M"),
    ("gpt2-medium", LoRA(4, targets=QV), 393_216, "0.35", "table 3"),
    ("gpt2-large", LoRA(4, targets=QV), 737_280, "0.77", "table 3"),
    ("deberta-v2-xxlarge", LoRA(8, targets=QV), 2_359_296, "4.7", "table 10 says r = 8; 4.7 M are r = 16"),
    ("roberta-large", Adapter("pfeiffer", 64), 3_171_840, "3.0", "table 2: AdptP with r = 64"),
    ("roberta-large", Adapter("houlsby", 64), 6_343_680, "6.0", "table 2: AdptH with r = 64"),
    ("gpt3-175b", LoRA(64, targets=QKVO), 603_979_776, "603.8", "table 15: twice the 301.9 that were cut from 301.99"),
    ("gpt3-175b", PrefixLayer(8, 8), 18_874_368, "20.2", "tables 4 and 15: the paper's own formula gives less than all its PreLayer rows"),
    ("gpt3-175b", BitFit(), 12_988_416, "14.2", "table 4: 14.2 M are 12·d a block; a block has 11·d biases, and the last norm d"),
    ("gpt3-175b", LoRA(2, targets=QKVO), 18_874_368, "37.7", "appendix D.4 says r = 2 of four matrices; table 15 has r = 4"),
)  # fmt: skip


@pytest.mark.parametrize("method", EVERY_METHOD, ids=str)
def test_a_closed_form_counts_a_real_model(method):
    tuned = adapt(GPT(SMALL, np.random.default_rng(0)), method)
    trained = sum(parameter.size for _, parameter in tuned.model.trainable_parameters())
    assert method.trainable(SMALL) == tuned.trainable == trained


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "gpt3"])
@pytest.mark.parametrize(
    "method",
    [
        *(LoRA(2, targets=("key",), bias=bias) for bias in ("none", "own", "all")),
        LoRA(2, targets=("all-linear",), bias="own"),
        *(Adapter(kind, 3) for kind in ("houlsby", "lin", "pfeiffer")),
        TopLayers(1),
        BitFit(),
        PrefixEmbedding(2),
        PrefixLayer(2),
    ],
    ids=str,
)
def test_a_closed_form_counts_every_encoder(name, method):
    model = build(CONFIGS[name], np.random.default_rng(0)).set_embedding()  # the head is not counted
    assert method.trainable(model.config) == adapt(model, method).trainable


def test_v1s_projections_of_positions_are_counted():
    method = LoRA(2, targets=("position_key", "position_query"))
    model = build(CONFIGS["deberta v1"], np.random.default_rng(0)).set_embedding()
    assert method.trainable(model.config) == adapt(model, method).trainable == 2 * 2 * 2 * (16 + 16)


@pytest.mark.parametrize(("name", "method", "exact", "printed", "where"), PRINTED)
def test_full_sizes_have_the_counts_of_the_paper(name, method, exact, printed, where):
    found = method.trainable(size(name))
    assert found == exact
    assert agrees(found, printed), where


@pytest.mark.parametrize(("name", "method", "exact", "printed", "where"), ERRATA)
def test_errata_are_what_they_are(name, method, exact, printed, where):
    found = method.trainable(size(name))
    assert found == exact
    assert not agrees(found, printed), f"{where}: the paper's figure is right after all"


def agrees(count: int, printed: str) -> bool:
    """Whether a figure in millions is this count, rounded or cut (the authors do either)."""
    decimals = len(printed.partition(".")[2])
    return abs(count / 1e6 - float(printed)) < 10**-decimals
