"""The page of a comparison: what each method did to the weights, in curves, with the figures below.

Comes after ``charts.py``; before it, ``run.py`` measures. Everything is read from the report's dictionary, so ``page(json.load(file))`` draws ``report.json`` again.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..page import figure, html_page, key, size, table
from . import charts

Report = Mapping[str, Any]


def page(report: Report) -> str:
    """The whole page, as HTML."""
    methods, model, settings = report["methods"], report["model"], report["settings"]
    words = (
        f"Each method starts from the same weights (a model of {model['parameters']:,} parameters, {settings['model'].rsplit('/', 1)[-1]}) and sees the same batches of "
        f"{report['task']['name']} in the same order, for {settings['steps']} steps. Full fine-tuning is the measure: its update of every weight, at every point, is what the others are compared with."
    )
    colours = charts.kinds(methods)
    legend = key([(colours[m["name"]], m["title"]) for m in methods])
    parts = [
        "<h1>Methods side by side, on the same weights</h1>",
        f'<p class="lede">{escape(words)}</p>',
        *(f'<p class="finding">{escape(line)}</p>' for line in findings(report)),
        "<h2>Learning</h2>", legend, *grid(learning(report)),
        "<h2>Where the weights go</h2>", legend, *grid(weights(methods)),
        "<h2>Where the answers go</h2>", *grid(answers(methods)),
        "<h2>What is left of the gradient</h2>", legend, *grid(gradient(methods)),
        "<h2>Singular values at the end</h2>",
        '<p class="soft">Each spectrum over its first value, the mean over all layers of a kind. Solid: ΔW of each method; dashed grey: the full gradient under full fine-tuning.</p>',
        legend, *grid(spectra(methods)),
        "<h2>All figures, at the end</h2>", figures(report),
        "<h2>Where two methods are one</h2>", *equivalences(report["equivalences"]),
        f"<footer>{escape(circumstances(report))}</footer>",
    ]  # fmt: skip
    return html_page("minilora: methods side by side", parts)


def findings(report: Report) -> list[str]:
    """What the figures say, one sentence each; of what was not measured, nothing."""
    found = []
    full, *others = report["methods"]
    for method in others:
        weights, gradient = method["points"][-1]["weights"], method["points"][-1]["gradient"]
        if not weights or weights["cosine"] is None or gradient["share_in_span"] is None:
            continue
        found.append(
            f"{method['title']}: its update has a cosine of {weights['cosine']:.2f} with full fine-tuning’s on the same layers, where an update of its rank could have "
            f"{weights['highest_cosine']:.2f} at most; {gradient['share_in_span']:.0%} of the full gradient lies where A and B can follow it "
            f"({gradient['share_by_chance']:.0%} by chance)."
        )
    best = min(report["methods"], key=lambda m: m["points"][-1]["loss"])
    found.append(
        f"The lowest validation loss after {report['settings']['steps']} steps is that of {best['title']}: {best['points'][-1]['loss']:.3f}"
        + ("." if best is full else f", where full fine-tuning has {full['points'][-1]['loss']:.3f}.")
    )
    return found


def learning(report: Report) -> list[str]:
    """Loss, and what a parameter buys."""
    methods, task = report["methods"], report["task"]
    found = [
        figure("Validation loss", "Nats a token (or example), on examples that are not trained on.", charts.over_training("validation loss", methods, lambda p: p["loss"])),
        figure("Training loss", "A running mean over a twentieth of the run.", charts.losses(methods)),
        figure("Loss against parameters", "Validation loss at the end against trainable parameters.",
               charts.against_parameters(methods, lambda m: m["points"][-1]["loss"], "loss against trainable parameters")),
    ]  # fmt: skip
    if all(m["score"] for m in methods):
        name = task["primary"]
        words = f"{name} on {task['answered']} validation examples at the end" + (
            ", lower is better." if task["lower_is_better"] else "."
        )
        drawn = charts.against_parameters(
            methods, lambda m: m["score"][name], f"{name} against trainable parameters"
        )
        found.append(figure("Score against parameters", words, drawn))
    return found


def weights(methods: Sequence[Report]) -> list[str]:
    """The merged update."""
    return [
        figure("Direction of the update", "Cosine between ΔW and full fine-tuning’s at the same step, on the layers that the method changes. Dashed: the most that an update of its rank could have.",
               charts.over_training("cosine with full fine-tuning", methods, at("weights", "cosine"), share=True, levels={"the most at this rank": at("weights", "highest_cosine")})),
        figure("Distance from the base", "‖ΔW‖ over ‖W₀‖, all linear layers together.",
               charts.over_training("distance from the base", methods, at("weights", "distance"))),
        figure("Effective rank of the update", "exp of the entropy of the singular values of ΔW, the mean over changed layers.",
               charts.over_training("effective rank of ΔW", methods, at("weights", "effective_rank"))),
    ]  # fmt: skip


def answers(methods: Sequence[Report]) -> list[str]:
    """What every method has, also those that no weight could hold."""
    return [
        figure("Direction of the answers", "Cosine between the change of all log-probabilities and full fine-tuning’s, on held-out examples.",
               charts.over_training("cosine of answers", methods, at("answers", "cosine"), share=True)),
        figure("Divergence from the base", "KL(base ‖ adapted) in nats a token, on held-out examples.",
               charts.over_training("divergence from the base", methods, at("answers", "divergence"))),
    ]  # fmt: skip


def gradient(methods: Sequence[Report]) -> list[str]:
    """The full gradient at each method's own point."""
    return [
        figure("Share of the gradient in LoRA’s span", "How much of ‖G‖² a change of A and B can follow. Dashed: random A and B of the same ranks.",
               charts.over_training("share in span", methods, at("gradient", "share_in_span"), share=True, levels={"by chance": at("gradient", "share_by_chance")})),
        figure("LoRA’s own step", "Cosine between G and the direction in which a step on A and B moves the weight, GAᵀA + BBᵀG.",
               charts.over_training("cosine of LoRA's step", methods, at("gradient", "cosine_of_step"), share=True)),
        figure("Size of the gradient", "‖G‖ of all linear layers, on the first training batch, at each method’s own weights.",
               charts.over_training("norm of the gradient", methods, at("gradient", "norm"))),
        figure("Effective rank of the gradient", "exp of the entropy of the singular values of G, the mean over layers.",
               charts.over_training("effective rank of G", methods, at("gradient", "effective_rank"))),
    ]  # fmt: skip


def spectra(methods: Sequence[Report]) -> list[str]:
    """One chart a kind of layer."""
    of_full = methods[0]["points"][-1]["weights"]["spectra"]
    return [figure(kind, "", charts.spectra(methods, kind)) for kind in of_full]


def figures(report: Report) -> str:
    """A row for each measure, a column for each method."""
    methods = report["methods"]
    colours = charts.kinds(methods)
    last = [m["points"][-1] for m in methods]

    def shown(value: float | None, form: str = ".3f") -> str:
        return "–" if value is None else format(value, form)

    def of(part: str, name: str, form: str = ".3f") -> list[str]:
        return [shown(p[part][name] if p[part] else None, form) for p in last]

    rows = [
        ("trainable parameters", *(f"{m['trainable']:,}" for m in methods)),
        ("learning rate", *(f"{m['learning_rate']:g}" for m in methods)),
        ("validation loss", *(shown(p["loss"]) for p in last)),
        *((name, *(shown(m["score"][name], ".4g") for m in methods)) for name in (methods[0]["score"] or {}) if all(m["score"] for m in methods)),
        ("cosine of ΔW with full fine-tuning’s", *of("weights", "cosine")),
        ("the most at this rank", *of("weights", "highest_cosine")),
        ("cosine of the answers’ change", *of("answers", "cosine")),
        ("distance ‖ΔW‖/‖W₀‖", *of("weights", "distance")),
        ("divergence from the base", *of("answers", "divergence")),
        ("effective rank of ΔW", *of("weights", "effective_rank", ".1f")),
        ("share of G in LoRA’s span", *of("gradient", "share_in_span")),
        ("by chance", *of("gradient", "share_by_chance")),
        ("memory of a step", *(size(m["step_bytes"]) for m in methods)),
        ("training time", *(f"{m['training_seconds']:.0f} s" for m in methods)),
        ("file", *(size(m["file_bytes"]) for m in methods)),
    ]  # fmt: skip
    heads = [
        f'<span class="swatch {colours[m["name"]]}">{escape(m["title"]).replace(":", ":<wbr>").replace(",", ",<wbr>")}</span>'
        for m in methods
    ]
    return table(["", *heads], rows, "wide")


def equivalences(entries: Sequence[Report]) -> list[str]:
    """The cases, as a chart and a table."""
    legend = key([(f"s{place + 1}", entry["name"]) for place, entry in enumerate(entries)])
    rows = [
        (escape(e["first"]), escape(e["second"]), escape(e["condition"]), f"{e['differences'][0]:.0e}", f"{e['differences'][-1]:.0e}")
        for e in entries
    ]  # fmt: skip
    return [
        '<p class="soft">Both trained from the same start on the same batches, on the query and value layers of this model, in float64. Solid: exact at every step, but for rounding. '
        "Dashed: the same pair with one condition dropped.</p>",
        legend,
        *grid(
            [
                figure(
                    "Difference of the merged updates",
                    "‖ΔW − ΔW′‖ over ‖ΔW′‖ after each step.",
                    charts.differences(entries),
                ),
                table(("one", "the other", "when", "first step", "last step"), rows, "words"),
            ]
        ),
    ]


def circumstances(report: Report) -> str:
    """On what it was measured."""
    c = report["circumstances"]
    return f"minilora {c['minilora']} · seed {report['settings']['seed']} · Python {c['python']}, NumPy {c['numpy']}, {c['blas']} · {c['cores']} cores, {c['machine']}"


def grid(figures: Sequence[str]) -> list[str]:
    """Cards side by side where the screen is wide enough."""
    return ['<div class="grid2">', *figures, "</div>"]


def at(part: str, name: str) -> charts.Look:
    """A look at one measure of a point; nothing where the method has none."""

    def look(point: Report) -> float | None:
        value = point[part][name] if point[part] else None
        return None if value is None else float(value)

    return look
