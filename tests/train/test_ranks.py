"""Several processes that train together, started by a real mpiexec: the losses of one process, every shard on one rank, what a step sends, and what happens when one of them dies."""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from minilora.errors import InputError
from minilora.tensors import load_tensors
from minilora.train.ranks import Ranks, launched, wait_until_read, world

ROOT = Path(__file__).resolve().parents[2]
BESIDE_PYTHON = Path(sys.executable).parent / "mpiexec"
MPIEXEC = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else shutil.which("mpiexec")

mpi = pytest.mark.mpi


@pytest.fixture
def mpiexec() -> str:
    """The launcher of mpi4py's own MPI; skips, and says why, where there is none."""
    pytest.importorskip("mpi4py", reason='mpi4py is not installed (pip install "minilora[mpi]")')
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec, neither beside this Python nor on the path")
    return MPIEXEC


def start(count: int, launcher: str, *words: object, seconds: float = 240) -> subprocess.CompletedProcess:
    """``python words…`` on so many ranks, each with one thread in BLAS; in one process without a launcher where ``count`` is 1."""
    command = [*([launcher, "-n", str(count)] if count > 1 else []), sys.executable, *map(str, words)]
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def ranks_do(count: int, launcher: str, *words: object) -> dict:
    """What the first rank of ``run_ranks`` printed; the others print nothing."""
    done = start(count, launcher, "-m", "tests.train.run_ranks", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def close(found, expected, tolerance):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=0)


@pytest.fixture(scope="module")
def alone() -> dict[str, dict]:
    """Every method in one process, in both dtypes."""
    return {dtype: ranks_do(1, "", "methods", dtype) for dtype in ("float64", "float32")}


@mpi
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_every_method_has_the_losses_of_one_process(mpiexec, alone, count, dtype, tolerance):
    found = ranks_do(count, mpiexec, "methods", dtype)
    assert found.keys() == alone[dtype].keys()
    for name, expected in alone[dtype].items():
        close(found[name]["losses"], expected["losses"], tolerance)
        # One gradient of what is trained, and a loss in float64: nothing else is summed.
        assert found[name]["sent"] == found[name]["trained"] * np.dtype(dtype).itemsize + 8
        assert expected["sent"] == 0
    assert found["lora on query and value"]["sent"] < found["full"]["sent"] / 20


@mpi
@pytest.mark.parametrize("count", [2, 4])
def test_every_row_falls_to_one_rank(mpiexec, count):
    found = ranks_do(count, mpiexec, "shares")
    assert found["times"] == [1.0] * 11
    assert set(found["ranks"]) == {float(rank + 1) for rank in range(count)}


@mpi
@pytest.mark.parametrize("trouble", ["kill", "raise"])
def test_a_rank_that_dies_stops_the_others_and_the_run_goes_on_with_another_number(
    mpiexec, tmp_path, trouble
):
    whole = ranks_do(1, "", "run", tmp_path / "whole")
    folder = tmp_path / "stopped"
    stopped = start(2, mpiexec, "-m", "tests.train.run_ranks", "run", folder, trouble, seconds=120)
    waited = time.time() - (folder / "trouble").stat().st_mtime
    assert stopped.returncode != 0
    assert waited < 20  # seconds even where other programs take the cores; without an end it is for ever
    said = "signal 9" if trouble == "kill" else "rank 1 of 2 ends all of them"
    assert said in stopped.stdout + stopped.stderr
    shutil.copytree(folder, tmp_path / "alone")
    for count, where in ((4, folder), (1, tmp_path / "alone")):
        resumed = ranks_do(count, mpiexec, "run", where)
        close(resumed["losses"], whole["losses"], 1e-12)
        close(resumed["validations"], whole["validations"], 1e-12)
        assert resumed["best"] == whole["best"]
        lines = [json.loads(line) for line in (where / "log.jsonl").read_text().splitlines()]
        assert [line["loss"] for line in lines] == resumed["losses"]
        assert [line["step"] for line in lines] == [*range(1, 13)]


@mpi
def test_ranks_with_other_data_or_other_parameters_are_found_out(mpiexec, tmp_path):
    found = start(2, mpiexec, "-m", "tests.train.run_ranks", "run", tmp_path / "a", "other data")
    assert found.returncode == 1
    assert "the ranks must train the same: rank 1 has data 1 where rank 0 has 0" in found.stderr
    assert found.stderr.count("ends all of them") == 1  # told once, though every rank has it
    found = start(2, mpiexec, "-m", "tests.train.run_ranks", "run", tmp_path / "b", "drift")
    assert found.returncode == 1
    assert "after step 8 rank 1 has the trained parameters" in found.stderr
    _, metadata = load_tensors(tmp_path / "b" / "checkpoint.safetensors")
    assert json.loads(metadata["progress"])["step"] == 4  # the last on which they agreed


@mpi
def test_a_command_on_four_ranks(mpiexec, tmp_path):
    """``minilora finetune``: one folder, one report, the losses of ``--config`` in one process; and an error told once, with exit status 2."""
    from ..cli.tiny import write_model, write_text

    write_model(tmp_path / "model")
    write_text(tmp_path / "text.txt")
    words = ["-m", "minilora.cli", "finetune", "--model", tmp_path / "model", "--task", "text"]
    words += [
        "--data",
        tmp_path / "text.txt",
        "--steps",
        4,
        "--rows",
        8,
        "--length",
        16,
        "--dtype",
        "float64",
    ]
    done = start(4, mpiexec, *words, "--evaluate-every", 2, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert report["ranks"] == 4
    assert report["bytes_sent_a_step"] == 8 * report["trainable"] + 8
    assert f"4 ranks: each sent {report['bytes_sent_a_step']:,} bytes a step" in done.stdout
    assert done.stdout.count("trained ") == 1
    alone = start(
        1, "", "-m", "minilora.cli", "finetune", "--config", tmp_path / "run" / "config.toml",
        "--out", tmp_path / "alone",
    )  # fmt: skip
    assert alone.returncode == 0, alone.stderr
    assert "bytes a step" not in alone.stdout
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("run", "alone")]
    for ours, theirs in zip(*logs, strict=True):
        ours, theirs = json.loads(ours), json.loads(theirs)
        for name in ("step", "tokens", "learning_rate"):
            assert ours[name] == theirs[name]
        close(ours["loss"], theirs["loss"], 1e-12)
        close(ours.get("validation", 0), theirs.get("validation", 0), 1e-12)
    again = start(4, mpiexec, *words, "--out", tmp_path / "run")
    assert again.returncode == 2
    assert again.stderr.count("already holds") == 1


def test_what_was_told_is_read_before_the_end():
    """A launcher told to end all throws away what it has not read: a rank waits until its message is read, though not for ever, and not where nothing is a pipe."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader, open(writing, "w") as writer:
        print("an error", file=writer, flush=True)
        found = []
        late = threading.Timer(0.3, lambda: found.append(reader.read(100)))
        late.start()
        wait_until_read(writer, seconds=30)
        late.join()
        assert found == [b"an error\n"]
        print("nobody reads this", file=writer, flush=True)
        began = time.monotonic()
        wait_until_read(writer, seconds=0.2)
        assert 0.2 <= time.monotonic() - began < 10
        assert reader.read(100) == b"nobody reads this\n"
    began = time.monotonic()
    wait_until_read(io.StringIO("no file at all"), seconds=30)
    with tempfile.TemporaryFile("w") as file:
        print("a file", file=file, flush=True)
        wait_until_read(file, seconds=30)
    assert time.monotonic() - began < 10


def test_alone_there_is_nothing_to_say(monkeypatch):
    for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"):
        monkeypatch.delenv(name, raising=False)
    ranks = world()
    array = np.arange(3.0)
    ranks.sum(array)
    assert (ranks.rank, ranks.count, ranks.sent, array.tolist()) == (0, 1, 0, [0, 1, 2])
    assert ranks.on_first(lambda: 5) == 5
    assert ranks.difference({"a": 1}) is None
    with pytest.raises(SystemExit, match="3"):
        ranks.end(3)
    assert type(ranks) is Ranks


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, 4),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, 2),
        ({"PMIX_RANK": "0", "SLURM_NTASKS": "8"}, 8),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, 1),
        ({"SLURM_NTASKS": "8"}, 1),  # within a job that starts no processes of its own
    ],
)
def test_launchers_tell_how_many_there_are(monkeypatch, variables, count):
    for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched() == count


def test_without_mpi4py_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # as Python marks what cannot be imported
    with pytest.raises(InputError, match=r'2 processes were started .* pip install "minilora\[mpi\]"'):
        world()


@mpi
def test_another_mpi_than_the_launchers_is_found_out(mpiexec):
    """Without the launcher's wire the same MPI sees one process where the environment tells of three: as with an mpiexec of another MPI."""
    code = (
        "from minilora.train.ranks import world\n"
        "from minilora.errors import InputError\n"
        "try: world()\n"
        "except InputError as error: print(error)\n"
    )
    environment = dict(os.environ, OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="3")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "the launcher started 3 processes" in done.stdout, done.stderr
    assert "sees 1" in done.stdout
