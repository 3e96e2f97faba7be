"""Model folders: what is saved comes back, foreign variants are read, and every broken folder is refused by name."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minilora.data import Tokenizer
from minilora.errors import InputError
from minilora.models.checkpoint import load, save
from minilora.models.gpt import GPT, GPTConfig
from minilora.tensors import load_tensors, save_tensors

CONFIG = GPTConfig(vocabulary=300, context=20, width=12, layers=11, heads=3, epsilon=1e-4, dropout=0.2)
FILES = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture(scope="module")
def model() -> GPT:
    rng = np.random.default_rng(0)
    model = GPT(CONFIG, rng)
    for parameter in model.parameters():  # no zeros and ones: each part must find its own place
        parameter.data += rng.standard_normal(parameter.shape, dtype=np.float32) * np.float32(0.1)
    model.tokenizer = Tokenizer.train(["a small text, and a small one again"] * 3, vocabulary=280)
    return model


@pytest.fixture
def folder(model: GPT, tmp_path: Path) -> Path:
    save(model, tmp_path / "model")
    return tmp_path / "model"


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    arrays, metadata = load_tensors(folder / "model.safetensors")
    save_tensors(folder / "model.safetensors", change(arrays), metadata)


def set_field(folder: Path, name: str, value: Any) -> None:
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(fields | {name: value}))


def same_weights(a: GPT, b: GPT) -> bool:
    one, other = a.state(), b.state()
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_what_is_saved_comes_back(model: GPT, folder: Path, tmp_path: Path) -> None:
    loaded = load(folder)
    assert same_weights(model, loaded)
    assert loaded.config == CONFIG
    assert loaded.tokens.weight.dtype == np.float32
    text = "a small text again"
    assert loaded.tokenizer.encode(text) == model.tokenizer.encode(text)
    save(loaded, tmp_path / "again")
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def plain_gpt2(folder: Path, ids: list[int]) -> np.ndarray:
    """GPT-2's logits straight from the stored tensors: one text, no cache, one head after another."""
    fields = json.loads((folder / "config.json").read_text())
    w = {
        name.removeprefix("transformer."): a.astype(float)
        for name, a in load_tensors(folder / "model.safetensors")[0].items()
    }

    def conv(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        return (
            x / np.sqrt((x * x).mean(-1, keepdims=True) + fields["layer_norm_epsilon"]) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    x = w["wte.weight"][ids] + w["wpe.weight"][: len(ids)]
    for i in range(fields["n_layer"]):
        q, k, v = np.split(conv(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn"), 3, axis=-1)
        heads = []
        for qh, kh, vh in zip(
            *(np.split(part, fields["n_head"], axis=-1) for part in (q, k, v)), strict=True
        ):
            scores = np.where(np.tri(len(ids)) == 1, qh @ kh.T / math.sqrt(qh.shape[-1]), -np.inf)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(weights / weights.sum(-1, keepdims=True) @ vh)
        x = x + conv(np.concatenate(heads, -1), f"h.{i}.attn.c_proj")
        h = conv(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")
        h = 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + conv(h, f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


def test_the_file_is_gpt2_as_published(model: GPT, folder: Path) -> None:
    """Orientation and order of q, k and v: a GPT-2 written out by hand gives the same logits from the file."""
    ids = [5, 0, 299, 17, 17, 3, 250]
    np.testing.assert_allclose(model.logits(ids), plain_gpt2(folder, ids), rtol=1e-4, atol=1e-5)


def test_config_says_what_transformers_needs(model: GPT, folder: Path) -> None:
    fields = json.loads((folder / "config.json").read_text())
    assert fields["architectures"] == ["GPT2LMHeadModel"]
    assert fields["model_type"] == "gpt2"
    assert fields["tie_word_embeddings"] is True
    assert fields["eos_token_id"] == model.tokenizer.end
    assert load_tensors(folder / "model.safetensors")[1] == {"format": "pt"}


def test_files_of_the_bare_model_and_old_buffers_are_read(model: GPT, folder: Path) -> None:
    """As the published gpt2: no prefix, the causal mask among the weights; and a head that repeats the embedding."""

    def published(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        plain = {name.removeprefix("transformer."): array for name, array in arrays.items()}
        for i in range(CONFIG.layers):
            plain[f"h.{i}.attn.bias"] = np.tril(np.ones((1, 1, 20, 20), np.float32))
            plain[f"h.{i}.attn.masked_bias"] = np.array(-1e4, np.float32)
        return plain | {"lm_head.weight": plain["wte.weight"]}

    rewrite(folder, published)
    assert same_weights(model, load(folder))


def test_missing_fields_take_gpt2s_own_defaults(folder: Path) -> None:
    fields = json.loads((folder / "config.json").read_text())
    for name in ("layer_norm_epsilon", "resid_pdrop", "activation_function", "n_inner"):
        del fields[name]
    (folder / "config.json").write_text(json.dumps(fields))
    config = load(folder).config
    assert (config.epsilon, config.dropout) == (1e-5, 0.1)


def test_float16_halves_the_file_and_rounds_once(model: GPT, folder: Path, tmp_path: Path) -> None:
    save(model, tmp_path / "half", dtype="float16")
    assert json.loads((tmp_path / "half" / "config.json").read_text())["dtype"] == "float16"
    sizes = [(path / "model.safetensors").stat().st_size for path in (tmp_path / "half", folder)]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = load(tmp_path / "half").state()
    for name, array in model.state().items():
        assert loaded[name].dtype == np.float32
        assert np.array_equal(loaded[name], array.astype(np.float16).astype(np.float32))


def test_bfloat16_is_read(model: GPT, folder: Path) -> None:
    """The upper 16 bits of float32, written by hand, since NumPy has no such dtype."""
    arrays, _ = load_tensors(folder / "model.safetensors")
    header, data = {}, b""
    for name, array in arrays.items():
        raw = (np.ascontiguousarray(array).view(np.uint32) >> 16).astype(np.uint16).tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": array.shape,
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    loaded = load(folder).state()
    for name, array in model.state().items():
        expected = (np.ascontiguousarray(array).view(np.uint32) & 0xFFFF0000).view(np.float32)
        assert np.array_equal(loaded[name], expected)


def test_without_a_tokenizer_there_is_none(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert load(folder).tokenizer is None


def test_nothing_is_overwritten_unless_forced(model: GPT, folder: Path) -> None:
    before = {name: (folder / name).read_bytes() for name in FILES}
    with pytest.raises(InputError, match=r"already holds config.json"):
        save(model, folder)
    assert before == {name: (folder / name).read_bytes() for name in FILES}
    other = GPT(GPTConfig(300, 8, 8, 1, 2), np.random.default_rng(1))
    save(other, folder, force=True)
    loaded = load(folder)
    assert same_weights(loaded, other)
    assert loaded.tokenizer is None  # the old model's tokenizer went with it


def truncate(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-100])


def rename_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "weights.pt")


def drop(*names: str) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, lambda arrays: {n: a for n, a in arrays.items() if n not in names})


def add(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, lambda arrays: arrays | {name: array})


def field(name: str, value: Any) -> Callable[[Path], None]:
    return lambda folder: set_field(folder, name, value)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "no model folder: it has no config.json"),
    "config is not JSON": (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
    "config is a list": (lambda folder: (folder / "config.json").write_text("[]"), "holds a list"),
    "config is binary": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\x00"), "not JSON"),
    "architecture": (field("model_type", "gpt-2"), "model_type is 'gpt-2'.*did you mean 'gpt2'"),
    "no architecture": (field("model_type", None), "model_type is 'None'"),
    "architecture is a list": (field("model_type", ["gpt2"]), "model_type is"),
    "width": (field("n_embd", 24), r"wte.weight is \(300, 12\) instead of \(300, 24\).* and \d+ more"),
    "vocabulary": (field("vocab_size", 301), r"wte.weight is \(300, 12\) instead of \(301, 12\)"),
    "context": (field("n_positions", 21), r"wpe.weight is \(20, 12\) instead of \(21, 12\)"),
    "fewer layers": (field("n_layer", 10), r"unexpected are h.10.attn.c_attn.bias.* and 6 more"),
    "more layers": (field("n_layer", 12), r"missing are h.11.attn.c_attn.bias.* and 6 more"),
    "layers as text": (field("n_layer", "11"), "n_layer must be a whole number above 0, not '11'"),
    "heads": (field("n_head", 5), "n_embd 12 is not a multiple of n_head 5"),
    "activation": (field("activation_function", "relu"), "activation_function is 'relu'"),
    "inner width": (field("n_inner", 64), "n_inner is 64"),
    "scaling": (field("scale_attn_by_inverse_layer_idx", True), "scale_attn_by_inverse_layer_idx is True"),
    "dropout": (field("resid_pdrop", 1.5), "resid_pdrop must be a number"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors"),
    "weights in another format": (
        rename_weights,
        "has no model.safetensors or pytorch_model.bin; it holds weights.pt",
    ),
    "truncated": (truncate, "truncated"),
    "not safetensors": (
        lambda folder: (folder / "model.safetensors").write_text("hello, world"),
        "corrupted",
    ),
    "missing tensor": (drop("transformer.h.3.mlp.c_fc.bias"), "missing are h.3.mlp.c_fc.bias"),
    "strange tensor": (add("score.weight", np.zeros((2, 12), np.float32)), "unexpected are score.weight"),
    "untied head": (add("lm_head.weight", np.zeros((300, 12), np.float32)), "lm_head.weight differs"),
    "tokenizer is none": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json"),
    "another model's tokenizer": (
        lambda folder: Tokenizer.train(
            [" ".join(a + b for a in "aeiou" for b in "bcdfghjklmnp")] * 2, 320
        ).save(folder / "tokenizer.json"),
        "has 320 tokens, but the model's vocabulary is 300",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_folders_are_refused_in_one_sentence(case: str, folder: Path) -> None:
    breaks, words = BROKEN[case]
    breaks(folder)
    with pytest.raises(InputError, match=words) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model folder or shipped model"):
        load(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; give the folder"):
        load(tmp_path / "file")


def test_saving_refuses_what_would_be_wrong(model: GPT, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="dtype must be float32 or float16 or bfloat16, not 'float61'; did you mean"
    ):
        save(model, tmp_path / "a", dtype="float61")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot create the folder"):
        save(model, tmp_path / "file" / "b")
    large = GPT(GPTConfig(300, 8, 8, 1, 2), np.random.default_rng(1))
    large.norm.gain.data[0] = 1e5
    with pytest.raises(InputError, match="does not fit float16"):
        save(large, tmp_path / "c", dtype="float16")
    large.extra = large.blocks[0].mlp.up  # type: ignore[attr-defined]
    large.blocks[0].mlp.up = GPT(GPTConfig(300, 8, 8, 1, 2), np.random.default_rng(1)).blocks[0].mlp.up
    with pytest.raises(InputError, match=r"only a plain model can be saved.*extra"):
        save(large, tmp_path / "d")
    assert not any((tmp_path / name).exists() for name in "abcd")


def test_what_stands_in_the_way_is_said(tmp_path):
    """A configuration that is no text is replaced when forced; a folder with the weights' name is not."""
    model = GPT(GPTConfig(16, 8, 8, 1, 2), np.random.default_rng(0))
    save(model, tmp_path / "a")
    (tmp_path / "a" / "config.json").write_bytes(b"\xff")
    save(model, tmp_path / "a", force=True)
    assert load(tmp_path / "a").config == model.config
    (tmp_path / "b" / "model.safetensors").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot write .*model\.safetensors"):
        save(model, tmp_path / "b", force=True)
