"""Files of data sets, whatever their format: records with their line, and which file holds which part.

Before it: files a user has. After it: ``data/tasks`` makes examples of the records.
"""

from .parts import PARTS, divide, find_parts, hold_out
from .reading import Record, read_records

__all__ = ["PARTS", "Record", "divide", "find_parts", "hold_out", "read_records"]
