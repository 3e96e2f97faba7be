"""The NL2SQL task: questions about tables, answered in SQL that is executed on SQLite.

Before it: the other files of this folder, in the order values, schemas, tables, queries, drawing, conditions and questions, database. After it:
``data/batches.py`` makes batches of its examples, ``train/evaluate.py`` has a model answer them.

What a prompt and its completion look like (everything that has to be copied is spelt alike on both sides, with a blank before it)::

    table: castles
    columns: county, lord, towers
    Q: What is the smallest number of towers of the castles where county is 'Kent'?
    SQL: SELECT MIN( towers ) FROM castles WHERE county = 'Kent'

The tables are divided over training, validation and test by their names, see ``tables.split_of``: no table, and no set of columns, stands in two
splits. The test holds two groups: ``unseen``, about the tables of the test split, and ``seen``, about the tables of the training split, with
questions that training does not contain. The values in quotation marks make the task easier than WikiSQL, where they have to be found.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property

import numpy as np

from ...examples import Example
from ...metrics import exact_match
from ...mixture.dice import Dice
from ..base import Split, Task, check_pairs, check_seed
from .database import Database, QueryError, Row, same_answer
from .drawing import Kind, draw_query
from .queries import Query, mutants
from .questions import ask
from .tables import Table, make_tables, split_of

TRAIN, VALIDATION, UNSEEN, SEEN = 12_000, 400, 1_000, 400
"""Examples of each part."""

TRIES = 40
"""So often a test question is drawn anew when a near wrong query would return the same rows."""


class NL2SQL(Task):
    """Natural-language questions to SQL; the primary score is the share of unseen-table predictions that return the right rows.

    Tables, rows and questions all come from ``seed``; which table belongs to which split does not depend on it. A part is generated when it is
    first asked for, in well under a second. Each example's ``extra`` holds ``table`` (a `Table`), ``kind`` (see `draw_query`) and ``seen``
    (whether its table belongs to training).
    """

    name = "nl2sql"
    description = "questions about tables, answered in SQL that is executed; made from a seed, needs no file"
    made = True
    primary = "execution"
    answer_tokens = 48
    cue = "\nQ:"

    def __init__(self, seed: int = 0) -> None:
        check_seed(self.name, seed)
        self.seed = seed

    @cached_property
    def train(self) -> tuple[Example, ...]:
        """12,000 different questions about the training tables."""
        return self._questions("train", TRAIN, stream=0)

    @cached_property
    def validation(self) -> tuple[Example, ...]:
        """400 questions about the validation tables."""
        return self._questions("validation", VALIDATION, stream=1)

    @cached_property
    def test(self) -> tuple[Example, ...]:
        """The unseen group, then the seen group."""
        return self.unseen + self.seen

    @cached_property
    def unseen(self) -> tuple[Example, ...]:
        """1,000 questions about the test tables."""
        return self._questions("test", UNSEEN, stream=2)

    @cached_property
    def seen(self) -> tuple[Example, ...]:
        """400 questions about the training tables that are not in training."""
        return self._questions("train", SEEN, stream=3, without={example.prompt for example in self.train})

    def tables(self, split: Split) -> list[Table]:
        """The tables of a split, sorted by name."""
        return [table for table in make_tables(self.seed) if split_of(table.name) == split]

    def score(self, examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, float]:
        """Share of predictions that return the right rows, and share that are the right text; those of seen tables apart.

        Returns:
            ``execution`` and ``exact`` over the examples about unseen tables, ``execution/seen`` and ``exact/seen`` over the others, all from 0
            to 1; a group without examples has no entry. Rows are compared as a multiset, or in order where the right query orders them.
        """
        check_pairs(examples, predictions)
        right = self.right(examples, predictions)
        scores: dict[str, float] = {}
        for seen, ending in ((False, ""), (True, "/seen")):
            chosen = [i for i, example in enumerate(examples) if example.extra["seen"] == seen]
            if chosen:
                scores[f"execution{ending}"] = sum(right[i] for i in chosen) / len(chosen)
                scores[f"exact{ending}"] = exact_match(
                    [predictions[i] for i in chosen], [examples[i].completion for i in chosen]
                )
        return scores

    def right(self, examples: Sequence[Example], predictions: Sequence[str]) -> list[bool]:
        """For each prediction, whether it returns the right rows; one that does not run is wrong."""
        check_pairs(examples, predictions)
        by_table: dict[str, list[int]] = {}
        for i, example in enumerate(examples):
            by_table.setdefault(example.extra["table"].name, []).append(i)
        right = [False] * len(examples)
        for numbers in by_table.values():
            with Database(examples[numbers[0]].extra["table"]) as database:
                for i in numbers:
                    right[i] = _agrees(database, predictions[i], examples[i].completion)
        return right

    def run(self, example: Example, sql: str) -> list[Row]:
        """The rows that ``sql`` returns from the example's table; raises `QueryError`, with SQLite's words, when it does not run."""
        with Database(example.extra["table"]) as database:
            return database.run(sql)

    def _questions(
        self, split: Split, count: int, *, stream: int, without: set[str] | None = None
    ) -> tuple[Example, ...]:
        """Different questions, table after table in turn, none of ``without``; with ``stream`` > 0 (all but training) only telling ones."""
        tables, taken = self.tables(split), set(without or ())
        dice = Dice(np.random.default_rng([self.seed, stream, 1]))
        examples: list[Example] = []
        with ExitStack() as stack:
            databases = [stack.enter_context(Database(table)) for table in tables] if stream else []
            while len(examples) < count:
                number = len(examples) % len(tables)
                table = tables[number]
                kind, query = (
                    _telling_query(table, databases[number], dice) if stream else draw_query(table, dice)
                )
                prompt = write_prompt(table, ask(kind, query, table, dice))
                if prompt not in taken:
                    taken.add(prompt)
                    extra = {"table": table, "kind": kind, "seen": split == "train"}
                    examples.append(Example(prompt, f" {query.sql()}", extra))
        return tuple(examples)


def write_prompt(table: Table, question: str) -> str:
    """A question under its table's heading, up to where the SQL begins."""
    columns = ", ".join(column.name for column in table.columns)
    return f"table: {table.name}\ncolumns: {columns}\nQ: {question}\nSQL:"


def _telling_query(table: Table, database: Database, dice: Dice) -> tuple[Kind, Query]:
    """A query whose near wrong queries all return other rows; after `TRIES` draws, the one with the fewest that do not."""
    drawn: list[tuple[Kind, Query]] = []
    alike: list[int] = []
    while len(drawn) < TRIES and 0 not in alike:
        drawn.append(draw_query(table, dice))
        query = drawn[-1][1]
        right, ordered = database.run(query.sql()), query.order is not None
        wrong = (database.run(mutant.sql()) for mutant in mutants(query, table))
        alike.append(sum(same_answer(rows, right, ordered=ordered) for rows in wrong))
    return drawn[alike.index(min(alike))]


def _agrees(database: Database, prediction: str, completion: str) -> bool:
    try:
        found = database.run(prediction)
    except QueryError:
        return False
    return same_answer(found, database.run(completion), ordered="ORDER BY" in completion)
