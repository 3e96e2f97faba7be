"""What this machine has to compute with: processor, memory, BLAS, and the cards that CuPy reaches, or why it reaches none.

Comes after ``namespace.py`` and before the command ``minilora devices``. Nothing here is asked for while a model computes: the array decides where that happens.
"""

import os
import platform
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_info

from ..errors import InputError, first_line, nearest

DEVICES = ("cpu", "cuda")
INSTALL = 'pip install "minilora[cuda12]" or "minilora[cuda13]", by the CUDA version that nvidia-smi shows'


@dataclass(frozen=True)
class Blas:
    """A library of matrix products. name: as OpenBLAS or MKL; version: None where it does not tell; threads: how many a product takes now."""

    name: str
    version: str | None
    threads: int


@dataclass(frozen=True)
class Processor:
    """The CPU. cores: logical ones of the machine; usable: those this process may run on; memory, free: bytes, None where the system does not tell."""

    name: str
    cores: int
    usable: int
    memory: int | None
    free: int | None
    blas: tuple[Blas, ...]
    numpy: str
    python: str


@dataclass(frozen=True)
class Card:
    """A GPU. capability: its compute capability, as "8.6"; memory, free: bytes."""

    number: int
    name: str
    capability: str
    memory: int
    free: int


@dataclass(frozen=True)
class Cuda:
    """What CuPy reaches. reason: one sentence that says why CUDA cannot be used, None where it can; cupy: its version; driver, runtime: CUDA versions, as "12.9", None where unknown."""

    reason: str | None
    cupy: str | None = None
    driver: str | None = None
    runtime: str | None = None
    cards: tuple[Card, ...] = ()


def processor() -> Processor:
    """The CPU of this machine, as the system and NumPy's own libraries tell of it."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    memory = _lines("/proc/meminfo")
    return Processor(
        _lines("/proc/cpuinfo").get("model name") or platform.processor() or platform.machine(),
        cores,
        usable,
        _kibibytes(memory.get("MemTotal")),
        _kibibytes(memory.get("MemAvailable")),
        tuple(Blas(b["internal_api"], b["version"], b["num_threads"]) for b in blas),
        np.__version__,
        platform.python_version(),
    )


def cuda() -> Cuda:
    """What CuPy reaches, found by asking: it is imported, its cards are counted, and one kernel is compiled and run on the first."""
    try:
        import cupy  # heavy and optional
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return Cuda(f"CuPy is not installed; {INSTALL}")
        return Cuda(f"CuPy is installed but cannot be imported: {first_line(error)}")
    version, runtime = str(cupy.__version__), cupy.cuda.runtime
    driver, made_for = (_version(ask()) for ask in (runtime.driverGetVersion, runtime.runtimeGetVersion))
    found = Cuda(None, version, driver, made_for)
    if driver is None:
        return _without(found, "there is no NVIDIA driver on this machine, or this container is not given it")
    try:
        cards = tuple(_card(cupy, number) for number in range(runtime.getDeviceCount()))
    except runtime.CUDARuntimeError as error:
        return _without(
            found,
            f"the driver (CUDA {driver}) does not open a card for CuPy (CUDA {made_for}): {first_line(error)}",
        )
    if not cards:
        return _without(found, "the driver knows no card")
    found = Cuda(None, version, driver, made_for, cards)
    try:
        works = (
            int((cupy.ones(2) + 1).sum()) == 4
        )  # the first kernel is compiled: NVRTC and CUDA's headers must be there
    except Exception as error:  # whatever CuPy lacks shows here, as errors of many kinds
        return _without(found, f"CuPy cannot run a kernel: {first_line(error)}; {INSTALL}")
    return found if works else _without(found, "a card adds 1 and 1 and does not find 2")


def check_device(device: str) -> None:
    """Raise InputError for a device whose name is not known."""
    if device not in DEVICES:
        raise InputError(f"device must be {' or '.join(DEVICES)}, not {device!r}{nearest(device, DEVICES)}")


def use_device(device: str, place: int = 0) -> None:
    """See to it that ``device`` can compute. Of several cards this thread takes number ``place``, counted round: one each for the processes of a machine that train together.

    Raises InputError, with the reason, where CUDA cannot be used.
    """
    check_device(device)
    if device == "cpu":
        return
    found = cuda()
    if found.reason is not None:
        raise InputError(f"device 'cuda' cannot be used: {found.reason}; or compute with device 'cpu'")
    import cupy  # heavy and optional

    cupy.cuda.Device(place % len(found.cards)).use()


def _without(found: Cuda, reason: str) -> Cuda:
    return Cuda(reason, found.cupy, found.driver, found.runtime, found.cards)


def _card(cupy: object, number: int) -> Card:
    runtime = cupy.cuda.runtime  # type: ignore[attr-defined]
    properties = runtime.getDeviceProperties(number)
    with cupy.cuda.Device(number):  # type: ignore[attr-defined]
        free, memory = runtime.memGetInfo()
    name = properties["name"].decode()
    return Card(number, name, f"{properties['major']}.{properties['minor']}", int(memory), int(free))


def _version(number: int) -> str | None:
    """CUDA's 12090 as "12.9"; None for 0, which stands for no driver."""
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def _lines(path: str) -> dict[str, str]:
    """The "name: value" lines of a file of the system; the first of each name, none where there is no such file."""
    found: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                found.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    return found


def _kibibytes(text: str | None) -> int | None:
    """A line of /proc/meminfo, such as 1234 kB, in bytes."""
    return None if text is None else int(text.split()[0]) * 1024
