"""Named arrays in safetensors files: what is read is what was written, and what cannot be read is refused in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minilora.errors import InputError
from minilora.tensors import DTYPES, load_tensors, read_header, save_tensors

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
    with pytest.raises(InputError, match=r"'w' .* has dtype F8_E4M3; readable are"):
        load_tensors(tmp_path / "f8")


def test_header_without_reading_the_arrays(tmp_path):
    save_tensors(tmp_path / "x", {"a": np.zeros((2, 3), np.float16)}, {"k": "v"})
    header = read_header(tmp_path / "x")
    assert header["__metadata__"] == {"k": "v"}
    assert header["a"]["shape"] == [2, 3]
    assert header["a"]["dtype"] == "F16"
