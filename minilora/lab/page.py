"""A web page in one file: opened from disk it shows everything, loads nothing, and follows the reader's choice of light or dark.

Comes before the reports, which fill it. The style sheet also colours the charts of ``svg.py``.
"""

from collections.abc import Collection, Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1d2126; --soft: #626b76; --rule: #e4e1d9; --code: #f3f1eb;
  --base: #8a8f98; --lora: #2f6fd0; --full: #d4622a; --houlsby: #2c9a74; --good: #1e7f58; --bad: #b3372c;
  --s1: #2f6fd0; --s2: #2c9a74; --s3: #8e5bc0; --s4: #b98a10; --s5: #c2487e; --s6: #3b9bb5; --s7: #7a8a2e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1b1f25; --ink: #e7e9ec; --soft: #9aa4b0; --rule: #2c323a; --code: #232931;
  --base: #8b94a0; --lora: #6fa8ff; --full: #f0935c; --houlsby: #55c79c; --good: #55c79c; --bad: #ff8b7d;
  --s1: #6fa8ff; --s2: #55c79c; --s3: #bb92ea; --s4: #e0b84c; --s5: #ee86b3; --s6: #6fc6dc; --s7: #b3c25c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 2.2rem 1.1rem 3rem; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem; letter-spacing: -.005em; }
h3 { font-size: .95rem; margin: 0 0 .1rem; }
p { margin: .4rem 0; max-width: 78ch; } .lede { font-size: 1.08rem; }
.finding { border-left: 3px solid var(--lora); padding: .1rem 0 .1rem .9rem; margin: .9rem 0; } .lede + .finding { font-weight: 600; } .soft { color: var(--soft); font-size: .9rem; }
.grid2 { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 1rem 1.1rem; min-width: 0; }
figure { margin: 0; } figure.card { max-width: 36rem; } figure p { margin: 0 0 .5rem; }
.scroll { overflow-x: auto; padding-top: .4rem; padding-bottom: .4rem; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .5rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: baseline; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--soft); font-size: .82rem; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; } table:not(.words) :is(th, td):first-child { position: sticky; left: 0; background: var(--card); } td small { color: var(--soft); display: block; font-size: .8em; }
table.wide th { white-space: normal; min-width: 7rem; vertical-align: bottom; } table.words td { text-align: left; white-space: normal; } table.words td:last-child, table.words th:last-child { text-align: right; white-space: nowrap; } table.words th { text-align: left; }
pre { background: var(--code); border-radius: 8px; padding: .7rem .85rem; margin: .5rem 0; overflow-x: auto; font: .84rem/1.5 ui-monospace, "SF Mono", Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .2rem 0 .9rem; font-size: .9rem; }
.key span::before { content: ""; display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .45em; background: var(--c); }
.swatch::before { content: ""; display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .5em; background: var(--c); }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.note { border-left: 3px solid var(--full); padding: .1rem 0 .1rem .9rem; }
.base { --c: var(--base); } .lora { --c: var(--lora); } .full { --c: var(--full); } .houlsby { --c: var(--houlsby); }
.s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); } .s6 { --c: var(--s6); } .s7 { --c: var(--s7); }
svg { display: block; width: 100%; height: auto; font-family: inherit; } svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .label { fill: var(--ink); } svg .axis { stroke: var(--soft); stroke-width: 1; } svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .line { fill: none; stroke: var(--c); stroke-width: 2.2; stroke-linejoin: round; } svg .faint { opacity: .25; stroke-width: 1; } svg .dashed { stroke-dasharray: 5 4; stroke-width: 1.6; } svg .small { r: 3px; stroke-width: 1; }
svg .bar { fill: var(--c); } svg .hollow { fill-opacity: .45; } svg .dot { fill: var(--c); stroke: var(--card); stroke-width: 2; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; opacity: .75; stroke-linecap: round; } svg .level { stroke: var(--c); stroke-dasharray: 4 4; }
@media (max-width: 30rem) { svg text { font-size: 14px; } table:not(.words) td:first-child { white-space: normal; min-width: 7.5rem; } th, td { padding: .5rem .45rem; } }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .84rem; overflow-wrap: anywhere; }
"""


OTHERS = 7
"""Colours in the style sheet, ``s1`` to ``s7``, beside full fine-tuning's."""


def colour_classes(names: Iterable[str], full: Collection[str]) -> dict[str, str]:
    """The colour class of each name: full fine-tuning's own for those in ``full``, and for the others one after another."""
    names = list(names)
    others = [name for name in names if name not in full]
    numbered = {name: f"s{place % OTHERS + 1}" for place, name in enumerate(others)}
    return {name: numbered.get(name, "full") for name in names}


def html_page(title: str, parts: Iterable[str]) -> str:
    """A whole page around ``parts``, which are HTML."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n'


def figure(title: str, words: str, svg: str) -> str:
    """A chart in a card, with a title and a line of words."""
    return f'<figure class="card"><h3>{escape(title)}</h3><p class="soft">{escape(words)}</p>{svg}</figure>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table that scrolls sideways where the screen is narrow, its first column staying. Columns' titles and cells are HTML."""
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll card"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def key(entries: Iterable[tuple[str, str]]) -> str:
    """What the colours mean: (kind, title) pairs."""
    return '<p class="key">' + "".join(f'<span class="{k}">{escape(t)}</span>' for k, t in entries) + "</p>"


def size(count: float) -> str:
    """A number of bytes as people read it: powers of ten, as disks are labelled."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
