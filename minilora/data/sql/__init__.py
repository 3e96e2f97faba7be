"""SQL that a model wrote: run where it can do no harm, and compared with the right query.

Before it: tables and texts. After it: the scores of the tasks that ask for SQL (``tasks/nl2sql``, ``tasks/wikisql``, ``tasks/spider``).
"""

from .exact_set import exact_set_match
from .sandbox import QueryError, Row, Sandbox, SQLTable, same_answer

__all__ = ["QueryError", "Row", "SQLTable", "Sandbox", "exact_set_match", "same_answer"]
