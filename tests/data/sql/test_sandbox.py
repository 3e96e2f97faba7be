"""Nothing a model may write as a query does harm or takes long."""

import time

import pytest

from minilora.data.sql import Sandbox, SQLTable
from minilora.data.tasks.nl2sql.database import LONGEST_ANSWER, Database, QueryError, same_answer
from minilora.data.tasks.nl2sql.tables import make_tables

TABLE = next(table for table in make_tables(0) if table.name == "castles")
NUMBER = next(column.name for column in TABLE.columns if column.numeric)
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t"


@pytest.fixture
def database():
    with Database(TABLE) as database:
        yield database


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM castles",
        "DROP TABLE castles",
        f"UPDATE castles SET {NUMBER} = 0",
        f"INSERT INTO castles ( {NUMBER} ) VALUES ( 1 )",
        "CREATE TABLE t ( a )",
        "CREATE TEMP TABLE t ( a )",
        "CREATE TEMP VIEW v AS SELECT 1",
        "ALTER TABLE castles RENAME TO forts",
        "REINDEX",
        "ANALYZE",
        "BEGIN",
        "SAVEPOINT s",
        "PRAGMA query_only = OFF",
        "PRAGMA table_info( castles )",
        "SELECT * FROM pragma_table_info( 'castles' )",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension( 'evil' )",
        "SELECT zeroblob( 1000000000 )",
        "SELECT printf( '%1000000000d', 1 )",
        "SELECT randomblob( 1000000000 )",
        "SELECT hex( 'a' )",
        "SELECT 1; DELETE FROM castles",
        "SELECT * FROM castles WHERE " + "( " * 200 + "1" + " )" * 200,
        "SELECT '" + "a" * 200_000 + "'",
        ENDLESS,
        f"SELECT COUNT( * ) FROM ( {ENDLESS} )",
    ],
)
def test_all_but_reading_is_refused(database, sql):
    with pytest.raises(QueryError):
        database.run(sql)
    assert len(database.run("SELECT * FROM castles")) == len(TABLE.rows)


@pytest.mark.parametrize("form", ["ATTACH '{}' AS a", "ATTACH DATABASE '{}' AS a", "VACUUM INTO '{}'"])
def test_no_file_is_opened(database, tmp_path, form):
    with pytest.raises(QueryError):
        database.run(form.format(tmp_path / "file.db"))
    assert not list(tmp_path.iterdir())


def test_a_query_that_works_too_long_is_interrupted(database):
    started = time.perf_counter()
    with pytest.raises(QueryError, match="interrupted"):
        database.run(
            "SELECT COUNT( * ) FROM castles a, castles b, castles c, castles d, castles e, castles f"
        )
    assert time.perf_counter() - started < 2
    assert database.run("SELECT COUNT( * ) FROM castles") == [
        (len(TABLE.rows),)
    ]  # each query has steps of its own


def test_an_answer_of_too_many_rows_is_refused(database):
    with pytest.raises(QueryError, match=f"more than {LONGEST_ANSWER} rows"):
        database.run("SELECT 1 FROM castles a, castles b, castles c")


def test_how_many_rows_are_too_many_can_be_said():
    table = SQLTable("t", (("a", "INTEGER"),), [(i,) for i in range(LONGEST_ANSWER + 500)])
    with Sandbox([table], rows=2_000) as sandbox:
        assert len(sandbox.run("SELECT a FROM t")) == LONGEST_ANSWER + 500
        assert sandbox.agrees("SELECT t.a FROM t", "SELECT a FROM t", ordered=False)
        with pytest.raises(QueryError, match="more than 2000 rows"):
            sandbox.run("SELECT a FROM t UNION ALL SELECT a FROM t")
        with pytest.raises(QueryError, match="more than 3 rows"):
            sandbox.run("SELECT a FROM t", rows=3)


@pytest.mark.parametrize("predicted", ["SELECT a FROM t", "SELECT b FROM t", "nothing"])
def test_a_right_query_that_does_not_run_is_said_whatever_is_predicted(predicted):
    with (
        Sandbox([SQLTable("t", (("a", "INTEGER"),), [(1,)])]) as sandbox,
        pytest.raises(QueryError, match="no such column"),
    ):
        sandbox.agrees(predicted, "SELECT c FROM t", ordered=False)


def test_of_a_prediction_no_more_rows_are_read_than_could_be_right(monkeypatch):
    table = SQLTable("t", (("a", "INTEGER"),), [(i,) for i in range(100)])
    asked = []
    run = Sandbox.run
    monkeypatch.setattr(Sandbox, "run", lambda self, sql, **how: asked.append(how) or run(self, sql, **how))
    with Sandbox([table]) as sandbox:
        assert not sandbox.agrees("SELECT * FROM t, t AS u", "SELECT a FROM t WHERE a < 7", ordered=False)
    assert asked == [{}, {"rows": 7}]


@pytest.mark.parametrize(
    "sql", ["", "   ", "-- nothing", "SELEC", "SELECT county FROM nowhere", "\0", "SELECT '\ud800'"]
)
def test_what_is_no_query_is_refused_with_a_reason(database, sql):
    with pytest.raises(QueryError, match=r"."):
        database.run(sql)


def test_answers_are_compared_as_multisets_or_in_order():
    rows = [(1, "a"), (2, "b"), (2, "b")]
    assert same_answer(rows[::-1], rows, ordered=False)
    assert not same_answer(rows[::-1], rows, ordered=True)
    assert not same_answer(rows[:2], rows, ordered=False)
    assert not same_answer([(1, "a"), (1, "a"), (2, "b")], rows, ordered=False)
    assert same_answer([(0.1 + 0.2,)], [(0.3,)], ordered=True)
    assert same_answer([(2.0,)], [(2,)], ordered=True)
    assert not same_answer([("2",)], [(2,)], ordered=True)
    assert not same_answer([("b", 2)], [(2, "b")], ordered=True)
    assert not same_answer([(None,)], [(0,)], ordered=True)
