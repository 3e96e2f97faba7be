"""The NL2SQL task: its splits, its questions, its scores."""

import contextlib
import hashlib
import os
import random
import re
import subprocess
import sys
from collections import Counter

import pytest

from minilora.data.tasks import NL2SQL
from minilora.data.tasks.nl2sql.database import Database, QueryError, same_answer
from minilora.data.tasks.nl2sql.drawing import KINDS
from minilora.data.tasks.nl2sql.queries import Condition, Order, Query, mutants
from minilora.data.tasks.nl2sql.questions import NEAR_WORDS
from minilora.data.tasks.nl2sql.tables import family_of, make_tables, split_of, stem_of
from minilora.errors import InputError

DIGEST = """
import hashlib
from minilora.data.tasks import NL2SQL
task = NL2SQL(3)
text = repr([(e.prompt, e.completion) for e in task.validation + task.unseen])
print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def task():
    return NL2SQL(0)


def parts(task):
    return {"train": task.train, "validation": task.validation, "unseen": task.unseen, "seen": task.seen}


def test_sizes(task):
    assert {name: len(part) for name, part in parts(task).items()} == {
        "train": 12_000,
        "validation": 400,
        "unseen": 1_000,
        "seen": 400,
    }
    assert task.test == task.unseen + task.seen


def test_the_same_seed_gives_the_same_task_whatever_the_hash_seed():
    environment = {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", DIGEST]
    digest = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    again = NL2SQL(3)
    text = repr([(e.prompt, e.completion) for e in again.validation + again.unseen])
    assert digest.strip() == hashlib.sha256(text.encode()).hexdigest()


def test_parts_may_be_asked_for_in_any_order(task):
    other = NL2SQL(0)
    assert [e.prompt for e in other.seen] == [e.prompt for e in task.seen]
    assert [e.prompt for e in other.validation] == [e.prompt for e in task.validation]


def test_another_seed_gives_other_questions_about_the_same_division(task):
    other = NL2SQL(1)
    assert {e.prompt for e in other.validation} != {e.prompt for e in task.validation}
    names = lambda t: {table.name for table in t.tables("test")}  # noqa: E731
    assert names(other) == names(task)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        NL2SQL(-1)


def test_no_table_and_no_set_of_columns_is_in_two_splits(task):
    splits = {name: {e.extra["table"] for e in part} for name, part in parts(task).items()}
    names = {name: {t.name for t in tables} for name, tables in splits.items()}
    columns = {
        name: {frozenset(c.name for c in t.columns) for t in tables} for name, tables in splits.items()
    }
    for sets in (names, columns):
        assert not sets["train"] & sets["validation"]
        assert not sets["train"] & sets["unseen"]
        assert not sets["validation"] & sets["unseen"]
        assert sets["seen"] <= sets["train"]
    assert min(len(names[s]) for s in ("validation", "unseen")) >= 40
    assert len(names["train"]) >= 200


def test_near_twins_stay_on_one_side():
    names = [table.name for table in make_tables(0)]
    for one in names:
        for other in names:
            if stem_of(other).startswith(stem_of(one)):
                assert split_of(one) == split_of(other), (one, other)
    assert family_of("bookshops") == "bookshop"
    assert family_of("shipments") == family_of("ships") == "ship"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("castles", "castle"),
        ("galaxies", "galaxy"),
        ("churches", "church"),
        ("wolves", "wolf"),
        ("sheep", "sheep"),
        ("dresses", "dress"),
    ],
)
def test_stems(name, stem):
    assert stem_of(name) == stem


def test_no_question_is_asked_twice(task):
    prompts = [e.prompt for part in parts(task).values() for e in part]
    assert len(set(prompts)) == len(prompts)


def test_every_kind_is_asked_in_many_ways(task):
    for kind in KINDS:
        examples = [e for e in task.train if e.extra["kind"] == kind]
        assert len(examples) > 400
        # what is left of a question without the names, words and numbers it speaks of
        frames = Counter()
        for e in examples:
            names = [e.extra["table"].name, *(c.name for c in e.extra["table"].columns)]
            question = re.sub(r"'[^']*'|\d+|\b(" + "|".join(names) + r")\b", "_", e.prompt.split("\nQ: ")[1])
            frames[question] += 1
        assert len(frames) >= 8, kind
        assert max(frames.values()) < 0.2 * len(examples), (kind, frames.most_common(1))


def test_the_form_of_prompt_and_completion(task):
    for part in parts(task).values():
        for e in part:
            assert re.fullmatch(
                r"table: [a-z]+\ncolumns: [a-z]+(, [a-z]+){2,4}\nQ: [A-Z][^\n]*[.?]\nSQL:", e.prompt
            ), e.prompt
            assert e.completion.startswith(" SELECT ")
            assert "{" not in e.prompt
            assert "  " not in e.prompt


def test_what_is_copied_is_spelt_in_the_question(task):
    """Values always stand in the question; columns as they are spelt, but for fewer than 15% of the questions."""
    otherwise = 0
    for e in task.train:
        question = e.prompt.split("\nQ: ")[1]
        columns = [
            c.name
            for c in e.extra["table"].columns
            if re.search(rf"\b{c.name}\b", e.completion.replace("SELECT", ""))
        ]
        values = re.findall(r"'[^']*'", e.completion)
        assert all(value in question for value in values), e.prompt
        assert all(number in question for number in re.findall(r"(?<=[<>=] )\d+", e.completion)), e.prompt
        otherwise += not all(re.search(rf"\b{c}\b", question) for c in columns)
    assert 0.02 < otherwise / len(task.train) < 0.15
    assert all(a != b for a, b in NEAR_WORDS.items())


def test_every_right_query_returns_rows(task):
    for part in parts(task).values():
        for e in part[:300]:
            rows = task.run(e, e.completion)
            assert rows
            assert None not in rows[0]


def test_prompts_are_short(task):
    assert max(len(e.prompt) for e in task.train) < 260
    assert max(len(e.completion) for e in task.train) < 110


def test_right_answers_score_one_and_groups_are_apart(task):
    scores = task.score(task.test, [e.completion for e in task.test])
    assert scores == {"execution": 1.0, "exact": 1.0, "execution/seen": 1.0, "exact/seen": 1.0}
    predictions = [e.completion if e.extra["seen"] else "no" for e in task.test]
    assert task.score(task.test, predictions) == {
        "execution": 0.0,
        "exact": 0.0,
        "execution/seen": 1.0,
        "exact/seen": 1.0,
    }
    assert set(task.score(task.unseen[:3], ["", "", ""])) == {"execution", "exact"}
    assert task.primary in scores


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        " ",
        ";",
        "SELECT",
        "DROP TABLE castles",
        "\0",
        "\ud800",
        "SELECT * FROM nowhere",
        "SELECT 1",
        "--",
        "🦆" * 50,
    ],
)
def test_garbage_scores_zero(task, garbage):
    examples = task.unseen[:60]
    assert task.score(examples, [garbage] * len(examples)) == {"execution": 0.0, "exact": 0.0}


def test_another_spelling_of_the_right_query_counts_as_right_but_not_exact(task):
    example = next(e for e in task.unseen if e.extra["kind"] == "count")
    other = example.completion.replace("COUNT( * )", "count(*)").replace(" FROM", "   from") + " ;"
    assert task.score([example], [other]) == {"execution": 1.0, "exact": 0.0}


def test_predictions_that_do_not_pair_up_are_refused(task):
    with pytest.raises(InputError, match="1 predictions for 2 examples"):
        task.score(task.unseen[:2], [""])
    with pytest.raises(InputError, match="at least one"):
        task.score([], [])


def test_near_wrong_queries_return_other_rows(task):
    """The data tell right from wrong: of the queries that mistake one thing (see `mutants`), next to none returns the right rows."""
    alike = total = 0
    for e in task.validation + task.unseen:
        table = e.extra["table"]
        query = read_query(e.completion, table)
        assert query.sql() == e.completion.strip()
        with Database(table) as database:
            right = database.run(query.sql())
            for mutant in mutants(query, table):
                assert mutant != query
                total += 1
                alike += same_answer(database.run(mutant.sql()), right, ordered=query.order is not None)
    assert total > 5000
    assert alike / total < 0.005, (alike, total)


def read_query(sql, table):
    """A query's text taken apart again."""
    form = r"SELECT (DISTINCT )?(?:(\w+)\( (.*?) \)|(.*?))(, COUNT\( \* \))? FROM (\w+)(?: WHERE (.*?))?(?: GROUP BY \w+)?(?: ORDER BY (\w+) (\w+) LIMIT (\d+))?"
    distinct, aggregate, argument, columns, grouped, name, where, by, direction, limit = re.fullmatch(
        form, sql.strip()
    ).groups()
    assert name == table.name
    chosen = () if argument == "*" else tuple((argument or columns).split(", "))
    conditions = []
    for part in where.split(" AND ") if where else ():
        column, operator, value = part.split(" ", 2)
        conditions.append(
            Condition(column, operator, value.strip("'") if value.startswith("'") else int(value))
        )
    order = Order(by, direction == "DESC", int(limit)) if by else None
    return Query(name, chosen, aggregate, bool(distinct), bool(grouped), tuple(conditions), order)


def test_a_wrong_token_seldom_returns_the_right_rows(task):
    """One token left out, cut or replaced: what still returns the right rows means the same, as COUNT( ) or a missing ASC."""
    rng = random.Random(0)
    alike, total = [], 0
    for e in task.unseen:
        tokens = re.findall(r"'[^']*'|\S+", e.completion)
        words = [
            *(c.name for c in e.extra["table"].columns),
            *re.findall(r"'[^']*'|\d+", e.prompt),
            *["MIN(", "MAX(", "AVG(", "SUM(", "<", ">", "<=", ">=", "=", "DESC", "AND"],
        ]
        right = task.run(e, e.completion)
        with Database(e.extra["table"]) as database:
            for _ in range(4):
                place = rng.randrange(1, len(tokens))
                change = rng.choice([[], [tokens[place][:-1]], [rng.choice(words)]])
                wrong = " ".join([*tokens[:place], *change, *tokens[place + 1 :]])
                total += 1
                with contextlib.suppress(QueryError):
                    if wrong.split() != tokens and same_answer(
                        database.run(wrong), right, ordered="ORDER BY" in e.completion
                    ):
                        alike.append(wrong)
    assert len(alike) / total < 0.03
    telling = [sql for sql in alike if "COUNT(" not in sql and " ORDER BY" not in sql]
    assert len(telling) / total < 0.002, telling
