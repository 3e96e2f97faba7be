"""Safetensors files that lie: every one is refused by name before memory is asked for, and no bytes whatever do anything worse."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minilora.errors import InputError
from minilora.tensors import load_tensors, map_tensors
from minilora.tensors.header import DTYPES

from .broken_tensors import BROKEN, file_of, with_header


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused_before_memory_is_asked_for(case: str, tmp_path: Path) -> None:
    data, words = BROKEN[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            load_tensors(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 20 * len(data) + 500_000


def test_a_sparse_file_with_a_header_of_a_gigabyte(tmp_path: Path) -> None:
    """The file really has the bytes, but takes no disk; the reader stops at the format's limit instead of reading them."""
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write((1 << 30).to_bytes(8, "little") + b"{")
        file.truncate(8 + (1 << 30))
    with pytest.raises(InputError, match="more than the format's 100000000"):
        load_tensors(path)


numbers = st.one_of(st.integers(-2, 40), st.sampled_from([2**31, 2**32 + 2, 2**63, 2**64 - 1, 2**64, 10**30]))
anything: Any = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=3) | st.sampled_from(sorted(DTYPES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DTYPES, "BF16", "F8_E5M2", "f32"]) | anything,
        "shape": st.lists(numbers, max_size=3) | anything,
        "data_offsets": st.tuples(numbers, numbers).map(list) | anything,
    }
)
headers = st.dictionaries(st.text(max_size=4) | st.just("__metadata__"), entries | anything, max_size=3)
sound_parts = st.lists(
    st.tuples(
        st.text(max_size=4), st.sampled_from([*DTYPES, "BF16"]), st.lists(st.integers(0, 3), max_size=3)
    ),
    max_size=4,
    unique_by=lambda part: part[0],
).filter(lambda parts: all(name != "__metadata__" for name, _, _ in parts))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound file, in which some bytes are changed, dropped, doubled or put in."""
    sizes = {code: np.dtype(name).itemsize for code, name in DTYPES.items()} | {"BF16": 2}
    data = bytearray(
        file_of(
            [
                (name, code, shape, bytes(int(np.prod(shape, dtype=int)) * sizes[code]))
                for name, code, shape in draw(sound_parts)
            ]
        )
    )
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        kind = draw(st.sampled_from(["change", "drop", "double", "insert"]))
        if kind == "change" and data:
            data[at] = draw(st.integers(0, 255) | st.sampled_from(list(b'0123456789[]{},":')))
        elif kind == "drop":
            del data[at : at + draw(st.integers(1, 9))]
        elif kind == "double":
            data[at:at] = data[at : at + 20]
        else:
            data[at:at] = draw(st.binary(max_size=9))
    return bytes(data)


any_file = st.one_of(
    st.binary(max_size=64),
    st.tuples(st.binary(max_size=64), st.binary(max_size=16)).map(lambda pair: with_header(*pair)),
    st.tuples(headers.map(lambda fields: json.dumps(fields).encode()), st.binary(max_size=40)).map(
        lambda pair: with_header(*pair)
    ),
    damaged(),
)


def read_like_the_library(path: Path, data: bytes) -> None:
    """Our reader refuses in one line, or reads what the safetensors library reads: it accepts nothing that the library refuses."""
    path.write_bytes(data)
    try:
        ours, metadata = load_tensors(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 (that it is raised is no must)
        return
    with safetensors.safe_open(path, framework="numpy") as theirs:
        assert set(theirs.keys()) == ours.keys()
        assert (theirs.metadata() or {}) == metadata
        for name, stored in map_tensors(path)[0].items():
            assert stored.array().tobytes() == ours[name].tobytes()
            if stored.code != "BF16":  # the library's NumPy side knows no bfloat16
                assert theirs.get_tensor(name).tobytes() == ours[name].tobytes()
                assert theirs.get_tensor(name).shape == ours[name].shape


@given(data=any_file)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_do_harm(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    read_like_the_library(tmp_path_factory.getbasetemp() / "fuzz.safetensors", data)


@pytest.mark.slow
@given(data=any_file)
@settings(max_examples=8_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_do_harm_at_length(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    read_like_the_library(tmp_path_factory.getbasetemp() / "fuzz.safetensors", data)
