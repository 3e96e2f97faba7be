"""A strict stand-in for CuPy, in which every array is NumPy's underneath: what runs on it mixes no host and device arrays, and uses nothing that CuPy lacks.

It is stricter than CuPy where CuPy would hide a copy: an index or a value on the host is refused, and so are NumPy's functions (``np.sum``) on a device array. It says nothing
about speed, memory, the kernels' own rounding, or the order of atomic additions. Comes before the tests that ask for it (``on_double``).
"""

from .array import ndarray
from .module import make_modules
from .transfers import transfers

__all__ = ["make_modules", "ndarray", "transfers"]
