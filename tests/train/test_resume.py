"""A run that is killed, at any moment, and taken up again gives the same losses to the last digit; and its files are whole at every moment."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.tensors import load_tensors, save_tensors
from minilora.train import Training, fit, read_log

from .run_tiny import SETTINGS, run
from .tiny import tiny_batch, tiny_gpt

ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.train.run_tiny", str(folder)], cwd=ROOT, env=environment
    )


def wait_for_lines(process: subprocess.Popen[bytes], log: Path, lines: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.0005)


def test_killed_at_any_step_the_losses_are_the_same_to_the_last_digit(tmp_path):
    whole = run(None)
    killed = 0
    for at in (2, 17, 41):  # before the first checkpoint, and between later ones
        process = start(tmp_path)
        wait_for_lines(process, tmp_path / "log.jsonl", at)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if (tmp_path / "checkpoint.safetensors").exists():
            load_tensors(tmp_path / "checkpoint.safetensors")  # never half-written
    assert killed >= 2  # a run may be through before the last kill reaches it
    assert start(tmp_path).wait() == 0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, SETTINGS.steps + 1))
    assert [line["loss"] for line in lines] == whole


def test_a_file_of_another_run_is_replaced_whole_or_not_at_all(tmp_path):
    """Read the checkpoint all the time while it is being replaced: whatever is read is whole."""
    process = start(tmp_path)
    path, steps = tmp_path / "checkpoint.safetensors", set()
    while process.poll() is None:
        if path.exists():
            _, metadata = load_tensors(path)
            steps.add(json.loads(metadata["progress"])["step"])
    assert process.returncode == 0
    assert steps <= set(range(0, SETTINGS.steps + 1, SETTINGS.save_every))
    assert len(steps) > 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.safetensors", "log.jsonl"]


def small(**changes) -> Training:
    return dataclasses.replace(Training(steps=6, learning_rate=1e-3, save_every=2), **changes)


def test_a_finished_or_stopped_run_is_not_trained_further(tmp_path):
    values = iter([1.0, 2.0, 3.0])
    settings = small(evaluate_every=1, patience=2)
    first = fit(tiny_gpt(), tiny_batch, settings, out=tmp_path, validate=lambda: next(values))
    assert first.stopped_early
    model = tiny_gpt(seed=1)
    again = fit(model, tiny_batch, settings, out=tmp_path, validate=lambda: next(values), resume=True)
    assert again == first
    best, _ = load_tensors(tmp_path / "checkpoint.safetensors")
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(parameter.data, best[f"best/{name}"])


def test_a_folder_that_holds_a_run_is_kept_unless_told_otherwise(tmp_path):
    fit(tiny_gpt(), tiny_batch, small(), out=tmp_path)
    before = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(InputError, match="holds a run already"):
        fit(tiny_gpt(), tiny_batch, small(), out=tmp_path)
    assert (tmp_path / "log.jsonl").read_bytes() == before
    fit(tiny_gpt(), tiny_batch, small(steps=3), out=tmp_path, overwrite=True)
    assert [record.step for record in read_log(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "identity", "message"),
    [
        ({"learning_rate": 2e-3}, {}, "learning_rate is 0.002, but .* was trained with learning_rate 0.001"),
        ({"steps": 7}, {}, "steps is 7, but .* steps 6"),
        ({"dropout": False}, {}, "dropout is False, but .* dropout True"),
        ({}, {"data": "b.txt"}, "data is 'b.txt', but .* data 'a.txt'"),
    ],
)
def test_other_settings_are_refused_by_name_with_both_values(tmp_path, changes, identity, message):
    fit(tiny_gpt(), tiny_batch, small(), out=tmp_path, identity={"data": "a.txt"})
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(InputError, match=f"cannot resume: {message}"):
        fit(
            tiny_gpt(),
            tiny_batch,
            small(**changes),
            out=tmp_path,
            resume=True,
            identity={"data": "a.txt"} | identity,
        )
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_another_model_is_refused(tmp_path):
    def model(seed=0, dtype=np.float32):
        made = tiny_gpt(dtype, seed).freeze()
        made.blocks[0].unfreeze()
        return made

    fit(model(), tiny_batch, small(), out=tmp_path)
    for other, message in [
        (model(seed=1), "frozen weights is"),
        (model(dtype=np.float64), "dtype is 'float64', but .* dtype 'float32'"),
        (tiny_gpt(), "trained parameters is"),
    ]:
        with pytest.raises(InputError, match=message):
            fit(other, tiny_batch, small(), out=tmp_path, resume=True)
    fit(model(), tiny_batch, small(save_every=5), out=tmp_path, resume=True)  # decides no number
    fit(model(), tiny_batch, small(), out=tmp_path / "new", identity={"seed": 3})  # the data's seed, say
    with pytest.raises(InputError, match=r"identity's seed is 4, but .* identity's seed 3"):
        fit(model(), tiny_batch, small(), out=tmp_path / "new", identity={"seed": 4}, resume=True)


def test_a_broken_checkpoint_is_refused(tmp_path):
    fit(tiny_gpt(), tiny_batch, small(), out=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    whole = path.read_bytes()
    for broken in (b"", whole[:100], whole[:-1], b"x" * len(whole)):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="truncated, corrupted or not a safetensors file"):
            fit(tiny_gpt(), tiny_batch, small(), out=tmp_path, resume=True)
    save_tensors(path, {"a": np.ones(2)})
    with pytest.raises(InputError, match="no checkpoint of a training run"):
        fit(tiny_gpt(), tiny_batch, small(), out=tmp_path, resume=True)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot create the folder"):
        fit(tiny_gpt(), tiny_batch, small(), out=tmp_path / "file" / "run")


def test_a_log_cut_short_loses_only_what_the_checkpoint_does_not_know(tmp_path):
    whole = fit(tiny_gpt(), tiny_batch, small(), out=tmp_path / "whole")
    out = tmp_path / "cut"
    with pytest.raises(KeyError):
        fit(tiny_gpt(), stop_at(5), small(), out=out)
    with (out / "log.jsonl").open("a") as log:
        log.write('{"step": 6, "lo')
    resumed = fit(tiny_gpt(), tiny_batch, small(), out=out, resume=True)
    assert resumed.losses == whole.losses
    assert [record.loss for record in read_log(out)] == whole.losses


def stop_at(index: int):
    def batches(i: int):
        if i == index:
            raise KeyError(i)
        return tiny_batch(i)

    return batches
