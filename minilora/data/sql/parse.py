"""Reading SQL into its parts: the subset that text-to-SQL data sets use.

Before it: a query as text, and the schema it is about. After it: ``exact_set.py`` compares two queries part by part.

Read are SELECT with columns, aggregates and one arithmetic sign between two columns; FROM with tables, aliases, joins and nested queries; WHERE and HAVING with
AND and OR; GROUP BY; ORDER BY; LIMIT; and INTERSECT, UNION and EXCEPT. Values are read over: what is kept of a condition is what it compares, and how.
Names are resolved: an alias to its table, a column without a table to the table of the query that has it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .parts import Column, Condition, Query, Unit

AGGREGATES = ("max", "min", "count", "sum", "avg")
OPERATORS = ("=", "==", ">", "<", ">=", "<=", "!=", "<>", "in", "like", "between", "is")
SETS = ("intersect", "union", "except")
SIGNS = ("+", "-", "*", "/")
ENDS = {
    *SETS,
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "join",
    "on",
    "inner",
    "left",
    "asc",
    "desc",
    "and",
    "or",
    "as",
    "not",
}

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*'|"[^"]*")|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*(?:\.(?:\w+|\*))?)|(?P<sign><>|[<>!=]=|[-+*/(),=<>;]))"""
)


class ParseError(ValueError):
    """A text that is not SQL of the subset read here."""


def parse(sql: str, schema: Mapping[str, Iterable[str]]) -> Query:
    """The parts of ``sql``; ``schema`` gives the columns of each table. Raises ParseError."""
    known = {table.lower(): {column.lower() for column in columns} for table, columns in schema.items()}
    reader = _Reader(_tokens(sql), known)
    query = reader.query({})
    if reader.at < len(reader.tokens):
        raise ParseError(f"{reader.tokens[reader.at]!r} was not expected")
    return query


def _tokens(sql: str) -> list[str]:
    """Names and signs in small letters; a quoted text becomes ``'``, a number ``0``."""
    tokens, at = [], 0
    sql = sql.strip().rstrip(";").rstrip()
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if not found:
            raise ParseError(f"{sql[at : at + 10]!r} is no SQL")
        at = found.end()
        kind = found.lastgroup
        tokens.append(
            "'" if kind == "text" else "0" if kind == "number" else found.group(found.lastgroup or 0).lower()
        )
    return tokens


def _first(own: Mapping[str, str], outer: Mapping[str, str]) -> dict[str, str]:
    """What names stand for within a nested query: its own tables come first, also where a column is named without one."""
    return {**own, **{name: table for name, table in outer.items() if name not in own}}


class _Reader:
    """Reads tokens from left to right; each method reads what it is named for."""

    def __init__(self, tokens: list[str], schema: dict[str, set[str]]) -> None:
        self.tokens, self.at, self.schema = tokens, 0, schema

    def query(self, outer: Mapping[str, str]) -> Query:
        self.take("select")
        self.skip("distinct")
        # FROM is read first: what the names before it stand for, its tables and their aliases say.
        start = self.at
        self.at = self.place_of_from()
        self.take("from")
        tables, aliases, on, on_joined = self.source(outer)
        end, self.at = self.at, start
        select = self.units(aliases)
        if self.peek() != "from":
            raise ParseError(f"{self.peek()!r} stands before FROM")
        self.at = end
        query = Query(select, tables, on, on_joined)
        if self.skip("where"):
            where, joined = self.conditions(aliases)
            query = replace(query, where=where, joined=joined)
        if self.skip("group"):
            self.take("by")
            query = replace(query, group=tuple(unit.first.name for unit in self.units(aliases)))
            if self.skip("having"):
                having, joined = self.conditions(aliases)
                query = replace(query, having=having, having_joined=joined)
        if self.skip("order"):
            self.take("by")
            order, descending = self.ordering(aliases)
            query = replace(query, order=order, descending=descending)
        if self.skip("limit"):
            self.take("0")
            query = replace(query, limited=True)
        if self.peek() in SETS:
            name = self.next()
            self.skip("all")
            query = replace(query, combined=(name, self.query(outer)))
        return query

    def place_of_from(self) -> int:
        depth = 0
        for place in range(self.at, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[place], 0)
            if depth == 0 and self.tokens[place] == "from":
                return place
        raise ParseError("FROM is missing")

    def source(
        self, outer: Mapping[str, str]
    ) -> tuple[tuple[str | Query, ...], dict[str, str], tuple[Condition, ...], tuple[str, ...]]:
        """Tables, what each alias stands for (the query's own before those around it), and the conditions of joins with what stands between them."""
        tables: list[str | Query] = []
        own, on, joined = dict[str, str](), list[Condition](), list[str]()
        while True:
            table = self.nested(outer) if self.peek() == "(" else self.next()
            if isinstance(table, str) and table not in self.schema:
                raise ParseError(f"there is no table {table!r}")
            tables.append(table)
            if isinstance(table, str):
                own[table] = table
            if self.skip("as") or ((self.peek() or ",").isidentifier() and self.peek() not in ENDS):
                alias = self.next()
                if isinstance(table, str):
                    own[alias] = table
            if self.skip("on"):
                conditions, between = self.conditions(_first(own, outer))
                on += conditions
                joined += between
            while self.peek() in ("inner", "left", "outer", "cross"):
                self.next()
            if not (self.skip("join") or self.skip(",")):
                return tuple(tables), _first(own, outer), tuple(on), tuple(joined)

    def nested(self, outer: Mapping[str, str]) -> Query:
        self.take("(")
        query = self.query(outer)
        self.take(")")
        return query

    def units(self, aliases: Mapping[str, str]) -> tuple[Unit, ...]:
        found = [self.unit(aliases)]
        while self.skip(","):
            found.append(self.unit(aliases))
        return tuple(found)

    def ordering(self, aliases: Mapping[str, str]) -> tuple[tuple[Unit, ...], bool]:
        """The units after ORDER BY, and whether the last direction named is DESC (as Spider's scorer has it: one direction a query)."""
        found, descending = list[Unit](), False
        while True:
            found.append(self.unit(aliases))
            if self.peek() in ("asc", "desc"):
                descending = self.next() == "desc"
            if not self.skip(","):
                return tuple(found), descending

    def unit(self, aliases: Mapping[str, str]) -> Unit:
        if self.skip("("):
            unit = self.unit(aliases)
            self.take(")")
            return unit
        if self.peek() in AGGREGATES and self.peek(1) == "(" and self.peek(3) in SIGNS:  # avg(a - b)
            aggregate = self.next()
            return self.unit(aliases)._replace(aggregate=aggregate)
        first = self.column(aliases)
        if self.peek() in SIGNS:
            return Unit(self.next(), first, self.column(aliases))
        return Unit("", first)

    def column(self, aliases: Mapping[str, str]) -> Column:
        if self.peek() in AGGREGATES and self.peek(1) == "(":
            aggregate = self.next()
            self.take("(")
            self.skip("distinct")
            column = Column(aggregate, self.resolve(self.next(), aliases))
            self.take(")")
            return column
        self.skip("distinct")
        return Column("", self.resolve(self.next(), aliases))

    def resolve(self, name: str, aliases: Mapping[str, str]) -> str:
        """``table.column`` in full, or ``*``."""
        if name == "*" or name.endswith(".*"):
            return "*"
        if "." in name:
            alias, column = name.split(".", 1)
            if alias not in aliases or column not in self.schema[aliases[alias]]:
                raise ParseError(f"there is no column {name!r}")
            return f"{aliases[alias]}.{column}"
        table = next((table for table in aliases.values() if name in self.schema[table]), None)
        if table is None:
            raise ParseError(f"there is no column {name!r}")
        return f"{table}.{name}"

    def conditions(self, aliases: Mapping[str, str]) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
        found, joined = [self.condition(aliases)], list[str]()
        while self.peek() in ("and", "or"):
            joined.append(self.next())
            found.append(self.condition(aliases))
        return tuple(found), tuple(joined)

    def condition(self, aliases: Mapping[str, str]) -> Condition:
        negated = self.skip("not")
        unit = self.unit(aliases)
        negated = self.skip("not") or negated
        operator = {"==": "=", "<>": "!="}.get(self.peek() or "", self.peek())
        if operator not in OPERATORS:
            raise ParseError(f"{operator!r} is no comparison")
        self.next()
        negated = self.skip("not") or negated
        value = self.value(aliases)
        if operator == "between":
            self.take("and")
            self.value(aliases)
        return Condition(negated, operator, unit, value)

    def value(self, aliases: Mapping[str, str]) -> Query | Unit | None:
        if self.peek() == "(" and self.peek(1) == "select":
            return self.nested(aliases)
        if self.skip("("):  # a list of values
            while self.next() != ")":
                pass
            return None
        self.skip("-")
        if self.peek() in ("'", "0", "null"):
            self.next()
            return None
        return self.unit(aliases)

    def peek(self, ahead: int = 0) -> str | None:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def next(self) -> str:
        token = self.peek()
        if token is None:
            raise ParseError("the query ends too early")
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        """Read over ``token`` if it comes next, and say whether it did."""
        came = self.peek() == token
        self.at += came
        return came

    def take(self, token: str) -> None:
        if not self.skip(token):
            raise ParseError(f"{token!r} was expected and not {self.peek()!r}")
