"""MKQA and XOR-TyDi: made-up files in the published layouts; passages are judged by their words."""

import json

import pytest

from optical_core.data.collection import Passage
from optical_core.data.readers import answers, import_collection
from optical_core.data.readers.answers import judge
from optical_core.errors import InputError
from tests.samples import COLLECTIONS, write_files

PASSAGES = (
    "id\ttext\ttitle\n"
    '1\t"The ""Red Sea"" is salty."\tSea\n'
    "2\tA red sun over the sea in 1954.\tSun\n"
    "3\tReddish seaweed\tRed Sea\n"
)


def passages(*texts):
    return [Passage(f"p{number}", "", text) for number, text in enumerate(texts, 1)]


def test_an_answer_is_held_word_for_word_in_any_case():
    held = judge(
        {"q1": ["red SEA"], "q2": ["sea-salt", "moon"], "q3": ["ed sea"], "q4": ["?"], "q5": []},
        passages("The Red Sea.", "red seas", "A moon", "Sea, salt: red sea"),
    )
    assert held == {"q1": {"p1": 1, "p4": 1}, "q2": {"p3": 1, "p4": 1}}


def test_questions_with_an_answer_that_too_many_passages_hold_are_left_out(monkeypatch, caplog):
    monkeypatch.setattr(answers, "MOST", 2)
    several = passages("two moons", "two suns", "two seas", "moons")
    assert judge({"q1": ["two", "suns"], "q2": ["moons"], "q3": ["x"]}, several) == {
        "q2": {"p1": 1, "p4": 1}
    }
    assert "1 question whose answers no passage holds, 1 question with" in caplog.text


def mkqa_row(key, kind, text, aliases=(), **queries):
    answer = {"type": kind, "text": text, "aliases": list(aliases)}
    return {"example_id": key, "queries": queries, "answers": {"en": [answer], "ru": None}}


@pytest.fixture
def mkqa(tmp_path):
    rows = [
        mkqa_row(-1, "entity", "Red Sea", en="which sea", zh_cn="哪个", zh_tw="哪個", no="hvilket"),
        mkqa_row(2, "date", "1950", ["1954"], en="when", zh_cn="何时", zh_tw="何時", no="når"),
        mkqa_row(3, "binary", "yes", ["salty"], en="is it", zh_cn="是", zh_tw="是", no="er det"),
        mkqa_row(4, "unanswerable", None, en="why", zh_cn="为", zh_tw="為", no="hvorfor"),
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    files = {"dataset/mkqa.jsonl": text.encode(), "psgs_w100.tsv": PASSAGES.encode()}
    return write_files(tmp_path / "source", files)


def test_mkqa_asks_in_many_languages_for_passages_with_the_english_answer(mkqa, tmp_path):
    collection = import_collection("mkqa", mkqa, tmp_path / "out")
    assert set(collection.languages) == {"en", "zh-CN", "zh-TW", "no"}
    assert collection.queries("no") == {"-1": "hvilket", "2": "når"}
    assert collection.qrels("zh-TW") == {"-1": {"1": 1, "3": 1}, "2": {"2": 1}}
    assert collection.by_id["1"].full_text == 'Sea. The "Red Sea" is salty.'
    assert collection.info.parallel
    assert "nobody judged" in collection.info.description


def xor(tmp_path, *rows, split="dev"):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    files = {
        f"xor_{split}_retrieve_eng_span.jsonl": text.encode(),
        "enwiki_20190201_w100.tsv": PASSAGES.encode(),
    }
    return write_files(tmp_path / "source", files)


def test_xor_tydi_takes_the_spans_and_leaves_yes_and_no(tmp_path):
    rows = [
        {"id": "7", "question": "море?", "lang": "ru", "answers": ["Red Sea", "yes"]},
        {"id": "8", "question": "いつ", "lang": "ja", "answers": ["in 1954"]},
        {"id": "9", "question": "onko", "lang": "fi", "answers": ["no"]},
    ]
    source = xor(tmp_path, *rows)
    collection = import_collection("xor_tydi", source, tmp_path / "out")
    assert collection.languages == ("ru", "ja")
    assert collection.qrels("ru") == {"7": {"1": 1, "3": 1}}
    assert collection.qrels("ja") == {"8": {"2": 1}}


def test_xor_tydi_of_another_split(tmp_path):
    source = xor(tmp_path, {"id": "7", "question": "?", "lang": "ru", "answers": ["sea"]})
    xor(tmp_path, {"id": "9", "question": "кто", "lang": "ru", "answers": ["sun"]}, split="train")
    collection = import_collection("xor_tydi", source, tmp_path / "out", split="train")
    assert collection.queries("ru") == {"9": "кто"}


@pytest.mark.parametrize(
    ("form", "files", "message"),
    [
        ("mkqa", {"mkqa.jsonl": b"{}\n"}, "no field 'example_id'"),
        ("mkqa", {"psgs_w100.tsv": b"1\tmoon\t\n"}, "holds no answer"),
        ("mkqa", {"psgs_w100.tsv": b"1\tmoon\n"}, "line 1: 3 tab-separated"),
        ("xor_tydi", {"enwiki_20190201_w100.tsv": b"1\tmoon\t\n"}, "holds no answer"),
        ("xor_tydi", {"psgs_w100.tsv": b"1\tmoon\t\n"}, "are both there"),
        ("xor_tydi", {"xor_dev_retrieve_eng_span.jsonl": b"{}\n"}, "no field 'id'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, form, files, message):
    source = write_files(tmp_path / "source", COLLECTIONS[form])
    if any(name.endswith("jsonl") for name in files):
        next(source.glob("*.jsonl*")).unlink()
    write_files(source, files)
    with pytest.raises(InputError, match=message):
        import_collection(form, source, tmp_path / "out")


@pytest.mark.parametrize("form", ["mkqa", "xor_tydi"])
def test_a_folder_of_another_form_or_without_passages_is_refused(tmp_path, form):
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError, match="was expected"):
        import_collection(form, tmp_path, tmp_path / "out")
    files = {name: text for name, text in COLLECTIONS[form].items() if "w100" not in name}
    with pytest.raises(InputError, match=r"no passages: psgs_w100\.tsv"):
        import_collection(form, write_files(tmp_path / "source", files), tmp_path / "out")
