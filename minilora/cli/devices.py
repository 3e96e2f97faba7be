"""``minilora devices``: what this machine has to compute with, and why CUDA cannot be used where it cannot. Calls ``backend.devices``."""

from dataclasses import asdict

import click

from ..backend.devices import Cuda, Processor, cuda, processor
from .output import json_option, print_json, print_table, size


@click.command("devices")
@json_option
def command(as_json: bool) -> None:
    """Say what this machine has to compute with: processor, memory, BLAS, and the graphics cards that CuPy reaches, or why it reaches none.

    minilora finetune, evaluate and generate compute on a card with --device cuda; in Python, model.to("cuda") moves a model there.

    \b
    Examples:
      minilora devices
      minilora devices --json
    """
    cpu, gpu = processor(), cuda()
    if as_json:
        print_json({"cpu": asdict(cpu), "cuda": {"usable": gpu.reason is None, **asdict(gpu)}})
        return
    print_table(("device", "what", "memory", "free"), rows(cpu, gpu))
    libraries = [f"{b.name} {b.version or ''}".strip() + f" on {b.threads} threads" for b in cpu.blas]
    click.echo(f"NumPy {cpu.numpy}, Python {cpu.python}; BLAS: {', '.join(libraries) or 'none found'}")
    versions = [("CuPy", gpu.cupy), ("made for CUDA", gpu.runtime), ("driver for CUDA", gpu.driver)]
    if gpu.cupy is not None:
        click.echo(", ".join(f"{name} {version or 'none'}" for name, version in versions))
    click.echo("CUDA can be used" if gpu.reason is None else f"CUDA cannot be used: {gpu.reason}")


def rows(cpu: Processor, gpu: Cuda) -> list[tuple[str, ...]]:
    """A row for the processor, and one for each card."""
    cores = f"{cpu.name}, {cpu.usable} of {cpu.cores} cores"
    cards = [
        (f"cuda:{c.number}", f"{c.name}, compute capability {c.capability}", size(c.memory), size(c.free))
        for c in gpu.cards
    ]
    return [("cpu", cores, _bytes(cpu.memory), _bytes(cpu.free)), *cards]


def _bytes(count: int | None) -> str:
    return "–" if count is None else size(count)
