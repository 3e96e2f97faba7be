"""What explain, doctor and verify_merge say is so."""

from pathlib import Path

import numpy as np
import pytest

from minilora.data.batches import Batch
from minilora.errors import InputError
from minilora.methods import (
    Adapter,
    BitFit,
    FullFineTuning,
    HeadOnly,
    LoRA,
    Tuned,
    adapt,
    doctor,
    explain,
    verify_merge,
)

from .every import METHODS, UNMERGEABLE
from .small import batch, gpt, roberta, train


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_is_explained(kind: str) -> None:
    config = gpt().config
    lines = explain(METHODS[kind], config).splitlines()
    assert len(lines) >= 2
    assert f"{METHODS[kind].trainable(config):,} of 4,212 numbers" in lines[-1]
    assert ("cannot be merged" in " ".join(lines) or "keeps it from being merged" in " ".join(lines)) == (
        kind in UNMERGEABLE
    )


def test_scales_are_said_as_numbers() -> None:
    text = explain(LoRA(rank=4, alpha=8, ranks={"value": 2}, alphas={"blocks.0": 3}, dropout=0.1))
    for words in ("α/r = 2", "'value' names have rank 2", "'blocks.0' names have α 3", "10% of what A reads"):
        assert words in text
    assert "α/√r = 4" in explain(LoRA(rank=4, alpha=8, scaling="rslora"))
    assert "All biases" in explain(LoRA(bias="all"))
    assert "blocks 0 and 1 only" in explain(Adapter("lin", 2, layers=(1, 0)))
    assert explain([LoRA(), BitFit()]).startswith("2 methods are trained together")
    assert "head" in explain(HeadOnly())
    with pytest.raises(InputError, match="a method is a value such as"):
        explain("lora")  # type: ignore[arg-type]


def causes(tuned: Tuned, *args: object, **named: object) -> list[str]:
    return [finding.cause for finding in doctor(tuned, *args, **named)]  # type: ignore[arg-type]


def test_a_healthy_adapter_has_no_findings() -> None:
    for make in (gpt, roberta):
        tuned = adapt(make(), LoRA(rank=2))
        train(tuned)
        assert doctor(tuned, batch(tuned.model)) == []


def test_the_usual_causes_are_found() -> None:
    tuned = adapt(gpt(), LoRA(rank=2), name="a")
    found = doctor(tuned, batch(tuned.model))  # ∂A = 0 while B = 0 is no finding of its own
    assert [finding.cause for finding in found] == ["B is zero"]
    assert "computes exactly what its base does" in str(found[0])
    train(tuned)
    tuned.merge()
    assert causes(tuned) == ["merged"]
    tuned.unmerge()
    parameters = tuned.parameters
    first = next(iter(parameters.values()))
    first.trainable = False
    tuned.model.tokens.weight.trainable = True
    assert causes(tuned) == ["frozen adapter", "trainable base"]
    tuned.model.tokens.weight.trainable = False
    tuned.use("a")
    assert causes(tuned) == []
    for name, parameter in parameters.items():
        if name.endswith(".B"):
            parameter.data *= 1e-9
    assert causes(tuned) == ["tiny scale"]
    first.data[0, 0] = np.nan
    assert "not finite" in causes(tuned)
    tuned.remove("a")
    assert causes(tuned) == ["no adapter is active"]


def test_a_frozen_head_is_found() -> None:
    tuned = adapt(roberta(), LoRA(rank=2))
    train(tuned)
    tuned.model.head.freeze()
    assert causes(tuned) == ["frozen head"]


def test_a_batch_without_targets_gives_no_gradients() -> None:
    tuned = adapt(gpt(), LoRA(rank=2))
    train(tuned)
    whole = batch(tuned.model)
    empty = Batch(whole.ids, np.full_like(whole.targets, -100), whole.mask)
    (finding,) = doctor(tuned, empty)
    assert finding.text.startswith("No parameter gets a gradient")


def test_a_file_for_another_model_is_found_without_loading_it(tmp_path: Path) -> None:
    adapt(gpt(), LoRA(rank=2)).save(tmp_path / "gpt")
    tuned = adapt(gpt("one block"), LoRA(rank=2))
    train(tuned)
    (finding,) = doctor(tuned, folder=tmp_path / "gpt")
    assert finding.cause == "no matching keys"
    assert "2 of 4 layers are absent here, 2 are of another shape" in finding.text
    same = adapt(gpt(), LoRA(rank=2))
    train(same)
    assert doctor(same, folder=tmp_path / "gpt") == []
    with pytest.raises(InputError, match="no adapter in"):
        doctor(tuned, folder=tmp_path)


def test_merging_errs_by_rounding_alone() -> None:
    tuned = adapt(gpt(), LoRA(rank=2))
    train(tuned)
    before = {name: array.tobytes() for name, array in tuned.model.state().items()}
    report = verify_merge(tuned)
    assert [e.dtype for e in report.errors] == ["float64", "float32", "float16"]
    for e in report.errors:
        assert e.error <= e.expected
        assert e.layer in {f"blocks.{n}.attention.{part}" for n in (0, 1) for part in ("query", "value")}
    assert report.errors[0].error < 1e-14 < report.errors[1].error < 1e-6 < report.errors[2].error < 4e-3
    assert report.restored
    assert not tuned.merged
    assert {name: array.tobytes() for name, array in tuned.model.state().items()} == before
    assert "unmerging gives back every bit" in report.text


def test_an_update_much_larger_than_its_weight_is_marked() -> None:
    """Here it is too large for float16."""
    tuned = adapt(gpt(), LoRA(rank=1, targets=("blocks.0.attention.query",)))
    B = tuned.parameters["blocks.0.attention.query.B"]
    A = tuned.parameters["blocks.0.attention.query.A"]
    A.data = np.zeros_like(A.data)
    A.data[0, 0] = 1.0
    B.data = np.ones_like(B.data)
    tuned.model.get_module("blocks.0.attention.query").adapters["default"].scale = 1e6  # type: ignore[attr-defined]
    report = verify_merge(tuned, dtypes=("float16",))
    assert not report.errors[0].error <= report.errors[0].expected
    assert "more than rounding" in report.text


def test_what_cannot_be_verified_says_why() -> None:
    for method, words in (
        (Adapter(width=2), "nonlinearity"),
        (FullFineTuning(), "no low-rank updates"),
    ):
        with pytest.raises(InputError, match=words):
            verify_merge(adapt(gpt(), method))
    tuned = adapt(gpt(), LoRA(rank=1))
    tuned.merge()
    with pytest.raises(InputError, match="merged; unmerge it"):
        verify_merge(tuned)
    both = adapt(gpt(), [LoRA(rank=1), BitFit()])
    train(both)
    assert verify_merge(both).restored
