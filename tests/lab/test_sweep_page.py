"""A sweep's CSV as a Markdown table."""

import pytest

from minilora.errors import InputError
from minilora.lab.sweep_page import axes, crosstab, read_lines

TEXT = """method,model,seed,measure,score,trainable,first_loss,last_loss,best_validation_loss,training_seconds,failed
lora,tiny-gpt,0,accuracy,0.5,100,1.0,0.5,,3.0,
lora,tiny-gpt,1,accuracy,0.7,100,1.0,0.5,,3.0,
lora,other,0,accuracy,0.25,100,1.0,0.5,,3.0,
full,tiny-gpt,0,accuracy,,900,1.0,nan,,3.0,
full,tiny-gpt,1,accuracy,0.9,900,1.0,0.5,,3.0,it was killed
"""


def test_means_and_spreads_over_seeds() -> None:
    lines = read_lines(TEXT)
    assert axes(lines) == ["method", "model"]
    assert crosstab(lines, "method", "model") == [
        "| method | tiny-gpt | other |",
        "|---|---:|---:|",
        "| lora | 60.0 ± 14.1 | 25.0 |",
        "| full | 90.0 (1 failed) | – |",
    ]


def test_a_measure_that_is_no_share_stays_as_it_is() -> None:
    lines = read_lines(TEXT.replace("accuracy,0.5", "bleu,40.0").replace("accuracy,0.7", "bleu,42.0"))
    assert crosstab(lines, "model", "method")[2] == "| tiny-gpt | 41.0 ± 1.4 | 90.0 (1 failed) |"


def test_bad_input() -> None:
    with pytest.raises(InputError, match=r"no sweep\.csv"):
        read_lines("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"no sweep\.csv"):
        read_lines("")
    with pytest.raises(InputError, match="no axis 'rank'; it has method, model"):
        crosstab(read_lines(TEXT), "rank", "model")
