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


def record(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def test_the_ratios_of_the_record_are_those_of_its_rows() -> None:
    found = record("speed.json")
    assert found["ratios"].keys() == SHAPES.keys()
    for shape, ratios in found["ratios"].items():
        rows = [row for row in found["rows"] if row["shape"] == shape]
        assert {row["name"] for row in rows} == TITLES.keys()
        assert ratios_of(rows) == pytest.approx(ratios)
        assert GOALS.keys() <= ratios.keys()


def test_the_page_says_what_was_reached_and_what_was_not() -> None:
    found = record("speed.json")
    found["ratios"]["small"]["lora/limit"] = 1.31
    found["ratios"]["gpt2-small"]["lora/limit"] = 1.11
    text = speed(found)
    assert "| LoRA step / the limit | 1.310 | ≤ 1.30 | **no** |" in text
    assert "| LoRA step / the limit | 1.110 | ≤ 1.12 | yes |" in text
    assert found["command"] in text
    assert found["machine"]["processor"] in text


def test_every_technique_has_a_row() -> None:
    text = techniques(record("techniques.json"))
    assert [
        t.what for name, t in TECHNIQUES.items() if name not in WHOLE.values() and f"| {t.what} |" not in text
    ] == []


def test_growth_is_drawn_and_starts_are_listed() -> None:
    found = record("growth.json")
    assert {row["varied"] for row in found["rows"]} == {*GROWTH, "attention", "start"}
    assert [row["value"] for row in found["rows"] if row["varied"] == "attention"] == list(LENGTHS)
    assert all(f"`{name}`" in starts(found) for name in STARTS)
    mpl.use("agg")
    assert len(growth_figure(found).axes) == 2 * (len(GROWTH) + 1)
