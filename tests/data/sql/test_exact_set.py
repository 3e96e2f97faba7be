"""Exact-set match: the outcomes that Spider's own scorer gives, for pairs that go through each of its rules."""

import pytest

from minilora.data.sql.exact_set import exact_set_match
from minilora.data.sql.parse import ParseError, parse

SCHEMA = {
    "singer": ["Singer_ID", "Name", "Country", "Age"],
    "concert": ["Concert_ID", "Singer_ID", "Year", "Stadium"],
}
SAME = {"concert.singer_id": "singer.singer_id"}
JOIN = "FROM singer AS T1 JOIN concert AS T2 ON T1.Singer_ID = T2.Singer_ID"

EQUAL = [
    ("SELECT name, age FROM singer", "select Age , Name from singer;"),
    ("SELECT name FROM singer WHERE age > 20", "SELECT Name FROM singer WHERE Age > 99"),  # values do not count
    ("SELECT name FROM singer WHERE age > 20 AND country = 'France'", 'SELECT name FROM singer WHERE country = "Peru" AND age > 1'),
    ("SELECT DISTINCT country FROM singer", "SELECT country FROM singer"),
    ("SELECT T1.name FROM singer AS T1", "SELECT singer.name FROM singer"),
    (f"SELECT T2.year {JOIN}", "SELECT b.year FROM concert AS b JOIN singer AS a ON b.singer_id = a.singer_id"),
    (f"SELECT T1.singer_id {JOIN}", f"SELECT T2.singer_id {JOIN}"),  # a foreign key
    ("SELECT count(*) FROM singer", "SELECT COUNT( * ) FROM singer"),
    ("SELECT name FROM singer ORDER BY age DESC LIMIT 1", "SELECT name FROM singer ORDER BY age DESC LIMIT 3"),
    ("SELECT name FROM singer ORDER BY age ASC", "SELECT name FROM singer ORDER BY age"),
    ("SELECT country FROM singer GROUP BY country HAVING count(*) > 1", "SELECT country FROM singer GROUP BY country HAVING count(*) > 7"),
    ("SELECT name FROM singer WHERE singer_id NOT IN (SELECT singer_id FROM concert)", "SELECT name FROM singer WHERE singer_id NOT IN (SELECT singer_id FROM concert)"),
    ("SELECT name FROM singer WHERE age BETWEEN 20 AND 30 OR name LIKE '%a'", "SELECT name FROM singer WHERE name LIKE 'b%' OR age BETWEEN 1 AND 2"),
    ("SELECT name FROM singer EXCEPT SELECT name FROM singer WHERE age < 5", "SELECT name FROM singer EXCEPT SELECT name FROM singer WHERE age < 6"),
    ("SELECT max(age) - min(age) FROM singer", "SELECT max(age) - min(age) FROM singer"),
    ("SELECT avg(age - singer_id) FROM singer", "SELECT avg(age - singer_id) FROM singer"),
    ("SELECT name FROM singer WHERE age > singer_id", "SELECT name FROM singer WHERE age > 3"),  # nor do columns that are compared with
    ("SELECT count(DISTINCT country) FROM singer", "SELECT count(country) FROM singer"),
    (f"SELECT T1.name {JOIN}", "SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.Singer_ID = T2.Year"),  # issue 47 there
    (f"SELECT T1.name {JOIN}", "SELECT singer.name FROM concert, singer"),
    (f"SELECT T1.name {JOIN} GROUP BY T1.singer_id", f"SELECT T1.name {JOIN} GROUP BY T2.singer_id"),  # a foreign key
    ("SELECT name FROM singer WHERE singer_id IN (SELECT singer_id FROM concert)", "SELECT name FROM singer WHERE singer_id IN (SELECT T2.singer_id FROM concert AS T2)"),
    ("SELECT name FROM singer WHERE age > 1 AND age < 9 OR name = 'a'", "SELECT name FROM singer WHERE age > 1 OR age < 9 AND name = 'a'"),  # AND and OR are a set
    ("SELECT name FROM singer ORDER BY age DESC, name", "SELECT name FROM singer ORDER BY age, name DESC"),  # one direction, the last
    ("SELECT name FROM singer UNION SELECT country FROM singer WHERE age > 5 AND name = 'a'", "SELECT name FROM singer UNION SELECT country FROM singer WHERE name = 'b' AND age > 6"),
]  # fmt: skip
DIFFERENT = [
    ("SELECT name FROM singer", "SELECT age FROM singer"),
    ("SELECT max(age) FROM singer", "SELECT min(age) FROM singer"),
    ("SELECT name, name FROM singer", "SELECT name FROM singer"),
    ("SELECT name FROM singer WHERE age > 20", "SELECT name FROM singer WHERE age >= 20"),
    ("SELECT name FROM singer WHERE age > 20 AND country = 'a'", "SELECT name FROM singer WHERE age > 20 OR country = 'a'"),
    ("SELECT name FROM singer WHERE age > 20", "SELECT name FROM singer WHERE NOT age > 20"),
    ("SELECT name FROM singer ORDER BY age DESC", "SELECT name FROM singer ORDER BY age"),
    ("SELECT name FROM singer ORDER BY age LIMIT 1", "SELECT name FROM singer ORDER BY age"),
    ("SELECT name FROM singer ORDER BY age, name", "SELECT name FROM singer ORDER BY name, age"),
    ("SELECT country FROM singer GROUP BY country", "SELECT country FROM singer"),
    (f"SELECT T1.name {JOIN}", "SELECT name FROM singer"),
    (f"SELECT T1.name {JOIN}", "SELECT T1.name FROM singer AS T1 JOIN concert AS T2 ON T1.Singer_ID = T2.Singer_ID OR T1.age = T2.year"),
    ("SELECT avg(age - singer_id) FROM singer", "SELECT max(age - singer_id) FROM singer"),
    ("SELECT count(*) FROM singer GROUP BY country, age", "SELECT count(*) FROM singer GROUP BY age, country"),
    ("SELECT count(*) FROM singer GROUP BY country HAVING count(*) > 1 AND max(age) < 9", "SELECT count(*) FROM singer GROUP BY country HAVING max(age) < 9 AND count(*) > 1"),
    ("SELECT count(*) FROM singer WHERE age > 1 OR age < 0 GROUP BY country HAVING count(*) > 1 AND max(age) < 9", "SELECT count(*) FROM singer WHERE age > 1 OR age < 0 GROUP BY country HAVING count(*) > 1 OR max(age) < 9"),
    ("SELECT count(*) FROM singer", "SELECT count(singer_id) FROM singer"),  # issue 31 there
    ("SELECT name FROM singer EXCEPT SELECT name FROM singer WHERE singer_id > 1", "SELECT name FROM singer EXCEPT SELECT T2.year FROM concert AS T2 WHERE T2.singer_id > 1"),
    ("SELECT name FROM singer WHERE age BETWEEN 1 AND 2", "SELECT name FROM singer WHERE age > 1 AND age < 2"),
    ("SELECT name FROM singer WHERE name LIKE 'a'", "SELECT name FROM singer WHERE name = 'a'"),
    ("SELECT name FROM singer UNION SELECT name FROM singer", "SELECT name FROM singer INTERSECT SELECT name FROM singer"),
    ("SELECT name FROM singer WHERE singer_id IN (SELECT singer_id FROM concert)", "SELECT name FROM singer WHERE singer_id IN (SELECT concert_id FROM concert)"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_equal_parts(first, second):
    assert exact_set_match(first, second, SCHEMA, SAME)
    assert exact_set_match(second, first, SCHEMA, SAME)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_parts(first, second):
    assert not exact_set_match(first, second, SCHEMA, SAME)
    assert not exact_set_match(second, first, SCHEMA, SAME)


@pytest.mark.parametrize(
    "text",
    ["", "SELECT", "name", "SELECT name", "SELECT FROM singer", "SELECT name FROM nowhere", "SELECT nothing FROM singer", "SELECT name FROM singer WHERE",
     "SELECT name FROM singer WHERE age", "SELECT name FROM singer x y", "SELECT ((( FROM singer", "SELECT §", "SELECT T9.name FROM singer", "(" * 5000,
     "SELECT " + "(" * 4000 + "name" + ")" * 4000 + " FROM singer", "SELECT name FROM singer WHERE age > (1, 2"],
)  # fmt: skip
def test_what_is_no_sql_matches_nothing(text):
    assert not exact_set_match(text, "SELECT name FROM singer", SCHEMA)


def test_a_right_query_that_cannot_be_read_is_a_defect_of_the_data():
    with pytest.raises(ParseError, match="there is no table 'nowhere'"):
        exact_set_match("SELECT name FROM singer", "SELECT a FROM nowhere", SCHEMA)


def test_foreign_keys_hold_for_the_tables_of_the_outermost_query():
    """Both sides of EXCEPT are read with the keys of the left side's tables, as Spider's scorer reads them."""
    one, other = "singer.singer_id", "concert.singer_id"
    left = "SELECT singer_id FROM singer EXCEPT SELECT {} FROM singer JOIN concert"
    assert not exact_set_match(left.format(one), left.format(other), SCHEMA, SAME)
    both = "SELECT singer.name FROM singer JOIN concert EXCEPT SELECT {} FROM singer JOIN concert"
    assert exact_set_match(both.format(one), both.format(other), SCHEMA, SAME)


def test_a_column_without_a_table_is_the_nested_querys_own():
    query = parse("SELECT name FROM singer WHERE singer_id IN (SELECT singer_id FROM concert)", SCHEMA)
    assert query.where[0].value.select[0].first.name == "concert.singer_id"
    outer = parse(
        "SELECT name FROM singer WHERE singer_id IN (SELECT concert_id FROM concert WHERE age > 3)", SCHEMA
    )
    assert outer.where[0].value.where[0].unit.first.name == "singer.age"


def test_nested_sources_and_commas():
    query = parse("SELECT count(*) FROM (SELECT name FROM singer WHERE age > 3) AS t", SCHEMA)
    assert query.tables == (parse("SELECT name FROM singer WHERE age > 3", SCHEMA),)
    assert parse("SELECT name FROM singer, concert", SCHEMA).tables == ("singer", "concert")
