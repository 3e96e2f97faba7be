"""How fast, and how much memory: this package beside PyTorch + PEFT, and beside the matrix products that no program can do without.

Comes after ``train`` and ``methods``, whose steps it times. Two programs in one process would disturb each other (their worker threads wait by spinning on the same cores),
so each contender is a process of its own, and they take turns: A B C A B C. ``serve.py`` is what runs in such a process, ``own.py``, ``limit.py`` and ``torch_side.py``
say what it can be asked to do; ``processes.py`` talks to it, and ``run.py`` is the whole measurement.
"""

from .run import bench
from .shapes import SHAPES, Shape

__all__ = ["SHAPES", "Shape", "bench"]
