"""Pretraining: from a folder of books to a small model that can be adapted.

Comes after the loop. The model learns from the mixture of ``data.mixture`` in two stages: short rows at a constant learning rate, which is where most tokens go since
short rows are cheap; then rows as long as the context, while the learning rate falls to zero, so that every position has been trained.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from ..backend.devices import check_device, use_device
from ..data import (
    END,
    Batch,
    Mixture,
    Tokenizer,
    corpus_tokens,
    split_corpus,
    text_windows,
    tokenizer_texts,
)
from ..errors import InputError, nearest
from ..files import write_atomically
from ..models.checkpoint import save
from ..models.layouts import layout_of
from ..models.sizes import size
from .card import RECORD, write_card
from .evaluate import evaluate_loss
from .log import History
from .loop import fit
from .objectives import Objective, objective_of
from .recipe import READINGS
from .runs import CONFIG, begin_folder, check_same, refuse_existing
from .settings import Training, require
from .unseen import as_asked, unseen_generated

OUTPUTS = (CONFIG, "tokenizer.json", "short-rows", "full-context", "model")
"""What a run writes into its folder; it refuses a folder that holds one."""


@dataclass(frozen=True)
class Pretraining:
    """The settings of a pretraining run; the defaults are those of the shipped ``tiny-gpt``. What is learned follows from the size (``objectives.py``).

    Attributes:
        size: a name of ``models.sizes``.
        start: ``"induction"`` (a decoder's default: weights that hold a copying circuit already, see ``models.induction``), ``"neighbours"`` (RoBERTa's: heads that look at the tokens beside, see ``models.neighbours``) or ``"random"`` (for all).
        rows, length: of a batch in the first stage; the second has the same number of tokens in rows as long as the context.
        steps, final_steps: of the first and the second stage.
        learning_rate: η of the first stage, reached after ``warmup`` steps; it falls linearly to 0 in the second.
        weight_decay: decoupled, on matrices only.
        seed: of the weights, the mixture and the tokenizer's text.
        workers: shards of a batch, computed side by side.
        device: ``"cpu"`` or ``"cuda"``, where the model computes; it may differ on resume.
    """

    size: str = "tiny-gpt"
    start: str | None = None
    rows: int = 16
    length: int = 256
    steps: int = 2400
    final_steps: int = 500
    learning_rate: float = 6e-4
    warmup: int = 200
    weight_decay: float = 0.01
    seed: int = 0
    workers: int = 2
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_device(self.device)
        context, starts = size(self.size).context, self.objective.starts
        if self.start is None:
            object.__setattr__(self, "start", starts[0])  # a frozen value is completed once, here
        elif self.start not in starts:
            raise InputError(
                f"start of {self.size} must be {' or '.join(starts)}, not {self.start!r}{nearest(self.start, starts)}"
            )
        if not 1 <= self.length <= context:
            raise InputError(
                f"length must lie in 1 … {context}, the context of {self.size}, not {self.length}"
            )
        if self.rows * self.length < context:
            raise InputError(
                f"rows × length is {self.rows * self.length}, less than one row of the context, {context}"
            )
        require("final_steps", self.final_steps, self.final_steps >= 1, "at least 1")
        self.stage(final=False)
        self.stage(final=True)

    @property
    def objective(self) -> Objective:
        """What a model of this size is pretrained to do."""
        return objective_of(size(self.size))

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
            log_every=READINGS[self.device],
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

    Returns what was measured, which is written to ``out/model/pretraining.json`` too, with a card beside it: settings, loss curves, and what the objective measures after each stage. A run
    that was stopped goes on with ``resume=True``, to the same digits and under the same settings but for the device; ``overwrite=True`` begins anew where ``out`` holds one. Raises
    InputError for a corpus that cannot be read, a device that cannot be used, and a folder that holds a run when neither is given; nothing is written then.
    """
    out, objective = Path(out), settings.objective
    refuse_existing(out, OUTPUTS, resume=resume, force=overwrite)
    if resume:
        check_same(out, settings, "pretrain", free=("device",))
    use_device(settings.device)
    books, held_out_book = split_corpus(corpus)
    begin_folder(out, OUTPUTS, "pretrain", settings, resume=resume, force=overwrite)
    tokenizer = _tokenizer(out / "tokenizer.json", books, settings, reuse=resume)
    tokens = corpus_tokens(books, tokenizer)
    mixture = Mixture(
        tokenizer,
        tokens,
        seed=settings.seed,
        rows=settings.rows,
        length=settings.length,
        shares=objective.shares,
    )
    unseen = _held_out(tokenizer, held_out_book, settings)

    config = size(settings.size)
    model = objective.model(config, settings.start or "", np.random.default_rng(settings.seed))
    model.tokenizer = tokenizer
    model.to(settings.device)
    identity = {name: value for name, value in asdict(settings).items() if name != "device"}
    long_rows = settings.rows * settings.length // config.context

    def short(step: int) -> Batch:
        return objective.batch(mixture.batch(step), tokenizer, [settings.seed, step])

    def long(step: int) -> Batch:
        number = settings.steps + step
        batch = mixture.batch(number, rows=long_rows, length=config.context)
        return objective.batch(batch, tokenizer, [settings.seed, number])

    batches = {False: short, True: long}
    measured = {"at the start": objective.measure(model, unseen, tokenizer)}
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
                identity={"corpus tokens": len(tokens), "stage": name, **identity},
                progress=progress,
                title=name,
            )
        )
        measured[f"after {name}"] = objective.measure(model, unseen, tokenizer)
    record: dict[str, object] = {
        "command": _command(settings, corpus),
        "settings": asdict(settings),
        "objective": objective.name,
        "architecture": layout_of(config).architecture,
        "vocabulary": tokenizer.vocabulary,
        "parameters": model.count_parameters(),
        "corpus": {
            "file": Path(corpus).name,
            "books": len(books),
            "tokens": len(tokens),
            "held out": held_out_book[:60],
        },
        "mixture": asdict(objective.shares),
        "tokens seen": sum(record.tokens for history in histories for record in history.records),
        "seconds": round(sum(history.seconds for history in histories)),
        "measured": measured,
        "samples": objective.samples(model, tokenizer),
        "loss": [round(loss, 4) for history in histories for loss in history.losses],
    }
    save(model, out / "model", dtype="float16", force=True)
    write_atomically(out / "model" / RECORD, json.dumps(record, indent=1) + "\n")
    write_card(out / "model")
    return record


def _command(settings: Pretraining, corpus: str | Path) -> str:
    """The command that repeats this run: what differs from the defaults of the size is spelt out."""
    usual = Pretraining(size=settings.size)
    changed = [
        f"--{field.name.replace('_', '-')} {getattr(settings, field.name)}"
        for field in fields(settings)
        if getattr(settings, field.name) != getattr(usual, field.name)
        or (field.name == "size" and settings.size != field.default)
    ]
    return " ".join(["minilora pretrain", Path(corpus).name, "--out", "OUT", *changed])


def _tokenizer(path: Path, books: list[str], settings: Pretraining, reuse: bool) -> Tokenizer:
    """The tokenizer of a run that is taken up again, or a new one."""
    if reuse and path.exists():
        return Tokenizer.load(path)
    vocabulary = size(settings.size).vocabulary
    texts = tokenizer_texts(books, seed=settings.seed)
    tokenizer = Tokenizer.train(texts, vocabulary=vocabulary, special=settings.objective.special)
    tokenizer.save(path)
    return tokenizer


def _held_out(tokenizer: Tokenizer, book: str, settings: Pretraining) -> dict[str, list[Batch]]:
    """What perplexity is measured on: the beginning of the book left out, and generated text of a seed that training does not use."""
    tokens = corpus_tokens(book.split(END), tokenizer)
    pages = list(text_windows(tokens, rows=32, length=settings.length))[:2]
    return {
        "book": as_asked(pages, tokenizer, settings.objective),
        "formatted": unseen_generated(tokenizer, tokens, settings.length, settings.objective),
    }
