"""Stored weights: mapped without a second copy, in one file or in shards, the same bytes after a round trip, and whatever lies refused before memory is asked for."""

import json
import mmap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.models.bert import BertConfig
from minilora.models.build import AnyConfig, build
from minilora.models.checkpoint import load, save
from minilora.models.deberta_config import Convolution, DebertaConfig
from minilora.models.gpt import GPT, GPTConfig
from minilora.models.heads import HeadKind
from minilora.models.weights import INDEX, WEIGHTS, map_weights
from minilora.tensors import load_tensors, read_header, save_tensors

from ..broken_tensors import BROKEN as BROKEN_FILES
from .torch_zip import table, tensor, text, write_torch, write_zip

CONFIGS: dict[str, AnyConfig] = {
    "GPT-2": GPTConfig(40, 16, 12, 2, 3),
    "GPT-2, untied": GPTConfig(40, 16, 12, 2, 3, tied=False),
    "BERT": BertConfig(40, 16, 12, 2, 3, inner=48, padding=None),
    "RoBERTa": BertConfig(40, 16, 12, 2, 3, inner=48, types=1, padding=1),
    "DeBERTa v1": DebertaConfig(40, 16, 12, 2, 3, inner=48, key_bias=False, distance=8),
    "DeBERTa v2": DebertaConfig(
        40,
        16,
        12,
        2,
        3,
        inner=48,
        buckets=4,
        share_keys=True,
        normalised=True,
        absolute=False,
        convolution=Convolution(3, "gelu"),
    ),
}
HEADS = {
    "pretraining": None,
    "classifier": HeadKind("classifier", 3),
    "regression": HeadKind("classifier", 1),
    "embedding": HeadKind("embedding"),
}


def any_model(name: str, head: str) -> Any:
    if head == "embedding" and name.startswith("GPT"):
        pytest.skip("transformers' layout of GPT-2 has no sentence embedding")
    rng = np.random.default_rng(0)
    model = build(CONFIGS[name], rng, HEADS[head])
    for parameter in model.parameters():
        parameter.data = parameter.data + rng.standard_normal(parameter.shape, dtype=np.float32)
    return model


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", CONFIGS)
def test_every_architecture_comes_back_byte_for_byte(name: str, head: str, tmp_path: Path) -> None:
    model = any_model(name, head)
    save(model, tmp_path / "one")
    loaded = load(tmp_path / "one")
    assert loaded.config == model.config
    assert loaded.head.describe() == model.head.describe()
    for (key, ours), (other, theirs) in zip(model.named_parameters(), loaded.named_parameters(), strict=True):
        assert key == other
        np.testing.assert_array_equal(ours.data, theirs.data)
    save(loaded, tmp_path / "two")
    for file in (WEIGHTS, "config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def owner(array: np.ndarray) -> Any:
    """What the elements belong to at last."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array


@pytest.mark.parametrize("name", ["GPT-2", "BERT", "DeBERTa v2"])
def test_loading_takes_no_second_copy(name: str, tmp_path: Path) -> None:
    """Every weight stored in float32 is the file's own memory; a stored half becomes one array of float32 and no more."""
    config: Any = {
        "GPT-2": GPTConfig(2000, 64, 128, 3, 4),
        "BERT": BertConfig(2000, 64, 128, 3, 4, padding=None),
        "DeBERTa v2": DebertaConfig(
            2000, 64, 128, 3, 4, buckets=8, share_keys=True, normalised=True, absolute=False
        ),
    }[name]
    model = build(config, np.random.default_rng(0))
    size = 4 * model.count_parameters()
    save(model, tmp_path / "single")
    save(model, tmp_path / "half", dtype="float16")
    for folder, most in (("single", 0.1 * size), ("half", 1.6 * size)):
        tracemalloc.start()
        try:
            loaded = load(tmp_path / folder)
            now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < most + 200_000, (folder, peak, size)
        mapped = [isinstance(owner(parameter.data), mmap.mmap) for parameter in loaded.parameters()]
        assert all(mapped) if folder == "single" else not any(mapped)
        assert now < most + 200_000


def test_training_a_mapped_model_leaves_its_file_alone(tmp_path: Path) -> None:
    save(any_model("GPT-2", "pretraining"), tmp_path / "m")
    before = (tmp_path / "m" / WEIGHTS).read_bytes()
    loaded = load(tmp_path / "m")
    for parameter in loaded.parameters():
        parameter.data[...] = 0
    assert (tmp_path / "m" / WEIGHTS).read_bytes() == before
    save(loaded, tmp_path / "m", force=True)  # over the file that is mapped
    assert not load(tmp_path / "m").tokens.weight.data.any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(dtype: str, tmp_path: Path) -> None:
    model = any_model("RoBERTa", "classifier")
    save(model, tmp_path / "half", dtype=dtype)
    codes = {entry.code for entry in read_header(tmp_path / "half" / WEIGHTS).arrays.values()}
    assert codes == {{"float16": "F16", "bfloat16": "BF16"}[dtype]}
    for ours, theirs in zip(model.parameters(), load(tmp_path / "half").parameters(), strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs.data, ours.data, rtol=2**-8, atol=1e-7)


def shard(folder: Path, count: int = 3) -> None:
    """Cut the weights of a folder into shards with an index, as transformers does."""
    arrays, metadata = load_tensors(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    places = {}
    for number in range(count):
        file = f"model-{number + 1:05d}-of-{count:05d}.safetensors"
        names = sorted(arrays)[number::count]
        save_tensors(folder / file, {name: arrays[name] for name in names}, metadata)
        places |= dict.fromkeys(names, file)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    save(any_model("GPT-2", "pretraining"), tmp_path / "sharded")
    shard(tmp_path / "sharded")
    return tmp_path / "sharded"


def test_shards_are_one_model(sharded: Path) -> None:
    model, loaded = any_model("GPT-2", "pretraining"), load(sharded)
    for ours, theirs in zip(model.parameters(), loaded.parameters(), strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)
        assert isinstance(owner(theirs.data), mmap.mmap)


BIN, BIN_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"


def to_torch(folder: Path, count: int = 1) -> None:
    """Put torch files in the place of a folder's safetensors, as folders have them that were written before there were such: one, or shards with an index."""
    arrays, _ = load_tensors(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    if count == 1:
        write_torch(folder / BIN, arrays)
        return
    places = {}
    for number in range(count):
        file = f"pytorch_model-{number + 1:05d}-of-{count:05d}.bin"
        names = sorted(arrays)[number::count]
        write_torch(folder / file, {name: arrays[name] for name in names})
        places |= dict.fromkeys(names, file)
    (folder / BIN_INDEX).write_text(json.dumps({"weight_map": places}))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", CONFIGS)
def test_torch_files_are_read_where_there_is_nothing_newer(name: str, count: int, tmp_path: Path) -> None:
    model = any_model(name, "classifier")
    save(model, tmp_path / "m")
    to_torch(tmp_path / "m", count)
    loaded = load(tmp_path / "m")
    for ours, theirs in zip(model.parameters(), loaded.parameters(), strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)
    if (
        name != "DeBERTa v1"
    ):  # whose fused and interleaved q, k, v are taken apart into new arrays, as from every format
        assert all(isinstance(owner(parameter.data), mmap.mmap) for parameter in loaded.parameters())
    other = any_model(name, "classifier")
    other.head.output.weight.data[...] = 7
    save(other, tmp_path / "newer")
    (tmp_path / "newer" / WEIGHTS).rename(tmp_path / "m" / WEIGHTS)
    assert (load(tmp_path / "m").head.output.weight.data == 7).all()


def hostile(folder: Path) -> bytes:
    write_zip(folder / "x", table({"wte.weight": b"cposix\nsystem\n(" + text("true") + b"tR"}), {})
    return (folder / "x").read_bytes()


def lying(folder: Path) -> bytes:
    huge = tensor("0", "FloatStorage", 10**12, 0, (10**6, 10**6), (10**6, 1))
    write_zip(folder / "x", table({"wte.weight": huge}), {"0": bytes(48)})
    return (folder / "x").read_bytes()


BROKEN_TORCH: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a pickle that asks for more": (hostile, "asks for posix.system, and only tensors are read"),
    "truncated": (lambda folder: (folder / BIN).read_bytes()[:-200], "is truncated, or not a file of torch"),
    "empty": (lambda folder: b"", "is truncated, or not a file of torch"),
    "a size that lies": (lying, "but its pickle claims 1000000000000 numbers of 4"),
    "no zip archive": (lambda folder: b"\x80\x02}q\x00." * 9, "not a file of torch 1.6 or newer"),
}


@pytest.mark.parametrize("case", BROKEN_TORCH)
def test_broken_torch_weights_are_refused(case: str, tmp_path: Path) -> None:
    save(any_model("GPT-2", "pretraining"), tmp_path / "m")
    to_torch(tmp_path / "m")
    broken, words = BROKEN_TORCH[case]
    (tmp_path / "m" / BIN).write_bytes(broken(tmp_path / "m"))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=words) as caught:
            load(tmp_path / "m")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "file", ["../secret.bin", "/etc/secret.bin", "..\\secret.bin", "model.safetensors", "a\0.bin"]
)
def test_an_index_of_torch_shards_names_files_of_its_folder(file: str, tmp_path: Path) -> None:
    save(any_model("GPT-2", "pretraining"), tmp_path / "m")
    to_torch(tmp_path / "m", 2)
    fields = json.loads((tmp_path / "m" / BIN_INDEX).read_text())
    fields["weight_map"]["transformer.wte.weight"] = file
    (tmp_path / "m" / BIN_INDEX).write_text(json.dumps(fields))
    with pytest.raises(InputError, match=r"a shard must be a \.bin file of the same folder"):
        load(tmp_path / "m")


def index(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        fields = json.loads((folder / INDEX).read_text())
        (folder / INDEX).write_text(json.dumps(change(fields)))

    return apply


def moved(file: Any, name: str = "transformer.wte.weight") -> Callable[[Path], None]:
    return index(lambda fields: {"weight_map": fields["weight_map"] | {name: file}})


FIRST = "model-00001-of-00003.safetensors"

BROKEN_SHARDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a shard is missing": (
        lambda folder: (folder / FIRST).unlink(),
        f"needs 3 files, of which these are missing: {FIRST}",
    ),
    "a way out": (moved("../secret.safetensors"), "names '../secret.safetensors'; a shard must be"),
    "a way from the root": (moved("/etc/secret.safetensors"), "names '/etc/secret.safetensors'"),
    "a way out on Windows": (moved("..\\secret.safetensors"), "a shard must be"),
    "another kind of file": (moved("config.json"), "names 'config.json'"),
    "a zero byte": (moved("a\0.safetensors"), "a shard must be"),
    "a number for a file": (moved(3), "no weight_map"),
    "no table": (index(lambda fields: {}), "no weight_map"),
    "a list": (index(lambda fields: []), "holds a list"),
    "another shard than said": (
        moved("model-00002-of-00003.safetensors", "transformer.h.0.attn.c_attn.bias"),
        "has 'transformer.h.0.attn.c_attn.bias' in",
    ),
    "a tensor that is nowhere": (
        moved(FIRST, "transformer.more"),
        "has 'transformer.more' in .*, but it is not there",
    ),
    "not UTF-8": (lambda folder: (folder / INDEX).write_bytes(b'{"weight_map": "\xff"}'), "not UTF-8"),
    "a name twice": (
        lambda folder: (folder / INDEX).write_text(
            '{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}'
        ),
        "'a' comes twice",
    ),
    "a broken shard": (lambda folder: (folder / FIRST).write_bytes(b"\xff" * 20), "is truncated, corrupted"),
    "a tensor the index does not know": (
        index(
            lambda f: {
                "weight_map": {n: p for n, p in f["weight_map"].items() if n != "transformer.wte.weight"}
            }
        ),
        "has 'transformer.wte.weight' nowhere, but it is in",
    ),
}


@pytest.mark.parametrize("case", BROKEN_SHARDS)
def test_broken_shards_are_refused(case: str, sharded: Path) -> None:
    breaks, words = BROKEN_SHARDS[case]
    breaks(sharded)
    with pytest.raises(InputError, match=words) as caught:
        load(sharded)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_broken_weights_are_refused(case: str, tmp_path: Path) -> None:
    save(GPT(GPTConfig(20, 8, 8, 1, 2), np.random.default_rng(0)), tmp_path / "m")
    (tmp_path / "m" / WEIGHTS).write_bytes(BROKEN_FILES[case][0])
    with pytest.raises(InputError):
        load(tmp_path / "m")


LIES = {
    "vocab_size": 10**12,
    "n_positions": 10**15,
    "n_embd": 10**9 * 4,
    "n_layer": 10**9,
    "n_head": 10**18,
    "n_inner": 10**12,
}


@pytest.mark.parametrize("field", LIES)
def test_a_configuration_that_lies_costs_nothing(field: str, sharded: Path) -> None:
    fields = json.loads((sharded / "config.json").read_text())
    (sharded / "config.json").write_text(json.dumps(fields | {field: LIES[field]}))
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            load(sharded)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_weights_of_whole_numbers_and_doubled_names_are_refused(tmp_path: Path) -> None:
    save(any_model("GPT-2", "pretraining"), tmp_path / "m")
    arrays, _ = load_tensors(tmp_path / "m" / WEIGHTS)
    whole = arrays["transformer.ln_f.weight"].astype(np.int32)
    save_tensors(tmp_path / "m" / WEIGHTS, arrays | {"transformer.ln_f.weight": whole})
    with pytest.raises(InputError, match=r"no floating-point numbers are ln_f.weight \(I32\)"):
        load(tmp_path / "m")
    save_tensors(tmp_path / "m" / WEIGHTS, arrays | {"ln_f.weight": arrays["transformer.ln_f.weight"]})
    with pytest.raises(InputError, match=r"holds ln_f.weight twice"):
        load(tmp_path / "m")


values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.sampled_from([2**40, 10**30, 0.5, "gelu", "", "gpt2"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = []
    for name in CONFIGS:
        folder = tmp_path_factory.mktemp("small") / "m"
        save(any_model(name, "classifier"), folder)
        folders.append(folder)
    return folders


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_configuration_does_harm(small_models: list[Path], data: st.DataObject) -> None:
    """Any field with any value: the model loads, or is refused in one line."""
    folder = data.draw(st.sampled_from(small_models))
    original = (folder / "config.json").read_bytes()
    fields = json.loads(original)
    changes = data.draw(
        st.dictionaries(
            st.sampled_from([*sorted(fields), "conv_kernel_size", "num_labels"]), values, max_size=3
        )
    )
    try:
        (folder / "config.json").write_text(json.dumps(fields | changes))
        load(folder)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (that it is raised is no must)
    finally:
        (folder / "config.json").write_bytes(original)


def test_a_folder_with_both_reads_the_one_file(sharded: Path) -> None:
    save(any_model("GPT-2", "pretraining"), sharded.parent / "one")
    (sharded.parent / "one" / WEIGHTS).rename(sharded / WEIGHTS)
    assert map_weights(sharded)[1] == sharded / WEIGHTS
