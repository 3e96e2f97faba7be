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


def test_nested_sources_and_commas():
    query = parse("SELECT count(*) FROM (SELECT name FROM singer WHERE age > 3) AS t", SCHEMA)
    assert query.tables == (parse("SELECT name FROM singer WHERE age > 3", SCHEMA),)
    assert parse("SELECT name FROM singer, concert", SCHEMA).tables == ("singer", "concert")
