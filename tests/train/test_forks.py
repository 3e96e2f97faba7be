"""Forked processes: what they share, what goes wrong in them, and that none outlives the process it came from."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError, RunFailed
from minilora.train import Training, fit
from minilora.train.forks import Forks, can_fork, shared

from ..processes import alive, wait_until
from .tiny import tiny_batch, tiny_gpt

pytestmark = pytest.mark.skipif(not can_fork(), reason="this system's libraries do not survive a fork")


def test_each_computes_on_what_is_shared():
    numbers, own = shared(np.arange(6.0).reshape(2, 3)), np.zeros(1)

    def work(number, item):
        own[0] += 1  # seen by nobody else
        numbers[number] += item
        return os.getpid(), own[0]

    with Forks(2, work) as forks:
        for item in (10, 100):
            for number in range(2):
                forks.send(number, item)
            answers = [forks.receive(number) for number in range(2)]
        assert len({os.getpid(), *(process for process, _ in answers)}) == 3
        assert [count for _, count in answers] == [2, 2]
        assert all(alive(process) for process, _ in answers)
    assert numbers.tolist() == [[110, 111, 112], [113, 114, 115]]
    assert own[0] == 0
    assert not any(alive(process) for process, _ in answers)


@pytest.mark.parametrize("shape", [(), (0, 3), (4,), (2, 3)])
def test_a_shared_copy_is_equal_and_can_be_written_into(shape, rng):
    array = rng.standard_normal(shape).astype(np.float32)
    copy = shared(array)
    assert copy.dtype == np.float32
    assert np.array_equal(copy, array)
    copy[...] = 1


class Unsendable(Exception):
    """It cannot be made again from what it says."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (InputError("no such thing"), InputError, "no such thing"),
        (MemoryError("64 GiB"), MemoryError, "64 GiB"),
        (Unsendable(1, 2), RunFailed, "Unsendable: 1 and 2"),
    ],
)
def test_an_error_there_is_raised_here_and_the_process_goes_on(error, kind, said):
    def work(number, item):
        if item:
            raise error
        return "well"

    with Forks(1, work) as forks:
        for item in (1, 0):
            forks.send(0, item)
            if item:
                with pytest.raises(kind, match=said):
                    forks.receive(0)
        assert forks.receive(0) == "well"


def test_a_process_that_is_killed_is_told_of_and_nothing_hangs():
    def work(number, item):
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with Forks(2, work) as forks:
        for number, item in enumerate(("die", "live")):
            forks.send(number, item)
        with pytest.raises(RunFailed, match=r"ended by signal 9 .*memory enough"):
            forks.receive(0)
        other = forks.receive(1)
    assert not alive(other)


def test_ctrl_c_is_the_parents_and_its_forks_go_with_it():
    """SIGINT reaches every process of a terminal: a fork goes on until its parent ends it, in the middle of its work if need be."""

    def work(number, item):
        os.kill(os.getpid(), signal.SIGINT)
        if item == "long":
            time.sleep(60)
        return os.getpid()

    began = time.monotonic()
    processes = []

    def interrupted():
        with Forks(1, work) as forks:
            forks.send(0, "short")
            processes.append(forks.receive(0))
            forks.send(0, "long")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 30
    assert not alive(processes[0])


def test_no_fork_outlives_a_process_that_is_killed():
    program = (
        "import os, time\n"
        "from minilora.train.forks import Forks\n"
        "with Forks(3, lambda number, item: os.getpid()) as forks:\n"
        "    for number in range(3): forks.send(number, None)\n"
        "    print(*(forks.receive(number) for number in range(3)), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        forks = [int(word) for word in parent.stdout.readline().split()]
        assert len(forks) == 3
        assert all(map(alive, forks))
        parent.kill()
    wait_until(lambda: not any(map(alive, forks)))


def test_fit_leaves_no_process_behind_and_learns_what_threads_learn(monkeypatch):
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    if not path.exists():
        pytest.skip("this system does not list a process's children")

    def children():
        return path.read_text().split()

    before = children()
    seen, losses = [], []
    for forking in (True, False):
        monkeypatch.setattr("minilora.train.shards.can_fork", lambda forking=forking: forking)
        model = tiny_gpt()
        settings = Training(steps=5, learning_rate=1e-2, workers=3, dropout=True)
        history = fit(
            model,
            tiny_batch,
            settings,
            progress=False,
            watch=lambda step: seen.append(len(children()) - len(before)),
        )
        losses.append((history.losses, {name: p.data.copy() for name, p in model.named_parameters()}))
        assert children() == before
    assert losses[0][0] == losses[1][0]
    for name, array in losses[0][1].items():
        assert np.array_equal(array, losses[1][1][name])
    assert seen == [2] * 6 + [0] * 6
