"""The quickstart's report as a page: what was found, four charts, one table, and the proofs.

Comes after ``page.py`` and ``charts.py``; before it, ``quickstart.py`` measures. Everything is read from the report's dictionary, so ``page(json.load(file))`` draws
``report.json`` again.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .charts import accuracies, latencies, losses, parameters
from .page import figure, html_page, key, size, table
from .words import findings, percent, promise_lines

Report = Mapping[str, Any]


def page(report: Report) -> str:
    """The whole page, as HTML."""
    model, task = report["model"], report["task"]
    methods = report["methods"]
    words = (
        f"A GPT of {model['parameters']:,} parameters ({model['name']}) learns to answer questions about tables with SQL. "
        f"Each query is run on a real SQLite database, and counts as right when it returns the right rows. Tables in the “unseen” group occur in no training example."
    )
    names = [("base", "base model"), *((m["name"], m["title"]) for m in methods)]
    parts = [
        "<h1>One small model, adapted three ways</h1>",
        f'<p class="lede">{escape(words)}</p>',
        *(f'<p class="finding">{escape(line)}</p>' for line in findings(report)),
    ]
    if report["leaves_out"]:
        parts.append(f'<p class="note">A quick tour: {escape(report["leaves_out"])}.</p>')
    parts += [
        "<h2>Side by side</h2>",
        key(names),
        '<div class="grid2">',
        figure(
            "Loss", "Training loss in nats a token; the thick line is a running mean.", losses(methods)
        ),
        figure(
            "Accuracy",
            f"Questions answered rightly, {task['unseen']} on unseen and {task['seen']} on seen tables, with 95% intervals.",
            accuracies(report),
        ),
        figure(
            "What a parameter buys", "Accuracy on unseen tables against trainable parameters; the dashed line is the base model.", parameters(report)
        ),
        figure(
            "Latency",
            "Milliseconds of one forward pass of 128 tokens, batch 1: median, and the quarters beside it.",
            latencies(report),
        ),
        "</div>",
        "<h2>All figures</h2>",
        figures(report),
        "<h2>A question, and what SQLite returns</h2>",
        '<div class="grid2">',
        *(sample(entry) for entry in report["samples"]),
        "</div>",
        "<h2>What LoRA promises, checked on this model</h2>",
        '<ul class="card" style="padding-left:2.2rem">',
        *(f"<li>{escape(line)}</li>" for line in promise_lines(report)),
        "</ul>",
        "<h2>LoRA’s gradients are full fine-tuning’s, seen through A and B</h2>",
        '<p class="soft">Measured on this model in float64, on every linear layer; G is the gradient that full fine-tuning has at the same weights, s = α/r. '
        "The error is the largest over the layers, relative.</p>",
        table(
            ("identity", "holds for", "error"),
            [(escape(g["statement"]), escape(g["needs"]), f"{g['error']:.1e}") for g in report["gradients"]],
            "words",
        ),
        f"<footer>{escape(circumstances(report))}</footer>",
    ]  # fmt: skip
    return html_page("minilora: one small model, adapted three ways", parts)


def figures(report: Report) -> str:
    """The table of everything that was measured: a row for each measure, a column for each method."""
    base, methods, task = report["base"], report["methods"], report["task"]

    def row(name: str, of_base: str, cells: Iterable[str]) -> tuple[str, ...]:
        return (name, of_base, *cells)

    def merged(method: Report) -> str:
        return timed(method["latency_merged"]) if method["latency_merged"] else "–"

    rows = [
        row("trainable parameters", "–", (f"{m['trainable']:,}" for m in methods)),
        row("share of all", "–", (percent(m["share"], 2) for m in methods)),
        row("file", "–", (size(m["file_bytes"]) for m in methods)),
        row(
            f"accuracy, unseen tables<small>{task['unseen']} questions</small>",
            scored(base["unseen"]),
            (scored(m["unseen"]) for m in methods),
        ),
        row(
            f"accuracy, seen tables<small>{task['seen']} questions</small>",
            scored(base["seen"]),
            (scored(m["seen"]) for m in methods),
        ),
        row(
            f"training steps<small>of {task['rows']} examples</small>",
            "–",
            (str(m["steps"]) for m in methods),
        ),
        row("training time", "–", (f"{m['training_seconds']:.1f} s" for m in methods)),
        row("memory of a step", "–", (size(m["step_bytes"]) for m in methods)),
        row("latency", timed(base["latency"]), (timed(m["latency"]) for m in methods)),
        row("latency, merged", "–", (merged(m) for m in methods)),
    ]
    heads = [("base", "base model"), *((m["name"], m["title"]) for m in methods)]
    return table(
        ["", *(f'<span class="swatch {kind}">{escape(title)}</span>' for kind, title in heads)], rows
    )


def scored(score: Report) -> str:
    """An accuracy with its interval below, as a cell."""
    return f"{percent(score['accuracy'])}<small>{percent(score['low'])} – {percent(score['high'])}</small>"


def timed(latency: Report) -> str:
    """A latency with its quarters below, as a cell."""
    return f"{latency['median']:.1f} ms<small>{latency['low']:.1f} – {latency['high']:.1f}</small>"


def sample(entry: Report) -> str:
    """One question, what was written, and what SQLite returns."""
    mark = '<span class="good">right</span>' if entry["right"] else '<span class="bad">wrong</span>'
    rows = "\n".join(" | ".join(map(str, row)) for row in entry["rows"]) or "(no rows)"
    more = entry["rows_in_all"] - len(entry["rows"])
    returned = (
        f"SQLite says: {entry['error']}"
        if entry["error"]
        else rows + (f"\n… and {more} more" if more else "")
    )
    wanted = (
        ""
        if entry["right"]
        else f"<p class='soft'>The right query</p><pre>{escape(entry['reference'])}</pre>"
    )
    return (
        f"<div class='card'><pre>{escape(entry['prompt'])}</pre>"
        f"<p class='soft'>The base writes</p><pre>{escape(entry['base_writes'][:200] or '(nothing)')}</pre>"
        f"<p class='soft'>With LoRA it writes ({mark})</p><pre>{escape(entry['adapted_writes'] or '(nothing)')}</pre>"
        f"<p class='soft'>SQLite returns</p><pre>{escape(returned)}</pre>{wanted}</div>"
    )


def circumstances(report: Report) -> str:
    """On what it was measured."""
    c = report["circumstances"]
    return (
        f"minilora {c['minilora']} · seed {report['seed']} · {report['seconds']:.0f} s in all · Python {c['python']}, NumPy {c['numpy']}, {c['blas']} · "
        f"{c['cores']} cores, {c['machine']} · learning rates: "
        + ", ".join(f"{m['title']} {m['learning_rate']:g}" for m in report["methods"])
    )
