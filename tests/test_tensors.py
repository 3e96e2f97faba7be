"""Named arrays in safetensors files: what is read is what was written, and what cannot be read is refused in one sentence."""

import json
import mmap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minilora.errors import InputError
from minilora.tensors import load_tensors, map_tensors, read_header, save_tensors
from minilora.tensors.header import DTYPES

from .broken_tensors import file_of

arrays = st.sampled_from(sorted(DTYPES.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda n: n != "__metadata__"),
        arrays,
        max_size=4,
    )
)
def test_round_trip_here_and_through_the_library(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("round") / "x.safetensors"
    save_tensors(path, tensors, {"made by": "a test", "größe": "π"})
    for read, metadata in (
        load_tensors(path),
        (safetensors.numpy.load_file(path), {"made by": "a test", "größe": "π"}),
    ):
        assert metadata == {"made by": "a test", "größe": "π"}
        assert read.keys() == tensors.keys()
        for name, array in tensors.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)


def test_views_are_written_as_what_they_show(tmp_path, rng):
    base = rng.standard_normal((4, 6))
    views = {
        "transposed": base.T,
        "strided": base[::2, ::3],
        "reversed": base[::-1],
        "big": base.astype(">f8"),
    }
    save_tensors(tmp_path / "x.safetensors", views)
    read, _ = load_tensors(tmp_path / "x.safetensors")
    for name, view in views.items():
        np.testing.assert_array_equal(read[name], view)
        read[name][...] = 0  # what is read may be written to


def test_equal_content_gives_equal_bytes(tmp_path):
    one = {"a": np.arange(3), "b": np.ones((2, 2), np.float32)}
    two = dict(reversed(one.items()))
    save_tensors(tmp_path / "1", one, {"x": "1", "y": "2", "z": "3"})
    save_tensors(tmp_path / "2", two, {"z": "3", "y": "2", "x": "1"})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_bfloat16_arrives_as_float32(tmp_path):
    values = np.array([1.0, -2.5, 3.140625, np.inf], np.float32)  # exact in bfloat16
    data = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, len(data)]}}).encode()
    path = tmp_path / "b.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    read, _ = load_tensors(path)
    assert read["w"].dtype == np.float32
    np.testing.assert_array_equal(read["w"], values.reshape(2, 2))


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": np.arange(6.0)}, {"x": "1"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="truncated, corrupted or not a safetensors file"):
            load_tensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match="truncated, corrupted"):
        load_tensors(path)


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"no file .*missing\.safetensors"):
        load_tensors(tmp_path / "missing.safetensors")
    with pytest.raises(InputError, match="no file"):
        load_tensors(tmp_path)
    with pytest.raises(InputError, match="'c' has dtype complex128"):
        save_tensors(tmp_path / "x", {"c": np.zeros(2, complex)})
    header = json.dumps({"w": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}).encode()
    (tmp_path / "f8").write_bytes(len(header).to_bytes(8, "little") + header + b"\0")
    with pytest.raises(InputError, match=r"'w' has dtype 'F8_E4M3'; readable are"):
        load_tensors(tmp_path / "f8")


def test_header_without_reading_the_arrays(tmp_path):
    save_tensors(tmp_path / "x", {"a": np.zeros((2, 3), np.float16)}, {"k": "v"})
    header = read_header(tmp_path / "x")
    assert header.metadata == {"k": "v"}
    assert header.arrays["a"].shape == (2, 3)
    assert header.arrays["a"].code == "F16"


def test_mapped_arrays_are_the_file_until_they_are_written_to(tmp_path, rng):
    """Looking at a map of 8 MB takes no memory of that size, and writing to it leaves the file alone."""
    path = tmp_path / "x.safetensors"
    weights = {f"w{i}": rng.standard_normal((512, 512), dtype=np.float32) for i in range(8)}
    save_tensors(path, weights)
    before = path.read_bytes()
    tracemalloc.start()
    try:
        stored, _ = map_tensors(path)
        arrays = {name: one.array() for name, one in stored.items()}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    for name, array in arrays.items():
        assert isinstance(array.base, mmap.mmap)
        np.testing.assert_array_equal(array, weights[name])
        array += 1
    assert path.read_bytes() == before
    save_tensors(path, {"other": np.zeros(1)})  # replaced beneath the map
    np.testing.assert_array_equal(arrays["w0"], weights["w0"] + 1)


def test_arrays_at_odd_addresses_are_moved(tmp_path):
    parts = [("byte", "U8", [1], b"\7"), ("wide", "F32", [2], np.array([1.5, -2], "<f4").tobytes())]
    path = tmp_path / "odd"
    path.write_bytes(file_of(parts))
    stored, _ = map_tensors(path)
    wide = stored["wide"].array()
    assert wide.flags.aligned
    assert wide.tolist() == [1.5, -2]


@pytest.mark.parametrize("floats", ["float16", "bfloat16", "float32"])
def test_floats_are_rounded_once_when_asked(tmp_path, rng, floats):
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 3.4e38, 1 + 2**-8, 1 + 3 * 2**-8])
    arrays = {"w": rng.standard_normal((3, 5)).T, "s": special.astype(np.float32), "i": np.arange(3)}
    with np.errstate(over="ignore"):
        save_tensors(tmp_path / "x", arrays, floats=floats)
        read, _ = load_tensors(tmp_path / "x")
        header = read_header(tmp_path / "x").arrays
        assert {header["w"].code, header["s"].code} == {
            {"float16": "F16", "bfloat16": "BF16", "float32": "F32"}[floats]
        }
        assert read["i"].dtype == np.int64
        if floats == "bfloat16":
            np.testing.assert_allclose(read["w"], arrays["w"], rtol=2**-8)
            assert read["s"].tolist()[1:6] == [np.inf, -np.inf, 0.0, -0.0, pytest.approx(1e-40, rel=0.01)]
            assert np.isnan(read["s"][0])
            assert read["s"][6:].tolist() == [np.inf, 1.0, 1 + 2**-6]
        else:
            np.testing.assert_array_equal(read["s"], arrays["s"].astype(floats))
    with pytest.raises(InputError, match=r"floats must be .*did you mean 'float16'"):
        save_tensors(tmp_path / "y", arrays, floats="float15")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "x"
    save_tensors(path, {"a": np.arange(3)})
    before = path.read_bytes()
    with pytest.raises(InputError, match="dtype"):
        save_tensors(path, {"a": np.array(["text"])})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
