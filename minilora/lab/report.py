"""The quickstart's report as a page: what was found, four charts, one table, and the proofs.

Comes after ``page.py`` and ``svg.py``; before it, ``quickstart.py`` measures. Everything is read from the report's dictionary, so ``page(json.load(file))`` draws
``report.json`` again.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .page import figure, html_page, key, size, table
from .svg import Axis, Chart, decades, ticks
from .words import findings, interval, percent, promise_lines

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
        *(f'<p class="lede"><strong>{escape(line)}</strong></p>' for line in findings(report)),
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
            "What a parameter buys", "Accuracy on unseen tables against trainable parameters.", parameters(report)
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


def losses(methods: Sequence[Report]) -> str:
    """Loss against step, raw and smoothed, for each method."""
    steps = max(len(method["losses"]) for method in methods)
    highest = max(max(method["losses"]) for method in methods)
    chart = Chart(
        "loss against step", Axis(0, steps, ticks(0, steps), "step"), Axis(0, highest, ticks(0, highest))
    )
    for method in methods:
        ys = method["losses"]
        xs = range(1, len(ys) + 1)
        chart.line(xs, ys, f"{method['name']} faint")
        chart.line(xs, running_mean(ys), method["name"], tip=f"{method['title']}: {ys[-1]:.3f} at the end")
    return chart.svg()


def running_mean(values: Sequence[float], window: int = 15) -> list[float]:
    """The mean of each value and those before it, at most ``window``."""
    return [sum(values[max(0, i - window + 1) : i + 1]) / min(window, i + 1) for i in range(len(values))]


def accuracies(report: Report) -> str:
    """Bars with intervals: base and methods, on unseen and on seen tables."""
    entries = [
        ("base", "base model", report["base"]),
        *((m["name"], m["title"], m) for m in report["methods"]),
    ]
    width = len(entries) + 1.2
    groups = (("unseen", "unseen tables"), ("seen", "seen tables"))
    middle = (len(entries) - 1) / 2
    labels = tuple((place * width + middle, title) for place, (_, title) in enumerate(groups))
    chart = Chart(
        "accuracy",
        Axis(-0.8, 2 * width - 1.4, labels),
        Axis(0, 1.08, tuple((t / 4, f"{25 * t}%") for t in range(5))),
    )
    for place, (group, _) in enumerate(groups):
        for number, (kind, title, entry) in enumerate(entries):
            score, x = entry[group], place * width + number
            chart.column(x, score["accuracy"], kind, width=0.82, tip=f"{title}: {interval(score)}")
            chart.whisker((x, score["low"]), (x, score["high"]))
            chart.text(x, score["high"], f"{100 * score['accuracy']:.0f}", down=-5)
    return chart.svg()


def parameters(report: Report) -> str:
    """Accuracy on unseen tables against trainable parameters, on a logarithmic axis."""
    methods = report["methods"]
    counts = [method["trainable"] for method in methods]
    low, high = min(counts) / 3, max(counts) * 3
    axis = Axis(low, high, decades(low, high), "trainable parameters", log=True)
    chart = Chart(
        "accuracy against trainable parameters",
        axis,
        Axis(0, 1.08, tuple((t / 4, f"{25 * t}%") for t in range(5))),
    )
    chart.level(report["base"]["unseen"]["accuracy"], "base", "base model")
    for method in methods:
        score, x = method["unseen"], method["trainable"]
        chart.whisker((x, score["low"]), (x, score["high"]))
        chart.dot(
            x,
            score["accuracy"],
            method["name"],
            tip=f"{method['title']}: {interval(score)}, {x:,} parameters",
        )
    for place, method in enumerate(sorted(methods, key=lambda m: m["trainable"])):
        left = place == 0  # neighbours on the axis are labelled on opposite sides
        score = method["unseen"]["accuracy"]
        title = method["title"]
        last = place == len(methods) - 1
        anchor = "end" if left or last else "start"
        chart.text(
            method["trainable"], score, title, right=-11 if anchor == "end" else 11, down=4, anchor=anchor
        )
    return chart.svg()


def latencies(report: Report) -> str:
    """A bar for each way of computing, the base on top."""
    bars = [("base", "base model", report["base"]["latency"])]
    for method in report["methods"]:
        if method["latency_merged"]:
            bars.append((method["name"], f"{method['title']}, merged", method["latency_merged"]))
            bars.append((f"{method['name']} hollow", f"{method['title']}, unmerged", method["latency"]))
        else:
            bars.append((method["name"], method["title"], method["latency"]))
    highest = 1.42 * max(latency["high"] for _, _, latency in bars)
    rows = tuple((len(bars) - 1 - place, title) for place, (_, title, _) in enumerate(bars))
    chart = Chart(
        "latency of a forward pass",
        Axis(0, highest, ticks(0, highest), "ms"),
        Axis(-0.6, len(bars) - 0.4, rows),
        left=122,
    )
    base = bars[0][2]["median"]
    for (y, title), (kind, _, latency) in zip(rows, bars, strict=True):
        more = f" ({latency['median'] / base - 1:+.0%})" if y < len(bars) - 1 else ""
        chart.row(latency["median"], y, kind, width=0.62, tip=title)
        chart.whisker((latency["low"], y), (latency["high"], y))
        chart.text(latency["high"], y, f"{latency['median']:.1f}{more}", right=6, down=4, anchor="start")
    return chart.svg()


def figures(report: Report) -> str:
    """The table of everything that was measured."""
    base = report["base"]
    columns = (
        "",
        "trainable",
        "share",
        "file",
        "unseen tables",
        "seen tables",
        "steps",
        "training",
        "memory of a step",
        "latency",
        "merged",
    )
    rows = [
        (
            '<span class="swatch base">base model</span>',
            "–",
            "–",
            "–",
            scored(base["unseen"]),
            scored(base["seen"]),
            "–",
            "–",
            "–",
            timed(base["latency"]),
            "–",
        )
    ]
    for m in report["methods"]:
        rows.append(
            (
                f'<span class="swatch {m["name"]}">{escape(m["title"])}</span>', f"{m['trainable']:,}", percent(m["share"], 2), size(m["file_bytes"]),
                scored(m["unseen"]), scored(m["seen"]), str(m["steps"]), f"{m['training_seconds']:.0f} s", size(m["step_bytes"]),
                timed(m["latency"]), timed(m["latency_merged"]) if m["latency_merged"] else "–",
            )
        )  # fmt: skip
    return table(columns, rows)


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
