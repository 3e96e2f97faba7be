"""E2E NLG from its own files, whole and broken."""

import zipfile

import pytest

from minilora.data.tasks import E2E
from minilora.errors import InputError

TRAIN = 'mr,ref\r\n"name[The Anchor], area[quay]","The Anchor, by the quay."\r\n"name[The Anchor], area[quay]",The  Anchor is  at the quay.\r\n"name[Café Blå], priceRange[£9]",Café Blå costs £9.\r\n'
DEV = 'mr,ref\r\nname[Oak],Oak is here.\r\nname[Elm],Elm is there.\r\nname[Oak],"This is Oak, here."\r\n'
TEST = (
    '"mr","ref"\n"name[Fir], food[pie]","Fir has pie."\n"name[Fir], food[pie]","At Fir, ""pie"" is served."\n'
)
FILES = {
    "trainset.csv": TRAIN,
    "devset.csv": DEV,
    "testset_w_refs.csv": TEST,
    "testset.csv": 'MR\n"name[Fir], food[pie]"\n',
}


def write(folder, **changes):
    for name, text in FILES.items():
        (folder / name).write_bytes(changes.get(name.split(".")[0], text.encode()))
    return folder


def test_folder_and_zip_give_the_same(tmp_path):
    folder = tmp_path / "e2e"
    folder.mkdir()
    task = E2E(write(folder))
    with zipfile.ZipFile(tmp_path / "e2e.zip", "w") as archive:
        for name, text in FILES.items():
            archive.writestr(f"e2e-dataset/{name}", text)
            archive.writestr(f"__MACOSX/e2e-dataset/._{name}", b"\0")
    packed = E2E(tmp_path / "e2e.zip")
    assert (packed.train, packed.validation, packed.test) == (task.train, task.validation, task.test)


def test_examples(tmp_path):
    task = E2E(write(tmp_path))
    assert [(e.prompt, e.completion) for e in task.train] == [
        ("name[The Anchor], area[quay]\nText:", " The Anchor, by the quay."),
        ("name[The Anchor], area[quay]\nText:", " The Anchor is at the quay."),
        ("name[Café Blå], priceRange[£9]\nText:", " Café Blå costs £9."),
    ]
    assert [(e.prompt, e.extra["references"]) for e in task.validation] == [
        ("name[Oak]\nText:", ("Oak is here.", "This is Oak, here.")),
        ("name[Elm]\nText:", ("Elm is there.",)),
    ]
    assert task.test[0].extra["references"] == ("Fir has pie.", 'At Fir, "pie" is served.')


def test_scores(tmp_path):
    pytest.importorskip("sacrebleu")
    task = E2E(write(tmp_path))
    right = task.score(task.validation, [e.completion for e in task.validation])
    assert right[task.primary] == pytest.approx(100)
    assert right["chrf"] == pytest.approx(100)
    assert right["rougeL"] == pytest.approx(100)
    names = ("bleu", "bleu/lowercase", "nist", "meteor", "rougeL", "cider", "chrf")
    assert task.score(task.validation, ["", ""]) == dict.fromkeys(names, 0)
    upper = task.score(task.validation, [e.completion.upper() for e in task.validation])
    assert upper["bleu"] < 50
    assert upper["bleu/lowercase"] == pytest.approx(100)
    assert task.score(task.train, [e.completion for e in task.train])["bleu"] == pytest.approx(100)
    with pytest.raises(InputError, match="1 predictions for 2"):
        task.score(task.validation, [""])


def test_one_file_is_divided_by_mr(tmp_path):
    lines = [f"name[N{i}],N{i} is here." for i in range(200) for _ in range(2)]
    (tmp_path / "own.csv").write_text("mr,ref\n" + "\n".join(lines) + "\n")
    task = E2E(tmp_path / "own.csv")
    sets = [{e.prompt for e in part} for part in (task.train, task.validation, task.test)]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 200
    assert len(sets[0]) > 120
    assert len(task.train) == 2 * len(sets[0])


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path):
    assert E2E(write(tmp_path, trainset=b"\xef\xbb\xbf" + TRAIN.encode())).train


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "trainset.csv, line 1: the columns are missing: the file is empty"),
        (b"mr,ref\r\n", "no line after the header"),
        (b"mr,text\r\na,b\r\n", "trainset.csv, line 1: the columns are 'mr,text'"),
        (b"mr\r\na\r\n", "trainset.csv, line 1: the columns are 'mr'"),
        (b"mr,ref\r\na,b\r\na,b,c\r\n", "trainset.csv, line 3: found 3 fields"),
        (b"mr,ref\r\na,b\r\n\r\na\r\n", "trainset.csv, line 4: found 1 fields"),
        (b"mr,ref\r\na, \r\n", "trainset.csv, line 2: found 2 fields"),
        (b'mr,ref\r\na,"b\r\nc"\r\nd,\r\n', "trainset.csv, line 4: found 2 fields"),
        (b'mr,ref\r\na,"b\r\n', "trainset.csv, line 2: this is not CSV"),
        (b'mr,ref\r\na,"b"c\r\n', "trainset.csv, line 2: this is not CSV"),
        (b"mr,ref\r\na,b\xff\r\n", "trainset.csv, line 2: this is not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(InputError) as caught:
        E2E(write(tmp_path, trainset=content))
    assert message in str(caught.value)


def test_missing_things_are_named(tmp_path):
    with pytest.raises(InputError, match="no e2e data at"):
        E2E(tmp_path / "absent.zip")
    with pytest.raises(InputError, match=r"holds no train\*\.csv"):
        E2E(tmp_path)
    write(tmp_path)
    (tmp_path / "devset.csv").unlink()
    with pytest.raises(InputError, match=r"holds no dev\*\.csv"):
        E2E(tmp_path)


def test_a_broken_zip_is_refused(tmp_path):
    file = tmp_path / "e2e.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in FILES.items():
            archive.writestr(name, text if name != "trainset.csv" else TRAIN + "name[Ash],Ash.\r\n" * 500)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole zip file"):
        E2E(file)
    file.write_bytes(whole[:60] + bytes(40) + whole[100:])
    with pytest.raises(InputError, match="cannot be unpacked"):
        E2E(file)


def test_too_few_lines_to_divide(tmp_path):
    (tmp_path / "own.csv").write_text("mr,ref\na,b\n")
    with pytest.raises(InputError, match="too few different examples"):
        E2E(tmp_path / "own.csv")


def test_the_real_release(shared_data):
    file = shared_data / "e2e" / "e2e-dataset.zip"
    if not file.is_file():
        pytest.skip("the E2E release is not here")
    task = E2E(file)
    assert (len(task.train), len(task.validation), len(task.test)) == (42_061, 547, 630)
    assert sum(len(e.extra["references"]) for e in task.validation) == 4_672
    assert sum(len(e.extra["references"]) for e in task.test) == 4_693
    assert not {e.prompt for e in task.train} & {e.prompt for e in task.test}
