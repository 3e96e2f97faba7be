"""PEFT folders of BERT, RoBERTa and DeBERTa: their names, their heads, and biases where an architecture has odd ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import LoRA, Tuned, adapt, load_adapter
from minilora.models.base import Model
from minilora.models.bert import BertConfig
from minilora.models.build import build
from minilora.models.deberta_config import DebertaConfig
from minilora.models.gpt import GPTConfig
from minilora.tensors import load_tensors

from .folder import pair, write_folder

D, LABELS = 12, 3
CONFIGS = {
    "gpt2": GPTConfig(vocabulary=23, context=12, width=D, layers=2, heads=3),
    "bert": BertConfig(vocabulary=23, context=12, width=D, layers=2, heads=3),
    "roberta": BertConfig(vocabulary=23, context=12, width=D, layers=2, heads=3, types=1, padding=1),
    "deberta-v2": DebertaConfig(vocabulary=23, context=12, width=D, layers=2, heads=3, buckets=4, share_keys=True, normalised=True, absolute=False),
    "deberta": DebertaConfig(vocabulary=23, context=12, width=D, layers=2, heads=3, key_bias=False),
}  # fmt: skip
QUERY = {
    "bert": "bert.encoder.layer.{i}.attention.self.query",
    "roberta": "roberta.encoder.layer.{i}.attention.self.query",
    "deberta-v2": "deberta.encoder.layer.{i}.attention.self.query_proj",
}
HEADS = {
    "gpt2": {"score.weight": (LABELS, D)},
    "bert": {"bert.pooler.dense.weight": (D, D), "bert.pooler.dense.bias": (D,), "classifier.weight": (LABELS, D), "classifier.bias": (LABELS,)},
    "roberta": {"classifier.dense.weight": (D, D), "classifier.dense.bias": (D,), "classifier.out_proj.weight": (LABELS, D), "classifier.out_proj.bias": (LABELS,)},
    "deberta-v2": {"pooler.dense.weight": (D, D), "pooler.dense.bias": (D,), "classifier.weight": (LABELS, D), "classifier.bias": (LABELS,)},
}  # fmt: skip
HEADS["deberta"] = HEADS["deberta-v2"]


def classifier(kind: str, labels: int = LABELS, seed: int = 0) -> Model:
    """A small model with random weights, also biases and norms, and a classifier's head."""
    rng = np.random.default_rng(seed)
    model = build(CONFIGS[kind], rng).set_classifier(labels, rng)
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.1 * rng.standard_normal(parameter.shape, dtype=np.float32)
    return model


def moved(model: Model, method: LoRA) -> Tuned:
    """An adapter whose every number is random, as after some training."""
    tuned = adapt(model, method)
    rng = np.random.default_rng(7)
    for parameter in tuned.parameters.values():
        parameter.data = parameter.data + 0.3 * rng.standard_normal(parameter.shape, dtype=np.float32)
    return tuned


def answers(tuned: Tuned) -> np.ndarray:
    return tuned.model.logits(np.random.default_rng(1).integers(2, 23, (3, 9)))


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize(
    "method",
    [
        LoRA(rank=2),
        LoRA(rank=2, targets=("all-linear",), ranks={"value": 3}, alphas={"blocks.1": 5}, scaling="rslora"),
        LoRA(rank=2, targets=("query", "mlp.down"), bias="own"),
        LoRA(rank=2, targets=("value",), bias="all"),
    ],
    ids=str,
)
def test_there_and_back(kind: str, method: LoRA, tmp_path: Path) -> None:
    tuned = moved(classifier(kind), method)
    expected = answers(tuned)
    tuned.save(tmp_path / "a", format="peft")
    back = load_adapter(classifier(kind), tmp_path / "a")
    np.testing.assert_allclose(answers(back), expected, rtol=0, atol=1e-6)
    assert back.arrays("default").keys() == tuned.arrays("default").keys()
    back.save(tmp_path / "b", format="peft")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert abs(expected - answers(adapt(classifier(kind), method))).max() > 1e-3


@pytest.mark.parametrize("kind", QUERY)
def test_the_names_and_shapes_in_the_file(kind: str, tmp_path: Path) -> None:
    moved(classifier(kind), LoRA(rank=2, targets=("query",))).save(tmp_path / "a", format="peft")
    tensors, _ = load_tensors(tmp_path / "a" / "adapter_model.safetensors")
    expected: dict[str, tuple[int, ...]] = dict(HEADS[kind])
    for i in range(2):
        path = QUERY[kind].format(i=i)
        expected |= {f"{path}.lora_A.weight": (2, D), f"{path}.lora_B.weight": (D, 2)}
    assert {
        name.removeprefix("base_model.model."): array.shape for name, array in tensors.items()
    } == expected
    fields = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert fields["task_type"] == "SEQ_CLS"
    assert fields["fan_in_fan_out"] is False
    assert fields["target_modules"] == [QUERY[kind].rpartition(".")[2]]
    assert fields["modules_to_save"] == sorted(
        {name.removeprefix(f"{kind}.").split(".")[0] for name in HEADS[kind]}
    )


def test_an_output_layer_is_named_apart_from_that_of_the_attention(tmp_path: Path) -> None:
    """``output.dense`` alone would name both; PEFT would adapt too much."""
    tuned = moved(classifier("bert"), LoRA(rank=2, targets=("mlp.down",)))
    tuned.save(tmp_path / "a", format="peft")
    fields = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert fields["target_modules"] == ["layer.0.output.dense", "layer.1.output.dense"]
    np.testing.assert_allclose(
        answers(load_adapter(classifier("bert"), tmp_path / "a")), answers(tuned), atol=1e-6
    )


def queries(kind: str) -> dict[str, np.ndarray]:
    return {name: array for i in range(2) for name, array in pair(QUERY[kind].format(i=i), D, D).items()}


def head(kind: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in HEADS[kind].items()}


def test_a_head_comes_with_its_adapter(tmp_path: Path) -> None:
    tensors = queries("roberta") | head("roberta")
    folder = write_folder(
        tmp_path / "a",
        tensors,
        target_modules=["query"],
        modules_to_save=["classifier", "score"],
        task_type="SEQ_CLS",
    )
    model = classifier("roberta")
    own = model.state()["head.output.weight"].copy()
    tuned = load_adapter(model, folder)
    np.testing.assert_array_equal(
        tuned.arrays("default")["head.output.weight"], tensors["classifier.out_proj.weight"]
    )
    with tuned.disabled() as base:
        np.testing.assert_array_equal(base.state()["head.output.weight"], own)


def test_without_a_saved_head_the_adapter_has_the_bases_own(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", queries("roberta"), target_modules=["query"])
    tuned = load_adapter(classifier("roberta"), folder)
    np.testing.assert_array_equal(
        tuned.arrays("default")["head.output.weight"], classifier("roberta").state()["head.output.weight"]
    )


def test_copies_of_the_head_are_passed_over(tmp_path: Path) -> None:
    """Under bias="all" PEFT writes the head's biases three times."""
    model = classifier("roberta")
    tuned = adapt(model, LoRA(rank=2, targets=("query",), bias="all"))
    tuned.save(tmp_path / "ours", format="peft")
    tensors, _ = load_tensors(tmp_path / "ours" / "adapter_model.safetensors")
    more = {name.removeprefix("base_model.model."): array for name, array in tensors.items()}
    for part in ("dense", "out_proj"):
        for double in ("modules_to_save.default", "original_module"):
            more[f"classifier.{double}.{part}.bias"] = np.full_like(more[f"classifier.{part}.bias"], 9)
    fields = json.loads((tmp_path / "ours" / "adapter_config.json").read_text())
    folder = write_folder(tmp_path / "theirs", more, **fields)
    np.testing.assert_array_equal(answers(load_adapter(classifier("roberta"), folder)), answers(tuned))


def test_an_update_of_the_pooler_goes_into_the_head(tmp_path: Path) -> None:
    """``all-linear`` adapts BERT's pooler, which belongs to the head here, and is trained whole: W + sBA is one such head."""
    tensors = pair("bert.pooler.dense", D, D) | {
        name: array for name, array in head("bert").items() if "classifier" in name
    }
    folder = write_folder(
        tmp_path / "a", queries("bert") | tensors, target_modules=["query", "bert.pooler.dense"], modules_to_save=["classifier"], lora_alpha=6
    )  # fmt: skip
    tuned = load_adapter(classifier("bert"), folder)
    A, B = (tensors[f"bert.pooler.dense.lora_{half}.weight"] for half in "AB")
    np.testing.assert_allclose(
        tuned.arrays("default")["head.dense.weight"],
        classifier("bert").state()["head.dense.weight"] + 3 * B @ A,
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("change", "labels", "words"),
    [
        ({}, 2, "classifier.out_proj.bias is (3,) there, and (2,) in this model"),
        (
            {"classifier.out_proj.bias": None},
            3,
            "modules_to_save names classifier.out_proj.bias, for which there are no weights",
        ),
        ({"classifier.extra.weight": np.ones(3)}, 3, "holds classifier.extra.weight, which this model lacks"),
    ],
)
def test_heads_that_do_not_fit(
    tmp_path: Path, change: dict[str, np.ndarray | None], labels: int, words: str
) -> None:
    tensors = {
        name: array
        for name, array in (queries("roberta") | head("roberta") | change).items()
        if array is not None
    }
    folder = write_folder(
        tmp_path / "a", tensors, target_modules=["query"], modules_to_save=["classifier", "score"]
    )
    with pytest.raises(InputError) as caught:
        load_adapter(classifier("roberta", labels), folder)
    assert words in str(caught.value)


def test_a_head_needs_a_model_with_one(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "a",
        queries("roberta") | head("roberta"),
        target_modules=["query"],
        modules_to_save=["classifier"],
    )
    with pytest.raises(InputError, match="give the model such a head first"):
        load_adapter(build(CONFIGS["roberta"], np.random.default_rng(0)), folder)


def test_the_head_of_pretraining_stays_as_it_is(tmp_path: Path) -> None:
    tensors = queries("roberta") | pair("lm_head.dense", D, D)
    folder = write_folder(tmp_path / "a", tensors, target_modules=["query", "lm_head.dense"])
    with pytest.raises(InputError, match=r"adapts lm_head.dense, a layer of the head that pretraining left"):
        load_adapter(build(CONFIGS["roberta"], np.random.default_rng(0)), folder)
