"""Pages of the site that are made while it is built: one a tutorial, from its script, with what its code really prints and draws; the reference, the commands, the changes.

mkdocs calls ``on_files`` before it reads any page, ``on_page_markdown`` with the text of each, and ``on_page_content`` with its HTML. ``tutorial_pages.py`` runs the tutorials; ``measured.py`` shows
what was recorded.
"""

import re
import textwrap
from pathlib import Path

import click
from click.testing import CliRunner
from measured import MEASURED
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from tutorial_pages import TUTORIALS, tutorial_page

from minilora.classroom import all_exercises
from minilora.cli.main import COMMANDS, main
from minilora.data.tasks import TASKS, Classification

ROOT = Path(__file__).resolve().parents[1]

ROOMS = ("backend", "autograd", "ops", "nn", "models", "methods", "data", "train", "lab", "classroom")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file of their own in ``docs/``."""
    pages = {
        "changes.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "reference/command-line.md": command_line_page(),
        **{f"reference/{room}.md": reference_page(room) for room in ROOMS},
    }
    for script in sorted(TUTORIALS.glob("[0-9][0-9]_*.py")):
        pages[f"tutorials/{script.stem}.md"] = tutorial_page(script)
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put what is made while the site is built where a page asks for it: the table of all exercises, and what was measured."""
    markdown = markdown.replace("<!-- every exercise -->", exercise_table())
    markdown = markdown.replace("<!-- the tour -->", tour())
    if "<!-- every task -->" in markdown:
        markdown = markdown.replace("<!-- every task -->", task_table())
        markdown = markdown.replace("<!-- samples of made tasks -->", task_samples())
    for name, make in MEASURED.items():
        marker = f"<!-- measured: {name} -->"
        markdown = markdown.replace(marker, make()) if marker in markdown else markdown
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mend the formulas, as LaTeX would set them: the bars of a norm do not grow with what stands between them, and capital Greek letters stand upright."""
    html = html.replace("<mo>&#x02016;</mo>", '<mo stretchy="false">&#x02016;</mo>')
    return re.sub(r"<mi>(&#x0039[1-9A-F];|&#x003A[0-9];)</mi>", r'<mi mathvariant="normal">\1</mi>', html)


def tour() -> str:
    """What ``minilora quickstart`` printed, from the README, folded up."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme[readme.index("```text\n") :]
    block = block[: block.index("\n```") + 4]
    return '??? example "What it prints"\n\n' + textwrap.indent(block, "    ")


def exercise_table() -> str:
    """Every exercise, in the order in which they are to be done."""
    rows = ["| exercise | what | after | level | minutes |", "|---|---|---|---|---|"]
    for e in all_exercises():
        rows.append(f"| `{e.name}` | {e.title} | {e.tutorial:02d} | {'★' * e.difficulty} | {e.minutes} |")
    return "\n".join(rows)


def task_table() -> str:
    """Every task's name, what it asks, and what it is scored by."""
    rows = ["| task | what it asks, and what it reads | decides | labels |", "|---|---|---|---|"]
    for name, kind in TASKS.items():
        figure = kind.figures[0] if issubclass(kind, Classification) else kind.primary
        labels = (
            ", ".join(kind.labels)
            if issubclass(kind, Classification) and isinstance(kind.labels, tuple)
            else ""
        )
        rows.append(f"| `{name}` | {kind.description} | {figure} | {labels} |")
    return "\n".join(rows)


def task_samples() -> str:
    """Some test examples of every task that is made from a seed, as a model reads them."""
    parts = []
    for name, kind in TASKS.items():
        if kind.made:
            task = kind(0)
            shown = task.prompted() if isinstance(task, Classification) else task
            count = 2 if name in ("conversations", "nl2sql", "nl2sql-joins") else 4
            samples = "\n\n".join(example.prompt + example.completion for example in shown.test[:count])
            parts.append(f"### {name}\n\n```text\n{samples}\n```")
    return "\n\n".join(parts)


def command_line_page() -> str:
    """Every command's ``--help``, as it prints it."""
    runner = CliRunner()
    parts = ["# Command line", "What `--help` prints, of the program and of each command."]
    context = click.Context(main)
    named = [[]]
    for name in COMMANDS:
        command = main.get_command(context, name)
        named.append([name])
        if isinstance(command, click.Group):
            named += [[name, inner] for inner in command.list_commands(context)]
    for arguments in named:
        shown = runner.invoke(main, [*arguments, "--help"], prog_name="minilora", terminal_width=78)
        if shown.exit_code != 0:
            raise RuntimeError(f"minilora {' '.join(arguments)} --help failed: {shown.output}")
        name = " ".join(["minilora", *arguments])
        parts.append(f"## {name}\n\n```text\n{shown.output.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def reference_page(room: str) -> str:
    """The room's own words, and then every public class and function of each of its files."""
    folder = ROOT / "minilora" / room
    parts = [
        f"# {room}",
        f"::: minilora.{room}\n    options: {{members: false, show_root_heading: false, show_source: false}}",
    ]
    for path in sorted(folder.rglob("*.py"), key=lambda path: (len(path.parts), path)):
        if path.name[0] != "_":
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            parts.append(f"::: {module}")
    return "\n\n".join(parts) + "\n"
