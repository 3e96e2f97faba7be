"""Pretraining from a text to a model folder with its card, small enough to run here; and the card of a record."""

import json

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.models.checkpoint import load
from minilora.train.card import card, loss_curve, write_card
from minilora.train.pretrain import Pretraining, pretrain

RECORD = {
    "command": "minilora pretrain books --out OUT",
    "settings": {
        "size": "tiny-gpt", "start": "random", "rows": 2, "length": 8, "steps": 30, "final_steps": 10,
        "learning_rate": 1e-3, "warmup": 3, "weight_decay": 0.01, "seed": 7, "workers": 1,
    },
    "vocabulary": 300,
    "parameters": 1234567,
    "corpus": {"file": "books", "books": 3, "tokens": 5000, "held out": "It was\n\na night"},
    "mixture": {"repeats": 0.2, "formatted": 0.5},
    "tokens seen": 640,
    "seconds": 120,
    "measured": {"at the start": {"book perplexity": 4000.0, "copying accuracy": 0.1}},
    "samples": [{"prompt": "The\nsea", "text": " was"}],
    "loss": list(np.linspace(5, 3, 40)),
}  # fmt: skip


def test_the_card_says_what_the_record_says():
    text = card(RECORD)
    for fact in (
        "1,234,567 parameters",
        "minilora pretrain books --out OUT",
        "3 public-domain books, 5,000 tokens",
        "“It was a night”",
        "30% books",
        "random weights; seed 7",
        "640 tokens in 2 minutes on 1 worker: 30 steps",
        "| at the start | 4000 | 0.1 |",
        "> The\n> sea** was**",
    ):
        assert fact in text


def test_the_picture_is_the_same_every_time():
    assert loss_curve(RECORD) == loss_curve(RECORD)
    assert loss_curve(RECORD).startswith("<?xml")


def test_a_card_is_written_beside_its_record(tmp_path):
    (tmp_path / "pretraining.json").write_text(json.dumps(RECORD))
    assert write_card(tmp_path).read_text() == card(RECORD)
    assert (tmp_path / "loss.svg").exists()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("size", "tiny-gtp", "tiny-gpt"),
        ("start", "inductive", "induction"),
        ("length", 513, "512"),
        ("rows", 1, "512"),
        ("steps", 0, "steps must be at least 1, not 0"),
        ("final_steps", 0, "final_steps must be at least 1, not 0"),
        ("learning_rate", -1.0, "learning_rate must be"),
        ("warmup", -1, "warmup must be"),
        ("seed", -1, "seed must be at least 0, not -1"),
        ("workers", 0, "workers must be at least 1, not 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(field, value, named):
    with pytest.raises(InputError, match=named):
        Pretraining(**{field: value})


@pytest.mark.parametrize("there", ["tokenizer.json", "config.toml"])
def test_a_folder_that_holds_a_run_is_kept_as_it_is(tmp_path, there):
    other = "<|endoftext|>".join(
        f"Another book than the run was begun with, number {i}. " * 40 for i in range(3)
    )
    (tmp_path / "books.txt").write_text(other)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / there).write_text("steps = 3\n")
    for resume in (False, True):
        with pytest.raises(InputError, match=f"already holds {there}|cannot resume: steps is 2400"):
            pretrain(tmp_path / "books.txt", tmp_path / "run", Pretraining(), resume=resume)
    assert [(file.name, file.read_text()) for file in (tmp_path / "run").iterdir()] == [
        (there, "steps = 3\n")
    ]


@pytest.mark.slow
def test_a_model_comes_out_and_a_resumed_run_is_the_same(tmp_path):
    """A few steps on a little text; the second call finds everything done, and writes the same model."""
    words = [
        "the",
        "old",
        "captain",
        "of",
        "a",
        "small",
        "ship",
        "went",
        "home",
        "over",
        "the",
        "dark",
        "sea",
        "and",
        "sang",
        "of",
        "summer",
    ]
    rng = np.random.default_rng(0)
    books = [" ".join(rng.choice(words, 3000)) + f" end {i}." for i in range(3)]
    corpus = tmp_path / "books.txt"
    corpus.write_text("<|endoftext|>".join(books))
    settings = Pretraining(rows=2, steps=3, final_steps=2, warmup=1)
    record = pretrain(corpus, tmp_path / "run", settings)
    assert record["tokens seen"] == (3 + 2) * 512
    assert len(record["loss"]) == 5
    weights = (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
    model = load(tmp_path / "run" / "model")
    assert model.tokenizer.vocabulary == model.config.vocabulary
    again = pretrain(corpus, tmp_path / "run", settings, resume=True)
    assert again["loss"] == record["loss"]
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == weights
    assert (tmp_path / "run" / "model" / "README.md").exists()


def test_every_architecture_has_a_start_of_its_own_and_says_so():
    settings = Pretraining(size="tiny-roberta", length=128)
    assert (settings.start, settings.objective.name) == ("neighbours", "masked tokens")
    assert Pretraining().start == "induction"
    assert Pretraining(size="tiny-deberta", length=128).start == "random"
    with pytest.raises(InputError, match="tiny-deberta must be random"):
        Pretraining(size="tiny-deberta", start="induction")


def test_the_card_of_an_encoder_speaks_of_hidden_tokens():
    settings = RECORD["settings"] | {"size": "tiny-roberta"}
    mixture = {"repeats": 0.0, "formatted": 0.15}
    text = card(
        RECORD
        | {"settings": settings, "objective": "masked tokens", "architecture": "RoBERTa", "mixture": mixture}
    )
    assert text.startswith("# tiny-roberta\n\nAn encoder of RoBERTa's architecture")
    assert "hidden token's" in text
    assert "random strings" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny-roberta", "tiny-deberta"])
def test_an_encoder_comes_out_and_a_resumed_run_is_the_same(name, tmp_path):
    rng = np.random.default_rng(0)
    words = ["the", "old", "captain", "of", "a", "small", "ship", "went", "home", "and", "sang"]
    corpus = tmp_path / "books.txt"
    corpus.write_text(
        "<|endoftext|>".join(" ".join(rng.choice(words, 2000)) + f" end {i}." for i in range(3))
    )
    settings = Pretraining(size=name, rows=4, length=64, steps=3, final_steps=2, warmup=1)
    record = pretrain(corpus, tmp_path / "run", settings)
    assert (
        record["command"]
        == f"minilora pretrain books.txt --out OUT --size {name} --rows 4 --length 64 --steps 3 --final-steps 2 --warmup 1"
    )
    folder = tmp_path / "run" / "model"
    weights = (folder / "model.safetensors").read_bytes()
    assert len(weights) < 8e6
    model = load(folder)
    assert model.head.kind == "masked-lm"
    assert model.tokenizer.mask is not None
    again = pretrain(corpus, tmp_path / "run", settings, resume=True)
    assert again["loss"] == record["loss"]
    assert (folder / "model.safetensors").read_bytes() == weights
