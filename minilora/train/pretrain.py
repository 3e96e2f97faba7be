"""Pretraining: from a folder of books to a small model that can be adapted.

Comes after the loop. The model learns from the mixture of ``data.mixture`` in two stages: short rows at a constant learning rate, which is where most tokens go since
short rows are cheap; then rows as long as the context, while the learning rate falls to zero, so that every position has been trained.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from ..autograd import no_grad
from ..data import (
    Batch,
    Mixture,
    Shares,
    Tokenizer,
    copying_accuracy,
    copying_batch,
    corpus_tokens,
    split_corpus,
    text_windows,
    tokenizer_texts,
)
from ..errors import InputError, nearest
from ..files import make_folder, write_atomically
from ..models.checkpoint import save
from ..models.generate import Sample, generate
from ..models.gpt import GPT
from ..models.induction import gpt_with_induction_heads
from ..models.sizes import size
from .card import RECORD, write_card
from .evaluate import evaluate_loss
from .log import History
from .loop import fit
from .settings import Training

STARTS = ("induction", "random")
SAMPLE_PROMPTS = (
    "The old captain opened the door and",
    "table: lanterns\ncolumns: height, painter, village\nSELECT painter FROM",
)


@dataclass(frozen=True)
class Pretraining:
    """The settings of a pretraining run; the defaults are those of the shipped ``tiny-gpt``.

    Attributes:
        size: a name of ``models.sizes``.
        start: ``"induction"`` (weights that hold a copying circuit already, see ``models.induction``) or ``"random"``.
        rows, length: of a batch in the first stage; the second has the same number of tokens in rows as long as the context.
        steps, final_steps: of the first and the second stage.
        learning_rate: η of the first stage, reached after ``warmup`` steps; it falls linearly to 0 in the second.
        weight_decay: decoupled, on matrices only.
        seed: of the weights, the mixture and the tokenizer's text.
        workers: shards of a batch, on threads.
    """

    size: str = "tiny-gpt"
    start: str = "induction"
    rows: int = 16
    length: int = 256
    steps: int = 1800
    final_steps: int = 400
    learning_rate: float = 8e-4
    warmup: int = 100
    weight_decay: float = 0.01
    seed: int = 0
    workers: int = 2

    def __post_init__(self) -> None:
        context = size(self.size).context
        if self.start not in STARTS:
            raise InputError(
                f"start must be one of {', '.join(STARTS)}, not {self.start!r}{nearest(self.start, STARTS)}"
            )
        if not 1 <= self.length <= context:
            raise InputError(
                f"length must lie in 1 … {context}, the context of {self.size}, not {self.length}"
            )
        if self.rows * self.length < context:
            raise InputError(
                f"rows × length is {self.rows * self.length}, less than one row of the context, {context}"
            )

    def stage(self, final: bool) -> Training:
        """How one stage is trained."""
        return Training(
            steps=self.final_steps if final else self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule="linear" if final else "constant",
            # the second stage starts with fresh moments of the gradient: a few steps at a low rate let them settle
            warmup=min(20, self.final_steps // 2) if final else self.warmup,
            momentum=0.9,
            beta2=0.98,
            dropout=False,  # every batch is new: there is nothing to overfit
            workers=self.workers,
            seed=self.seed,
            evaluate_every=100,
            save_every=50,
        )


def pretrain(
    corpus: str | Path,
    out: str | Path,
    settings: Pretraining,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool | None = None,
) -> dict[str, object]:
    """Train a tokenizer and a model on ``corpus`` (a text file, or a folder of them) and write the model folder ``out/model``.

    Returns what was measured, which is written to ``out/model/pretraining.json`` too, with a card beside it: settings, loss curves, held-out perplexity and copying accuracy after each stage. A run
    that was stopped goes on with ``resume=True``, to the same digits. Raises InputError for a corpus that cannot be read and for a folder that holds a run already.
    """
    out = make_folder(out)
    books, held_out_book = split_corpus(corpus)
    tokenizer = _tokenizer(out / "tokenizer.json", books, settings, reuse=resume)
    tokens = corpus_tokens(books, tokenizer)
    mixture = Mixture(tokenizer, tokens, seed=settings.seed, rows=settings.rows, length=settings.length)
    unseen = _held_out(tokenizer, held_out_book, settings.length)
    copying = copying_batch(tokenizer)

    config = size(settings.size)
    make = gpt_with_induction_heads if settings.start == "induction" else GPT
    model = make(config, np.random.default_rng(settings.seed))
    model.tokenizer = tokenizer
    long_rows = settings.rows * settings.length // config.context
    batches = {
        False: mixture.batch,
        True: lambda step: mixture.batch(settings.steps + step, rows=long_rows, length=config.context),
    }
    measured = {"at the start": _measure(model, unseen, copying)}
    histories: list[History] = []
    for final, name in ((False, "short rows"), (True, "full context")):
        histories.append(
            fit(
                model,
                batches[final],
                settings.stage(final),
                out=out / name.replace(" ", "-"),
                validate=lambda: evaluate_loss(model, unseen["book"], workers=settings.workers).nll,
                resume=resume,
                overwrite=overwrite,
                identity={"corpus tokens": len(tokens), "stage": name, **asdict(settings)},
                progress=progress,
                title=name,
            )
        )
        measured[f"after {name}"] = _measure(model, unseen, copying)
    record: dict[str, object] = {
        "command": _command(settings, corpus),
        "settings": asdict(settings),
        "vocabulary": tokenizer.vocabulary,
        "parameters": model.count_parameters(),
        "corpus": {
            "file": Path(corpus).name,
            "books": len(books),
            "tokens": len(tokens),
            "held out": held_out_book[:60],
        },
        "mixture": asdict(Shares()),
        "tokens seen": sum(record.tokens for history in histories for record in history.records),
        "seconds": round(sum(history.seconds for history in histories)),
        "measured": measured,
        "samples": _samples(model, tokenizer),
        "loss": [round(loss, 4) for history in histories for loss in history.losses],
    }
    save(model, out / "model", dtype="float16", force=True)
    write_atomically(out / "model" / RECORD, json.dumps(record, indent=1) + "\n")
    write_card(out / "model")
    return record


def _command(settings: Pretraining, corpus: str | Path) -> str:
    """The command that repeats this run: what differs from the defaults is spelt out."""
    changed = [
        f"--{field.name.replace('_', '-')} {getattr(settings, field.name)}"
        for field in fields(settings)
        if getattr(settings, field.name) != field.default
    ]
    return " ".join(["minilora pretrain", Path(corpus).name, "--out", "OUT", *changed])


def _tokenizer(path: Path, books: list[str], settings: Pretraining, reuse: bool) -> Tokenizer:
    """The tokenizer of a run that is taken up again, or a new one."""
    if reuse and path.exists():
        return Tokenizer.load(path)
    vocabulary = size(settings.size).vocabulary
    tokenizer = Tokenizer.train(tokenizer_texts(books, seed=settings.seed), vocabulary=vocabulary)
    tokenizer.save(path)
    return tokenizer


def _held_out(tokenizer: Tokenizer, book: str, length: int) -> dict[str, list[Batch]]:
    """What perplexity is measured on: the beginning of the book left out, and generated text of a seed that training does not use."""
    tokens = corpus_tokens([book], tokenizer)
    formatted = Mixture(
        tokenizer, tokens, seed=987_654, rows=32, length=length, shares=Shares(repeats=0.0, formatted=1.0)
    )
    pages = list(text_windows(tokens, rows=32, length=length))
    return {"book": pages[:2], "formatted": [formatted.batch(0), formatted.batch(1)]}


def _measure(model: GPT, unseen: dict[str, list[Batch]], copying: Batch) -> dict[str, float]:
    found = {
        f"{name} perplexity": round(evaluate_loss(model, batches).perplexity, 3)
        for name, batches in unseen.items()
    }
    with no_grad():
        best = np.concatenate(  # [rows, tokens]
            [model(copying.ids[i : i + 16]).data.argmax(axis=-1) for i in range(0, len(copying.ids), 16)]
        )
    return found | {"copying accuracy": round(copying_accuracy(copying, best), 4)}


def _samples(model: GPT, tokenizer: Tokenizer) -> list[dict[str, str]]:
    """How the model goes on from two beginnings."""
    texts = generate(
        model,
        [tokenizer.encode(prompt) for prompt in SAMPLE_PROMPTS],
        limit=60,
        decoding=Sample(temperature=0.7, top_p=0.9, seed=0),
        end=tokenizer.end,
    )
    return [
        {"prompt": prompt, "text": tokenizer.decode(ids)}
        for prompt, ids in zip(SAMPLE_PROMPTS, texts, strict=True)
    ]
