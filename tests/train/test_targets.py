"""Training on one target a row, on every architecture: shards add up to the whole, and the loss falls."""

import numpy as np
import pytest

from minilora.data.batches import Batch
from minilora.models.bert import BertConfig
from minilora.models.build import build
from minilora.models.deberta_config import DebertaConfig
from minilora.models.gpt import GPTConfig
from minilora.train.flat import Layout
from minilora.train.loop import fit
from minilora.train.parallel import Workers
from minilora.train.settings import Training
from minilora.train.shards import loss_and_gradient, shards_of

SHAPE = {"vocabulary": 30, "context": 16, "width": 16, "layers": 2, "heads": 2}
CONFIGS = {
    "gpt": GPTConfig(**SHAPE),
    "roberta": BertConfig(**SHAPE, types=1, padding=1),
    "deberta": DebertaConfig(**SHAPE, distance=16, buckets=8, share_keys=True, normalised=True),
}


def labelled(step, kind):
    """Which of two tokens stands near the beginning of a text of some length."""
    rng = np.random.default_rng([step, 5])
    ids = rng.integers(5, 30, (8, 12))
    mask = np.arange(12) < rng.integers(4, 13, (8, 1))
    labels = rng.integers(0, 2, 8)
    ids[np.arange(8), rng.integers(1, 4, 8)] = 2 + labels
    targets = labels if kind == "classes" else labels.astype(np.float32)
    return Batch(np.where(mask, ids, 1), targets, mask)


@pytest.mark.parametrize("kind", ["classes", "scores"])
@pytest.mark.parametrize("name", CONFIGS)
def test_shards_of_a_labelled_batch_add_up_to_the_whole(name, kind, rng):
    model = build(CONFIGS[name], rng, dtype=np.float64).set_classifier(2 if kind == "classes" else 1, rng)
    parameters = dict(model.trainable_parameters())
    layout = Layout([parameter.data for parameter in parameters.values()])
    found = []
    for count in (1, 3):
        out = layout.zeros()
        with Workers(count) as workers, shards_of(model, parameters, workers, layout) as shards:
            loss = loss_and_gradient(shards, [labelled(0, kind)], out)
        found.append((loss, out))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["classes", "scores"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_classifier_learns(name, kind, rng):
    model = build(CONFIGS[name], rng).set_classifier(2 if kind == "classes" else 1, rng)
    settings = Training(steps=150, learning_rate=3e-3, warmup=20, workers=1, seed=0, dropout=False)
    history = fit(model, lambda step: labelled(step, kind), settings, progress=False)
    ignorance = np.log(2) if kind == "classes" else 0.25  # the loss of one answer for all
    assert np.mean(history.losses[-10:]) < 0.5 * ignorance
