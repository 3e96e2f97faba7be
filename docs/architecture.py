"""The page on the architecture: a table of the rooms and a drawing of who imports whom, both read from the code while the site is built.

mkdocs calls ``on_page_markdown`` for each page. The rule itself is read from the test that holds it, so the drawing cannot show another one.
"""

import ast
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "minilora"
RULE = ROOT / "tests" / "test_import_rule.py"

LEFT, TOP, CELL = 92, 78, 24


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the table and the drawing where the page asks for them."""
    if "<!-- rooms -->" in markdown:
        markdown = markdown.replace("<!-- rooms -->", table()).replace("<!-- imports -->", drawing())
    return markdown


def rule() -> dict[str, Any]:
    """The constants of the test of the import rule: TOWER, GROUND, BESIDE, USERS_OF."""
    wanted, values = ("TOWER", "GROUND", "BESIDE", "USERS_OF"), {}
    for node in ast.parse(RULE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in wanted:
                values[name] = eval(ast.unparse(node.value))
    return values


def allowed(room: str, known: dict[str, Any]) -> set[str]:
    """The rooms that a file of ``room`` may import: those below it, those beside the tower that let it, the ground, and its own."""
    tower = known["TOWER"]
    below = set(tower[: tower.index(room)]) if room in tower else known["BESIDE"].get(room, set())
    return (
        known["GROUND"]
        | {room}
        | below
        | {name for name, users in known["USERS_OF"].items() if room in users}
    )


def room_of(path: Path) -> str:
    """The folder below the package, or the file directly in it."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports() -> Counter[tuple[str, str]]:
    """How many import statements lead from one room to another: {(from, to): count}."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.relative_to(PACKAGE).parts[:-1]
                named = base[: len(base) - node.level + 1] + tuple(
                    filter(None, (node.module or "").split("."))
                )
                for name in {named[0]} if named else {alias.name for alias in node.names}:
                    found[room_of(path), name] += 1
    return found


def rooms(known: dict[str, Any]) -> list[str]:
    """The rooms that exist, from the ground up; those beside the tower stand before the first that uses them."""
    there = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    order = [*sorted(known["GROUND"]), *known["TOWER"]]
    for name, users in known["USERS_OF"].items():
        order.insert(min(order.index(user) for user in users), name)
    return [name for name in order if name in there]


def table() -> str:
    """Each room, what it holds in its own words, and how much code that is; the top of the tower first."""
    rows = ["| room | what it holds | files | lines |", "|---|---|---:|---:|"]
    for name in reversed(rooms(rule())):
        folder = PACKAGE / name
        sources = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
        opening = sources[0] if sources[0].parent != folder else folder / "__init__.py"
        words = ast.get_docstring(ast.parse(opening.read_text(encoding="utf-8"))) or ""
        first = " ".join(words.split("\n\n")[0].split()).replace("|", "\\|").replace("``", "`")
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources)
        rows.append(f"| `{name}` | {first} | {len(sources)} | {lines:,} |")
    return "\n".join(rows)


def drawing() -> str:
    """A square for each pair of rooms: a row imports from a column. Filled where it does, outlined where it might, and a dot where it must not."""
    known, found = rule(), imports()
    order = rooms(known)
    width, height = LEFT + CELL * len(order) + 8, TOP + CELL * len(order) + 8
    title = "Which room imports from which: every filled square lies below the diagonal, so no room imports from one above it"
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">']
    for column, to in enumerate(order):
        x = LEFT + CELL * column + CELL / 2 + 4
        parts.append(f'<text transform="translate({x} {TOP - 6}) rotate(-60)">{to}</text>')
    for row, name in enumerate(order):
        y = TOP + CELL * row
        parts.append(f'<text x="{LEFT - 6}" y="{y + CELL * 0.68:.1f}" text-anchor="end">{name}</text>')
        for column, to in enumerate(order):
            parts.append(
                square(LEFT + CELL * column, y, name, to, found[name, to], to in allowed(name, known))
            )
    return '<figure class="plot rooms" markdown="0">\n' + "\n".join([*parts, "</svg>"]) + "\n</figure>"


def square(x: float, y: float, name: str, to: str, count: int, may: bool) -> str:
    """The mark for one pair."""
    place = f'x="{x + 2}" y="{y + 2}" width="{CELL - 4}" height="{CELL - 4}" rx="3"'
    if name == to:
        return f'<rect class="own" {place}/>'
    if not may:
        return f'<circle class="never" cx="{x + CELL / 2}" cy="{y + CELL / 2}" r="1.5"/>'
    if not count:
        return f'<rect class="might" {place}/>'
    strength = min(1.0, 0.35 + count / 30)
    tip = f"<title>{name} imports from {to} in {count} statement{'s' if count > 1 else ''}</title>"
    return f'<rect class="does" {place} opacity="{strength:.2f}">{tip}</rect>'
