"""Checkpoints of the paper's own code."""

from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import LoRA, describe, load_adapter, load_loralib
from minilora.models.bert import BertConfig
from minilora.models.build import build

from ...models.torch_zip import write_torch
from ..small import gpt
from .test_encoders import D, classifier, head, pair


def stored(rank: int = 2) -> dict[str, np.ndarray]:
    """Updates of query and value by loralib's names, and the classifier's head."""
    tensors = {}
    for i in range(2):
        for part in ("query", "value"):
            for name, array in pair(f"roberta.encoder.layer.{i}.attention.self.{part}", D, D, rank).items():
                tensors[name.removesuffix(".weight")] = array
    return tensors | head("roberta")


def test_updates_and_head(tmp_path: Path) -> None:
    write_torch(tmp_path / "mnli.bin", stored())
    tuned = load_loralib(classifier("roberta"), tmp_path / "mnli.bin", alpha=16, name="mnli")
    assert tuned.active == "mnli"
    assert tuned.methods["mnli"] == LoRA(rank=2, alpha=16, targets=("query", "value"))
    arrays = tuned.arrays("mnli")
    np.testing.assert_array_equal(
        arrays["blocks.1.attention.value.B"], stored()["roberta.encoder.layer.1.attention.self.value.lora_B"]
    )
    np.testing.assert_array_equal(arrays["head.dense.weight"], stored()["classifier.dense.weight"])
    tuned.save(tmp_path / "peft", format="peft")
    again = load_adapter(classifier("roberta"), tmp_path / "peft")
    ids = np.arange(9)[None] + 2
    np.testing.assert_array_equal(again.model.logits(ids), tuned.model.logits(ids))


def test_stacked_updates_of_gpt2(tmp_path: Path) -> None:
    """``MergedLinear`` stacks what it adapts: A: [2r, d], B: [2d, r] for query and value."""
    rng = np.random.default_rng(3)
    tensors, expected = {}, {}
    for i in range(2):
        A, B = (
            rng.standard_normal((4, 12)).astype(np.float32),
            rng.standard_normal((24, 2)).astype(np.float32),
        )
        tensors |= {f"transformer.h.{i}.attn.c_attn.lora_A": A, f"transformer.h.{i}.attn.c_attn.lora_B": B}
        expected |= {
            f"blocks.{i}.attention.query": 4 * B[:12] @ A[:2],
            f"blocks.{i}.attention.value": 4 * B[12:] @ A[2:],
        }
    write_torch(tmp_path / "e2e.pt", tensors)
    tuned = load_loralib(gpt(), tmp_path / "e2e.pt", alpha=8)
    assert tuned.methods["default"] == LoRA(rank=2, alpha=8, targets=("query", "value"))
    before = {name: array.copy() for name, array in gpt().state().items()}
    after = tuned.fuse().state()
    for name in after:
        change = expected.get(name.removesuffix(".weight"), 0) if name.endswith(".weight") else 0
        np.testing.assert_allclose(after[name] - before[name], change, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "alpha", "words"),
    [
        ({}, 0, "alpha must be a number above 0, not 0"),
        ({"roberta.encoder.layer.2.attention.self.query.lora_A": np.ones((2, D))}, 1, "adapts roberta.encoder.layer.2.attention.self.query, and this model has no such layer; did you mean"),
        ({"roberta.encoder.layer.1.attention.self.query.lora_A": None}, 1, "needs a matrix lora_A and a matrix lora_B"),
        ({"roberta.encoder.layer.1.attention.self.query.lora_A": np.ones((2, D + 1))}, 1, "was made for another base"),
        ({"roberta.encoder.layer.1.attention.self.query.lora_B": np.full((D, 2), np.nan)}, 1, "holds NaN or infinity"),
        ({"roberta.encoder.layer.1.attention.self.query.lora_A": np.ones((3, D))}, 1, "has lora_A (3, 12) and lora_B (12, 2)"),
        ({"something": np.ones(2)}, 1, "holds something, which this model lacks"),
    ],
)  # fmt: skip
def test_what_does_not_fit(
    tmp_path: Path, change: dict[str, np.ndarray | None], alpha: float, words: str
) -> None:
    write_torch(
        tmp_path / "a.bin", {name: array for name, array in (stored() | change).items() if array is not None}
    )
    model = classifier("roberta")
    printed = repr(model)
    with pytest.raises(InputError) as caught:
        load_loralib(model, tmp_path / "a.bin", alpha=alpha)
    assert words in str(caught.value)
    assert repr(model) == printed


def test_the_published_checkpoint(shared_data: Path) -> None:
    """RoBERTa-base's own size but few words: 24 updates of rank 8, and a head of three classes, 887,811 numbers in all."""
    config = BertConfig(
        vocabulary=30, context=512, width=768, layers=12, heads=12, types=1, epsilon=1e-5, padding=1
    )
    model = build(config, np.random.default_rng(0)).set_classifier(3, np.random.default_rng(0))
    path = shared_data / "roberta_base_lora_mnli" / "roberta_base_lora_mnli.bin"
    tuned = load_loralib(model, path, alpha=16, name="mnli")
    assert tuned.methods["mnli"] == LoRA(rank=8, alpha=16, targets=("query", "value"))
    assert sum(array.size for array in tuned.arrays("mnli").values()) == tuned.trainable == 887_811
    rows = [row for row in describe(tuned) if row.rank is not None]
    assert len(rows) == 24
    assert all(row.acts and row.scale == 2 for row in rows)
    answers = tuned.model.logits(np.arange(2, 20)[None])
    assert answers.shape == (1, 3)
    assert np.isfinite(answers).all()
