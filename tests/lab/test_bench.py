"""The benchmark's machinery on a tiny shape: processes answer, rows and ratios are formed, bad input is refused. No time is asserted."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from minilora.cli.main import main
from minilora.errors import InputError, RunFailed
from minilora.lab.bench import Shape, bench
from minilora.lab.bench.growth import growth
from minilora.lab.bench.limit import RANK, Weights, drawn, step_products
from minilora.lab.bench.own import METHODS
from minilora.lab.bench.processes import Turn, contender, versions
from minilora.lab.bench.run import OWN, check_same_work, ratios_of, row
from minilora.lab.bench.serve import peak_memory, turn
from minilora.lab.bench.shapes import SHAPES, shape
from minilora.lab.bench.techniques import techniques
from minilora.train.forks import Forks, can_fork

from .conftest import TINY


def test_a_process_answers_in_turn() -> None:
    with contender(OWN, {"shape": TINY.as_dict(), "threads": 2, "task": "lora"}, 2) as process:
        assert process.calls == ["lora", "lora-masked"]
        first = process.turn("lora")
    assert sum(first.seconds) >= 1.0
    assert abs(first.value - np.log(64)) < 0.1  # a random model knows nothing: its loss is that of a guess
    assert first.peak > 2**20


def test_a_process_that_fails_says_why() -> None:
    with (
        pytest.raises(RunFailed, match="KeyError: 'nonsense'"),
        contender(OWN, {"shape": TINY.as_dict(), "threads": 1, "task": "nonsense"}, 1),
    ):
        pass


def test_a_process_that_is_killed_between_turns_says_so() -> None:
    with contender(OWN, {"shape": TINY.as_dict(), "threads": 1, "task": "full"}, 1) as process:
        process._process.kill()
        process._process.wait()
        with pytest.raises(RunFailed, match="own full ended with -9: it said nothing"):
            process.turn("full", 0)


def test_the_batch_is_masked_by_half() -> None:
    whole, half = TINY.batch().counted, TINY.batch(prompt=0.5).counted
    assert (whole, half) == (4 * 15, 4 * 7)
    assert Shape.from_dict(json.loads(json.dumps(TINY.as_dict()))) == TINY


@pytest.mark.parametrize("name", SHAPES)
def test_the_limit_has_the_products_of_a_step(name: str) -> None:
    """Counted by hand: six matrices a layer forward, their inputs' gradients backward but for the first layer's query, key and value; the head twice; attention below the diagonal."""
    measured = SHAPES[name]
    c = measured.config
    n, d, L = measured.rows * measured.tokens, c.width, c.layers
    array = drawn()
    products = step_products(c, Weights(c, array), measured.rows, measured.tokens, array)
    found = sum(2 * a.size * b.shape[-1] for a, b, _ in products)
    pairs = sum(64 * (start + 64) for start in range(0, measured.tokens, 64)) * measured.rows
    linear = 12 * d * d * (2 * L) - 3 * d * d
    low = RANK * d * (2 * L * 6 - 2)  # x Aᵀ, low Bᵀ, g B, ∂A, ∂B, and γ A but for the first layer
    attention = d * pairs * (6 * L - 1)
    assert found == 2 * (n * (linear + low + 2 * c.vocabulary * d) + attention)
    for a, b, out in products:
        assert not np.shares_memory(out, a)
        assert not np.shares_memory(out, b)


def test_ratios_are_of_medians() -> None:
    def found(name: str, seconds: float, peak: int) -> dict:
        return row(TINY, name, [Turn([seconds, seconds], 0.0, peak), Turn([2 * seconds] * 3, 0.0, peak)])

    rows = [
        found("minilora lora", 1.0, 2**20),
        found("peft lora", 2.0, 2**22),
        found("products limit", 0.5, 1),
    ]
    assert rows[0]["ms"] == 1500
    assert rows[0]["tokens_per_second"] == pytest.approx(64 / 1.5)
    assert ratios_of(rows) == {"lora/peft": 0.5, "lora/limit": 2.0, "memory/peft": 0.25}
    assert row(TINY, "minilora generate 8", [Turn([2.0], 0.0, 1)])["tokens_per_second"] == 8 * 32 / 2


def test_two_losses_must_agree() -> None:
    turns = {"minilora lora": [Turn([1.0], 4.0, 1)], "peft lora": [Turn([1.0], 4.1, 1)]}
    with pytest.raises(RunFailed, match="do not start from the same loss"):
        check_same_work(turns)
    check_same_work({**turns, "peft lora": [Turn([1.0], 4.0001, 1)]})


def test_a_turn_that_warms_up_counts_nothing() -> None:
    called: list[int] = []
    found = turn(lambda: called.append(1) or 7.0, 0, peak_memory)
    assert (found["seconds"], found["value"], called) == ([], 7.0, [1])


def test_a_turn_repeats_short_calls_and_does_not_count_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    lengths = iter([5.0, 0.25, 0.5, 0.25])

    def call() -> float:
        clock[0] += next(lengths)
        return clock[0]

    monkeypatch.setattr("minilora.lab.bench.serve.time.perf_counter", lambda: clock[0])
    found = turn(call, 1.0, peak_memory)
    assert found["seconds"] == [0.25, 0.5, 0.25]
    assert found["value"] == 5.0
    assert found["peak"] == pytest.approx(peak_memory(), rel=0.1)


@pytest.mark.skipif(not can_fork(), reason="no forks here")
def test_memory_of_forks_counts_once():
    """What a fork makes is added; what it shares with this process is not counted again."""
    mebibyte = 1 << 20
    here, made = np.ones(64 * mebibyte, np.uint8), []

    def work(number, size):
        made.append(np.ones(size * mebibyte, np.uint8))
        return int(here[0])

    before = peak_memory()
    with Forks(2, work) as forks:
        for number in range(2):
            forks.send(number, 40)
        assert [forks.receive(number) for number in range(2)] == [1, 1]
        with_forks = peak_memory()
    assert 80 * mebibyte < with_forks - before < 80 * mebibyte + 2 * 50 * mebibyte
    assert peak_memory() - before < 20 * mebibyte


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'small'"):
        shape("smal")
    for measure in (bench, techniques):
        with pytest.raises(InputError, match="rounds must be at least 1, not 0"):
            measure([TINY], rounds=0)
        with pytest.raises(InputError, match="threads must be at least 1, not 0"):
            measure([TINY], threads=0)
    with pytest.raises(InputError, match="repeats must be at least 1, not 0"):
        growth(repeats=0)
    with pytest.raises(InputError, match="threads must be at least 1, not 0"):
        growth(threads=0)
    with pytest.raises(InputError, match="against must be 'peft'"):
        bench([TINY], against="pefft")
    with pytest.raises(InputError, match="device must be cpu or cuda, not 'gpu'"):
        bench([TINY], device="gpu")
    for python in ("no-such-python", str(tmp_path)):  # a folder may not be run: PermissionError
        with pytest.raises(InputError, match="there is no interpreter"):
            versions(python, ("numpy",))
    with pytest.raises(InputError, match="lacks one of"):
        versions(sys.executable, ("no-such-distribution",))


@pytest.mark.slow
def test_the_whole_command(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("minilora.lab.bench.shapes.SHAPES", {"tiny": TINY})
    monkeypatch.setattr("minilora.cli.bench.SHAPES", {"tiny": TINY})
    out = tmp_path / "bench.json"
    done = CliRunner().invoke(main, ["bench", "--rounds", "1", "--json", "--out", str(out)])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record == json.loads(out.read_text())
    assert {f"minilora {name}" for name in METHODS} <= {r["name"] for r in record["rows"]}
    assert {"lora/full", "lora/limit", "merged/base"} <= record["ratios"]["tiny"].keys()
