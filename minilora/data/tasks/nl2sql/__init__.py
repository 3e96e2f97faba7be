"""Questions about tables and the SQL that answers them, executed on SQLite; read the files in the order that ``task.py`` names."""

from .database import QueryError
from .joins import NL2SQLJoins
from .task import NL2SQL

__all__ = ["NL2SQL", "NL2SQLJoins", "QueryError"]
