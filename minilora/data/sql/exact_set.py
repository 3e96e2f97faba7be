"""Exact-set match: whether two queries have the same parts, in whatever order a part's members stand (Yu et al. 2018).

Before it: ``parse.py``. After it: the score of the Spider task.

The rules of Spider's own scorer: values and DISTINCT do not count; of LIMIT only that it is there; columns linked by a foreign key are one; GROUP BY is compared
by names without their tables; ORDER BY keeps its order, and HAVING its own. Two departures, both rare: nested queries are compared by these same rules
where the published scorer asks for the same order within them, and the join conditions are compared as a set where it looks at the first alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from .parse import ParseError, parse
from .parts import Column, Condition, Query, Unit


def exact_set_match(
    predicted: str,
    right: str,
    schema: Mapping[str, Iterable[str]],
    same: Mapping[str, str] | None = None,
) -> bool:
    """Whether ``predicted`` has the same parts as ``right``; a prediction that cannot be read has not.

    schema: the columns of each table. same: for a column (``table.column``, small letters) linked by a foreign key, the column that stands for both.
    Raises ParseError when ``right`` itself cannot be read.
    """
    wanted = parse(right, schema)
    try:
        found = parse(predicted, schema)
    except (ParseError, RecursionError):
        return False
    return _query(found, same or {}) == _query(wanted, same or {})


def _query(query: Query, same: Mapping[str, str]) -> object:
    """What of a query counts, in a form that is equal when it is."""
    return (
        _bag(_unit(unit, same) for unit in query.select),
        _bag(_source(table, same) for table in query.tables),
        _bag(_join(condition, same) for condition in query.on),
        _bag(_condition(condition, same) for condition in query.where),
        frozenset(query.joined),
        _bag(name.split(".")[-1] for name in query.group),
        tuple(_condition(condition, same) for condition in query.having),
        tuple(_unit(unit, same) for unit in query.order),
        bool(query.order) and query.descending,
        query.limited,
        None if query.combined is None else (query.combined[0], _query(query.combined[1], same)),
    )


def _bag(items: Iterable[object]) -> frozenset[tuple[object, int]]:
    return frozenset(Counter(items).items())


def _column(column: Column, same: Mapping[str, str]) -> tuple[str, str]:
    return column.aggregate, same.get(column.name, column.name)


def _unit(unit: Unit, same: Mapping[str, str]) -> object:
    return unit.sign, _column(unit.first, same), None if unit.second is None else _column(unit.second, same)


def _source(table: str | Query, same: Mapping[str, str]) -> object:
    return table if isinstance(table, str) else _query(table, same)


def _condition(condition: Condition, same: Mapping[str, str]) -> object:
    value = condition.value
    kept = None if value is None else _query(value, same) if isinstance(value, Query) else _unit(value, same)
    return condition.negated, condition.operator, _unit(condition.unit, same), kept


def _join(condition: Condition, same: Mapping[str, str]) -> object:
    """``a = b`` is ``b = a``."""
    if isinstance(condition.value, Unit):
        return frozenset({_unit(condition.unit, same), _unit(condition.value, same)})
    return _condition(condition, same)
