"""Readers on made-up files in the published forms."""

import json

import pytest

from optical_core.data.collection_info import CollectionInfo
from optical_core.data.readers import import_collection
from optical_core.errors import InputError


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(r) if isinstance(r, dict) else r for r in rows) + "\n"
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def test_beir(source, tmp_path):
    rows = [
        {"_id": "d1", "title": "Sea", "text": "salty", "metadata": {}},
        {"_id": 2, "text": None},
    ]
    lines(source / "corpus.jsonl", rows)
    lines(source / "queries.jsonl", [{"_id": "q1", "text": "why salty"}])
    lines(source / "qrels" / "test.tsv", ["query-id\tcorpus-id\tscore", "q1\td1\t1"])
    collection = import_collection("beir", source, tmp_path / "out")
    assert collection.languages == ("en",)
    assert collection.qrels("en") == {"q1": {"d1": 1}}
    assert {key: p.full_text for key, p in collection.by_id.items()} == {
        "d1": "Sea. salty",
        "2": "",
    }


def test_beir_with_languages(source, tmp_path):
    lines(source / "corpus.jsonl", [{"_id": "d1", "text": "salty"}])
    lines(source / "queries" / "en.jsonl", [{"_id": "q1", "text": "why"}])
    lines(source / "queries" / "swh.jsonl", [{"_id": "q1", "text": "kwa nini"}])
    lines(source / "qrels.tsv", ["q1\td1\t1"])
    collection = import_collection("beir", source, tmp_path / "out")
    assert set(collection.languages) == {"en", "sw"}
    assert collection.info.parallel


def test_what_a_collection_says_of_itself_is_kept(source, tmp_path):
    lines(source / "corpus.jsonl", [{"_id": "d1", "text": "Das Meer ist salzig"}])
    lines(source / "queries" / "de.jsonl", [{"_id": "q1", "text": "warum salzig"}])
    lines(source / "queries" / "sw.jsonl", [{"_id": "q1", "text": "kwa nini chumvi"}])
    lines(source / "qrels.tsv", ["q1\td1\t1"])
    said = {
        "description": "German passages.",
        "licence": "CC0 1.0",
        "source": "written for this test",
        "languages": ["sw", "de"],
        "parallel": False,
        "passage_language": "de",
    }
    (source / "collection.json").write_text(json.dumps({"name": "other"} | said))
    collection = import_collection("beir", source, tmp_path / "out", name="sea")
    assert collection.info == CollectionInfo(name="sea", **said)
    (source / "collection.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"collection\.json.*name"):
        import_collection("beir", source, tmp_path / "again")


SGML = """<DOC>
<DOCNO> LA-1 </DOCNO>
<HEADLINE>The sea</HEADLINE>
<TEXT><P>Salt &amp; water.</P>
</TEXT></DOC>
<DOC><DOCNO>LA-2</DOCNO><TEXT>moon</TEXT></DOC>
"""


@pytest.mark.parametrize("documents", ["sgml", "tsv"])
@pytest.mark.parametrize("topics", ["tsv", "trec"])
def test_trec(source, tmp_path, documents, topics):
    if documents == "sgml":
        (source / "docs.sgml").write_text(SGML)
    else:
        lines(source / "docs.tsv", ["LA-1\tSalt & water.", "LA-2\tmoon"])
    if topics == "tsv":
        lines(source / "topics.so.tsv", ["141\tbadda milixda"])
    else:
        (source / "topics.so.txt").write_text(
            "<top>\n<num> Number: 141\n<title> badda milixda\n<desc> x\n</top>\n"
        )
    lines(source / "qrels.txt", ["141 0 LA-1 1", "141 0 LA-2 0"])
    collection = import_collection("trec", source, tmp_path / "out")
    assert collection.queries("so") == {"141": "badda milixda"}
    assert collection.by_id["LA-1"].text == "Salt & water."
    assert collection.qrels("so") == {"141": {"LA-1": 1, "LA-2": 0}}


def test_trec_cut_short_is_refused(source, tmp_path):
    (source / "docs.sgml").write_text(SGML[:-12])
    lines(source / "topics.so.tsv", ["141\tbadda"])
    lines(source / "qrels.txt", ["141 0 LA-1 1"])
    with pytest.raises(InputError, match="cut short"):
        import_collection("trec", source, tmp_path / "out")


def squad(question):
    paragraph = {"context": "The sea is salty.", "qas": [{"id": "a1", "question": question}]}
    return {"data": [{"title": "The_Sea", "paragraphs": [paragraph]}], "version": "1"}


def test_xquad_r(source, tmp_path):
    lines(source / "xquad-r" / "en.json", [squad("Is it salty?")])
    lines(source / "xquad-r" / "hi.json", [squad("क्या यह खारा है?")])
    collection = import_collection("xquad_r", source, tmp_path / "out")
    assert collection.queries("hi") == {"a1": "क्या यह खारा है?"}
    assert collection.qrels("hi") == {"a1": {"00-0": 1}}
    assert collection.by_id["00-0"].title == "The Sea"


def afriqa_row(**changes):
    row = {
        "id": "0",
        "context": "The sea is salty.",
        "title": None,
        "question_lang": "Me ya sa teku?",
        "question_translated": "Why is the sea salty?",
        "answer_pivot": {"answer_start": [0], "text": ["x"]},
    }
    return {**row, **changes}


def test_afriqa_has_its_own_queries_for_each_language(source, tmp_path):
    for code in ("hau", "yor"):
        path = source / "gold_passages" / code / f"gold_span_passages.afriqa.{code}.en.dev.json"
        lines(path, [afriqa_row(), afriqa_row(id="1", context=f"Only {code}.", title="T")])
    collection = import_collection("afriqa", source, tmp_path / "out")
    assert not collection.info.parallel
    assert len(collection.by_id) == 3
    assert collection.queries("ha")["ha-dev-0"] == "Me ya sa teku?"
    assert len(collection.queries("en")) == 4
    assert collection.qrels("yo")["yo-dev-0"] == collection.qrels("ha")["ha-dev-0"]


def test_an_afriqa_question_without_a_passage_is_left_out_and_counted(source, tmp_path, caplog):
    path = source / "gold_passages" / "hau" / "gold_span_passages.afriqa.hau.en.dev.json"
    lines(path, [afriqa_row(context=None, id="7"), afriqa_row()])
    collection = import_collection("afriqa", source, tmp_path / "out")
    assert list(collection.queries("ha")) == ["ha-dev-0"]
    assert "without a passage: 1 question" in caplog.text


def article_lines(code):
    names = ("headline", "body one", "body two", "other", "rest", "lone")
    return [f"{code} {name}" for name in names]


def test_flores(source, tmp_path):
    lines(source / "metadata_dev.tsv", ["URL\tdomain", *(f"{u}\twiki" for u in "aaabbc")])
    for name, code in (("eng_Latn", "en"), ("som_Latn", "so"), ("fra_Latn", "fr")):
        lines(source / "dev" / f"{name}.dev", article_lines(code))
    collection = import_collection("flores200", source, tmp_path / "out")
    assert collection.queries("so") == {"a000": "so headline", "a001": "so other"}
    assert [p.text for p in collection.passages()] == ["en body one en body two", "en rest"]


@pytest.mark.parametrize(("unit", "count"), [(None, 3), ("sentence", 3), ("article", 2)])
def test_ntrex(source, tmp_path, unit, count):
    lines(source / "DOCUMENT_IDS.tsv", list("aaabbc"))
    for name in ("src.eng", "ref.fil", "ref.fra", "ref.fra-CA", "ref.xxx"):
        lines(source / f"newstest2019-{name}.txt", article_lines(name))
    collection = import_collection("ntrex128", source, tmp_path / "out", unit=unit)
    assert set(collection.languages) == {"en", "tl", "fr"}
    assert collection.queries("fr")["a000"] == "ref.fra headline"
    assert len(collection.by_id) == count
    assert len(collection.qrels("tl")["a000"]) == (1 if unit == "article" else 2)


def test_translations_of_articles_make_a_pool_in_several_languages(source, tmp_path):
    lines(source / "metadata_dev.tsv", ["URL\tdomain", *(f"{u}\twiki" for u in "aaabbc")])
    for name, code in (("eng_Latn", "en"), ("som_Latn", "so"), ("fra_Latn", "fr")):
        lines(source / "dev" / f"{name}.dev", article_lines(code))
    pool = import_collection("flores200", source, tmp_path / "out", unit="article:so,eng")
    assert pool.info.passage_language is None
    assert {key: p.language for key, p in pool.by_id.items()} == {
        "a000-01-so": "so",
        "a000-01-en": "en",
        "a001-01-so": "so",
        "a001-01-en": "en",
    }
    assert pool.by_id["a000-01-so"].text == "so body one so body two"
    assert pool.qrels("fr")["a001"] == {"a001-01-so": 1, "a001-01-en": 1}
    alone = import_collection("flores200", source, tmp_path / "one", unit="sentence:so")
    assert [p.text for p in alone.passages()] == ["so body one", "so body two", "so rest"]
    assert alone.info.passage_language == "so"
    for unit, sentence in (("article:sw", "no texts in sw: there are"), ("article:", "no lang")):
        with pytest.raises(InputError, match=sentence):
            import_collection("flores200", source, tmp_path / "none", unit=unit)


def test_sides_of_unlike_length_are_refused(source, tmp_path):
    lines(source / "DOCUMENT_IDS.tsv", list("aaabbc"))
    lines(source / "newstest2019-src.eng.txt", article_lines("en")[:-1])
    with pytest.raises(InputError, match=r"5 lines, 6 were expected"):
        import_collection("ntrex128", source, tmp_path / "out")


FORMATS = ["beir", "trec", "xquad_r", "afriqa", "flores200", "ntrex128"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_folder_of_another_form_is_one_sentence_and_leaves_nothing(form, source, tmp_path):
    (source / "readme.txt").write_text("nothing here")
    with pytest.raises(InputError) as caught:
        import_collection(form, source, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_unknown_formats_units_and_missing_folders(source, tmp_path):
    with pytest.raises(InputError, match="unknown format"):
        import_collection("magic", source, tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        import_collection("beir", tmp_path / "gone", tmp_path / "out")
    lines(source / "DOCUMENT_IDS.tsv", list("aaabbc"))
    lines(source / "newstest2019-src.eng.txt", article_lines("en"))
    with pytest.raises(InputError, match="unknown unit"):
        import_collection("ntrex128", source, tmp_path / "out", unit="page")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("topics.tsv", "141\tbadda\n", "its name must tell the language"),
        ("topics.so.tsv", "141 badda\n", "line 1: 2 tab-separated columns were expected"),
        ("topics.so.txt", "<top>\n<num> Number: 141\n</top>\n", "without <num> or <title>"),
    ],
)
def test_trec_topics_of_another_form_are_named(source, tmp_path, name, content, message):
    (source / name).write_text(content)
    lines(source / "qrels.txt", ["141 0 LA-1 1"])
    with pytest.raises(InputError, match=message):
        import_collection("trec", source, tmp_path / "out")


def test_trec_with_json_lines_and_without_documents(source, tmp_path):
    lines(source / "topics.so.tsv", ["141\tbadda"])
    lines(source / "qrels.txt", ["141 0 LA-1 1"])
    with pytest.raises(InputError, match=r"has no docs\.\* file"):
        import_collection("trec", source, tmp_path / "out")
    lines(source / "docs.jsonl", [{"_id": "LA-1", "title": "Sea", "text": "salty"}])
    collection = import_collection("trec", source, tmp_path / "out")
    assert collection.by_id["LA-1"].full_text == "Sea. salty"
