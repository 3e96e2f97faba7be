"""Exact-set match: whether two queries have the same parts, in whatever order a part's members stand (Yu et al. 2018).

Before it: ``parse.py``. After it: the score of the Spider task.

The verdicts of Spider's own scorer (``evaluation.py`` of github.com/taoyds/spider), with values and DISTINCT switched off as there:

- SELECT and WHERE are bags: order does not count. Of a condition count the column, the comparison, NOT, and a nested query; what else it compares with, a value or another column, does not.
- AND and OR of WHERE count as a set. HAVING is compared in its order, with its AND and OR.
- GROUP BY is compared in its order, by columns with their tables. ORDER BY keeps its order, and has one direction, the last that is named; of LIMIT only that it is there counts.
- Tables are a bag. **Conditions of joins do not count**, but for the words OR, NOT, IN and LIKE in them: a query that joins on the wrong columns passes (issue 47 there). Execution finds it out.
- Columns linked by a foreign key are one, where their table stands in FROM of the outermost query.
- Both sides of INTERSECT, UNION and EXCEPT are compared by these rules.

Two departures, on purpose. Nested queries within a condition or in FROM are compared by these same rules, where the scorer asks for the same order, DISTINCT and number after LIMIT within them, and knows no foreign keys there.
And more is read: ``<>``, aliases without AS, NOT before a condition, IS NOT NULL, ``T1.*``, arithmetic between aggregates, UNION ALL; a prediction that has one of them is wrong for the scorer, which cannot read it.
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
    return _query(found, _known(found, same)) == _query(wanted, _known(wanted, same))


def _known(query: Query, same: Mapping[str, str] | None) -> dict[str, str]:
    """The foreign keys that are looked at in comparing ``query``: those of the tables it names in FROM."""
    return {column: stands for column, stands in (same or {}).items() if column.split(".")[0] in query.tables}


def _query(query: Query, same: Mapping[str, str]) -> object:
    """What of a query counts, in a form that is equal when it is."""
    return (
        _bag(_unit(unit, same) for unit in query.select),
        _bag(_source(table, same) for table in query.tables),
        _bag(_condition(condition, same) for condition in query.where),
        frozenset(query.joined),
        _words(query),
        tuple(same.get(name, name) for name in query.group),
        tuple(_condition(condition, same) for condition in query.having),
        query.having_joined,
        tuple(_unit(unit, same) for unit in query.order),
        bool(query.order) and query.descending,
        query.limited,
        None if query.combined is None else (query.combined[0], _query(query.combined[1], same)),
    )


def _words(query: Query) -> frozenset[str]:
    """OR, NOT, IN and LIKE, wherever they stand in the query's conditions."""
    conditions = (*query.on, *query.where, *query.having)
    words = {condition.operator for condition in conditions} & {"in", "like"}
    words |= {"not"} if any(condition.negated for condition in conditions) else set()
    return frozenset(words | ({*query.on_joined, *query.joined, *query.having_joined} & {"or"}))


def _bag(items: Iterable[object]) -> frozenset[tuple[object, int]]:
    return frozenset(Counter(items).items())


def _column(column: Column, same: Mapping[str, str]) -> tuple[str, str]:
    return column.aggregate, same.get(column.name, column.name)


def _unit(unit: Unit, same: Mapping[str, str]) -> object:
    second = None if unit.second is None else _column(unit.second, same)
    return unit.aggregate, unit.sign, _column(unit.first, same), second


def _source(table: str | Query, same: Mapping[str, str]) -> object:
    return table if isinstance(table, str) else _query(table, same)


def _condition(condition: Condition, same: Mapping[str, str]) -> object:
    nested = _query(condition.value, same) if isinstance(condition.value, Query) else None
    return condition.negated, condition.operator, _unit(condition.unit, same), nested
