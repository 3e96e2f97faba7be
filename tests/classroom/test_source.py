"""A source that is not as it should be is refused, with its name; and the sources get into the package."""

import tomllib
from pathlib import Path

import pytest

from minilora.classroom import read_exercise
from minilora.classroom.catalogue import CHECKOUT, INSTALLED, find
from minilora.errors import InputError

GOOD = (CHECKOUT / "03_4_softmax.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# title:", "# heading:", "needs the lines title, topic"),
        ("# difficulty: 3", "# difficulty: hard", "difficulty in .* must be a whole number"),
        ("### END SOLUTION", "", "between '### BEGIN SOLUTION'"),
        ('role="solution"', 'role="answer"', "role must be one of"),
        ('role="solution"', 'role="wrong"', "exactly one cell"),
        ('"""the value"""\n', "", "a check opens with a string"),
        ("points=2", "points=none", "points in .* must be"),
    ],
)
def test_a_broken_source_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    path = tmp_path / "03_4_softmax.py"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_exercise(path)


def test_a_name_without_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TUTORIAL_PLACE_name"):
        read_exercise(tmp_path / "softmax.py")


def test_exercises_are_found_by_name_and_by_file() -> None:
    assert find("softmax") is find("03_4_softmax") is find("03_4_softmax.ipynb")
    with pytest.raises(InputError, match="did you mean 'softmax'"):
        find("sofmax")


def test_a_wheel_carries_the_sources() -> None:
    root = CHECKOUT.parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {str(root / source): str(root / goal) for source, goal in included.items()} == {
        str(CHECKOUT): str(INSTALLED)
    }
