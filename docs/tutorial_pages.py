"""A tutorial's page, made of its script: text, code, and what the code really printed and drew.

Comes before ``hooks.py``, which puts the pages into the site. A script is run once for each state of it and of the package; what came out is kept in ``build/tutorials/``, so that a second
build takes it from there where neither changed.
"""

import ast
import contextlib
import hashlib
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import matplotlib as mpl

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ROOT / "tutorials"
KEPT = ROOT / "build" / "tutorials"

UNREACHED = ("cli", "classroom")
"""Rooms that no tutorial imports, nor, by the import rule, anything that it does import: a change in them leaves what was kept as it is."""

LEAST = 0.65
"""How far a picture may shrink on a narrow screen before it scrolls instead, as a share of its size: the letters of its axes then are 9 pixels high."""

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


def tutorial_page(script: Path) -> str:
    """The Markdown page of a tutorial, from the last run if nothing changed since."""
    digest = hashlib.sha256()
    source = script.read_text(encoding="utf-8")
    if any(f"minilora.{room}" in source for room in UNREACHED):
        raise RuntimeError(
            f"{script.name} imports one of {UNREACHED}; take it out of UNREACHED in {Path(__file__).name}"
        )
    beyond = {*UNREACHED, "__pycache__"}
    for path in [script, Path(__file__), *sorted((ROOT / "minilora").rglob("*"))]:
        if path.is_file() and not beyond & set(path.relative_to(ROOT).parts):
            digest.update(path.read_bytes())
    kept = KEPT / f"{script.stem}-{digest.hexdigest()[:16]}.md"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        for older in KEPT.glob(f"{script.stem}-*.md"):
            older.unlink()
        kept.write_text(run_tutorial(script), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


@contextlib.contextmanager
def site_style() -> Iterator[None]:
    """Within it matplotlib draws as the site wants it; ``pictures`` gives what was drawn."""
    import matplotlib.pyplot as plt

    with mpl.rc_context():
        plt.switch_backend("svg")
        mpl.rcParams.update(STYLE)
        yield


def run_tutorial(script: Path) -> str:
    """Run the cells of a percent script one after another; return text, code, printed lines and pictures as Markdown. A cell that raises ends the build."""
    cells = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent").cells
    parts: list[str] = []
    names: dict[str, Any] = {"__name__": "__tutorial__"}
    with site_style():
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
    """Every open figure as SVG within the page, so that it takes the page's colours; its title is the text for those who cannot see it. Raises ValueError where it has none."""
    import matplotlib.pyplot as plt

    found = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        title = " ".join(axes.get_title() for axes in figure.axes).strip()
        plt.close(figure)
        if not title:
            raise ValueError("a picture needs a title, since some readers cannot see it")
        svg = buffer.getvalue()
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        svg = re.sub(r'id="(\w+_\d+)"', "", svg)  # figure_1, axes_1, …: every picture has them
        least = f"min-width: {LEAST * 96 * figure.get_figwidth():.0f}px"  # 96 pixels an inch
        svg = svg.replace(
            "<svg", f'<svg role="img" aria-label="{html.escape(title, quote=True)}" style="{least}"', 1
        )
        svg = re.sub(r"\n\s*", "\n", svg.strip())
        found.append(f'<figure class="plot" markdown="0">\n{svg}\n</figure>')
    return found
