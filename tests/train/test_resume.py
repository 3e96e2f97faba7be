"""A run that is killed, at any moment, and taken up again gives the same losses to the last digit; and its files are whole at every moment."""

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
from minilora.tensors import load_tensors
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
