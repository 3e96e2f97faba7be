"""What the tests of the commands share: a model, data files, and a way to run a command."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from minilora.cli.main import main

from .tiny import write_e2e, write_model, write_text

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def material(tmp_path_factory) -> Path:
    """A folder with ``model``, ``text.txt`` and ``e2e.csv``, and two finished runs: ``lora`` and ``houlsby`` on the text."""
    folder = tmp_path_factory.mktemp("material")
    write_model(folder / "model")
    write_text(folder / "text.txt")
    write_e2e(folder / "e2e.csv")
    for method in ("lora", "houlsby"):
        arguments = ["finetune", "--model", folder / "model", "--task", "text", "--data", folder / "text.txt"]
        arguments += ["--method", method, "--steps", 3, "--rows", 2, "--length", 32, "--out", folder / method]
        assert invoke(*arguments).exit_code == 0
    return folder


@pytest.fixture
def run(material, tmp_path, monkeypatch) -> Run:
    """Run a command in an empty folder. ``@name`` stands for what ``material`` holds under that name."""
    monkeypatch.chdir(tmp_path)

    def in_folder(line: str, **options: object) -> Result:
        words = [str(material / word[1:]) if word.startswith("@") else word for word in line.split()]
        return invoke(*words, **options)

    return in_folder


def invoke(*arguments: object, **options: object) -> Result:
    """The command, in this process; a defect of the program is raised, not turned into an exit status."""
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False, **options)
