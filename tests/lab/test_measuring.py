"""Latency, memory, progress and charts, each alone."""

import time
from xml.etree import ElementTree

import numpy as np
import pytest

from minilora.data.batches import Batch
from minilora.lab.charts import more_than, running_mean
from minilora.lab.latency import forward_latencies, latencies
from minilora.lab.layer_gradients import copy_of
from minilora.lab.memory import step_memory
from minilora.lab.page import size
from minilora.lab.phases import Phases
from minilora.lab.svg import Axis, Chart, decades, ticks
from minilora.methods import FullFineTuning, LoRA, adapt
from minilora.train import Training


def batch(model, rows: int) -> Batch:
    ids = np.random.default_rng(0).integers(0, model.config.vocabulary, (rows, 64))
    return Batch(ids, ids, np.ones(ids.shape, bool))


def test_latencies_take_turns_and_find_the_slower_call():
    order = []
    found = latencies(
        {"fast": lambda: order.append("fast"), "slow": lambda: (order.append("slow"), time.sleep(0.01))},
        trials=4,
        warm_up=1,
    )
    assert sorted(order[:2]) == ["fast", "slow"]
    assert order[2] != order[4]  # each trial begins with another
    assert found["slow"].median > 10 > found["fast"].median
    assert found["slow"].low <= found["slow"].median <= found["slow"].high
    assert found["slow"].trials == 4


def test_forward_latency_fits_the_context(model):
    assert forward_latencies({"a": model}, tokens=10_000, trials=1)["a"].median > 0


def test_step_memory_counts_arrays_and_leaves_the_parameters_alone(model):
    settings = Training(1, 1e-3, dropout=False)
    found = {}
    for method in (FullFineTuning(), LoRA(rank=2)):
        tuned = adapt(copy_of(model), method)
        before = {name: array.copy() for name, array in tuned.model.state().items()}
        found[method.method] = step_memory(tuned.model, batch(model, 4), settings)
        for name, array in tuned.model.state().items():
            np.testing.assert_array_equal(array, before[name])
    full, lora = found["full"], found["lora"]
    assert full.weights == 4 * model.count_parameters()
    assert full.step > 4 * 3 * model.count_parameters()  # gradient and two moments at least
    assert lora.step < full.step


def test_step_memory_grows_with_the_batch(model):
    settings = Training(1, 1e-3, dropout=False)
    tuned = adapt(copy_of(model), LoRA(rank=2))
    small, large = (step_memory(tuned.model, batch(model, rows), settings).step for rows in (2, 8))
    assert 3 < large / small < 4.5


def test_the_time_left_counts_all_phases():
    phases = Phases({"a": 10.0, "b": 30.0})
    phases.begin("a")
    phases.began -= 10
    assert phases._left(10.0) == "0:30 left"
    phases.begin("b")
    assert phases.done == 10
    phases.began -= 20  # twice as slow as thought
    assert phases._left(15.0) == "0:47 left"  # what was thought still counts a twentieth


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 250, ["0", "50", "100", "150", "200", "250"]),
        (0, 3.2, ["0", "1", "2", "3"]),
        (0, 0.9, ["0", "0.2", "0.4", "0.6", "0.8"]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert [label for _, label in ticks(low, high)] == expected


def test_decades():
    assert [label for _, label in decades(3e4, 2e7)] == ["100 k", "1 M", "10 M"]


def test_a_chart_is_well_formed_and_in_its_frame():
    chart = Chart("a < b", Axis(1, 100, decades(1, 100), "n", log=True), Axis(0, 1, ticks(0, 1)))
    assert chart.at(1, 0) == (chart.left, chart.bottom)
    assert chart.at(100, 1) == pytest.approx((chart.right, chart.top))
    assert chart.at(10, 0)[0] == pytest.approx((chart.left + chart.right) / 2)
    chart.line([1, 10], [0, 1], "lora", tip="<tip>")
    chart.column(10, 0.5, "full", width=1)
    chart.row(10, 0.5, "full", width=0.1)
    chart.dot(10, 0.5, "lora")
    chart.whisker((10, 0.2), (10, 0.4))
    chart.level(0.1, "base")
    chart.text(10, 0.5, "x & y")
    tree = ElementTree.fromstring(chart.svg())
    assert tree.get("aria-label") == "a < b"


def test_more_than():
    assert [more_than(value, 100) for value in (99.8, 112, 95)] == ["0%", "+12%", "−5%"]


def test_running_mean():
    assert running_mean([1.0, 3.0, 5.0], window=2) == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (430_000, "430 kB"),
        (23_700_000, "23.7 MB"),
        (2e9, "2.0 GB"),
    ],
)
def test_size(count, text):
    assert size(count) == text
