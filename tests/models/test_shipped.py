"""Every model that comes with the package: small, whole, described by its record alone, and as good as that record says."""

import json

import numpy as np
import pytest

from minilora.models.checkpoint import load, shipped
from minilora.models.sources import ASSETS
from minilora.train import evaluate_loss
from minilora.train.card import card
from minilora.train.objectives import objective_of
from minilora.train.pretrain import unseen_generated

MEBIBYTES = {"tiny-gpt": 16}
"""The most that a model's folder may take; 8 where none is named."""


def test_three_models_come_along():
    assert shipped() == ["tiny-deberta", "tiny-gpt", "tiny-roberta"]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_model_is_small_and_its_card_is_of_its_record(name):
    folder = ASSETS / name
    taken = sum(file.stat().st_size for file in folder.iterdir())
    assert taken <= MEBIBYTES.get(name, 8) * 2**20
    record = json.loads((folder / "pretraining.json").read_text(encoding="utf-8"))
    assert (folder / "README.md").read_text(encoding="utf-8") == card(record)
    assert record["parameters"] == load(name).count_parameters()


@pytest.mark.parametrize("name", shipped())
def test_its_weights_are_those_that_were_measured(name):
    """Generated text of the seed that training did not use, once more: as perplexing as the record says, but for weights stored in float16."""
    record = json.loads((ASSETS / name / "pretraining.json").read_text(encoding="utf-8"))
    model = load(name)
    no_book = np.zeros(10_000, np.int64)
    unseen = unseen_generated(
        model.tokenizer, no_book, record["settings"]["length"], objective_of(model.config)
    )
    measured = record["measured"]["after full context"]["formatted perplexity"]
    assert evaluate_loss(model, unseen, workers=1).perplexity == pytest.approx(measured, rel=0.01)
