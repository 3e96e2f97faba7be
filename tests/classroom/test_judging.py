"""What is said of a wrong array: shape before dtype before value, and general mistakes by name."""

import numpy as np
import pytest

from minilora.classroom import find, mark, verify
from minilora.classroom.judge import compare

from .conftest import as_student

RIGHT = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])
SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]])


@pytest.mark.parametrize(
    ("got", "due", "stage", "likely"),
    [
        (RIGHT.T, RIGHT, "shape", "transpose"),
        (RIGHT[:, None], RIGHT, "shape", "keepdims"),
        (RIGHT, RIGHT.sum(), "shape", "a sum or a mean"),
        (RIGHT, RIGHT.sum(axis=0), "shape", "too many axes"),
        (RIGHT.sum(axis=0), RIGHT, "shape", "too few axes"),
        (RIGHT, RIGHT.astype(np.float32), "dtype", "dtype=x.dtype"),
        (np.array(2.0), np.array(2), "dtype", "//"),
        (np.array([1, 0]), np.array([True, False]), "dtype", "comparison"),
        (2 * RIGHT, RIGHT, "value", "2 times the right one"),
        (-RIGHT, RIGHT, "value", "sign"),
        (RIGHT + 1, RIGHT, "value", "off by 1"),
        (0 * RIGHT, RIGHT, "value", "All of it is zero"),
        (RIGHT, 0 * RIGHT, "value", "should be zero"),
        (SQUARE.T, SQUARE, "value", "transpose"),
        (RIGHT[::-1], RIGHT, "value", "opposite order"),
        (np.where(RIGHT > 2, np.nan, RIGHT), RIGHT, "value", "NaN"),
        (np.where(RIGHT > 2, np.inf, RIGHT), RIGHT, "value", "infinities"),
        (RIGHT + np.eye(2, 3), RIGHT, "value", ""),
    ],
)
def test_stages_and_names(got: np.ndarray, due: np.ndarray, stage: str, likely: str) -> None:
    complaint = compare("y", got, due)
    assert complaint is not None
    assert complaint[0] == stage
    assert likely in complaint[2]
    assert bool(likely) == bool(complaint[2])


def test_the_first_wrong_entry_is_named() -> None:
    complaint = compare("", RIGHT + np.eye(2, 3), RIGHT)
    assert complaint is not None
    assert complaint[1] == "Value: 2 of 6 entries differ; the first is [0, 0], which is 2 and should be 1."


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounding_is_no_mistake_and_more_is(dtype: type) -> None:
    right = np.random.default_rng(0).standard_normal(100).astype(dtype)
    epsilon = np.finfo(dtype).eps
    assert compare("", right * (1 + 20 * epsilon), right) is None
    assert compare("", (right * 1.001).astype(dtype), right) is not None
    assert compare("", np.full(3, np.nan, dtype), np.full(3, np.nan, dtype)) is None


@pytest.mark.parametrize("given", ["{'y': x @ W.T + b}", "{}"])
def test_a_dict_in_an_arrays_place_is_told_as_the_wrong_type(given: str) -> None:
    linear = find("linear")
    code = f"def linear(x, W, b):\n    return {given}\n"
    marked = mark(linear, as_student(linear, code), seed=0)
    assert marked.points == 0
    assert {verdict.stage for verdict in marked.verdicts} == {"run"}
    assert marked.failed[0].found == "Your code gave back an object of type dict, and no array."
    names: dict[str, object] = {}
    exec(code, names)
    with pytest.raises(AssertionError, match="an object of type dict, and no array"):
        verify("linear", names)
