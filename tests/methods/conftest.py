"""Models that the tests of methods run on."""

import numpy as np
import pytest

from minilora.models.gpt import GPT

from .small import SIZES, batch, gpt


@pytest.fixture(params=list(SIZES))
def model(request: pytest.FixtureRequest) -> GPT:
    return gpt(request.param)


@pytest.fixture
def ids(model: GPT) -> np.ndarray:
    return batch(model, 99).ids
