"""The measurement: contenders started, asked in turn, and what came out as rows and ratios.

Comes after everything else in this folder; ``cli/bench.py`` prints what it returns.
"""

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ...backend.devices import cuda, processor, use_device
from ...errors import InputError, RunFailed
from ...models.checkpoint import save
from ...train.runs import circumstances
from ...train.settings import require
from .own import LEARNING_RATE, METHODS, NEW_TOKENS, prompts
from .processes import TURN, Contender, Turn, contender, versions
from .shapes import SHAPES, Shape

OWN, LIMIT, TORCH = "minilora.lab.bench.own", "minilora.lab.bench.limit", "torch_side"
PEFT_MODULES = ("torch", "transformers", "peft")

RATIOS = {
    "lora/peft": ("minilora lora", "peft lora"),
    "lora-masked/peft": ("minilora lora-masked", "peft lora-masked"),
    "lora/limit": ("minilora lora", "products limit"),
    "lora/full": ("minilora lora", "minilora full"),
    "houlsby/lora": ("minilora houlsby", "minilora lora"),
    "merged/base": ("minilora forward lora merged", "minilora forward base"),
    "unmerged/base": ("minilora forward lora unmerged", "minilora forward base"),
    "houlsby/base": ("minilora forward houlsby", "minilora forward base"),
    "base/transformers": ("minilora forward base", "transformers forward"),
    "generate-1/transformers": ("minilora generate 1", "transformers generate 1"),
    "generate-8/transformers": ("minilora generate 8", "transformers generate 8"),
}
"""Times of one over times of the other, by name: below 1 the first is faster."""


def bench(
    shapes: Sequence[Shape] = tuple(SHAPES.values()),
    *,
    rounds: int = 7,
    threads: int = 2,
    device: str = "cpu",
    against: str | None = None,
    python: str = sys.executable,
    minutes: float = 9.0,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure at each shape, and return ``{"machine", "versions", "settings", "rows", "ratios"}``, all of it plain values.

    rounds: how often every contender has its turn, after one that is not counted. threads: for each program. device: ``"cpu"``, or ``"cuda"`` where every model, and the bare products, are on a card. against: ``"peft"`` lets PyTorch + PEFT and transformers take part, run by the
    interpreter ``python``. minutes: for all shapes together; the smallest comes first and leaves what it does not need to the others, and when a further round would not fit, there are fewer. progress: called with a line before each round.

    A row: shape, name, the median of the turns and the quarter points around it in milliseconds (a turn counts as the median of its calls), tokens/s where it is about tokens, the number of
    turns, and the peak memory of the process in MiB; on a card, of what it took from the card. Raises InputError for arguments out of range, a device that cannot be used or an interpreter without PEFT, RunFailed when a process fails or
    the two programs do not start from the same loss, so that they would not be doing the same work.
    """
    require("rounds", rounds, rounds >= 1, "at least 1")
    require("threads", threads, threads >= 1, "at least 1")
    if against not in (None, "peft"):
        raise InputError(f"against must be 'peft', not {against!r}")
    use_device(device)
    theirs = versions(python, PEFT_MODULES) if against else {}
    rows: list[dict[str, Any]] = []
    ratios: dict[str, dict[str, float]] = {}
    end = time.monotonic() + 60 * minutes
    for place, shape in enumerate(sorted(shapes, key=lambda shape: shape.config.width)):
        share = (end - time.monotonic()) / (len(shapes) - place)
        turns = measure(shape, rounds, threads, device, python if against else None, share, progress)
        of_shape = [row(shape, name, found) for name, found in turns.items()]
        rows += of_shape
        ratios[shape.name] = ratios_of(of_shape)
        progress(f"{shape.name} is done ({place + 1} of {len(shapes)})")
    ratios = {shape.name: ratios[shape.name] for shape in shapes}
    settings = {"rounds": rounds, "threads": threads, "device": device, "against": against}
    return record_of(rows, ratios, settings, theirs)


def record_of(
    rows: Sequence[Mapping[str, Any]],
    ratios: Mapping[str, Any],
    settings: Mapping[str, Any],
    theirs: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """What was measured, with the machine and the versions it was measured on. theirs: versions of the other programs."""
    own = ("minilora", "python", "numpy", "blas")
    return {
        "machine": machine(settings.get("device", "cpu")),
        "versions": {name: str(value) for name, value in circumstances().items() if name in own}
        | dict(theirs),
        "settings": dict(settings),
        "rows": list(rows),
        "ratios": dict(ratios),
    }


def measure(
    shape: Shape,
    rounds: int,
    threads: int,
    device: str,
    python: str | None,
    seconds: float,
    progress: Callable[[str], None],
) -> dict[str, list[Turn]]:
    """The turns of every call, by the name of its row. python: the interpreter of the other program, None to leave it out."""
    turns: dict[str, list[Turn]] = {}
    began = time.monotonic()
    with ExitStack() as stack:
        contenders: list[tuple[str, Contender]] = []
        own = {"shape": shape.as_dict(), "threads": threads, "device": device}
        for task in (*METHODS, "use"):
            started = stack.enter_context(contender(OWN, {**own, "task": task}, threads))
            contenders.append(("minilora", started))
        contenders.append(("products", stack.enter_context(contender(LIMIT, own, threads))))
        if python is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            inputs = write_inputs(shape, folder)
            for task in ("peft", "transformers"):
                arguments = {"inputs": str(inputs), "threads": threads, "task": task, "device": device}
                started = stack.enter_context(contender(TORCH, arguments, threads, python))
                contenders.append((task, started))
        longest = 0.0
        for number in range(rounds + 1):  # the first round warms up, and is not counted
            begun = time.monotonic()
            if number > 1 and begun - began + longest > seconds:
                progress(f"{shape.name}: no time for more than {number - 1} of {rounds} rounds")
                break
            progress(f"{shape.name}: round {number} of {rounds}" if number else f"{shape.name}: warming up")
            for program, process in contenders:
                for call in process.calls:
                    turn = process.turn(call, TURN if number else 0)
                    turns.setdefault(f"{program} {call}", []).append(turn)
            longest = max(longest, time.monotonic() - begun)
            if number == 0:
                check_same_work(turns)
    return {name: found[1:] for name, found in turns.items()}


def write_inputs(shape: Shape, folder: Path) -> Path:
    """The weights as a model folder, and a JSON file with everything else that the other program needs for the same work."""
    save(shape.model(), folder / "model")
    lora = METHODS["lora"]

    def labels(prompt: float) -> list[list[int]]:
        """transformers shifts by itself: a label belongs to the token before it."""
        targets = shape.batch(prompt=prompt).targets
        return np.roll(targets, 1, axis=1).tolist()  # type: ignore[no-any-return]

    text = np.random.default_rng(2).integers(0, shape.config.vocabulary, (1, min(128, shape.config.context)))
    given = {
        "folder": str(folder / "model"),
        "rank": lora.rank,  # type: ignore[attr-defined]
        "alpha": lora.alpha,  # type: ignore[attr-defined]
        "learning_rate": LEARNING_RATE,
        "ids": shape.batch().ids.tolist(),
        "labels": {"lora": labels(0.0), "lora-masked": labels(0.5)},
        "text": text.tolist(),
        "prompts": [prompts(shape, 1), prompts(shape, 8)],
        "new_tokens": NEW_TOKENS,
    }
    path = folder / "inputs.json"
    path.write_text(json.dumps(given))
    return path


def check_same_work(turns: Mapping[str, Sequence[Turn]]) -> None:
    """Raise RunFailed unless both programs start from the same loss."""
    if "peft lora" not in turns:
        return
    own, theirs = (turns[f"{program} lora"][0].value for program in ("minilora", "peft"))
    if abs(own - theirs) > 1e-3 * abs(theirs):
        raise RunFailed(
            f"the two programs do not start from the same loss: {own:.6f} here, {theirs:.6f} with PEFT"
        )


def row(shape: Shape, name: str, turns: Sequence[Turn], call: str | None = None) -> dict[str, Any]:
    """One line of the result: see ``bench``. call: what the turns ran, where the name does not end in it."""
    milliseconds = [1000 * float(np.median(turn.seconds)) for turn in turns]
    low, median, high = (float(q) for q in np.quantile(milliseconds, (0.25, 0.5, 0.75)))
    call = call or name.partition(" ")[2]
    tokens = 0
    if call.startswith("generate "):
        tokens = NEW_TOKENS * int(call.rpartition(" ")[2])
    elif not call.startswith("forward"):
        tokens = shape.rows * shape.tokens
    return {
        "shape": shape.name,
        "name": name,
        "ms": median,
        "ms_low": low,
        "ms_high": high,
        "tokens_per_second": 1000 * tokens / median if tokens else None,
        "turns": len(turns),
        "peak_mib": max(turn.peak for turn in turns) / 2**20,
    }


def ratios_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The ratios of medians that can be formed at one shape, and ``memory/peft``: the peak of the process that takes LoRA steps over that of PEFT's."""
    by_name = {row["name"]: row for row in rows}
    found = {
        ratio: by_name[above]["ms"] / by_name[below]["ms"]
        for ratio, (above, below) in RATIOS.items()
        if above in by_name and below in by_name
    }
    if "peft lora" in by_name and by_name["peft lora"]["peak_mib"]:
        found["memory/peft"] = by_name["minilora lora"]["peak_mib"] / by_name["peft lora"]["peak_mib"]
    return found


def machine(device: str = "cpu") -> dict[str, Any]:
    """The processor, its number of cores, and the system; for ``"cuda"`` the card and its driver's CUDA version too."""
    cpu = processor()
    found = {"processor": cpu.name, "cores": cpu.cores, "system": f"{platform.system()} {platform.machine()}"}
    if device == "cuda":
        reached = cuda()
        found |= {"card": reached.cards[0].name, "cuda": reached.driver, "cupy": reached.cupy}
    return found
