"""Records of ``minilora bench`` as Markdown tables and pictures, for the site.

Comes after the measurements, which write the records; ``docs/hooks.py`` puts what is made here where a page asks for it.
"""

import textwrap
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
GOALS: Mapping[str, tuple[str, float | None, float | None]] = {
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


def name_of(record: Record) -> str:
    """What the machine of a record is called in a table: its card, or its processor without the marks of trade."""
    machine = record["machine"]
    name: str = machine.get("card", machine["processor"])
    return name.replace("(R)", "").replace("(TM)", "").removesuffix(" Processor")


def circumstances(records: Sequence[Record]) -> str:
    """The machine, the versions and the command of each record, a line each."""
    lines = []
    for record in records:
        machine, versions = record["machine"], record["versions"]
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        card = f" with CUDA {machine['cuda']} and CuPy {machine['cupy']}" if "card" in machine else ""
        lines.append(
            f"- **{name_of(record)}**{card}, {machine['cores']} cores, {machine['system']}; {named}: `{record['command']}`"
        )
    return "\n".join(lines)


def speed(records: Sequence[Record]) -> str:
    """Of each shape the ratios on every machine beside what they were to be, and a table of times and memory for each machine."""
    parts = [circumstances(records)]
    for shape in records[0]["ratios"]:
        parts.append(f"## {SHAPE_TITLES.get(shape, shape)}")
        parts.append(_ratios(records, shape))
        for record in records:
            rows = [row for row in record["rows"] if row["shape"] == shape]
            parts.append(f'=== "{name_of(record)}"\n\n{textwrap.indent(_rows(rows), "    ")}')
    return "\n\n".join(parts)


def _ratios(records: Sequence[Record], shape: str) -> str:
    lines = [f"| ratio | goal | {' | '.join(map(name_of, records))} |", "|---|---:|" + "---:|" * len(records)]
    for name, (what, at_gpt2, at_small) in GOALS.items():
        most = at_small if shape == "small" else at_gpt2
        found = [record["ratios"][shape].get(name) for record in records]
        shown = [_held_against(most, value) for value in found]
        lines.append(f"| {what} | {'' if most is None else f'≤ {most:.2f}'} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _held_against(most: float | None, value: float | None) -> str:
    """A ratio, set in bold and said to be too much where it is more than it was to be; nothing where it was not measured."""
    if value is None:
        return ""
    return f"{value:.3f}" if most is None or value <= most else f"**{value:.3f}, missed**"


def _rows(rows: Sequence[Record]) -> str:
    lines = ["| | ms | quarter points | tokens/s | peak MiB of the process |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        speed_of = "" if row["tokens_per_second"] is None else f"{row['tokens_per_second']:,.0f}"
        title = TITLES.get(row["name"], row["name"])
        spread = f"{_figure(row['ms_low'])} – {_figure(row['ms_high'])}"
        lines.append(f"| {title} | {_figure(row['ms'])} | {spread} | {speed_of} | {row['peak_mib']:,.0f} |")
    return "\n".join(lines)


def techniques(records: Sequence[Record]) -> str:
    """What a step takes without each technique, a table a shape: times and memory on every machine."""
    parts = []
    for shape in records[0]["ratios"]:
        heads = [f"{what}, {name_of(record)}" for what in ("time", "memory") for record in records]
        lines = [f"**{SHAPE_TITLES.get(shape, shape)}**", "", f"| without | {' | '.join(heads)} |"]
        lines += ["|---|" + "---:|" * len(heads)]
        for name, technique in TECHNIQUES.items():
            if name not in WHOLE.values():
                found = [
                    record["ratios"][shape][name][what] for what in ("time", "memory") for record in records
                ]
                lines.append(f"| {technique.what} | {' | '.join(f'× {value:.2f}' for value in found)} |")
        for what, name in (("a step", WHOLE[STEP]), ("eight texts", WHOLE[TEXTS])):
            whole = [
                row
                for record in records
                for row in record["rows"]
                if (row["shape"], row["name"]) == (shape, name)
            ]
            shown = [f"{_figure(row['ms'])} ms" for row in whole] + [
                f"{row['peak_mib']:,.0f} MiB" for row in whole
            ]
            lines.append(f"| *with all of them: {what}* | {' | '.join(shown)} |")
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, circumstances(records)])


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
