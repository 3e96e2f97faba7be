"""The recorded measurements are whole, and become tables and a picture."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from minilora.lab.bench import SHAPES
from minilora.lab.bench.growth import GROWTH, LENGTHS, STARTS
from minilora.lab.bench.pages import GOALS, TITLES, growth_figure, speed, starts, techniques
from minilora.lab.bench.run import ratios_of
from minilora.lab.bench.techniques import TECHNIQUES, WHOLE

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"


MACHINES = ("epyc", "xeon")


def record(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def records(folder: str) -> list[Any]:
    return [record(f"{folder}/{machine}.json") for machine in MACHINES]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_ratios_of_the_record_are_those_of_its_rows(machine: str) -> None:
    found = record(f"speed/{machine}.json")
    assert found["ratios"].keys() == SHAPES.keys()
    for shape, ratios in found["ratios"].items():
        rows = [row for row in found["rows"] if row["shape"] == shape]
        assert {row["name"] for row in rows} == TITLES.keys()
        assert ratios_of(rows) == pytest.approx(ratios)
        assert GOALS.keys() <= ratios.keys()


def test_the_page_says_what_was_reached_and_what_was_not() -> None:
    epyc, xeon = records("speed")
    epyc["ratios"]["small"]["lora/limit"] = 1.29
    xeon["ratios"]["small"]["lora/limit"] = 1.31
    epyc["ratios"]["gpt2-small"]["lora/limit"] = 1.13
    del xeon["ratios"]["gpt2-small"]["lora/limit"]
    text = speed([epyc, xeon])
    assert "| ratio | goal | AMD EPYC | Intel Xeon |" in text
    assert "| LoRA step / the limit | ≤ 1.30 | 1.290 | **1.310, missed** |" in text
    assert "| LoRA step / the limit | ≤ 1.12 | **1.130, missed** |  |" in text
    assert epyc["command"] in text
    assert xeon["versions"]["blas"] in text


def test_every_technique_has_a_row() -> None:
    found = records("techniques")
    text = techniques(found)
    off = {name: technique.what for name, technique in TECHNIQUES.items() if name not in WHOLE.values()}
    assert [what for what in off.values() if text.count(f"| {what} |") != len(SHAPES)] == []
    slowdown = [r["ratios"]["small"]["malloc"]["time"] for r in found]
    assert f"| {off['malloc']} | × {slowdown[0]:.2f} | × {slowdown[1]:.2f} |" in text


def test_growth_is_drawn_and_starts_are_listed() -> None:
    found = record("growth.json")
    assert {row["varied"] for row in found["rows"]} == {*GROWTH, "attention", "start"}
    assert [row["value"] for row in found["rows"] if row["varied"] == "attention"] == list(LENGTHS)
    assert all(f"`{name}`" in starts(found) for name in STARTS)
    mpl.use("agg")
    assert len(growth_figure(found).axes) == 2 * (len(GROWTH) + 1)
