"""Pretraining on the double of CuPy: the same losses as on the host, and a model folder of the same weights."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from minilora.train.pretrain import Pretraining, pretrain


@pytest.mark.slow
@pytest.mark.usefixtures("on_double")
def test_pretraining_on_the_device_is_that_on_the_host(tmp_path):
    rng = np.random.default_rng(0)
    words = ["the", "old", "captain", "of", "a", "small", "ship", "went", "home", "and", "sang"]
    corpus = tmp_path / "books.txt"
    corpus.write_text(
        "<|endoftext|>".join(" ".join(rng.choice(words, 2000)) + f" end {i}." for i in range(3))
    )
    records, weights = [], []
    for device in ("cpu", "cuda"):
        settings = Pretraining(rows=8, length=64, steps=2, final_steps=1, warmup=1, device=device)
        records.append(pretrain(corpus, tmp_path / device, settings, progress=False))
        weights.append(load_file(tmp_path / device / "model" / "model.safetensors"))
    assert records[1]["loss"] == pytest.approx(records[0]["loss"], abs=2e-4)
    assert records[1]["measured"].keys() == records[0]["measured"].keys()
    assert weights[1].keys() == weights[0].keys()
    for name, array in weights[0].items():
        # a step of AdamW moves a number by about the rate, 6e-4, whatever its gradient: where that is nearly zero, another order of sums may turn it round
        moved = np.abs(weights[1][name].astype(np.float32) - array.astype(np.float32)) > 2e-4
        assert moved.mean() < 0.01, name
