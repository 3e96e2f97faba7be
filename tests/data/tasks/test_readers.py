"""Readers on small samples in each data set's own format, on broken files, and on the real files where they are."""

import json
import sqlite3

import pytest

from minilora.data.metrics import f1
from minilora.data.tasks import TASKS, load_task, spider
from minilora.data.tasks.wikisql.form import read_form
from minilora.errors import InputError

# One header and one line of each TSV, as GLUE writes them (the sentences are ours).
TSV = {
    "cola": (None, "aa01\t{label}\t*\tThe lamp {n} shone.", ("0", "1"), ("unacceptable", "acceptable")),
    "sst2": ("sentence\tlabel", "a lamp number {n} of rare beauty \t{label}", ("0", "1"), ("negative", "positive")),
    "mrpc": ("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String", '{label}\t7{n}\t8\tHe said "no.\tHe {n} refused.', ("0", "1"), ("not_equivalent", "equivalent")),
    "qqp": ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", "{n}\t1\t2\tIs it {n}?\tIs {n} it?\t{label}", ("0", "1"), ("not_duplicate", "duplicate")),
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label",
        "{n}\t1\t1\tg\t(a)\t(b)\t(c)\t(d)\tIt is {n}.\tIt is not.\tx\t{label}", ("entailment", "neutral", "contradiction"), ("entailment", "neutral", "contradiction"),
    ),
    "qnli": ("index\tquestion\tsentence\tlabel", "{n}\tWho is {n}?\tHe is.\t{label}", ("entailment", "not_entailment"), ("entailment", "not_entailment")),
    "rte": ("index\tsentence1\tsentence2\tlabel", "{n}\tIt is {n}.\tIt is.\t{label}", ("entailment", "not_entailment"), ("entailment", "not_entailment")),
    "wnli": ("index\tsentence1\tsentence2\tlabel", "{n}\tIt is {n}.\tIt is.\t{label}", ("0", "1"), ("not_entailment", "entailment")),
}  # fmt: skip
JSON_FIELDS = {
    "cola": ("sentence",), "sst2": ("sentence",), "mrpc": ("sentence1", "sentence2"), "qqp": ("question1", "question2"), "mnli": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"), "rte": ("sentence1", "sentence2"), "wnli": ("sentence1", "sentence2"),
}  # fmt: skip


def tsv(name, count=30, start=0):
    header, line, labels, _ = TSV[name]
    lines = [line.format(n=start + i, label=labels[i % len(labels)]) for i in range(count)]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


@pytest.mark.parametrize("name", TSV)
def test_glues_own_files(name, tmp_path):
    dev = "dev_matched.tsv" if name == "mnli" else "dev.tsv"
    (tmp_path / "train.tsv").write_text(tsv(name), encoding="utf-8")
    (tmp_path / dev).write_text(tsv(name, 6, start=100), encoding="utf-8")
    (tmp_path / "test.tsv").write_text("index\tsentence\n0\tnever read\n", encoding="utf-8")
    task = load_task(name, data=tmp_path)
    assert (len(task.train), len(task.validation), len(task.test)) == (27, 3, 6)
    assert task.labels == TSV[name][3]
    assert [e.label for e in task.test] == [i % len(task.labels) for i in range(6)]
    assert {len(e.texts) for e in task.train} == {len(task.titles)}
    assert not {e.texts for e in task.train} & {e.texts for e in task.validation}
    assert task.score(task.test, [e.label for e in task.test])[task.primary] == 1


def test_a_file_of_ids_is_not_a_development_file(tmp_path):
    (tmp_path / "train.tsv").write_text(tsv("mrpc"), encoding="utf-8")
    (tmp_path / "dev.tsv").write_text(tsv("mrpc", 6, start=100), encoding="utf-8")
    (tmp_path / "dev_ids.tsv").write_text("1089874\t1089925\n3019446\t3019327\n")  # as in MRPC's own folder
    assert len(load_task("mrpc", data=tmp_path).test) == 6


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("name", JSON_FIELDS)
def test_exports_of_glue(name, form, tmp_path):
    rows = [{**{f: f'"{f}", {i}' for f in JSON_FIELDS[name]}, "label": i % 2, "idx": i} for i in range(30)]
    for part in ("train", "validation"):
        if form == "jsonl":
            text = "".join(json.dumps(row) + "\n" for row in rows)
        else:
            quoted = [",".join('"' + str(v).replace('"', '""') + '"' for v in row.values()) for row in rows]
            text = "\n".join([",".join(rows[0]), *quoted])
        (tmp_path / f"{part}.{form}").write_text(text, encoding="utf-8")
    task = load_task(name, data=tmp_path)
    assert task.test[3].texts[0] == f'"{JSON_FIELDS[name][0]}", 3'
    assert [e.label for e in task.test[:4]] == [0, 1, 0, 1]


def test_mnlis_two_development_sets_are_scored_apart(tmp_path):
    (tmp_path / "train.tsv").write_text(tsv("mnli"))
    (tmp_path / "dev_matched.tsv").write_text(tsv("mnli", 6, 100))
    (tmp_path / "dev_mismatched.tsv").write_text(tsv("mnli", 6, 200))
    task = load_task("mnli", data=tmp_path)
    wrong_second = [e.label if not e.group else (e.label + 1) % 3 for e in task.test]
    assert task.score(task.test, wrong_second) == {"accuracy": 1, "accuracy/mismatched": 0}


def test_stsb_is_a_regression(tmp_path):
    header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    lines = [f"{i}\tg\tf\t2012\t1\tn\tn\tA {i}.\tB {i}.\t{i % 6}.000\n" for i in range(30)]
    (tmp_path / "train.tsv").write_text(header + "".join(lines))
    (tmp_path / "dev.tsv").write_text(header + "".join(lines[:12]))
    task = load_task("stsb", data=tmp_path)
    assert task.regression
    assert task.outputs == 1
    assert task.score(task.test, [e.label * 2 + 1 for e in task.test])["pearson"] == pytest.approx(1)
    prompted = task.prompted()
    assert prompted.test[2].completion == " 2.0"
    found = prompted.score(prompted.test, [e.completion for e in prompted.test[:-1]] + ["many"])
    assert found["unanswered"] == pytest.approx(1 / 12)
    with pytest.raises(
        InputError, match="1 example to score, and pearson, a correlation, needs two; give at least 2"
    ):
        task.score(task.test[:1], [2.0])
    with pytest.raises(InputError, match="1 example to score"):
        prompted.score(prompted.test[:1], ["2.0"])
    (tmp_path / "dev.tsv").write_text(header + "0\tg\tf\t1\t1\tn\tn\tA\tB\t7.5\n")
    with pytest.raises(
        InputError, match=r"dev.tsv, line 2: the score is '7.5'; it must be a number from 0 to 5"
    ):
        load_task("stsb", data=tmp_path)


def test_prompted_answers_are_read(tmp_path):
    (tmp_path / "rte.tsv").write_text(tsv("rte", 200))
    prompted = load_task("rte", data=tmp_path / "rte.tsv").prompted()
    example = prompted.test[0]
    assert example.prompt.endswith("follows:")
    said = ["YES." if e.completion == " yes" else "no\nand more" for e in prompted.test]
    assert prompted.score(prompted.test, said) == {"accuracy": 1, "unanswered": 0}
    assert prompted.score(prompted.test, ["perhaps"] * len(said)) == {"accuracy": 0, "unanswered": 1}


def test_a_line_of_qqp_cut_short_is_passed_over(tmp_path):
    (tmp_path / "a.tsv").write_text(tsv("qqp", 100) + "7\t1\t2\tonly this\n")
    task = load_task("qqp", data=tmp_path / "a.tsv")
    assert len(task.train) + len(task.validation) + len(task.test) == 100


def test_samsum_and_dialogsum(tmp_path):
    chat = {"id": "1", "dialogue": "Ann: Hi!\r\nBob:  Hello  Ann.", "summary": "Ann greets Bob."}
    for part in ("train", "val", "test"):
        (tmp_path / f"{part}.json").write_text(
            json.dumps([chat, {"id": "2", "dialogue": "", "summary": "x"}])
        )
    task = load_task("samsum", data=tmp_path)
    assert [(e.prompt, e.completion) for e in task.train] == [
        ("Ann: Hi!\nBob: Hello Ann.\n\nSummary:", " Ann greets Bob.")
    ]
    assert task.score(task.test, ["Ann greets Bob."])["rougeL"] == 100
    folder = tmp_path / "dialogsum"
    folder.mkdir()
    said = {"fname": "a", "dialogue": "#Person1#: Hi!\n#Person2#: Bye.", "topic": "t"}
    for part in ("train", "dev"):
        (folder / f"dialogsum.{part}.jsonl").write_text(json.dumps({**said, "summary": "They part."}) + "\n")
    (folder / "dialogsum.test.jsonl").write_text(
        json.dumps({**said, "summary1": "A.", "summary2": "B.", "summary3": "C."})
    )
    assert load_task("dialogsum", data=folder).test[0].extra["references"] == ("A.", "B.", "C.")


def test_dart_and_webnlg(tmp_path):
    pytest.importorskip("sacrebleu")
    entry = {"tripleset": [["Oak", "HEIGHT", "9 m"], ["Oak", "AGE", "70"]], "annotations": [{"source": "s", "text": "The oak is 9 m."}, {"source": "s", "text": "Oak: 9 m."}]}  # fmt: skip
    for part in ("train", "dev", "test"):
        (tmp_path / f"dart-v1.1.1-full-{part}.json").write_text(json.dumps([entry]))
    task = load_task("dart", data=tmp_path)
    assert task.train[1].prompt == "Oak : HEIGHT : 9 m | Oak : AGE : 70\nText:"
    assert len(task.train) == 2
    assert task.test[0].extra["references"] == ("The oak is 9 m.", "Oak: 9 m.")
    web, xml = tmp_path / "web", tmp_path / "xml"
    web.mkdir()
    xml.mkdir()
    for part, category in (("train", "Tree"), ("dev", "Tree"), ("test", "Sea")):
        lexes = [
            {"comment": "good", "lex": "Oak is old.", "xml_id": "1"},
            {"comment": "bad", "lex": "No.", "xml_id": "2"},
        ]
        item = {
            "category": category,
            "lexicalisations": lexes,
            "modifiedtripleset": [{"subject": "Oak", "property": "age", "object": "70"}],
        }
        (web / f"{part}.json").write_text(json.dumps({"entries": [{"1": item}]}))
        (xml / f"{part}.xml").write_text(
            f'<benchmark><entries><entry category="{category}" eid="1" size="1"><modifiedtripleset><mtriple>Oak | age | 70</mtriple></modifiedtripleset>'
            '<lex comment="good" lid="1">Oak is old.</lex></entry></entries></benchmark>'
        )
    task = load_task("webnlg", data=web)
    assert [(e.prompt, e.completion) for e in task.train] == [("Oak : age : 70\nText:", " Oak is old.")]
    assert set(task.score(task.test, ["Oak is old."])) >= {"bleu", "bleu/unseen", "meteor"}
    assert load_task("webnlg", data=xml).train == task.train


def test_instructions_and_labels(tmp_path):
    lines = [json.dumps({"prompt": f"Say {i}.", "completion": f"It is {i}."}) for i in range(60)]
    (tmp_path / "own.jsonl").write_text("\n".join(lines))
    task = load_task("instructions", data=tmp_path / "own.jsonl")
    assert task.train[0].prompt.startswith("Say ")
    assert task.score(task.test, [e.completion for e in task.test]) == {"rougeL": 100, "exact": 1}
    rows = [
        json.dumps({"text": f"Where is parcel {i}?", "label": ("delivery", "invoice", "other")[i % 3]})
        for i in range(90)
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(rows))
    own = load_task("labels", data=tmp_path / "labels.jsonl")
    assert own.labels == ("delivery", "invoice", "other")
    assert own.prompted().train[0].prompt.startswith("text: Where is parcel ")
    prompted = own.prompted()
    answers = ["perhaps", *(e.completion for e in prompted.test[1:])]
    right = [e.label for e in own.test]
    assert prompted.score(prompted.test, answers)["macro_f1"] == pytest.approx(
        sum(f1([3, *right[1:]], right, positive=k) for k in range(3)) / 3
    )
    (tmp_path / "labels.jsonl").write_text("\n".join([*rows, json.dumps({"text": "x", "label": ""})]))
    with pytest.raises(InputError, match="line 91: the label is ''"):
        load_task("labels", data=tmp_path / "labels.jsonl")


WIKI = {
    "phase": 1,
    "table_id": "1-2-3",
    "question": "Who plays  guard?",
    "sql": {"sel": 0, "conds": [[1, 0, "Guard"], [2, 1, 3]], "agg": 0},
}
WIKI_TABLE = {"id": "1-2-3", "header": ["Player", "Position/Role", "No."], "types": ["text", "text", "real"], "rows": [["Ann Lee", "Guard", 4], ["Bo", "Guard", 2], ["Cy", "Centre", 9]]}  # fmt: skip


@pytest.fixture
def wikisql(tmp_path):
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.jsonl").write_text(json.dumps(WIKI) + "\n")
        (tmp_path / f"{part}.tables.jsonl").write_text(json.dumps(WIKI_TABLE) + "\n")
    return tmp_path


def test_wikisqls_own_files(wikisql):
    task = load_task("wikisql", data=wikisql)
    example = task.test[0]
    assert example.prompt == "table: 1-2-3\ncolumns: Player, Position/Role, No.\nQ: Who plays guard?\nA:"
    assert example.completion == " SELECT Player FROM 1-2-3 WHERE Position/Role = 'Guard' AND No. > 3"
    swapped = "SELECT player FROM 1-2-3 WHERE No. > 3 AND Position/Role = 'guard'"
    assert task.score([example], [swapped]) == {"logical_form": 1, "execution": 1, "exact": 0}
    for same in (
        "SELECT player FROM 1-2-3 WHERE No. > 3 AND Position/Role = 'GUARD' AND no. > 3",
        "SELECT Player FROM 9 WHERE No. > 3 AND Position/Role = 'guard'",
    ):
        assert task.score([example], [same])["logical_form"] == 1, (
            "conditions are a set, letters' case and the table's name do not count"
        )
    for different in (
        "SELECT Player FROM 1-2-3 WHERE Position/Role = 'Guard' AND No. > 3.0",
        "SELECT Player FROM 1-2-3 WHERE Position/Role = 'Guard' AND No. > 3rd",
    ):
        assert task.score([example], [different]) == {"logical_form": 0, "execution": 1, "exact": 0}, (
            "values are texts, but numbers to the database"
        )
    other = "SELECT Player FROM 1-2-3 WHERE No. = 4"
    assert task.score([example], [other]) == {"logical_form": 0, "execution": 1, "exact": 0}
    for text in (
        "",
        "DROP TABLE x",
        "SELECT Player FROM",
        "SELECT Nothing FROM 1-2-3",
        "SELECT Player FROM 1-2-3 WHERE No.",
    ):
        assert task.score([example], [text])["execution"] == 0


def test_wikisqls_database_is_read_and_not_changed(wikisql):
    file = wikisql / "test.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE table_1_2_3 ( col0 TEXT, col1 TEXT, col2 REAL )")
    connection.executemany(
        "INSERT INTO table_1_2_3 VALUES ( ?, ?, ? )", [("ann lee", "guard", 4), ("dee", "guard", 7)]
    )
    connection.commit()
    connection.close()
    before = file.read_bytes()
    task = load_task("wikisql", data=wikisql)
    assert [row[0] for row in task.test[0].extra["table"].rows] == ["ann lee", "dee"]
    assert file.read_bytes() == before
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a database of these tables"):
        load_task("wikisql", data=wikisql)


def test_forms_with_awkward_names():
    columns = ("Count", "GDP per cap. (2003, in €)", "Name", "Name AND Place")
    assert read_form("SELECT COUNT Count FROM t", columns).aggregate == 3
    assert read_form("SELECT Count FROM t", columns).aggregate == 0
    form = read_form(
        "SELECT MIN GDP per cap. (2003, in €) FROM t WHERE Name AND Place = 'Tom AND Ann' AND Name = 'x'",
        columns,
    )
    assert form.conditions == ((3, 0, "Tom AND Ann"), (2, 0, "x"))


SCHEMA = {
    "db_id": "shop", "table_names_original": ["item", "sale"], "column_names_original": [[-1, "*"], [0, "id"], [0, "name"], [1, "item_id"], [1, "price"]],
    "column_types": ["text", "number", "text", "number", "number"], "foreign_keys": [[3, 1]], "primary_keys": [1],
}  # fmt: skip


@pytest.fixture
def spider_folder(tmp_path):
    schemas = [{**SCHEMA, "db_id": name} for name in ("shop", "store", "kiosk")]
    (tmp_path / "tables.json").write_text(json.dumps(schemas))
    questions = [
        {"db_id": name, "question": "Which  items?", "query": "SELECT name FROM item ORDER BY name;"}
        for name in ("store", "kiosk")
    ]
    (tmp_path / "train_spider.json").write_text(json.dumps(questions))
    (tmp_path / "dev.json").write_text(json.dumps([{**questions[0], "db_id": "shop"}]))
    folder = tmp_path / "database" / "shop"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "shop.sqlite")
    connection.execute("CREATE TABLE item ( id INTEGER, name TEXT )")
    connection.execute("CREATE TABLE sale ( item_id INTEGER, price REAL )")
    connection.executemany("INSERT INTO item VALUES ( ?, ? )", [(2, "pen"), (1, "ink")])
    connection.commit()
    connection.close()
    return tmp_path


def test_spiders_own_files(spider_folder):
    task = load_task("spider", data=spider_folder)
    example = task.test[0]
    assert (
        example.prompt
        == "database: shop\nitem: id, name\nsale: item_id, price\nkeys: sale.item_id = item.id\nQ: Which items?\nSQL:"
    )
    assert (len(task.train), len(task.validation)) == (1, 1)
    assert task.score([example], ["SELECT T1.name FROM item AS T1 ORDER BY T1.name ASC"]) == {
        "exact_set": 1,
        "execution": 1,
    }
    assert task.score([example], ["SELECT name FROM item WHERE id > 0 ORDER BY id"]) == {
        "exact_set": 0,
        "execution": 1,
    }
    assert task.score([example], ["DROP TABLE item"]) == {"exact_set": 0, "execution": 0}


def test_spiders_right_queries_may_list_a_whole_table(spider_folder):
    """Two thousand rows, more than the sandbox lets through by itself."""
    connection = sqlite3.connect(spider_folder / "database" / "shop" / "shop.sqlite")
    connection.executemany("INSERT INTO item VALUES ( ?, ? )", [(i, f"pen {i}") for i in range(3, 2_001)])
    connection.commit()
    connection.close()
    task = load_task("spider", data=spider_folder)
    said = {
        "SELECT name FROM item ORDER BY name": 1,
        "SELECT id FROM item LIMIT 3": 0,
        "SELECT a.name FROM item a, item b": 0,
    }
    assert [task.score(task.test, [sql])["execution"] for sql in said] == [*said.values()]


def test_spider_reads_each_database_once(spider_folder, monkeypatch):
    read = []
    stored = spider._stored
    monkeypatch.setattr(spider, "_stored", lambda file, schema: read.append(file) or stored(file, schema))
    task = load_task("spider", data=spider_folder)
    task.score([*task.test] * 5, ["SELECT name FROM item"] * 5)
    assert read == [spider_folder / "database" / "shop" / "shop.sqlite"]


def test_spiders_test_file_is_not_read(spider_folder):
    (spider_folder / "test.json").write_text(json.dumps([{"db_id": "unknown", "question": "Which?"}]))
    assert len(load_task("spider", data=spider_folder).test) == 1


@pytest.mark.parametrize("prediction", ["SELECT name FROM item", "nothing"])
def test_a_right_query_that_spiders_database_does_not_run_is_named(spider_folder, prediction):
    """One that can be read here and that SQLite refuses."""
    questions = [{"db_id": "shop", "question": "Which?", "query": "SELECT name FROM item GROUP BY avg(id)"}]
    (spider_folder / "dev.json").write_text(json.dumps(questions))
    task = load_task("spider", data=spider_folder)
    with pytest.raises(
        InputError, match=r"shop.sqlite' does not run the right query 'SELECT name .*aggregate"
    ):
        task.score(task.test, [prediction])


BROKEN = {
    "cola": [("a\tx\t\tText.\n" * 30, "line 2: there is no field .sentence."), ("label\tsentence\n2\tText.\n", r"line 2: the label is '2'; it must be 'unacceptable'"),
             ("label\tsentence\n1\t \n", "line 2: the field 'sentence' is ' '"), ("label\ttext\n1\ta\n", "line 2: there is no field 'sentence'")],
    "samsum": [('[{"dialogue": "A: hi", "summary": "b"}, {"dialogue": "A: \\ud83d", "summary": "b"}]', r"entry 2: the escape .ud83d is half of a character"), ('[{"dialogue": "A: hi", "summary": 3}]', "entry 1: the field 'summary' is 3"), ("[1]", "entry 1: found '1'"), ("[{]", "line 1: this is not JSON")],
    "dart": [('[{"tripleset": [["a", "b"]], "annotations": [{"text": "x"}]}]', "entry 1: a triple is"), ('[{"tripleset": []}]', "entry 1: the field 'tripleset'")],
    "instructions": [('{"prompt": "a", "completion": "b"}\n{"prompt": "a", "completion": "\\ud800"}\n', r"line 2: the escape .ud800 is half of a character; write the other half"), ('{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n', "line 2: there is no field 'completion'"), ('{"prompt": "a"\n', "line 1: this is not JSON")],
    "wikisql": [('{"text": "table: a"}\n', "line 1: the text must have the lines"), ('{"text": "table: a\\ncolumns: b\\nQ: c\\nA: DROP"}\n', "line 1: what follows A:")],
    "webnlg": [('{"entries": [{"1": {"lexicalisations": [{"lex": "\\udc00"}]}}]}', "entry 1: the escape .udc00 is half of a character"), ("<benchmark>", "line 1: this is not XML"), ("[]", "line 1: there is no list 'entries'")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"), [(n, c, m) for n, cases in BROKEN.items() for c, m in cases]
)
def test_what_is_wrong_is_said_with_file_and_line(name, content, message, tmp_path):
    for part in ("train", "dev", "test"):
        ending = (
            "tsv"
            if name == "cola"
            else "xml"
            if content.startswith("<")
            else "jsonl"
            if name in ("instructions", "wikisql")
            else "json"
        )
        (tmp_path / f"{part}.{ending}").write_text(content)
    with pytest.raises(InputError, match=rf"train.*{message}") as caught:
        load_task(name, data=tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", [name for name, kind in TASKS.items() if not kind.made])
def test_missing_files_are_named(name, tmp_path):
    with pytest.raises(InputError, match="absent"):
        load_task(name, data=tmp_path / "absent")
    with pytest.raises(InputError, match="holds no"):
        load_task(name, data=tmp_path)


@pytest.mark.parametrize(
    ("name", "folder", "sizes"),
    [("cola", "CoLA", (7_696, 855, 1_043)), ("rte", "RTE", (2_241, 249, 277)), ("stsb", "STS-B", (5_174, 575, 1_500)), ("sst2", "SST-2", (66_349, 1_000, 872))],
)  # fmt: skip
def test_the_real_glue_files(name, folder, sizes, shared_data):
    path = shared_data / "glue" / folder
    if not path.is_dir():
        pytest.skip(f"GLUE's {folder} is not here")
    task = load_task(name, data=path)
    assert (len(task.train), len(task.validation), len(task.test)) == sizes


def test_the_real_prompt_lines(shared_data):
    if not (shared_data / "wikisql").is_dir():
        pytest.skip("the WikiSQL prompt lines are not here")
    task = load_task("wikisql", data=shared_data / "wikisql")
    assert (len(task.train), len(task.validation), len(task.test)) == (1_000, 100, 100)
    for part in (task.train, task.validation, task.test):
        assert task.score(part, [e.completion for e in part]) == {"logical_form": 1, "exact": 1}
