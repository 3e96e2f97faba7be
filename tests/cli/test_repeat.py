"""A run repeats itself to the last digit: the same command, its written configuration, and a run that was killed and taken up again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LINE = (
    "finetune --model @model --task text --data @text.txt --rows 3 --length 48 --lora-dropout 0.1 --label-smoothing 0.1 "
    "--evaluate-every 20 --save-every 7"
)


def numbers(folder: Path) -> list[dict[str, float]]:
    """The log without the times."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def scores(folder: Path) -> dict[str, object]:
    report = json.loads((folder / "metrics.json").read_text())
    return {name: report[name] for name in ("before", "after", "best_validation_loss")}


def assert_alike(one: Path, other: Path) -> None:
    assert numbers(one) == numbers(other)
    assert scores(one) == scores(other)
    assert (one / "adapter.safetensors").read_bytes() == (other / "adapter.safetensors").read_bytes()


def test_the_same_command_twice_and_its_configuration(run, tmp_path):
    for out in ("one", "two"):
        assert run(f"{LINE} --steps 12 --seed 3 --out {out}").exit_code == 0
    assert run("finetune --config one/config.toml --out three").exit_code == 0
    assert len(numbers(tmp_path / "one")) == 12
    assert_alike(tmp_path / "one", tmp_path / "two")
    assert_alike(tmp_path / "one", tmp_path / "three")
    assert (tmp_path / "one" / "config.toml").read_text() == (tmp_path / "three" / "config.toml").read_text()


def started(material: Path, folder: Path, line: str, lines: int) -> "subprocess.Popen[str]":
    """The command in a process of its own, once its log has so many lines."""
    words = [str(material / word[1:]) if word.startswith("@") else word for word in line.split()]
    process = subprocess.Popen(
        [sys.executable, "-m", "minilora.cli", *words, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        # a shell ignores Ctrl-C on behalf of what it starts in the background, and so would the child
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = folder / "log.jsonl"
    patience = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") >= lines):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < patience, "the run did not get going"
        time.sleep(0.01)
    return process


def test_a_run_that_was_killed_goes_on_to_the_same_digits(run, material, tmp_path):
    line = f"{LINE} --steps 120"
    process = started(material, tmp_path / "killed", line, lines=16)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 16 <= len(numbers(tmp_path / "killed")) < 120
    assert not (tmp_path / "killed" / "metrics.json").exists()
    assert run("finetune --out killed --resume").exit_code == 0  # nothing need be repeated
    assert run(f"{line} --out whole").exit_code == 0
    assert_alike(tmp_path / "killed", tmp_path / "whole")


def test_ctrl_c_says_how_to_go_on(material, tmp_path):
    process = started(material, tmp_path / "stopped", f"{LINE} --steps 100000", lines=2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == f"Stopped. Go on with: minilora finetune --out {tmp_path / 'stopped'} --resume\n"
