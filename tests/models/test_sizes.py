"""Published sizes give the published numbers of parameters."""

import pytest

from minilora.errors import InputError
from minilora.models.gpt import GPT
from minilora.models.sizes import SIZES, size

PARAMETERS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,  # the paper's tables: 354.92M
    "gpt2-large": 774_030_080,  # 774.03M
    "gpt2-xl": 1_557_611_200,
    "tiny-gpt": 5_918_720,
}


@pytest.mark.parametrize("name", SIZES)
def test_a_size_has_its_number_of_parameters(name: str) -> None:
    c = size(name)
    block = 12 * c.width**2 + 13 * c.width
    assert c.vocabulary * c.width + c.context * c.width + c.layers * block + 2 * c.width == PARAMETERS[name]


def test_the_count_is_the_models_own() -> None:
    assert GPT(size("tiny-gpt"), rng=None).count_parameters() == PARAMETERS["tiny-gpt"]


def test_another_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'gpt2-medium'"):
        size("gpt2-medum")
