"""Records of ``minilora bench`` as Markdown tables and pictures, for the site.

Comes after the measurements, which write the records; ``docs/hooks.py`` puts what is made here where a page asks for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .techniques import STEP, TECHNIQUES, TEXTS, WHOLE

Record = Mapping[str, Any]

SHAPE_TITLES = {
    "gpt2-small": "GPT-2 small: 12 layers × 768, vocabulary 50257, batch 4 × 128",
    "small": "6 layers × 256, 8 heads, vocabulary 4096, batch 16 × 64",
}
TITLES = {
    "minilora lora": "**LoRA step**",
    "minilora lora-masked": "LoRA step, half of the tokens outside the loss",
    "minilora full": "full fine-tuning step",
    "minilora houlsby": "Houlsby step, bottleneck 16",
    "minilora forward base": "forward, batch 1 × 128: base",
    "minilora forward lora merged": "forward: LoRA, merged",
    "minilora forward lora unmerged": "forward: LoRA, beside the weights",
    "minilora forward houlsby": "forward: Houlsby",
    "minilora generate 1": "generation, 1 text",
    "minilora generate 8": "generation, 8 texts",
    "products limit": "**the limit**: the products of a LoRA step alone",
    "peft lora": "**PyTorch + PEFT: LoRA step**",
    "peft lora-masked": "PyTorch + PEFT: LoRA step, half of the tokens outside the loss",
    "transformers forward": "transformers: forward, batch 1 × 128",
    "transformers generate 1": "transformers: generation, 1 text",
    "transformers generate 8": "transformers: generation, 8 texts",
}
GOALS = {
    "lora/peft": ("LoRA step / PEFT's", 0.80, 0.80),
    "lora-masked/peft": ("the same, half of the tokens outside the loss", 0.70, 0.70),
    "lora/limit": ("LoRA step / the limit", 1.12, 1.30),
    "lora/full": ("LoRA step / own full fine-tuning step", 0.75, 0.75),
    "memory/peft": ("peak memory of the process / PEFT's", 0.55, 0.35),
    "merged/base": ("forward: merged LoRA / base", None, None),
    "unmerged/base": ("forward: LoRA beside the weights / base", None, None),
    "houlsby/base": ("forward: Houlsby / base", None, None),
    "base/transformers": ("forward: base / transformers", None, None),
    "generate-1/transformers": ("time of generation, 1 text / transformers", 1.0, 1.0),
    "generate-8/transformers": ("time of generation, 8 texts / transformers", 1.0, 1.0),
}
"""What a ratio is, and what it was to be at most at the two shapes."""


def circumstances(record: Record) -> str:
    """The machine, the versions and the command, in one paragraph."""
    machine, versions = record["machine"], record["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    card = (
        f"{machine['card']} with CUDA {machine['cuda']}, CuPy {machine['cupy']}; "
        if "card" in machine
        else ""
    )
    return f"Machine: {card}{machine['processor']}, {machine['cores']} cores, {machine['system']}; {named}.\n\n```console\n$ {record['command']}\n```"


def speed(record: Record) -> str:
    """A table of times and memory for each shape, and one of ratios beside what they were to be."""
    parts = [circumstances(record)]
    for shape in record["ratios"]:
        rows = [row for row in record["rows"] if row["shape"] == shape]
        parts.append(f"## {SHAPE_TITLES.get(shape, shape)}")
        parts.append(_ratios(record["ratios"][shape], goal=2 if shape == "small" else 1))
        parts.append(_rows(rows))
    return "\n\n".join(parts)


def _ratios(ratios: Mapping[str, float], goal: int) -> str:
    lines = ["| ratio | measured | goal | reached |", "|---|---:|---:|:---:|"]
    for name, entry in GOALS.items():
        if name in ratios:
            most = entry[goal]
            wanted, reached = ("", "") if most is None else (f"≤ {most:.2f}", "yes" if ratios[name] <= most else "**no**")  # type: ignore[operator]  # fmt: skip
            lines.append(f"| {entry[0]} | {ratios[name]:.3f} | {wanted} | {reached} |")
    return "\n".join(lines)


def _rows(rows: Sequence[Record]) -> str:
    lines = ["| | ms | quarter points | tokens/s | peak MiB of the process |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        speed_of = "" if row["tokens_per_second"] is None else f"{row['tokens_per_second']:,.0f}"
        title = TITLES.get(row["name"], row["name"])
        spread = f"{_figure(row['ms_low'])} – {_figure(row['ms_high'])}"
        lines.append(f"| {title} | {_figure(row['ms'])} | {spread} | {speed_of} | {row['peak_mib']:,.0f} |")
    return "\n".join(lines)


def techniques(record: Record) -> str:
    """What a step takes without each technique, at each shape."""
    shapes = list(record["ratios"])
    heads = [f"{shape}: {what}" for shape in shapes for what in ("time", "memory")]
    lines = ["| without | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for name, technique in TECHNIQUES.items():
        if name in WHOLE.values():
            continue
        found = [record["ratios"][shape][name][what] for shape in shapes for what in ("time", "memory")]
        lines.append(f"| {technique.what} | " + " | ".join(f"× {value:.2f}" for value in found) + " |")
    whole = {(row["shape"], row["name"]): row for row in record["rows"]}
    said = "; ".join(
        f"{what} at {shape} {_figure(row['ms'])} ms and {row['peak_mib']:,.0f} MiB"
        for what, name in (("a step", WHOLE[STEP]), ("eight texts", WHOLE[TEXTS]))
        for shape in shapes
        for row in [whole[shape, name]]
    )
    return "\n".join(lines) + f"\n\nWith all of them: {said}.\n\n{circumstances(record)}"


def starts(record: Record) -> str:
    """How long processes take to start."""
    lines = ["| a process that runs | ms |", "|---|---:|"]
    lines += [
        f"| `{row['value']}` | {row['ms']:,.0f} |" for row in record["rows"] if row["varied"] == "start"
    ]
    return "\n".join(lines)


def growth_figure(record: Record) -> Any:
    """Time and memory of a step against each thing that was varied, all on the same logarithmic scales: a matplotlib figure of two rows."""
    import matplotlib.pyplot as plt

    varied = list(dict.fromkeys(row["varied"] for row in record["rows"] if row["varied"] != "start"))
    figure, axes = plt.subplots(
        2, len(varied), figsize=(2.2 * len(varied), 5), sharex="col", sharey="row", layout="constrained"
    )
    for column, name in enumerate(varied):
        rows = [row for row in record["rows"] if row["varied"] == name]
        values = [row["value"] for row in rows]
        axes[0, column].plot(values, [row["ms"] for row in rows], "o-", color="C0")
        axes[1, column].plot(values, [row["step_mib"] for row in rows], "o-", color="C1", label="a step")
        if name != "attention":
            axes[1, column].plot(
                values, [row["weights_mib"] for row in rows], "s--", color="C2", label="weights"
            )
        for axis in axes[:, column]:
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(lambda value, place: f"{value:,g}")
            axis.grid(axis="y", alpha=0.3)
            axis.set_xticks(values, [f"{value:,}" for value in values], rotation=90)
            axis.minorticks_off()
        axes[0, column].set_title("attention alone" if name == "attention" else f"by {name}")
        axes[1, column].set_xlabel("tokens" if name == "attention" else name)
    axes[0, 0].set_ylabel("ms a step")
    axes[1, 0].set_ylabel("MiB")
    axes[1, 0].legend()
    return figure


def _figure(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"
