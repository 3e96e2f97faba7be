"""A small random GPT, or encoder, with a small tokenizer in a folder, and small data files: what the tests of the commands and of fine-tuning run on."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from minilora.data import Tokenizer
from minilora.data.tokenizer import ROBERTA
from minilora.models.bert import Bert, BertConfig
from minilora.models.checkpoint import save
from minilora.models.gpt import GPT, GPTConfig

CONFIG = GPTConfig(vocabulary=512, context=256, width=16, layers=2, heads=2, dropout=0.1)

SENTENCES = (
    "The river ran slowly past the old mill, and the miller counted his sacks. ",
    "Nobody in the village remembered when the bridge had last been mended. ",
    "A boat came down in the morning with barrels of salt and a letter for the priest. ",
    "In the evening the lamps were lit, and the children were called in from the meadow. ",
)
LINES = (
    "table: castles\ncolumns: county, lord, towers\nQ: What is the smallest number of towers of the castles where county is 'Kent'?",
    "SQL: SELECT MIN( towers ) FROM castles WHERE county = 'Kent' AND lord = 'Ann' ORDER BY towers DESC LIMIT 1",
    "SQL: SELECT COUNT( * ) FROM rivers WHERE length > 20",
)


def write_model(folder: Path, *, seed: int = 0, width: int = CONFIG.width) -> Path:
    """A model of random weights and its tokenizer, in the layout of every model folder."""
    model = GPT(replace(CONFIG, width=width), np.random.default_rng(seed))
    model.tokenizer = Tokenizer.train([*LINES, text()], vocabulary=CONFIG.vocabulary)
    save(model, folder)
    return folder


def make_encoder(texts: Iterable[str], *, layers: int = 1, types: int = 1) -> Bert:
    """A RoBERTa of random weights, with a tokenizer that is trained on the texts."""
    tokenizer = Tokenizer.train(texts, vocabulary=400, special=ROBERTA)
    config = BertConfig(tokenizer.vocabulary, 64, 16, layers, 2, types=types, padding=tokenizer.padding)
    model = Bert(config, np.random.default_rng(0))
    model.tokenizer = tokenizer
    return model


def write_encoder(folder: Path, texts: Iterable[str], *, layers: int = 1) -> Path:
    """``make_encoder`` in a folder."""
    save(make_encoder(texts, layers=layers), folder)
    return folder


def text(documents: int = 12) -> str:
    """Some documents of plain text, each another one."""
    rng = np.random.default_rng(3)
    return "<|endoftext|>".join("".join(rng.choice(SENTENCES, 14)) for _ in range(documents))


def write_text(file: Path) -> Path:
    """``text()`` in a file."""
    file.write_text(text(), encoding="utf-8")
    return file


def write_e2e(file: Path, *, lines: int = 60) -> Path:
    """A CSV file as E2E's."""
    dishes = ("fish", "soup")
    rows = [f'"name[Inn {i}], food[{dishes[i % 2]}]","Inn {i} has {dishes[i % 2]}."\n' for i in range(lines)]
    file.write_text("mr,ref\n" + "".join(rows), encoding="utf-8")
    return file
