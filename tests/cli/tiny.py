"""A small random GPT with a small tokenizer in a folder, and small data files: what the tests of the commands run on."""

from pathlib import Path

import numpy as np

from minilora.data import Tokenizer
from minilora.data.tasks import NL2SQL
from minilora.models.checkpoint import save
from minilora.models.gpt import GPT, GPTConfig

CONFIG = GPTConfig(vocabulary=512, context=192, width=16, layers=2, heads=2, dropout=0.1)

SENTENCES = (
    "The river ran slowly past the old mill, and the miller counted his sacks. ",
    "Nobody in the village remembered when the bridge had last been mended. ",
    "A boat came down in the morning with barrels of salt and a letter for the priest. ",
    "In the evening the lamps were lit, and the children were called in from the meadow. ",
)


def write_model(folder: Path, *, seed: int = 0, width: int = CONFIG.width) -> Path:
    """A model of random weights and its tokenizer, in the layout of every model folder."""
    config = GPTConfig(**{**vars(CONFIG), "width": width})
    model = GPT(config, np.random.default_rng(seed))
    examples = NL2SQL(0).validation[:200]
    texts = [example.prompt + example.completion for example in examples] + [text()]
    model.tokenizer = Tokenizer.train(texts, vocabulary=CONFIG.vocabulary)
    save(model, folder)
    return folder


def text(documents: int = 12) -> str:
    """Some documents of plain text, each another one."""
    rng = np.random.default_rng(3)
    return "<|endoftext|>".join("".join(rng.choice(SENTENCES, 14)) for _ in range(documents))


def write_e2e(file: Path, *, lines: int = 60) -> Path:
    """A CSV file as E2E's."""
    rows = ["mr,ref"]
    for i in range(lines):
        rows.append(
            f'"name[Inn {i}], food[{"fish" if i % 2 else "soup"}]","Inn {i} has {"fish" if i % 2 else "soup"}."'
        )
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file
