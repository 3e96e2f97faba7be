"""Models that the tests of methods run on."""

import numpy as np
import pytest

from minilora.models.base import Model

from .small import MODELS, batch


@pytest.fixture(params=list(MODELS))
def name(request: pytest.FixtureRequest) -> str:
    """The name of a model in ``MODELS``, which makes the same one each time."""
    return str(request.param)


@pytest.fixture
def model(name: str) -> Model:
    return MODELS[name]()


@pytest.fixture
def ids(model: Model) -> np.ndarray:
    return batch(model, 99).ids
