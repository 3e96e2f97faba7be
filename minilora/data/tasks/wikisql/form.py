"""WikiSQL's logical form, and how it is written and read as text.

Before it: nothing. After it: ``task.py``.

A query of WikiSQL is one column or an aggregate of it, under conditions joined with AND. As text it is written without quoting names, as in the prompt
lines that circulate of it; names may hold blanks, commas and slashes, so reading needs the table's columns::

    SELECT COUNT School/Club Team FROM 1-10015132-16 WHERE Player = 'Jalen Rose' AND No. > 3
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

AGGREGATES = ("", "MAX", "MIN", "COUNT", "SUM", "AVG")
OPERATORS = ("=", ">", "<")

Condition = tuple[int, int, str]
"""The numbers of a column and of an operator, and a value as text."""


@dataclass(frozen=True)
class Form:
    """The numbers of the column selected and of its aggregate, and the conditions."""

    column: int
    aggregate: int
    conditions: tuple[Condition, ...]

    def same(self, other: "Form") -> bool:
        """Logical-form equality as WikiSQL's scorer has it (``lib/query.py`` of github.com/salesforce/WikiSQL): conditions are a set, and values are compared as texts in small letters, so that 3 is not 3.0.

        One departure: blanks around a value do not count, which are lost where a query is written as text.
        """
        return (self.column, self.aggregate, _set(self)) == (other.column, other.aggregate, _set(other))

    def text(self, table: str, columns: Sequence[str], numeric: Sequence[bool]) -> str:
        """The form in words; texts stand in quotation marks, values of ``numeric`` columns do not."""
        chosen = f"{AGGREGATES[self.aggregate]} {columns[self.column]}".strip()
        said = [
            f"{columns[c]} {OPERATORS[o]} {v if numeric[c] else repr_text(v)}" for c, o, v in self.conditions
        ]
        return f"SELECT {chosen} FROM {table}" + (f" WHERE {' AND '.join(said)}" if said else "")


def repr_text(value: str) -> str:
    """A value within quotation marks."""
    return f"'{value}'"


def read_form(text: str, columns: Sequence[str]) -> Form | None:
    """The form that ``text`` writes, of a table with these columns; None where it is none."""
    text = " ".join(text.split()).rstrip(";").strip()
    if not text.upper().startswith("SELECT "):
        return None
    for aggregate, rest in _aggregates(text[len("SELECT ") :]):
        for column, after in _columns(rest, columns):
            if not after.upper().startswith(" FROM "):
                continue
            table, _, tail = after[len(" FROM ") :].partition(" ")
            if not table:
                continue
            if not tail:
                return Form(column, aggregate, ())
            if tail.upper().startswith("WHERE "):
                conditions = _conditions(tail[len("WHERE ") :], columns)
                if conditions is not None:
                    return Form(column, aggregate, tuple(conditions))
    return None


def _set(form: Form) -> frozenset[Condition]:
    return frozenset((c, o, v.strip().lower()) for c, o, v in form.conditions)


def _aggregates(text: str) -> Iterator[tuple[int, str]]:
    """Each way to read an aggregate or none at the beginning; "COUNT" may also begin a column's name."""
    for number, name in enumerate(AGGREGATES):
        if number and text.upper().startswith(name + " "):
            yield number, text[len(name) + 1 :]
    yield 0, text


def _columns(text: str, columns: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each column that the text may begin with, the longest name first, and what follows."""
    order = sorted(range(len(columns)), key=lambda i: -len(columns[i]))
    for number in order:
        name = " ".join(columns[number].split())
        if name and text.lower().startswith(name.lower()):
            yield number, text[len(name) :]


def _conditions(text: str, columns: Sequence[str]) -> list[Condition] | None:
    """All conditions of ``text``; a value ends where `` AND `` and a further whole condition follow, or at the end."""
    for column, after in _columns(text, columns):
        for operator, sign in enumerate(OPERATORS):
            if not after.startswith(f" {sign} "):
                continue
            value = after[len(sign) + 2 :]
            for end in _ends(value):
                rest = [] if end == len(value) else _conditions(value[end + len(" AND ") :], columns)
                if rest is not None:
                    return [(column, operator, _unquoted(value[:end])), *rest]
    return None


def _ends(value: str) -> Iterator[int]:
    at = value.upper().find(" AND ")
    while at >= 0:
        yield at
        at = value.upper().find(" AND ", at + 1)
    yield len(value)


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
