"""Adapters on disk: written whole, never over another by accident, and read strictly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.files import write_atomically
from minilora.methods import (
    Adapter,
    FullFineTuning,
    LoRA,
    PrefixEmbedding,
    SavedAdapter,
    Tuned,
    adapt,
    load_adapter,
    read_adapter,
)
from minilora.methods.files import CONFIGURATION, WEIGHTS, write_adapter
from minilora.models.gpt import GPT, GPTConfig
from minilora.tensors import save_tensors

from .small import batch, bytes_of, gpt, train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tuned = adapt(gpt(), LoRA(rank=2), name="sql")
    train(tuned)
    tuned.save(tmp_path / "sql")
    return tmp_path / "sql"


def refused(folder: Path, words: str, model: GPT | None = None) -> None:
    """Loading raises InputError with these words and leaves the model as it was."""
    model = gpt() if model is None else model
    before, printed = bytes_of(model), repr(model)
    with pytest.raises(InputError) as caught:
        load_adapter(model, folder)
    assert words in str(caught.value)
    assert (bytes_of(model), repr(model)) == (before, printed)
    assert all(parameter.trainable for parameter in model.parameters())


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    saved = read_adapter(folder)
    arrays = dict(saved.arrays)
    change(arrays)
    write_adapter(folder, SavedAdapter(saved.name, saved.method, arrays, saved.base_shapes), force=True)


def test_an_adapter_joins_others(folder: Path) -> None:
    alone = load_adapter(gpt(), folder)
    tuned = adapt(gpt(), Adapter(width=2), name="mine")
    assert tuned.load(folder, name="theirs") == "theirs"
    assert tuned.active == "mine"
    tuned.use("theirs")
    ids = batch(tuned.model).ids
    np.testing.assert_array_equal(tuned.logits(ids), alone.logits(ids))
    assert load_adapter(gpt(), folder, name="renamed").active == "renamed"


def test_loaded_weights_are_copies_of_the_models_dtype(folder: Path) -> None:
    tuned = load_adapter(gpt(dtype=np.float32), folder)
    assert {parameter.dtype for parameter in tuned.parameters.values()} == {np.dtype(np.float32)}
    train(tuned, 1)


def test_a_folder_is_not_overwritten_by_accident(folder: Path) -> None:
    before = [(folder / name).read_bytes() for name in (WEIGHTS, CONFIGURATION)]
    tuned = adapt(gpt(), LoRA(rank=3))
    with pytest.raises(InputError, match="already holds an adapter"):
        tuned.save(folder)
    assert [(folder / name).read_bytes() for name in (WEIGHTS, CONFIGURATION)] == before
    tuned.save(folder, force=True)
    assert load_adapter(gpt(), folder).methods == {"default": LoRA(rank=3)}
    assert sorted(path.name for path in folder.iterdir()) == [CONFIGURATION, WEIGHTS]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "not a folder")
    with pytest.raises(InputError, match="cannot create the folder"):
        adapt(gpt(), LoRA(rank=1)).save(tmp_path / "file" / "adapter")


def test_no_adapter_there(tmp_path: Path) -> None:
    refused(tmp_path, "it has no adapter.json")
    refused(tmp_path / "absent", "no adapter in")


def test_weights_that_are_absent_or_truncated(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    for length in (0, 7, 100, len(content) - 1):
        (folder / WEIGHTS).write_bytes(content[:length])
        refused(folder, "truncated, corrupted or not a safetensors file")
    (folder / WEIGHTS).unlink()
    refused(folder, "no file")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON that can be read"),
        ("\udcff", "byte 0 is not UTF-8"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[]", "holds a list, not fields with names"),
        ('{"format": 1, "format": 2}', "'format' comes twice"),
        ({"format": 7}, "has format 7, and this program reads formats 1 and 2"),
        ({"name": 3}, "'name' is missing or of the wrong type"),
        ({"base_shapes": {"a": 4}}, "the shape of a is 4, not a list"),
        ({"base_shapes": {"a": ["4"]}}, "the shape of a is ['4'], not a list of whole numbers"),
        (
            {"fields": {"rank": 2}},
            "its fields are ['alpha', 'alphas', 'bias', 'dropout', 'rank', 'ranks', 'scaling', 'targets']",
        ),
    ],
)
def test_a_configuration_that_is_none(folder: Path, text: str | dict[str, Any], words: str) -> None:
    path = folder / CONFIGURATION
    if isinstance(text, dict):
        text = json.dumps(json.loads(path.read_text()) | text)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(folder, words)


def test_an_unknown_method_or_a_bad_field(folder: Path) -> None:
    path = folder / CONFIGURATION
    stored = json.loads(path.read_text())
    for change, words in (
        (
            {"method": "lorra"},
            "names the method 'lorra'; known are full, top-layers, bitfit, head, lora, adapter, prefix-embedding, prefix-layer, composition; did you mean 'lora'",
        ),
        ({"fields": stored["fields"] | {"rank": 0}}, "rank must be a whole number"),
        ({"fields": stored["fields"] | {"rank": "two"}}, "rank must be a whole number"),
        ({"fields": stored["fields"] | {"targets": None}}, "targets must be names of layers"),
    ):
        path.write_text(json.dumps(stored | change))
        refused(folder, words)


def test_two_files_that_do_not_belong_together(folder: Path) -> None:
    """As after an overwriting that was killed between the two files: the scale of one adapter, the weights of another."""
    adapt(gpt(), LoRA(rank=2, alpha=3)).save(folder.parent / "other")
    (folder / CONFIGURATION).write_bytes((folder.parent / "other" / CONFIGURATION).read_bytes())
    refused(folder, "do not belong together")


def test_another_base_is_recognised_by_its_shapes(folder: Path) -> None:
    refused(
        folder,
        "blocks.0.attention.query.weight is (12, 12) there, and (16, 16) in this model",
        gpt("one block"),
    )
    shallow = GPT(GPTConfig(23, 12, 12, 1, 3), np.random.default_rng(0), np.float64)
    refused(
        folder,
        "blocks.1.attention.query.weight is (12, 12) there, and this model has no such weight",
        shallow,
    )
    deep = GPT(GPTConfig(23, 12, 12, 3, 3), np.random.default_rng(0), np.float64)
    refused(folder, "its layers and this model's differ by blocks.2.attention.query.weight", deep)


def test_full_fine_tuning_of_another_vocabulary(tmp_path: Path) -> None:
    adapt(gpt(), FullFineTuning()).save(tmp_path / "full")
    other = GPT(GPTConfig(24, 12, 12, 2, 3), np.random.default_rng(0), np.float64)
    refused(tmp_path / "full", "tokens.weight is (23, 12) there, and (24, 12) in this model", other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("blocks.0.attention.query.A"), "blocks.0.attention.query.A is missing"),
        (lambda arrays: arrays.update({"more": np.zeros(2)}), "more is unexpected"),
        (
            lambda arrays: arrays.update({"blocks.1.attention.value.B": np.zeros((12, 3))}),
            "blocks.1.attention.value.B is (12, 3), not (12, 2)",
        ),
        (dict.clear, "blocks.1.attention.value.B is missing"),
    ],
)
def test_weights_that_are_missing_unexpected_or_of_another_shape(
    folder: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    rewrite(folder, change)
    refused(folder, words)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(folder: Path, value: float) -> None:
    def spoil(arrays: dict[str, Any]) -> None:
        arrays["blocks.1.attention.value.B"][0, 0] = value

    rewrite(folder, spoil)
    refused(folder, "blocks.1.attention.value.B holds NaN or infinity")


def test_files_of_the_first_format_are_still_read(folder: Path) -> None:
    """They have neither a fingerprint nor the fields that came later."""
    saved = read_adapter(folder)
    configuration = json.loads((folder / CONFIGURATION).read_text())
    del configuration["base_fingerprint"]
    old = configuration | {
        "format": 1,
        "fields": {key: configuration["fields"][key] for key in ("rank", "alpha", "targets", "dropout")},
    }
    save_tensors(folder / WEIGHTS, dict(saved.arrays), {"format": "minilora", "adapter": json.dumps(old)})
    (folder / CONFIGURATION).write_text(json.dumps(old))
    assert load_adapter(gpt(), folder).methods == {"sql": LoRA(rank=2)}
    del old["fields"]["alpha"]  # but what was there from the beginning must be there
    (folder / CONFIGURATION).write_text(json.dumps(old))
    refused(folder, "describes LoRA by")


def test_another_base_of_the_same_shapes_is_refused_unless_it_is_asked_for(folder: Path) -> None:
    other = gpt()
    other.blocks[1].mlp.up.weight.data *= 1.001
    refused(folder, "this model's weights have the same shapes but other values", other)
    assert load_adapter(other, folder, other_base=True).active == "sql"
    assert load_adapter(gpt().astype(np.float32), folder).active == "sql"  # rounding is no other base


def test_a_fingerprint_does_not_depend_on_what_is_installed_active_or_merged(tmp_path: Path) -> None:
    tuned = adapt(gpt(), FullFineTuning(), name="all")
    train(tuned)
    tuned.add("sql", LoRA(rank=1))
    tuned.save(tmp_path / "all")
    tuned.use("sql")
    train(tuned)
    tuned.merge()
    tuned.save(tmp_path / "sql")
    assert len({read_adapter(tmp_path / name).base_fingerprint for name in ("all", "sql")}) == 1


def test_a_composition_that_is_damaged_is_refused(tmp_path: Path) -> None:
    adapt(gpt(), [LoRA(rank=1), PrefixEmbedding(1)]).save(tmp_path)
    path = tmp_path / CONFIGURATION
    stored = json.loads(path.read_text())
    for fields, words in (
        ({}, "describes a composition without a list of its methods"),
        ({"methods": [3]}, "describes a composition without a list of its methods"),
        ({"methods": [{"method": "lora"}]}, "does not describe a method by its name and its fields"),
        ({"methods": stored["fields"]["methods"][:1]}, "a composition needs at least two methods"),
        ({"methods": [{"method": "lorra", "fields": {}}] * 2}, "names the method 'lorra'"),
    ):
        path.write_text(json.dumps(stored | {"fields": fields}))
        refused(tmp_path, words)


def test_one_adapter_that_was_read_may_be_installed_twice(folder: Path) -> None:
    """Training changes arrays in place, so each has its own."""
    saved = read_adapter(folder)
    tuned = Tuned(gpt())
    for name in ("one", "other"):
        tuned.install(saved, name=name)
    for key, array in tuned.arrays("one").items():
        array += 1
        assert not np.shares_memory(array, tuned.arrays("other")[key])
        np.testing.assert_array_equal(tuned.arrays("other")[key], saved.arrays[key])
