"""Torch files are read without torch, and a file that asks for anything but tensors is refused before it does anything."""

import contextlib
import mmap
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.models.torch_file import load_torch, map_torch

from .torch_zip import KINDS, row, table, tensor, text, whole, write_torch, write_zip

NUMBERS = np.arange(12, dtype=np.float32).tobytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.bin"


def refused(path: Path, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_torch(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_dtype(path: Path, rng: np.random.Generator) -> None:
    arrays = {name: (rng.standard_normal((3, 5)) * 100).astype(name) for name in KINDS}
    arrays |= {"scalar": np.float32(2.5).reshape(()), "empty": np.zeros((0, 4), np.float32)}
    write_torch(path, arrays)
    found = load_torch(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
        found[name][...] = 0  # may be written to


def test_bfloat16_is_the_upper_half_of_float32(path: Path) -> None:
    values = np.array([1.0, -2.5, 3.0e38, 1e-37, 0.0], np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    write_zip(path, table({"x": tensor("0", "BFloat16Storage", 5, 0, (5,), (1,))}), {"0": upper.tobytes()})
    found = load_torch(path)["x"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values, rtol=2**-7)


def test_views_are_read_by_their_strides(path: Path) -> None:
    numbers = np.arange(12, dtype=np.float32)
    values = {
        "transposed": tensor("0", "FloatStorage", 12, 0, (4, 3), (1, 4)),
        "cut": tensor("0", "FloatStorage", 12, 5, (2, 2), (4, 2)),
        "again": tensor("0", "FloatStorage", 12, 0, (12,), (1,)),
    }
    write_zip(path, table(values), {"0": numbers.tobytes()})
    found = load_torch(path)
    np.testing.assert_array_equal(found["transposed"], numbers.reshape(3, 4).T)
    np.testing.assert_array_equal(found["cut"], numbers.reshape(3, 4)[1:, 1::2])
    mapped = {name: stored.array() for name, stored in map_torch(path).items()}
    for name, array in mapped.items():
        np.testing.assert_array_equal(array, found[name])
    assert np.shares_memory(mapped["again"], mapped["cut"])


def test_mapped_numbers_are_the_files_own_and_never_written_back(path: Path) -> None:
    write_torch(path, {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "half": np.ones(5, np.float16)})
    before = path.read_bytes()
    found = {name: stored.array() for name, stored in map_torch(path).items()}
    for array in found.values():
        while isinstance(array, np.ndarray):
            last, array = array, array.base
        assert isinstance(array, mmap.mmap)
        last[...] = 0
    assert not found["x"].any()
    assert path.read_bytes() == before


def test_an_entry_that_is_not_aligned_is_moved(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table({"x": tensor("0", "FloatStorage", 12, 0, (12,), (1,))}))
        archive.writestr("archive/data/0", NUMBERS)
    found = map_torch(path)["x"].array()
    assert found.flags.aligned
    np.testing.assert_array_equal(found, np.arange(12))


def test_a_checksum_that_is_wrong(path: Path) -> None:
    write_torch(path, {"x": np.arange(6, dtype=np.float32)})
    content = bytearray(path.read_bytes())
    place = content.index(np.float32(5).tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    refused(path, "is damaged: the checksum of archive/data/0 is wrong")


def test_one_storage_in_a_thousand_tensors(path: Path) -> None:
    """What is tied appears twice; what is shown a thousand times over is there to fill the memory."""
    one = tensor("0", "BFloat16Storage", 12, 0, (12,), (1,))
    write_zip(path, table(dict.fromkeys("abcd", one)), {"0": bytes(24)})
    assert len(load_torch(path)) == 4
    write_zip(path, table({f"x{number}": one for number in range(1000)}), {"0": bytes(24)})
    refused(path, "its tensors show 12 numbers more than 4 times over (12000 in all)")


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((0, 4), (2**62, 2**62), 0), ((0,), (1,), 2**62), ((1, 12), (2**62, 1), 0), ((), (), 11)],
)
def test_steps_that_are_never_taken_may_be_any_number(
    path: Path, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    write_zip(path, table({"x": tensor("0", "FloatStorage", 12, offset, shape, strides)}), {"0": NUMBERS})
    found = load_torch(path)["x"]
    assert found.shape == shape
    np.testing.assert_array_equal(found.ravel(), np.arange(12)[offset:][: found.size])


def test_the_other_byte_order(path: Path) -> None:
    pickled = table({"x": tensor("0", "FloatStorage", 3, 0, (3,), (1,))})
    write_zip(path, pickled, {"0": np.arange(3, dtype=">f4").tobytes()}, byteorder="big")
    np.testing.assert_array_equal(load_torch(path)["x"], [0, 1, 2])


def test_parameters_and_the_version_table_of_a_module(path: Path) -> None:
    parameter = b"ctorch._utils\n_rebuild_parameter\n(" + tensor("0", "FloatStorage", 2, 0, (2,), (1,))
    parameter += b"\x88ccollections\nOrderedDict\n)RtR"
    pickled = table({"weight": parameter})[:-1] + b"}" + text("_metadata") + b"}sb."
    write_zip(path, pickled, {"0": np.ones(2, np.float32).tobytes()})
    np.testing.assert_array_equal(load_torch(path)["weight"], [1, 1])


class Call:
    """Pickles to a call of ``os.mkdir``, as a hostile file would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_not_made(path: Path, protocol: int) -> None:
    witness = path.parent / "made"
    write_zip(path, pickle.dumps({"x": Call(witness)}, protocol), {})
    with pytest.raises(InputError):
        load_torch(path)
    assert not witness.exists()
    pickle.loads(pickle.dumps(Call(witness), protocol))
    assert witness.exists(), "the pickle does nothing, so the test shows nothing"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("posix\nsystem", "asks for posix.system, and only tensors are read"),
        ("builtins\neval", "asks for builtins.eval"),
        ("builtins\ngetattr", "asks for builtins.getattr"),
        ("torch\nload", "asks for torch.load"),
        ("torch.hub\nload", "asks for torch.hub.load"),
        ("torch.storage\nUntypedStorage", "asks for torch.storage.UntypedStorage"),
        ("torch\nComplexFloatStorage", "holds a ComplexFloatStorage; readable are DoubleStorage"),
        ("collections\nOrderedDict.__init__", "asks for collections.OrderedDict.__init__"),
        ("numpy._core.multiarray\n_reconstruct", "asks for numpy._core.multiarray._reconstruct"),
    ],
)  # fmt: skip
def test_names_that_are_no_tensors(path: Path, name: str, words: str) -> None:
    write_zip(path, table({"x": b"c" + name.encode() + b"\n" + b"(" + text("true") + b"tR"}), {})
    refused(path, words)


@pytest.mark.parametrize(
    ("instruction", "name"),
    [
        (b"\x8c\x05posix\x8c\x06system\x93", "SHORT_BINUNICODE"),
        (b"\x96" + (2**60).to_bytes(8, "little"), ""),  # BYTEARRAY8 of 2^60 bytes
        (b"\x82\x01", "EXT1"),
        (b"i__main__\nCall\n", "INST"),
        (b"P0\n", "PERSID"),
    ],
)
def test_instructions_that_no_tensor_needs(path: Path, instruction: bytes, name: str) -> None:
    write_zip(path, table({"x": instruction}), {})
    refused(path, name)


def test_a_memo_that_would_fill_the_memory(path: Path) -> None:
    write_zip(path, table({"x": b"}r" + (2**31).to_bytes(4, "little")}), {})
    refused(path, "wants to keep 2147483648 objects")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (tensor("0", "FloatStorage", 10**12, 0, (10**6, 10**6), (10**6, 1)), "claims 1000000000000 numbers of 4"),
        (tensor("0", "FloatStorage", 12, 0, (10**6, 10**6), (0, 0)), "reaches beyond the 12 numbers"),
        (tensor("0", "FloatStorage", 12, 0, (3, 5), (5, 1)), "reaches beyond the 12 numbers"),
        (tensor("0", "FloatStorage", 12, 1, (12,), (1,)), "reaches beyond the 12 numbers"),
        (tensor("0", "FloatStorage", 12, 0, (2, 2), (12, 1)), "reaches beyond the 12 numbers"),
        (tensor("0", "FloatStorage", 12, 0, (2,), (-1,)), "has the shape (2,) and strides (-1,)"),
        (tensor("0", "FloatStorage", 12, -4, (2,), (1,)), "has the shape"),
        (tensor("0", "FloatStorage", 12, 0, (2, 2), (1,)), "of something else than a storage"),
        (tensor("0", "FloatStorage", 12, 0, (1,) * 65, (1,) * 65), "of something else than a storage"),
        (tensor("0", "FloatStorage", -12, 0, (2,), (1,)), "no storage of numbers"),
        (tensor("0", "DoubleStorage", 12, 0, (2,), (1,)), "holds 48 bytes, but its pickle claims 12 numbers of 8"),
        (tensor("7", "FloatStorage", 12, 0, (2,), (1,)), "lacks the entry archive/data/7"),
        (tensor("../data.pkl", "FloatStorage", 12, 0, (2,), (1,)), "lacks the entry"),
        (whole(3), "does not hold one table of named tensors"),
        (b"}", "does not hold one table of named tensors"),
        (b"(" + text("storage") + b"tQ", "no storage of numbers"),
        (tensor("0", "FloatStorage", 12, 0, (2,), (1,)) + b"}" + text("__class__") + b"Nsb", "is damaged"),
        (tensor("0", "FloatStorage", 12, 0, (2,), (1,)) + b"}" + text("shape") + row((10**6,)) + b"sb", "is damaged"),
        (tensor("0", "FloatStorage", 12, 0, (2,), (1,)) + b"N}" + text("begin") + whole(0) + b"s\x86b", "is damaged"),
        (b"ccollections\nOrderedDict\n(NN}" + text("move_to_end") + b"Ns\x86tb", "is damaged"),
        (text("f4") + b")R", "is damaged"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_the_numbers(path: Path, value: bytes, words: str) -> None:
    write_zip(path, table({"x": value}), {"0": NUMBERS})
    refused(path, words)


def test_a_compressed_entry_is_not_unpacked(path: Path) -> None:
    write_zip(
        path,
        table({"x": tensor("0", "FloatStorage", 10**6, 0, (10**6,), (1,))}),
        {"0": bytes(4 * 10**6)},
        compress=True,
    )
    refused(path, "is compressed, which torch.save never does")


def test_files_that_are_no_torch_files(path: Path) -> None:
    refused(path, "no file")
    path.write_bytes(pickle.dumps({"x": 1}))
    refused(path, "not a file of torch 1.6 or newer")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "hello")
    refused(path, "not one that torch.save wrote")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", table({}))
        archive.writestr("b/data.pkl", table({}))
    refused(path, "not one that torch.save wrote")
    write_zip(path, b"\x80\x02]" + b".", {})
    refused(path, "does not hold one table of named tensors")


def test_a_file_cut_anywhere(path: Path) -> None:
    write_torch(path, {"x": np.ones((3, 4), np.float32)})
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(InputError):
            load_torch(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_of_bytes_gives_tensors_or_an_input_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.bin"
    write_torch(path, {"x": np.ones((2, 3), np.float32), "y": np.ones(4)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = load_torch(path)
    except InputError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())


def test_any_change_of_bytes_is_mapped_or_an_input_error(path: Path, rng: np.random.Generator) -> None:
    """As above where no checksum stands in the way: what is mapped can be looked at to its last element."""
    write_torch(path, {"x": np.ones((2, 3), np.float32), "y": np.ones(4)})
    good, readable = path.read_bytes(), 0
    for _ in range(1000):
        content = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            readable += all(stored.array().size for stored in map_torch(path).values())
    assert readable


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of odd escapes, by the standard library's list of instructions
def test_any_pickle_gives_tensors_or_an_input_error(path: Path, rng: np.random.Generator) -> None:
    """Changes within the pickle itself, which the archive's checksum would otherwise catch first."""
    good = table(
        {
            "x": tensor("0", "FloatStorage", 12, 0, (3, 4), (4, 1)),
            "y": tensor("0", "FloatStorage", 12, 2, (5,), (2,)),
        }
    )
    readable = 0
    for _ in range(1000):
        changed = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(len(good))] = rng.integers(256)
        write_zip(path, bytes(changed), {"0": NUMBERS})
        with contextlib.suppress(InputError):
            readable += all(isinstance(array, np.ndarray) for array in load_torch(path).values())
    assert readable


def test_the_authors_checkpoint(shared_data: Path) -> None:
    """The paper's own RoBERTa-base LoRA for MNLI: r = 8 on query and value of 12 layers, and the classifier's head."""
    found = load_torch(shared_data / "roberta_base_lora_mnli" / "roberta_base_lora_mnli.bin")
    assert len(found) == 52
    assert sum(array.size for array in found.values()) == 887_811
    assert found["roberta.encoder.layer.11.attention.self.value.lora_B"].shape == (768, 8)
    assert found["classifier.out_proj.weight"].shape == (3, 768)
    assert all(np.isfinite(array).all() and array.any() for array in found.values())
