"""What training would take: reckoned, and held against what the tape of a small model really keeps."""

import json
import tracemalloc

import numpy as np
import pytest

from minilora.data.batches import IGNORED, Batch
from minilora.errors import InputError
from minilora.lab.activations import activations
from minilora.lab.claims import PAPERS, claims
from minilora.lab.plan import Assumptions, plan
from minilora.methods import Adapter, BitFit, Composition, FullFineTuning, LoRA, TopLayers, adapt
from minilora.models.gpt import GPT, GPTConfig

METHODS = (
    FullFineTuning(),
    TopLayers(2),
    BitFit(),
    LoRA(4),
    LoRA(2, targets=("all-linear",), ranks={"value": 8}),
    Adapter("houlsby", 16),
    Adapter("pfeiffer", 16),
    Adapter("lin", 16),
    Adapter("houlsby", 16, layers=(1, 2)),
    Composition((LoRA(4), Adapter("houlsby", 8))),
)


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize(("rows", "tokens"), [(8, 32), (4, 128)])
def test_activations_are_what_the_tape_keeps(method, rows, tokens):
    config = GPTConfig(vocabulary=200, context=128, width=64, layers=3, heads=4)
    tuned = adapt(GPT(config, np.random.default_rng(0)), method)
    ids = np.random.default_rng(1).integers(0, 200, (rows, tokens))
    targets = np.full_like(ids, IGNORED)
    targets[:, -1] = 1
    batch = Batch(ids, targets, np.ones(ids.shape, bool))
    tuned.loss(batch)  # what is made once and kept is there before counting
    tracemalloc.start()
    already, _ = tracemalloc.get_traced_memory()
    loss = tuned.loss(batch)
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loss.node is not None
    reckoned = 4 * activations(method, config, rows, tokens, recompute=False)
    assert reckoned == pytest.approx(now - already, rel=0.25)


def test_the_papers_claims_come_out():
    found = plan("gpt3-175b", PAPERS)
    assert found.adapted.trainable == 18_874_368
    assert 9_000 < found.ratios()["trainable"] < 10_000
    assert found.full.checkpoint == pytest.approx(350e9, rel=0.01)
    assert found.adapted.checkpoint == pytest.approx(35e6, rel=0.1)
    assert found.adapted.memory == pytest.approx(350e9, rel=0.02)
    freed = plan("gpt3-175b", PAPERS, Assumptions(gradients="block"))
    assert freed.full.memory < 1.2e12 < found.full.memory
    assert freed.ratios()["memory"] == pytest.approx(3, rel=0.02)
    said = {claim.about: claim.computed for claim in claims(found)}
    assert said["checkpoint"] == "349 GB → 37.7 MB (36 MiB)"
    assert said["optimizer's share"].startswith("66.7%")


def test_claims_are_shown_for_the_papers_setting_alone():
    assert claims(plan("gpt3-175b", LoRA(8))) == []
    assert claims(plan("gpt2", PAPERS)) == []


def test_every_assumption_matters():
    base = plan("gpt2", LoRA(4))
    for changed in (
        Assumptions(precision="mixed"),
        Assumptions(precision="single"),
        Assumptions(gradients="block"),
        Assumptions(rows=2),
        Assumptions(tokens=100),
        Assumptions(recompute=False),
    ):
        assert plan("gpt2", LoRA(4), changed).full.memory != base.full.memory
    mixed = plan("gpt2", LoRA(4), Assumptions(precision="mixed")).full
    assert (mixed.weights + mixed.gradients + mixed.optimizer) == 16 * 124_439_808


def test_a_plan_goes_into_json():
    found = json.loads(json.dumps(plan("gpt2-medium", Adapter("houlsby", 64)).as_dict()))
    assert found["adapted"]["memory"] == sum(
        found["adapted"][part] for part in ("weights", "gradients", "optimizer", "activations")
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: plan("gpt3-175", LoRA(4)), "did you mean 'gpt3-175b'"),
        (lambda: plan("gpt2", LoRA(4), Assumptions(tokens=2000)), "more than the context of gpt2, 1024"),
        (lambda: plan("gpt2", LoRA(4, targets=("quarry",))), "matches no linear layer"),
        (lambda: Assumptions(precision="halve"), "did you mean 'half'"),
        (lambda: Assumptions(gradients="none"), "all or block"),
        (lambda: Assumptions(rows=0), "rows must be at least 1"),
    ],
)
def test_what_cannot_be_reckoned_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
