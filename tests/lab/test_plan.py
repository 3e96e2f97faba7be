"""What training would take: reckoned, and held against what the tape of a small model really keeps."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from minilora.cli.output import size
from minilora.data.batches import IGNORED, Batch
from minilora.errors import InputError
from minilora.lab.activations import activations
from minilora.lab.claims import PAPERS, claims
from minilora.lab.devices import shares
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


CONFIG = GPTConfig(vocabulary=200, context=128, width=64, layers=3, heads=4)


def kept(method, config, rows, tokens):
    """Bytes that a tape of the loss holds."""
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
    return now - already


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize(("rows", "tokens"), [(8, 32), (4, 128)])
def test_activations_are_what_the_tape_keeps(method, rows, tokens):
    reckoned = 4 * activations(method, CONFIG, rows, tokens, recompute=False)
    assert reckoned == pytest.approx(kept(method, CONFIG, rows, tokens), rel=0.125)


def test_what_a_higher_rank_keeps_is_reckoned():
    """Of two adapters at the same places all else is equal, so that a small part of the whole shows: x Aᵀ, of each layer and token a number a rank."""
    low, high = (
        4 * activations(LoRA(rank), CONFIG, 8, 32, recompute=False) - kept(LoRA(rank), CONFIG, 8, 32)
        for rank in (4, 60)
    )
    grown = 4 * 56 * 2 * 3 * 8 * 32
    assert abs(high - low) < 0.1 * grown


def test_the_papers_claims_come_out():
    found = plan("gpt3-175b", PAPERS)
    assert found.adapted.trainable == 18_874_368
    assert 9_000 < found.ratios()["trainable"] < 10_000
    assert found.full.checkpoint == pytest.approx(350e9, rel=0.01)
    assert found.adapted.checkpoint == pytest.approx(35e6, rel=0.125)
    assert found.adapted.memory == pytest.approx(350e9, rel=0.02)
    freed = plan("gpt3-175b", PAPERS, Assumptions(gradients="block"))
    assert freed.full.memory < 1.2e12 < found.full.memory
    assert freed.ratios()["memory"] == pytest.approx(3, rel=0.02)
    said = {claim.about: claim.computed for claim in claims(found)}
    assert said["checkpoint"] == "349 GB → 37.7 MB (36 MiB)"
    assert said["optimizer's share"].startswith("66.7%")


def test_the_papers_memory_over_devices():
    """Split, the shares add up to the whole; LoRA's fit a card of 32 GB on 16 devices, full fine-tuning's do not. Copies send nothing but what is trained."""
    found = plan("gpt3-175b", PAPERS)
    of_16 = shares(found, 16)
    for name, cost in (("adapted", found.adapted), ("full", found.full)):
        split, copies = of_16["split"][name], of_16["copies"][name]
        assert 16 * (split.memory - split.activations) == pytest.approx(cost.memory - cost.activations)
        assert copies.memory == cost.memory
    assert of_16["split"]["adapted"].memory < 32e9 < of_16["split"]["full"].memory
    # 18,874,368 numbers of 2 bytes, 15/16 of them twice; full fine-tuning as many times more as it trains more.
    assert of_16["copies"]["adapted"].sent == 2 * 2 * 18_874_368 * 15 // 16
    assert of_16["copies"]["full"].sent / of_16["copies"]["adapted"].sent == pytest.approx(9251, abs=1)
    # Split, the frozen weights travel too: LoRA saves a third and no more.
    assert of_16["split"]["adapted"].sent / of_16["split"]["full"].sent == pytest.approx(2 / 3, rel=1e-3)


@pytest.mark.parametrize("layout", ["copies", "split"])
def test_one_device_sends_nothing_and_holds_all(layout):
    found = plan("gpt2", LoRA(4), Assumptions(precision="mixed"))
    share = shares(found, 1)[layout]["adapted"]
    assert (share.sent, share.memory) == (0, found.adapted.memory)
    with pytest.raises(InputError, match="devices must be at least 1, not 0"):
        shares(found, 0)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_a_ring_sends_what_is_reckoned(count):
    """The ring played through: in each of 2 (p − 1) rounds every rank sends one of p parts to the next, first adding, then copying; at the end all have the sum."""
    width = 12 * count
    own = np.random.default_rng(0).integers(0, 9, (count, width)).astype(float)
    held = [array.reshape(count, -1).copy() for array in own]
    sent = np.zeros(count, int)
    for turn in range(2 * (count - 1)):
        parts = [(rank - turn) % count for rank in range(count)]
        moving = [held[rank][parts[rank]].copy() for rank in range(count)]
        for rank in range(count):
            sent[rank] += moving[rank].size
            target = held[(rank + 1) % count]
            if turn < count - 1:
                target[parts[rank]] += moving[rank]
            else:
                target[parts[rank]] = moving[rank]
    for array in held:
        np.testing.assert_array_equal(array.ravel(), own.sum(axis=0))
    found = plan("gpt2", LoRA(4), Assumptions(precision="single"))
    gradient = 4 * found.adapted.trainable  # bytes
    (numbers,) = set(sent)
    assert shares(found, count)["copies"]["adapted"].sent == gradient * numbers // width


def test_the_table_of_the_how_to_is_what_comes_out():
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cluster.md").read_text(
        encoding="utf-8"
    )
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line[:2] == "| "
    ]
    found = plan("gpt3-175b", PAPERS)
    columns = [share for both in shares(found, 16).values() for share in both.values()]
    kinds = ("memory", "weights", "gradients", "optimizer", "activations", "sent")
    assert len(table) == 1 + len(kinds)
    for row, kind in zip(table[1:], kinds, strict=True):
        assert row[0].startswith(kind)
        assert row[1:] == [size(getattr(share, kind)) for share in columns]


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


def test_a_half_base_halves_what_is_frozen_and_nothing_else():
    """LoRA's base alone; of top layers those below; of full fine-tuning nothing."""
    for method in (LoRA(4), TopLayers(2), FullFineTuning()):
        half, single = (
            plan("gpt2", method, Assumptions(precision=p)).adapted for p in ("half-base", "single")
        )
        own = 0 if method == LoRA(4) else half.trainable
        assert single.weights - half.weights == 2 * (124_439_808 - own)
        for part in ("checkpoint", "gradients", "optimizer", "activations"):
            assert getattr(half, part) == getattr(single, part)


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
