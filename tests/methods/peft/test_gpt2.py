"""PEFT folders of GPT-2: the fused c_attn both ways, every way of naming layers, and what is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.methods import Adapter, LoRA, Tuned, adapt, describe, doctor, load_adapter
from minilora.methods.layers import base_parameters
from minilora.models.gpt import GPT, GPTConfig
from minilora.tensors import load_tensors, read_header, save_tensors

from ..small import batch, bytes_of, gpt, train
from .folder import pair, write_folder

D = 12  # the width of the small model, which has two blocks


def c_attn(
    layers: tuple[int, ...] = (0, 1), rank: int = 2, prefix: str = "transformer."
) -> dict[str, np.ndarray]:
    return {
        name: array
        for i in layers
        for name, array in pair(f"{prefix}h.{i}.attn.c_attn", D, 3 * D, rank).items()
    }


def deltas(tuned: Tuned) -> dict[str, np.ndarray]:
    """ΔW by layer, as merging has it."""
    before = {name: p.data.copy() for name, p in base_parameters(tuned.model).items()}
    tuned.merge()
    after = {name: p.data for name, p in base_parameters(tuned.model).items()}
    changed = {
        name: after[name] - before[name] for name in before if not np.array_equal(after[name], before[name])
    }
    tuned.unmerge()
    return changed


def test_a_fused_update_is_read_by_its_rows(tmp_path: Path) -> None:
    tensors = c_attn()
    folder = write_folder(tmp_path / "a", tensors, lora_alpha=6)
    tuned = load_adapter(gpt(), folder)
    assert tuned.active == "default"
    assert tuned.methods["default"] == LoRA(rank=2, alpha=6, targets=("query", "key", "value"))
    changed = deltas(tuned)
    for i in range(2):
        A, B = (tensors[f"transformer.h.{i}.attn.c_attn.lora_{half}.weight"] for half in "AB")
        whole = 3 * B.astype(float) @ A  # s = 6/2
        for part, rows in zip(("query", "key", "value"), np.split(whole, 3), strict=True):
            np.testing.assert_allclose(changed.pop(f"blocks.{i}.attention.{part}.weight"), rows, atol=1e-12)
    assert not changed


def test_names_of_the_bare_model_will_do(tmp_path: Path) -> None:
    full = load_adapter(gpt(), write_folder(tmp_path / "full", c_attn()))
    bare = {name.removeprefix("transformer."): array for name, array in c_attn().items()}
    ids = batch(full.model).ids
    loaded = load_adapter(gpt(), write_folder(tmp_path / "bare", bare, target_modules=r"h\.\d\.attn\.c_attn"))
    np.testing.assert_array_equal(loaded.logits(ids), full.logits(ids))


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"target_modules": None}, ["h.0.attn.c_attn", "h.1.attn.c_attn"]),
        ({"target_modules": ["attn.c_proj"]}, ["h.0.attn.c_proj", "h.1.attn.c_proj"]),
        ({"target_modules": ["c_proj"], "layers_to_transform": 1}, ["h.1.attn.c_proj", "h.1.mlp.c_proj"]),
        ({"target_modules": ["c_proj"], "layers_to_transform": [0], "layers_pattern": "h"}, ["h.0.attn.c_proj", "h.0.mlp.c_proj"]),
        ({"target_modules": r".*\.0\.mlp\.c_.*"}, ["h.0.mlp.c_fc", "h.0.mlp.c_proj"]),
        ({"target_modules": ["c_proj"], "exclude_modules": ["attn.c_proj"]}, ["h.0.mlp.c_proj", "h.1.mlp.c_proj"]),
        ({"target_modules": ["c_proj"], "exclude_modules": r".*mlp.*"}, ["h.0.attn.c_proj", "h.1.attn.c_proj"]),
        ({"target_modules": ["transformer.h.1.mlp.c_fc"]}, ["h.1.mlp.c_fc"]),
        ({"target_modules": "All-Linear", "exclude_modules": ["c_attn", "c_proj"]}, ["h.0.mlp.c_fc", "h.1.mlp.c_fc"]),
    ],
)  # fmt: skip
def test_ways_of_naming_layers(tmp_path: Path, fields: dict[str, Any], paths: list[str]) -> None:
    shapes = {"c_attn": (D, 3 * D), "c_fc": (D, 4 * D), "mlp.c_proj": (4 * D, D), "attn.c_proj": (D, D)}
    tensors = {}
    for path in paths:
        into, out = next(shape for ending, shape in shapes.items() if path.endswith(ending))
        tensors |= pair(f"transformer.{path}", into, out)
    tuned = load_adapter(gpt(), write_folder(tmp_path / "a", tensors, **fields))
    ours = {
        "c_attn": "attention.query",
        "c_fc": "mlp.up",
        "mlp.c_proj": "mlp.down",
        "attn.c_proj": "attention.output",
    }
    expected = {path.replace("h.", "blocks.", 1).split(".")[1]: path for path in paths}
    assert {name.split(".")[1] for name in tuned.parameters} == set(expected)
    for path in paths:
        ending = next(ending for ending in ours if path.endswith(ending))
        assert f"blocks.{path.split('.')[1]}.{ours[ending]}.A" in tuned.parameters


def test_ranks_and_scales_by_pattern(tmp_path: Path) -> None:
    tensors = c_attn((0,), 4) | c_attn((1,), 3)
    tensors |= pair("transformer.h.0.mlp.c_fc", D, 4 * D, 1) | pair("transformer.h.1.mlp.c_fc", D, 4 * D, 1)
    folder = write_folder(
        tmp_path / "a", tensors, r=1, lora_alpha=2, target_modules=["c_attn", "c_fc"], use_rslora=True,
        rank_pattern={r"0\.attn\.c_attn": 4, "c_attn": 3}, alpha_pattern={r"h\.1\.mlp.*": 5},
    )  # fmt: skip
    tuned = load_adapter(gpt(), folder)
    method = tuned.methods["default"]
    assert isinstance(method, LoRA)
    assert method.scaling == "rslora"
    seen = {path: (method.rank_at(path), method.alpha_at(path)) for path in ("blocks.0.attention.key", "blocks.1.attention.key", "blocks.0.mlp.up", "blocks.1.mlp.up")}  # fmt: skip
    assert list(seen.values()) == [(4, 2.0), (3, 2.0), (1, 2.0), (1, 5.0)]
    assert method.scale_at("blocks.0.attention.key") == 2 / np.sqrt(4)


METHODS = {
    "query and value": LoRA(rank=2, alpha=4),
    "query alone": LoRA(rank=3, targets=("query",)),
    "all of c_attn": LoRA(rank=2, targets=("query", "key", "value")),
    "unlike ranks": LoRA(rank=2, alpha=4, ranks={"value": 4}, alphas={"value": 8}),
    "unlike scales": LoRA(rank=2, alpha=4, alphas={"blocks.0.attention.query": 7}),
    "rank-stabilised": LoRA(rank=2, alpha=4, scaling="rslora"),
    "rank-stabilised, unlike": LoRA(rank=2, alpha=4, scaling="rslora", ranks={"query": 3}, alphas={"value": 5}),
    "all linear": LoRA(rank=2, targets=("all-linear",), dropout=0.25),
    "one block": LoRA(rank=1, targets=("blocks.1",)),
    "own biases": LoRA(rank=2, targets=("query", "mlp.up"), bias="own"),
    "all biases": LoRA(rank=2, targets=("value",), bias="all"),
}  # fmt: skip


@pytest.fixture(params=METHODS, ids=lambda name: name.replace(" ", "-"))
def tuned(request: pytest.FixtureRequest) -> Tuned:
    tuned = adapt(gpt(), METHODS[request.param])
    train(tuned)
    return tuned


def test_what_is_written_is_read_back(tuned: Tuned, tmp_path: Path) -> None:
    tuned.save(tmp_path / "peft", format="peft")
    back = load_adapter(gpt(), tmp_path / "peft")
    ids = batch(tuned.model, 3).ids
    np.testing.assert_allclose(back.logits(ids), tuned.logits(ids), rtol=0, atol=1e-12)
    back.merge()
    tuned.merge()
    np.testing.assert_allclose(back.logits(ids), tuned.logits(ids), rtol=0, atol=1e-12)
    back.unmerge()
    back.save(tmp_path / "again", format="peft")
    files = ("adapter_config.json", "adapter_model.safetensors")
    assert [(tmp_path / "again" / name).read_bytes() for name in files] == [
        (tmp_path / "peft" / name).read_bytes() for name in files
    ]


def test_the_method_comes_back(tuned: Tuned, tmp_path: Path) -> None:
    """The same rank and scale at each layer, and the same arrays: a fused update in blocks is taken apart into exactly what it was made of."""
    tuned.save(tmp_path / "peft", format="peft")
    back = load_adapter(gpt(), tmp_path / "peft")
    mine, theirs = tuned.methods["default"], back.methods["default"]
    assert isinstance(mine, LoRA)
    assert isinstance(theirs, LoRA)
    assert (theirs.scaling, theirs.bias, theirs.dropout) == (mine.scaling, mine.bias, mine.dropout)
    assert back.arrays("default").keys() == tuned.arrays("default").keys()
    for name, array in tuned.arrays("default").items():
        layer = name.rpartition(".")[0]
        factor = mine.scale_at(layer) / theirs.scale_at(layer) if name.endswith(".B") else 1.0
        np.testing.assert_allclose(back.arrays("default")[name], array * factor, rtol=1e-12)


def test_query_and_value_are_one_update_of_twice_the_rank(tmp_path: Path) -> None:
    """The form given by the format's description: r' = 2r, α' = 2α, and √2·α under use_rslora; zero rows for the key."""
    tuned = adapt(gpt(), LoRA(rank=2, alpha=4))
    train(tuned)
    tuned.save(tmp_path / "a", format="peft", base_name="gpt2")
    stored = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert (stored["r"], stored["lora_alpha"], stored["target_modules"]) == (4, 8, ["c_attn"])
    assert (stored["fan_in_fan_out"], stored["base_model_name_or_path"], stored["task_type"]) == (
        True,
        "gpt2",
        "CAUSAL_LM",
    )
    tensors, metadata = load_tensors(tmp_path / "a" / "adapter_model.safetensors")
    assert metadata == {"format": "pt"}
    assert len(tensors) == 4
    A, B = (tensors[f"base_model.model.transformer.h.1.attn.c_attn.lora_{half}.weight"] for half in "AB")
    mine = {
        name.removeprefix("blocks.1.attention."): array for name, array in tuned.arrays("default").items()
    }
    np.testing.assert_array_equal(A, np.concatenate([mine["query.A"], mine["value.A"]]))
    zero = np.zeros((D, 2))
    expected = np.block([[mine["query.B"], zero], [zero, zero], [zero, mine["value.B"]]])
    np.testing.assert_array_equal(B, expected)

    rslora = adapt(gpt(), LoRA(rank=2, alpha=4, scaling="rslora"))
    rslora.save(tmp_path / "b", format="peft")
    stored = json.loads((tmp_path / "b" / "adapter_config.json").read_text())
    assert stored["lora_alpha"] == pytest.approx(4 * np.sqrt(2))


def test_the_bytes_of_the_files(tmp_path: Path) -> None:
    """Sorted keys, indented by two, no line end at the end; and tensors row by row whatever their strides in memory."""
    tuned = adapt(gpt(), LoRA(rank=2, targets=("all-linear",)))
    train(tuned)
    for parameter in tuned.parameters.values():
        parameter.data = np.asfortranarray(parameter.data)
    tuned.save(tmp_path / "a", format="peft")
    text = (tmp_path / "a" / "adapter_config.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True)
    tensors, _ = load_tensors(tmp_path / "a" / "adapter_model.safetensors")
    np.testing.assert_array_equal(
        tensors["base_model.model.transformer.h.0.mlp.c_fc.lora_A.weight"],
        tuned.arrays("default")["blocks.0.mlp.up.A"],
    )
    raw = (tmp_path / "a" / "adapter_model.safetensors").read_bytes()
    name = "base_model.model.transformer.h.0.mlp.c_fc.lora_B.weight"
    begin, end = header_of(tmp_path / "a" / "adapter_model.safetensors")[name]["data_offsets"]
    start = 8 + int.from_bytes(raw[:8], "little")
    np.testing.assert_array_equal(
        np.frombuffer(raw[start + begin : start + end], "<f8").reshape(4 * D, 2),
        tuned.arrays("default")["blocks.0.mlp.up.B"],
    )


def header_of(path: Path) -> dict[str, Any]:
    raw = path.read_bytes()
    header: dict[str, Any] = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert read_header(path)
    return header


def test_a_general_fused_update_keeps_its_rank(tmp_path: Path) -> None:
    """Read by its rows and written again, the three equal A's are one: the file is what it was."""
    folder = write_folder(tmp_path / "a", c_attn())
    load_adapter(gpt(dtype=np.float32), folder).save(tmp_path / "b", format="peft")
    first, second = (load_tensors(tmp_path / name / "adapter_model.safetensors")[0] for name in "ab")
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_an_untouched_adapter_computes_nothing(tmp_path: Path) -> None:
    adapt(gpt(), LoRA(rank=2)).save(tmp_path / "a", format="peft")
    ids = batch(gpt()).ids
    np.testing.assert_array_equal(load_adapter(gpt(), tmp_path / "a").logits(ids), gpt().logits(ids))


def test_a_fused_bias_that_was_trained_where_nothing_else_was(tmp_path: Path) -> None:
    """bias="lora_only" trains the whole bias of c_attn: also the key's, whose rows of B happen to be zero here."""
    model = gpt(dtype=np.float32)
    tensors = c_attn()
    for i in range(2):
        tensors[f"transformer.h.{i}.attn.c_attn.lora_B.weight"][D : 2 * D] = 0
        own = [getattr(model.blocks[i].attention, part).bias for part in ("query", "key", "value")]
        tensors[f"transformer.h.{i}.attn.c_attn.base_layer.bias"] = np.concatenate(
            [p.data for p in own if p is not None]
        )
    plain = load_adapter(gpt(dtype=np.float32), write_folder(tmp_path / "plain", tensors, bias="lora_only"))
    assert "blocks.0.attention.key.bias" not in plain.parameters
    tensors["transformer.h.0.attn.c_attn.base_layer.bias"][D] += 1
    trained = load_adapter(
        gpt(dtype=np.float32), write_folder(tmp_path / "trained", tensors, bias="lora_only")
    )
    assert (
        trained.arrays("default")["blocks.0.attention.key.bias"][0]
        == model.blocks[0].attention.key.bias.data[0] + 1
    )  # type: ignore[union-attr]
    assert "blocks.1.attention.key.bias" not in trained.parameters


def test_it_joins_others_under_a_name(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", c_attn())
    tuned = adapt(gpt(), LoRA(rank=1), name="mine")
    train(tuned)
    before = tuned.logits(batch(tuned.model).ids)
    assert tuned.load(folder, name="theirs") == "theirs"
    np.testing.assert_array_equal(tuned.logits(batch(tuned.model).ids), before)
    tuned.use("theirs")
    np.testing.assert_array_equal(
        tuned.logits(batch(tuned.model).ids), load_adapter(gpt(), folder).logits(batch(tuned.model).ids)
    )


def test_reading_while_biases_are_trained_takes_the_bases_own(tmp_path: Path) -> None:
    """What a file leaves out is the base's, also while another adapter's biases stand in the model, merged or not."""
    tuned = adapt(gpt(), LoRA(rank=2, bias="all"), name="mine")
    train(tuned)
    tuned.save(tmp_path / "a", format="peft")
    alone = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    tuned.merge()
    tuned.save(tmp_path / "b", format="peft")
    assert json.loads((tmp_path / "b" / "adapter_config.json").read_text()) == alone
    files = [(tmp_path / name / "adapter_model.safetensors").read_bytes() for name in "ab"]
    assert files[0] == files[1]


def test_folders_are_not_overwritten_by_accident(tmp_path: Path) -> None:
    tuned = adapt(gpt(), LoRA(rank=2))
    tuned.save(tmp_path / "peft", format="peft")
    with pytest.raises(InputError, match=r"already holds an adapter \(adapter_config.json\)"):
        tuned.save(tmp_path / "peft", format="peft")
    tuned.save(tmp_path / "peft", format="peft", force=True)
    tuned.save(tmp_path / "own")
    with pytest.raises(InputError, match="holds an adapter in the other format"):
        tuned.save(tmp_path / "own", format="peft", force=True)
    with pytest.raises(InputError, match="holds an adapter in PEFT's format"):
        tuned.save(tmp_path / "peft", force=True)


def test_gpt3_has_no_place_there(tmp_path: Path) -> None:
    model = GPT(GPTConfig(16, 8, 8, 2, 2, band=4), np.random.default_rng(0))
    with pytest.raises(InputError, match="PEFT has no model of the kind 'gpt3'"):
        adapt(model, LoRA(rank=1)).save(tmp_path / "a", format="peft")


def test_what_has_no_place_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PEFT's format has no place for Adapter"):
        adapt(gpt(), Adapter(width=2)).save(tmp_path / "a", format="peft")
    with pytest.raises(
        InputError, match="format must be 'minilora' or 'peft', not 'pefd'; did you mean 'peft'"
    ):
        adapt(gpt(), LoRA(rank=1)).save(tmp_path / "a", format="pefd")
    assert not (tmp_path / "a").exists()


Change = Callable[[dict[str, np.ndarray]], object]


@pytest.mark.parametrize(
    ("fields", "change", "words"),
    [
        ({"use_dora": True}, None, "use_dora asks for DoRA"),
        ({"lora_bias": True}, None, "lora_bias asks for a bias of B"),
        ({"target_parameters": ["x"]}, None, "target_parameters asks for LoRA on a bare parameter"),
        ({"trainable_token_indices": [1]}, None, "trainable_token_indices asks for"),
        ({"layer_replication": [[0, 1]]}, None, "layer_replication asks for"),
        ({"use_qalora": True}, None, "use_qalora asks for"),
        ({"peft_type": "IA3"}, None, "peft_type is 'IA3', and only 'LORA' can be read"),
        ({"peft_type": None}, None, "peft_type is None"),
        ({"init_lora_weights": "pissa_niter_4"}, None, "init_lora_weights is 'pissa_niter_4', which changes the base's weights too"),
        ({"init_lora_weights": "olora"}, None, "changes the base's weights too"),
        ({"bias": "some"}, None, "bias is 'some', but must be 'none', 'all' or 'lora_only'"),
        ({"r": 0}, None, "r must be a whole number of at least 1, not 0"),
        ({"lora_alpha": "8"}, None, "lora_alpha must be a number above 0, not '8'"),
        ({"lora_dropout": 1}, None, "lora_dropout must be at least 0 and below 1, not 1"),
        ({"target_modules": 3}, None, "target_modules must be a list of names, not 3"),
        ({"target_modules": "(c_attn"}, None, "'(c_attn' is no regular expression"),
        ({"rank_pattern": {"(": 2}}, None, "is no regular expression"),
        ({"rank_pattern": {"c_attn": 0}}, None, "rank_pattern['c_attn'] must be a whole number"),
        ({"rank_pattern": [2]}, None, "rank_pattern must be a table"),
        ({"target_modules": ".*c_attn", "layers_to_transform": [0]}, None, "go with a list of target_modules"),
        ({"layers_to_transform": "0"}, None, "layers_to_transform must be numbers of layers"),
        ({"use_rslora": "yes"}, None, "use_rslora must be true or false"),
        ({"r": 3}, None, "lora_A (2, 12) and lora_B (36, 2), but the configuration's rank there is 3"),
        ({"target_modules": ["c_attn", "c_fc"]}, None, "it selects transformer.h.0.mlp.c_fc, transformer.h.1.mlp.c_fc, for which there are no weights"),
        ({"layers_to_transform": [1]}, None, "there are weights of transformer.h.0.attn.c_attn, which it does not select"),
        ({"modules_to_save": ["wte"]}, lambda t: t.update({"transformer.wte.weight": np.ones((23, D), np.float32)}), "transformer.wte.weight was trained whole"),
        ({}, lambda t: t.update({"transformer.wte.weight": np.ones((25, D), np.float32)}), "transformer.wte.weight is (25, 12) there, and (23, 12) in this model"),
        ({}, lambda t: t.update({"score.weight": np.ones((3, D), np.float32)}), "holds score.weight, which this model lacks; if it belongs to the head of a task"),
        ({}, lambda t: t.update({"transformer.h.0.ln_1.bias": np.ones(D, np.float32)}), "only biases and the head of a task can be"),
        ({}, lambda t: t.update(pair("transformer.h.2.attn.c_attn", D, 3 * D)), "no such layer; did you mean"),
        ({}, lambda t: t.update(pair("model.layers.0.self_attn.q_proj", D, D)), "is it a gpt2 of the same size"),
        ({}, lambda t: t.pop("transformer.h.0.attn.c_attn.lora_B.weight"), "has lora_A, but not its other half"),
        ({}, lambda t: t.update({"transformer.h.0.attn.c_attn.lora_magnitude_vector": np.ones(3)}), "belongs to DoRA"),
        ({}, lambda t: t.update({"transformer.wte.lora_embedding_A": np.ones((2, 23))}), "belongs to LoRA on an embedding"),
        ({}, lambda t: t.update(pair("transformer.h.0.attn.c_attn", D + 1, 3 * D)), "was made for another base: transformer.h.0.attn.c_attn has lora_A (2, 13)"),
        ({}, lambda t: t["transformer.h.0.attn.c_attn.lora_A.weight"].__setitem__((0, 0), np.nan), "holds NaN or infinity"),
        ({}, dict.clear, "for which there are no weights"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_leaves_the_model_as_it_was(
    tmp_path: Path, fields: dict[str, Any], change: Change | None, words: str
) -> None:
    tensors = c_attn()
    if change is not None:
        change(tensors)
    folder = write_folder(tmp_path / "a", tensors, **fields)
    model = gpt()
    before, printed = bytes_of(model), repr(model)
    with pytest.raises(InputError) as caught:
        load_adapter(model, folder)
    assert words in str(caught.value)
    assert str(folder) in str(caught.value) or "'default'" in str(caught.value)
    assert repr(model) == printed
    assert bytes_of(model) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is not JSON that can be read"), ("[]", "holds a list"), ("{}", "no field peft_type")],
)
def test_a_configuration_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    write_folder(tmp_path / "a", c_attn())
    (tmp_path / "a" / "adapter_config.json").write_text(text)
    with pytest.raises(InputError, match=words):
        load_adapter(gpt(), tmp_path / "a")


def test_no_weights_beside_the_configuration(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", c_attn())
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"neither adapter_model.safetensors nor adapter_model.bin"):
        load_adapter(gpt(), folder)


def test_a_field_that_nobody_knows_is_passed_over_aloud(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", c_attn(), use_something_new=True, another=None)
    with pytest.warns(UserWarning, match="passed over are the unknown fields use_something_new"):
        load_adapter(gpt(), folder)


def test_only_the_type_need_be_given(tmp_path: Path) -> None:
    """PEFT loads a configuration of one field; its defaults are rank 8 and α 8."""
    folder = write_folder(tmp_path / "a", c_attn(rank=8))
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    assert load_adapter(gpt(), folder).methods["default"] == LoRA(
        rank=8, alpha=8, targets=("query", "key", "value")
    )


@pytest.mark.parametrize("floats", ["bfloat16", "float16"])
def test_bfloat16_and_float16(tmp_path: Path, floats: str) -> None:
    folder = write_folder(tmp_path / "a", c_attn())
    file = folder / "adapter_model.safetensors"
    save_tensors(file, c_attn(), {"format": "pt"}, floats=floats)
    tuned = load_adapter(gpt(dtype=np.float32), folder)
    assert {parameter.dtype for parameter in tuned.parameters.values()} == {np.dtype(np.float32)}
    stored = {name: array.astype(np.float32) for name, array in load_tensors(file)[0].items()}
    (A,) = {name: array for name, array in stored.items() if "h.0." in name and "lora_A" in name}.values()
    np.testing.assert_array_equal(tuned.parameters["blocks.0.attention.query.A"].data, A)


def test_what_describe_and_doctor_say(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", c_attn())
    rows = describe(folder)
    assert [(row.layer, row.rank, row.scale, row.acts) for row in rows] == [
        ("transformer.h.0.attn.c_attn", 2, 4.0, True),
        ("transformer.h.1.attn.c_attn", 2, 4.0, True),
    ]
    assert [row.layer for row in describe(folder, base=gpt())][:2] == [
        "blocks.0.attention.key",
        "blocks.0.attention.query",
    ]
    tuned = adapt(gpt(), LoRA(rank=1))
    train(tuned)
    assert doctor(tuned, folder=folder) == []
    (finding,) = doctor(tuned, folder=write_folder(tmp_path / "b", c_attn((0, 1, 2))))
    assert finding.cause == "no matching keys"
    assert "transformer.h.2.attn.c_attn, and this model has no such layer" in finding.text


def test_adapters_in_folders_of_their_names(tmp_path: Path) -> None:
    """PEFT puts an adapter that is not named ``default`` into a folder of its name."""
    write_folder(tmp_path / "sql", c_attn())
    with pytest.raises(InputError, match="holds adapters in folders of their own, sql; give one of these"):
        load_adapter(gpt(), tmp_path)
    assert load_adapter(gpt(), tmp_path / "sql", name="sql").active == "sql"
