"""A tiny model that can read the questions of NL2SQL, and a tour short enough for a test."""

import numpy as np
import pytest

from minilora.data import Tokenizer
from minilora.data.tasks import NL2SQL
from minilora.lab.bench import Shape
from minilora.lab.quickstart import Plan
from minilora.models.gpt import GPT, GPTConfig

PLAN = Plan(steps={"lora": 3, "full": 3, "houlsby": 3}, rows=2, warmup=1, unseen=4, seen=2, trials=2)
TINY = Shape("tiny", GPTConfig(64, 64, 32, 2, 2, dropout=0.0), rows=4, tokens=16)
"""What is measured where only the measuring is tested."""


@pytest.fixture(scope="session")
def model() -> GPT:
    validation = NL2SQL(0).validation
    tokenizer = Tokenizer.train([e.prompt + e.completion for e in validation], vocabulary=600)
    config = GPTConfig(tokenizer.vocabulary, context=320, width=16, layers=2, heads=2)
    model = GPT(config, np.random.default_rng(0))
    model.tokenizer = tokenizer
    return model
