"""The card of a pretrained model: what it learned from, how, and what was measured, in one page beside the weights.

Comes after ``pretrain``, which measures; written from its record alone, so that a card cannot say what was not.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_atomically

RECORD, CARD, PICTURE = "pretraining.json", "README.md", "loss.svg"


@dataclass(frozen=True)
class Words:
    """What a card says of an objective. kind: of model; purpose, measures: sentences."""

    kind: str
    purpose: str
    measures: tuple[str, str]


WORDS = {
    "next token": Words(
        kind="decoder",
        purpose="It is a base to adapt, not a model to talk to: small enough to train on a laptop, and able to copy names it has never seen.",
        measures=(
            "Perplexity is a token's, on the first pages of the book left out and on generated documents of an unused seed. Copying accuracy is the share of tokens predicted rightly",
            "(the likeliest one) where a name that stood earlier in the text must follow.",
        ),
    ),
    "masked tokens": Words(
        kind="encoder",
        purpose="It is a base to adapt to the classification of texts: small enough to train on a laptop, and pretrained, by guessing the 15% of tokens that were hidden from it, on far less text than any published encoder.",
        measures=(
            "Perplexity is a hidden token's, on the first pages of the book left out and on generated documents of an unused seed. Accuracy is the share of hidden tokens predicted",
            "rightly (the likeliest one). Perplexities of decoders and of encoders are of different things.",
        ),
    ),
}
"""By the objective's name in the record."""

STARTS = {
    "induction": "weights that hold a copying circuit (see minilora/models/induction.py)",
    "neighbours": "weights whose first block looks at neighbours (see minilora/models/neighbours.py)",
    "random": "random weights",
}
"""What a card says of a start."""


def write_card(folder: str | Path) -> Path:
    """Write ``README.md`` and ``loss.svg`` into a model folder that holds ``pretraining.json``; return the card's path."""
    folder = Path(folder)
    record = json.loads((folder / RECORD).read_text())
    write_atomically(folder / PICTURE, loss_curve(record))
    write_atomically(folder / CARD, card(record))
    return folder / CARD


def card(record: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    settings, corpus, mixture = record["settings"], record["corpus"], record["mixture"]
    books = 1 - mixture["repeats"] - mixture["formatted"]
    measured, words = record["measured"], WORDS[record.get("objective", "next token")]
    repeats = (
        f"{mixture['repeats']:.0%} random strings that repeat (the loss counts the repeats only), "
        if mixture["repeats"]
        else ""
    )
    columns = list(next(iter(measured.values())))
    lines = [
        f"# {settings['size']}",
        "",
        f"{'An' if words.kind[0] in 'aeiou' else 'A'} {words.kind} of {record.get('architecture', 'GPT-2')}'s architecture with {record['parameters']:,} parameters, stored as float16 in the layout that transformers reads.",
        words.purpose,
        "",
        "## How it was made",
        "",
        f"    {record['command']}",
        "",
        f"- Corpus: `{corpus['file']}`, {corpus['books']} public-domain books, {corpus['tokens']:,} tokens; one more book, which begins “{' '.join(corpus['held out'].split())}”, was left out to measure perplexity.",
        f"- Mixture, by rows: {repeats}{mixture['formatted']:.0%} generated documents "
        f"(lists of attributes, records retold, tables, SQL statements without questions, dialogues, numbers), {books:.0%} books. No example of any task is among them.",
        f"- Start: {STARTS[settings['start']]}; seed {settings['seed']}.",
        f"- Training: {record['tokens seen']:,} tokens in {record['seconds'] / 60:.0f} minutes on {settings['workers']} worker{'s' * (settings['workers'] > 1)}: {settings['steps']} steps of {settings['rows']} rows × {settings['length']} tokens "
        f"with AdamW at {settings['learning_rate']:g} (warm-up {settings['warmup']}), then {settings['final_steps']} steps with rows as long as the context while the rate falls to 0.",
        f"- Tokenizer: byte-level BPE of {record['vocabulary']} tokens, trained on the books and generated documents.",
        "",
        "## What was measured",
        "",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
        *(
            f"| {when} | {' | '.join(f'{value:.4g}' for value in values.values())} |"
            for when, values in measured.items()
        ),
        "",
        *words.measures,
        "",
        "![Training loss against tokens seen](loss.svg)",
        "",
        "## A sample",
        "",
        *(
            line
            for sample in record["samples"]
            for line in (f"> {sample['prompt']}**{sample['text']}**".replace("\n", "\n> "), "")
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def loss_curve(record: Mapping[str, Any]) -> str:
    """The training loss against tokens seen, smoothed over 20 steps, as an SVG that looks the same every time."""
    import matplotlib as mpl  # only who draws pays for it
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    loss = np.array(record["loss"])
    settings = record["settings"]
    tokens = np.arange(1, len(loss) + 1) * settings["rows"] * settings["length"] / 1e6
    window = min(20, len(loss))
    smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
    with mpl.rc_context({"svg.hashsalt": "minilora", "svg.fonttype": "path"}):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.plot(tokens, loss, color="#b9c6d8", linewidth=0.6, label="each step")
        axes.plot(tokens[window - 1 :], smooth, color="#1f4e8c", linewidth=1.6, label=f"mean of {window}")
        axes.axvline(
            settings["steps"] * settings["rows"] * settings["length"] / 1e6,
            color="#999999",
            linestyle=":",
            linewidth=1,
        )
        axes.set(xlabel="million tokens seen", ylabel="loss (nats a token)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
