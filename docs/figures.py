"""Figures that move: each is an empty drawing, its numbers as JSON and a small script, all written into the page while the site is built.

mkdocs calls ``on_page_content`` with each page's HTML. The scripts lie in ``docs/scripts/``; nothing is loaded, so a figure also moves when its page is opened from a disk. The
numbers are those of the shipped model: its update by full fine-tuning for some steps, and its gradient. They are kept in ``build/figures/`` until the package or this file changes.
"""

import hashlib
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from minilora import FullFineTuning, Training, adapt, fit, load
from minilora.data.batches import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.compare.measures import full_gradients

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "docs" / "scripts"
KEPT = ROOT / "build" / "figures"

PLACE, STEPS, RATE, SHOWN, RANKS = "blocks.3.attention.value", 20, 4e-4, 28, 64


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put each figure where the page asks for it."""
    for name, (title, numbers) in FIGURES.items():
        marker = f"<!-- figure: {name} -->"
        html = html.replace(marker, figure(name, title, numbers())) if marker in html else html
    return html


def figure(name: str, title: str, numbers: dict[str, Any]) -> str:
    """A drawing to be filled by its script. title: said to those who cannot see it."""
    script = "\n".join((SCRIPTS / f"{part}.js").read_text(encoding="utf-8") for part in ("common", name))
    data = json.dumps(numbers, separators=(",", ":"))
    return (
        f'<figure class="plot moving" id="figure-{name}" data-title="{escape(title, quote=True)}">\n'
        f"<noscript>This figure moves with a script, which this browser does not run.</noscript>\n"
        f'<script type="application/json">{data}</script>\n</figure>\n'
        f"<script>(function () {{\n{script}}})();</script>"
    )


def update() -> dict[str, Any]:
    """Singular values of a real ΔW, and the part of its singular vectors that a corner of it needs."""
    dW, _ = measured()
    U, sigma, Vt = np.linalg.svd(dW.astype(np.float64))
    return {
        "sigma": [float(f"{s:.5g}") for s in sigma],
        "U": rounded(U[:SHOWN, :RANKS]),
        "V": rounded(Vt[:RANKS, :SHOWN].T),
        "corner": rounded(dW[:SHOWN, :SHOWN] / np.abs(dW[:SHOWN, :SHOWN]).max()),
        "largest": float(np.abs(dW[:SHOWN, :SHOWN]).max()),
        "shape": dW.shape,
    }


def first_steps() -> dict[str, Any]:
    """‖G Aᵀ‖² / ‖G‖², the share of full fine-tuning's first step that LoRA's has with s = 1, for a real G: its mean over 20 starts of A at each rank."""
    _, G = measured()
    rng, inputs = np.random.default_rng(0), G.shape[1]
    ranks = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    shares = []
    for rank in ranks:
        starts = rng.uniform(-1, 1, (20, rank, inputs)) / np.sqrt(inputs)
        shares.append(float(np.mean([(np.linalg.norm(G @ A.T) / np.linalg.norm(G)) ** 2 for A in starts])))
    return {"inputs": inputs, "ranks": ranks, "shares": shares}


def layer() -> dict[str, Any]:
    """A linear layer small enough to look at: W₀ and 20 inputs and targets."""
    rng = np.random.default_rng(0)
    W, X = rng.standard_normal((6, 5)) / 2, rng.standard_normal((5, 20))
    return {"W": rounded(W), "X": rounded(X), "Y": rounded(rng.standard_normal((6, 5)) @ X)}


FIGURES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "rank": (
        "Singular values of a real weight update, and the update rebuilt from the largest of them",
        update,
    ),
    "scale": ("The first step of LoRA as a share of full fine-tuning's, over the rank", first_steps),
    "identities": ("The steps of full fine-tuning and of LoRA on one layer, side by side", layer),
}


def rounded(array: np.ndarray) -> list[list[float]]:
    """Four decimals, which is more than a screen shows."""
    return [[round(float(value), 4) for value in row] for row in array]


def measured() -> tuple[np.ndarray, np.ndarray]:
    """ΔW of the layer at ``PLACE`` after full fine-tuning on NL2SQL, and G of the same layer before it."""
    digest = hashlib.sha256()
    for path in [Path(__file__), *sorted((ROOT / "minilora").rglob("*"))]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    kept = KEPT / f"measured-{digest.hexdigest()[:16]}.npz"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        for older in KEPT.glob("measured-*.npz"):
            older.unlink()
        dW, G = measure()
        np.savez(kept, dW=dW, G=G)
    with np.load(kept) as arrays:
        return arrays["dW"], arrays["G"]


def measure() -> tuple[np.ndarray, np.ndarray]:
    """Train and subtract."""
    model = load("tiny-gpt")
    task = load_task("nl2sql", seed=0)
    loader = ExampleLoader(task.train, model.tokenizer, rows=4, context=model.config.context, seed=0)
    tuned = adapt(model, FullFineTuning())
    G = full_gradients(tuned, [PLACE], loader.batch(0))[PLACE]
    before = tuned.parameters[f"{PLACE}.weight"].data.copy()
    fit(tuned.model, loader.batch, Training(steps=STEPS, learning_rate=RATE, warmup=10), progress=False)
    return tuned.parameters[f"{PLACE}.weight"].data - before, G
