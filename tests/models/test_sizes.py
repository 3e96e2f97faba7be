"""Published sizes give the published numbers of parameters."""

import pytest

from minilora.errors import InputError
from minilora.models.gpt import GPT
from minilora.models.sizes import SIZES, size

PARAMETERS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,  # the LoRA paper's tables: 354.92M
    "gpt2-large": 774_030_080,  # 774.03M
    "gpt2-xl": 1_557_611_200,
    "gpt3-175b": 174_604_259_328,  # the LoRA paper's tables: 175,255.8M
    "tiny-gpt": 5_918_720,
    "roberta-base": 124_055_040,  # the LoRA paper's 125.0M count the pooler too
    "roberta-large": 354_310_144,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_size_has_its_number_of_parameters(name: str) -> None:
    assert size(name).parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", [name for name in SIZES if name.startswith("gpt3-")])
def test_a_gpt3_has_about_what_its_name_says(name: str) -> None:
    amount, unit = float(name[5:-1]), {"m": 1e6, "b": 1e9}[name[-1]]
    assert size(name).parameters == pytest.approx(amount * unit, rel=0.02)


def test_the_count_is_the_models_own() -> None:
    model = GPT(size("tiny-gpt"), rng=None)
    assert model.count_parameters() == size("tiny-gpt").parameters
    biases = sum(p.size for name, p in model.named_parameters() if name.endswith("bias"))
    assert biases == size("tiny-gpt").biases


def test_another_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'gpt2-medium'"):
        size("gpt2-medum")
