"""Pages of the site that are made while it is built: one a tutorial, from its script, with what its code really prints and draws; the reference, the commands, the changes.

mkdocs calls ``on_files`` before it reads any page. A tutorial is run once for each state of its script and of the package; what came out is kept in ``build/tutorials/``, so that
``mkdocs serve`` answers at once where neither changed.
"""

import ast
import contextlib
import hashlib
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import click
import jupytext
import matplotlib as mpl
from click.testing import CliRunner
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from minilora.classroom import all_exercises
from minilora.cli.main import COMMANDS, main
from minilora.data.tasks import TASKS, Classification
from minilora.lab.bench import pages as bench_pages

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ROOT / "tutorials"
KEPT = ROOT / "build" / "tutorials"

ROOMS = ("backend", "autograd", "ops", "nn", "models", "methods", "data", "train", "lab", "classroom")

INK = "#010203"
"""Drawn wherever a picture is to have the colour of the page's text, which is dark or light; replaced by currentColor."""

STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.framealpha": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "minilora",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=["#3f7fd6", "#e0761b", "#2f9e5f", "#c2528b"]),
    **dict.fromkeys(
        (
            "text.color",
            "axes.labelcolor",
            "axes.edgecolor",
            "xtick.color",
            "ytick.color",
            "xtick.labelcolor",
            "ytick.labelcolor",
        ),
        INK,
    ),
}


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
    if "<!-- every task -->" in markdown:
        markdown = markdown.replace("<!-- every task -->", task_table())
        markdown = markdown.replace("<!-- samples of made tasks -->", task_samples())
    for name, make in MEASURED.items():
        marker = f"<!-- measured: {name} -->"
        markdown = markdown.replace(marker, make()) if marker in markdown else markdown
    return markdown


def record(name: str) -> Any:
    """What ``minilora bench`` wrote to ``docs/results/``."""
    return json.loads((ROOT / "docs" / "results" / name).read_text(encoding="utf-8"))


def growth_pictures() -> str:
    """The plots of growth, drawn from the record."""
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        plt.switch_backend("svg")
        mpl.rcParams.update(STYLE)
        bench_pages.growth_figure(record("growth.json"))
        return pictures()[0]


MEASURED = {
    "speed": lambda: bench_pages.speed(record("speed.json")),
    "techniques": lambda: bench_pages.techniques(record("techniques.json")),
    "growth": growth_pictures,
    "starts": lambda: bench_pages.starts(record("growth.json")),
}


def exercise_table() -> str:
    """Every exercise, in the order in which they are to be done."""
    rows = ["| exercise | what | after tutorial | difficulty | minutes |", "|---|---|---|---|---|"]
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


def tutorial_page(script: Path) -> str:
    """The Markdown page of a tutorial, from the last run if nothing changed since."""
    digest = hashlib.sha256()
    for path in [script, Path(__file__), *sorted((ROOT / "minilora").rglob("*"))]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    kept = KEPT / f"{script.stem}-{digest.hexdigest()[:16]}.md"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        for older in KEPT.glob(f"{script.stem}-*.md"):
            older.unlink()
        kept.write_text(run_tutorial(script), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


def run_tutorial(script: Path) -> str:
    """Run the cells of a percent script one after another; return text, code, printed lines and pictures as Markdown. A cell that raises ends the build."""
    import matplotlib.pyplot as plt

    cells = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent").cells
    parts: list[str] = []
    names: dict[str, Any] = {"__name__": "__tutorial__"}
    with mpl.rc_context():
        plt.switch_backend("svg")
        mpl.rcParams.update(STYLE)
        for number, cell in enumerate(cells):
            if cell.cell_type == "markdown":
                parts.append(cell.source)
            elif cell.source.strip():
                parts.append(f"```python\n{cell.source.strip()}\n```")
                printed = run_cell(cell.source, names, f"{script.name}, cell {number}")
                if printed:
                    parts.append(f'```text title="Output"\n{printed}\n```')
                parts += pictures()
    title = next(line for part in parts for line in part.splitlines() if line.startswith("# "))
    note = f"*The page is made from [`tutorials/{script.name}`](#run-it-yourself), and so are the numbers and pictures on it.*"
    first, rest = parts[0].split(title, 1)
    parts[0] = f"{first}{title}\n\n{note}\n{rest}"
    parts.append(f"## Run it yourself\n\n```console\n$ python tutorials/{script.name}\n```")
    return "\n\n".join(parts) + "\n"


def run_cell(source: str, names: dict[str, Any], where: str) -> str:
    """Run one cell as a notebook would: what it printed, and then the value of the expression it ends in, if there is one."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
            if value is not None:
                print(repr(value))
    return printed.getvalue().rstrip()


def pictures() -> list[str]:
    """Every open figure as SVG within the page, so that it takes the page's colours; its title is the text for those who cannot see it."""
    import matplotlib.pyplot as plt

    found = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        title = " ".join(axes.get_title() for axes in figure.axes).strip()
        plt.close(figure)
        svg = buffer.getvalue()
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        svg = re.sub(r'id="(\w+_\d+)"', "", svg)  # figure_1, axes_1, …: every picture has them
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(title, quote=True)}"', 1)
        svg = re.sub(r"\n\s*", "\n", svg.strip())
        found.append(f'<figure class="plot" markdown="0">\n{svg}\n</figure>')
    return found


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
