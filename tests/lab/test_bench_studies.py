"""Techniques switched off one by one, and growth: the same numbers come out, and memory grows as it should. Bytes are counted, no time is asserted."""

import gc
import tracemalloc

import numpy as np
import pytest

from minilora.autograd import Tensor, no_grad
from minilora.backend import memory_in_use
from minilora.lab.bench import Shape
from minilora.lab.bench.growth import GROWTH, Point, attention_peak
from minilora.lab.bench.own import METHODS, step_calls
from minilora.lab.bench.processes import contender
from minilora.lab.bench.techniques import MODULE, TECHNIQUES, WHOLE
from minilora.lab.memory import step_memory
from minilora.methods import adapt
from minilora.models.gpt import GPT, GPTConfig
from minilora.ops import attention
from minilora.train import Training

from .conftest import TINY


def first_value(technique: str) -> float:
    """The loss, or how many tokens were generated."""
    with contender(MODULE, {"shape": TINY.as_dict(), "threads": 2, "task": technique}, 2) as process:
        return process.turn(TECHNIQUES[technique].call).value


def test_without_fused_functions_the_loss_is_the_same() -> None:
    assert first_value("fused") == pytest.approx(first_value("none"), rel=1e-5)


@pytest.mark.slow
def test_no_technique_changes_what_is_computed() -> None:
    whole = {call: first_value(name) for call, name in WHOLE.items()}
    for name, technique in TECHNIQUES.items():
        assert first_value(name) == pytest.approx(whole[technique.call], rel=1e-5), name


def bytes_of(point: Point) -> int:
    return step_memory(point.tuned().model, point.batch(), Training(1, 1e-4, dropout=False)).step


SMALL = Point(tokens=64, layers=2, width=64, rank=4)


def test_a_step_keeps_no_more_than_it_must() -> None:
    """Arrays of tokens × width that a layer keeps: two normalised inputs, the input of A, q, k, v, gelu's slope (4); and the attention weights (tokens · heads / width = 2)."""
    one, three = (bytes_of(Point(tokens=64, layers=layers, width=64, rank=4)) for layers in (1, 3))
    unit = 2 * 64 * 64 * 4
    assert (three - one) / 2 < (2 + 1 + 3 + 4 + 2) * unit * 1.15


@pytest.mark.parametrize(
    ("change", "most"),
    [({"tokens": 128}, 2.1), ({"layers": 4}, 2.0), ({"rank": 8}, 1.1), ({"adapters": 4}, 1.01)],
)
def test_memory_of_a_step_grows_at_most_with_what_is_varied(change: dict, most: float) -> None:
    values = {"tokens": 64, "layers": 2, "width": 64, "rank": 4} | change
    assert bytes_of(Point(**values)) / bytes_of(SMALL) < most


def test_growth_varies_what_a_point_has() -> None:
    assert GROWTH.keys() == {"tokens", "layers", "width", "rank", "adapters"}
    tuned = Point(adapters=3, layers=1, width=32).tuned()
    assert tuned.active == "2"


@pytest.mark.parametrize("length", [1024])
def test_attention_of_long_texts_takes_memory_in_proportion_to_their_length(length: int) -> None:
    short, long = attention_peak(length), attention_peak(2 * length)
    assert long / short < 2.1
    assert (
        long < 4 * (2 * length) ** 2 * 4 / 2
    )  # half of the weights of four heads: what keeping them would take at least


@pytest.mark.parametrize("causal", [True, False])
def test_attention_without_a_tape_keeps_no_weights(causal: bool) -> None:
    """A forward pass over 2,048 tokens in one head: all the weights would be 16 MB."""
    x = Tensor(np.random.default_rng(0).standard_normal((1, 2048, 32)).astype(np.float32))
    tracemalloc.start()
    with no_grad():
        attention(x, x, x, heads=1, causal=causal)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2048 * 2048 * 4 / 4


@pytest.mark.slow
def test_ten_thousand_steps_leave_nothing_behind() -> None:
    model = GPT(GPTConfig(16, 8, 8, 1, 1, dropout=0.0), np.random.default_rng(0))
    adapt(model, METHODS["lora"])
    batch = Shape("", model.config, rows=2, tokens=8).batch()
    step = step_calls(model, dict(model.trainable_parameters()), {"step": batch}, threads=2)["step"]

    def after(steps: int) -> tuple[int, int, int]:
        for _ in range(steps):
            step()
        gc.collect()
        return tracemalloc.get_traced_memory()[0], len(gc.get_objects()), memory_in_use(batch.ids)

    tracemalloc.start()
    after(500)
    arrays, objects, resident = after(500)
    later_arrays, later_objects, later_resident = after(10_000)
    tracemalloc.stop()
    assert later_arrays - arrays < 20_000
    assert later_objects - objects < 100
    assert later_resident - resident < 4 << 20
