"""What the README and the pages say is so: commands exist, code runs, links lead somewhere."""

import re
import tempfile
from pathlib import Path

import click
import pytest

import minilora
from minilora.cli.main import COMMANDS, main
from minilora.models.checkpoint import shipped

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
IMAGE = re.compile(r"!\[(.*?)\]\(")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


@by_page
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    in_code = "\n".join(re.findall(r"`[^`\n]+`|^```.*?^```", text, re.DOTALL | re.MULTILINE))
    named = set(re.findall(r"(?<!from )\bminilora ([a-z]+)\b", in_code))
    assert named <= set(COMMANDS)


@by_page
def test_options_that_are_named_exist(page: Path) -> None:
    """In a block or within a line: every ``--option`` after ``minilora NAME`` is one of that command's."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    code = "\n".join(re.findall(r"`[^`\n]+`|^ *```console.*?^ *```", text, re.DOTALL | re.MULTILINE))
    context = click.Context(main)
    for name, rest in re.findall(r"(?<!from )\bminilora ([a-z]+)\b([^`\n&|#]*)", code):
        command = main.get_command(context, name)
        if isinstance(command, click.Group) and rest.split():
            command = command.get_command(context, rest.split()[0])
        assert command is not None, (name, rest)
        known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"--help"}
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)) <= known, (name, rest)


@by_page
def test_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
    if any("tiny-gpt" in block for block in blocks) and "tiny-gpt" not in shipped():
        pytest.skip("tiny-gpt is not in this checkout")
    monkeypatch.chdir(tmp_path)  # what a page writes goes with the test
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, object] = {}
    for block in blocks:  # the blocks of a page build on each other
        exec(compile(block, page.name, "exec"), names)


@by_page
def test_links_within_the_checkout_lead_somewhere(page: Path) -> None:
    generated = {"command-line.md", "changes.md"}  # docs/hooks.py makes them, and a page of each tutorial
    generated |= {f"{path.stem}.md" for path in (ROOT / "tutorials").glob("*.py")}
    rooms = {f"{path.name}.md" for path in (ROOT / "minilora").iterdir() if path.is_dir()}
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists() or Path(link).name in generated | rooms, link


@by_page
def test_pictures_say_what_they_show(page: Path) -> None:
    assert all(len(text) > 10 for text in IMAGE.findall(page.read_text(encoding="utf-8")))


def test_the_reference_names_all_public_names() -> None:
    page = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    assert [name for name in minilora.__all__ if name != "__version__" and f"`{name}`" not in page] == []
