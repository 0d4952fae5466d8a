"""WikiCLIR, CLIRMatrix, Belebele and CLEF: made-up files in the published layouts."""

import gzip
import json

import pytest

from optical_core.data.languages import language
from optical_core.data.lines import read_lines
from optical_core.data.readers import READERS, import_collection, sgml
from optical_core.errors import InputError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def write(path, text, *, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def cut(path, part=0.6):
    """Keep the first part of a file, in the middle of a line or of the gzip stream."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])


def rows(*values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def assert_refused(form, source, match):
    target = source.parent / "installed" / "out"
    with pytest.raises(InputError, match=match) as caught:
        import_collection(form, source, target)
    assert "\n" not in str(caught.value)
    assert not target.parent.exists() or not list(target.parent.iterdir())


@pytest.mark.parametrize("form", ["wikiclir", "clirmatrix", "belebele", "clef"])
def test_a_folder_of_another_form_is_refused_and_leaves_nothing(form, source):
    assert form in READERS
    write(source / "readme.txt", "nothing here")
    assert_refused(form, source, "was expected")


# --- WikiCLIR -----------------------------------------------------------------------------------


@pytest.fixture
def wikiclir(source):
    folder = source / "wiki-clir"
    write(
        folder / "english" / "wiki_en.queries",
        "12\tSea\tis the salty water of earth\n39\tMoon\tgoes round earth\n40\tMars\tis red\n",
    )
    for name, code in (("swahili", "sw"), ("tagalog", "tl")):
        write(
            folder / name / f"wiki_{code}.documents", "7\tBahari\tmaji ya chumvi\n8\tMwezi\tjua\n"
        )
        write(folder / name / f"en2{code}.rel", "12\t7\t2\n12\t8\t1\n39\t8\t2\n")
    return folder


def test_wikiclir_takes_the_judged_sentences_of_one_language(wikiclir, tmp_path):
    collection = import_collection("wikiclir", wikiclir / "swahili", tmp_path / "out")
    assert collection.queries("en") == {
        "12": "is the salty water of earth",
        "39": "goes round earth",
    }
    assert collection.qrels("en") == {"12": {"7": 2, "8": 1}, "39": {"8": 2}}
    assert collection.by_id["7"].full_text == "Bahari. maji ya chumvi"
    assert collection.info.passage_language == "sw"


def test_wikiclir_asks_for_one_language_where_there_are_several(wikiclir):
    assert_refused("wikiclir", wikiclir, "documents in 2 languages: give the folder of one")


def test_wikiclir_with_a_column_too_few_names_the_line(wikiclir):
    write(wikiclir / "swahili" / "wiki_sw.documents", "7\tBahari\tmaji\n8\tMwezi")
    assert_refused("wikiclir", wikiclir / "swahili", r"wiki_sw\.documents, line 2: 3 tab-separated")


def test_wikiclir_with_judgements_cut_short_names_the_line(wikiclir):
    cut(wikiclir / "swahili" / "en2sw.rel", part=0.5)
    assert_refused("wikiclir", wikiclir / "swahili", r"en2sw\.rel, line 2")


def test_wikiclir_with_a_gzip_stream_cut_short_names_the_line(wikiclir):
    folder = wikiclir / "swahili"
    (folder / "wiki_sw.documents").unlink()
    path = folder / "wiki_sw.documents.gz"
    write(path, "".join(f"{n}\tTitle {n * n}\ttext {n**3}\n" for n in range(5000)))
    cut(path)
    assert_refused("wikiclir", folder, r"wiki_sw\.documents\.gz after line \d+")


def test_wikiclir_whose_judgements_are_of_other_queries_is_refused(wikiclir):
    write(wikiclir / "swahili" / "en2sw.rel", "999\t7\t2\n")
    assert_refused("wikiclir", wikiclir / "swahili", "judges none of the queries")


def test_wikiclir_of_2014_has_german_queries_and_takes_the_test_split(source, tmp_path):
    for split in ("dev", "test"):
        write(source / f"{split}.queries", f"5\t{split} Satz\n")
        write(source / f"{split}.docs", "9\tsalty water\n")
        write(source / f"{split}.qrels", "5\t9\t3\n")
    collection = import_collection("wikiclir", source, tmp_path / "out")
    assert collection.queries("de") == {"5": "test Satz"}
    assert collection.qrels("de") == {"5": {"9": 3}}


# --- CLIRMatrix ---------------------------------------------------------------------------------


def clirmatrix_row(key, query, *results):
    return {"src_id": key, "src_query": query, "tgt_results": [list(pair) for pair in results]}


@pytest.fixture
def clirmatrix(source):
    write(source / "DOCS" / "en.tsv.gz", "d1\tsalty water\nd2\tcold star\n")
    base = source / "BI-139" / "base"
    for code, query in (("so", "Bad"), ("sw", "Bahari"), ("als", "Meer")):
        row = clirmatrix_row(f"{code}1", query, ("d1", 6), ("d2", 0))
        for split in ("test1", "dev"):
            write(base / code / f"{code}.en.{split}.base.jl.gz", rows(row))
    return base


def test_clirmatrix_reads_every_query_language_of_the_english_documents(clirmatrix, tmp_path):
    collection = import_collection("clirmatrix", clirmatrix, tmp_path / "out")
    assert collection.queries("so") == {"so-so1": "Bad"}
    assert collection.qrels("sw") == {"sw-sw1": {"d1": 6, "d2": 0}}
    assert not collection.info.parallel
    assert collection.info.passage_language == "en"
    assert [passage.text for passage in collection.passages()] == ["salty water", "cold star"]


def test_clirmatrix_alemannic_is_not_taken_for_albanian(clirmatrix, tmp_path, caplog):
    assert language("als").name == "Albanian"
    collection = import_collection("clirmatrix", clirmatrix, tmp_path / "out")
    assert "sq" not in collection.languages
    assert "als" in caplog.text


def test_clirmatrix_of_the_same_ids_everywhere_is_parallel(source, tmp_path):
    write(source / "DOCS" / "en.tsv", "d1\tsalty water\n")
    for code in ("de", "fr"):
        row = clirmatrix_row("Q1", code, ("d1", 3))
        write(source / "MULTI-8" / f"{code}.en.test1.jl", rows(row))
    collection = import_collection("clirmatrix", source, tmp_path / "out")
    assert collection.info.parallel
    assert collection.queries("fr") == {"Q1": "fr"}


def test_clirmatrix_base_and_full_together_are_refused(clirmatrix, source):
    write(source / "BI-139" / "full" / "so" / "so.en.test1.jl.gz", rows({}))
    assert_refused("clirmatrix", source, "give the folder of one set")


def test_clirmatrix_without_its_documents_is_refused(clirmatrix, source):
    (source / "DOCS" / "en.tsv.gz").unlink()
    assert_refused("clirmatrix", clirmatrix, r"no DOCS/en\.tsv\.gz")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"src_id": "1", "src_query": "x"}, "no field 'tgt_results'"),
        (clirmatrix_row("1", "x", ("d1",)), r"list of \[document id, grade\]"),
        (clirmatrix_row("1", "x", ("d1", "high")), "'high' is no grade"),
    ],
)
def test_clirmatrix_with_another_row_names_the_line(clirmatrix, row, complaint):
    good = clirmatrix_row("0", "x", ("d1", 1))
    write(clirmatrix / "so" / "so.en.test1.base.jl.gz", rows(good, row))
    assert_refused("clirmatrix", clirmatrix, rf"jl\.gz, line 2: .*{complaint}")


@pytest.mark.parametrize("compressed", [True, False])
def test_clirmatrix_cut_short_names_the_line(clirmatrix, compressed):
    old = clirmatrix / "so" / "so.en.test1.base.jl.gz"
    old.unlink()
    path = old if compressed else old.with_suffix("")
    write(path, rows(*(clirmatrix_row(f"{n}", f"x {n * n}", ("d1", 1)) for n in range(500))))
    cut(path)
    assert_refused("clirmatrix", clirmatrix, r"so\.en\.test1\.base\.jl.* line \d+")


# --- Belebele -----------------------------------------------------------------------------------


def belebele_row(link, number, passage, question, dialect):
    answers = {f"mc_answer{n}": f"answer {n}" for n in range(1, 5)}
    return {
        "link": f"https://en.wikinews.org/wiki/{link}",
        "question_number": number,
        "flores_passage": passage,
        "question": question,
        **answers,
        "correct_answer_num": "2",
        "dialect": dialect,
        "ds": "2023-05-03",
    }


@pytest.fixture
def belebele(source):
    folder = source / "Belebele"
    for dialect in ("eng_Latn", "som_Latn", "hin_Latn", "hin_Deva", "zho_Hant", "zho_Hans"):
        questions = [("Sea", 1), ("Sea", 2), ("Moon", 1)]
        if dialect != "eng_Latn":
            questions.reverse()
        write(
            folder / f"{dialect}.jsonl",
            rows(
                *(
                    belebele_row(link, n, f"{dialect} {link}", f"{dialect} {link} {n}?", dialect)
                    for link, n in questions
                )
            ),
        )
    return folder


def test_belebele_joins_languages_by_passage_and_number(belebele, source, tmp_path):
    collection = import_collection("belebele", source, tmp_path / "out")
    assert collection.info.parallel
    assert [passage.text for passage in collection.passages()] == ["eng_Latn Sea", "eng_Latn Moon"]
    assert collection.queries("so")["p000-2"] == "som_Latn Sea 2?"
    assert collection.qrels("so")["p001-1"] == {"p001": 1}


def test_belebele_keeps_a_second_script_apart(belebele, tmp_path, caplog):
    write(belebele / "qqq_Latn.jsonl", "a language that the table doesn't have")
    collection = import_collection("belebele", belebele, tmp_path / "out")
    assert collection.languages == ("en", "hi", "hi-Latn", "so", "zh", "zh-Hant")
    for code, dialect in (("hi", "hin_Deva"), ("hi-Latn", "hin_Latn"), ("zh-Hant", "zho_Hant")):
        assert collection.queries(code)["p001-1"].startswith(dialect)
    assert "qqq_Latn" in caplog.text


def test_belebele_with_other_fields_names_the_line(belebele):
    write(belebele / "som_Latn.jsonl", rows({"text": "passage", "items": []}))
    assert_refused("belebele", belebele, r"som_Latn\.jsonl, line 1: no field 'link'")


def test_belebele_cut_in_a_line_names_it(belebele):
    cut(belebele / "som_Latn.jsonl")
    assert_refused("belebele", belebele, r"som_Latn\.jsonl, line 2: not JSON")


def test_belebele_cut_between_lines_is_refused(belebele):
    path = belebele / "som_Latn.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert_refused("belebele", belebele, r"questions in so aren't those in English \(1 ")


# --- CLEF ---------------------------------------------------------------------------------------

LA_TIMES = """<DOC>
<DOCNO> LA010194-0001 </DOCNO>
<DOCID> 000001 </DOCID>
<SOURCE><P>LATIMES</P></SOURCE>
<HEADLINE>
<P>
CAFÉS & SALT;
</P>
</HEADLINE>
<TEXT>
<P>
AT&T sells sea salt &amp; water at 3 < 4.
</P>
</TEXT>
</DOC>
<DOC>
<DOCNO> LA010194-0002 </DOCNO>
<TEXT><P>moon</P></TEXT>
</DOC>
"""
HERALD = """<DOC><DOCNO>GH950102-000000</DOCNO><DOCID>GH950102-000000</DOCID>
<HEADLINE>Glasgow rain</HEADLINE><TEXT>
It rained.
</TEXT></DOC>
"""
CLOSED = """<top>
<num> C041 </num>
<{0}-title> {1} </{0}-title>
<{0}-desc> {2}
and more. </{0}-desc>
<{0}-narr> not this </{0}-narr>
</top>
"""
OPEN = """<top>
<num> C001
<{0}-title>
{1}

<{0}-desc>
{2}
and more.

<{0}-narr>
not this

</top>
"""
LISTED = """query_id: C041
title: Cusbo
description: Cusbada
badda ee cad

query_id: C042
title: Dayax
description: Dayaxa
"""


@pytest.fixture
def clef(source):
    latin = {"encoding": "iso-8859-1"}
    english = source / "DocumentData" / "DataCollections" / "English_data"
    write(english / "LATimes94" / "la010194.gz", LA_TIMES, **latin)
    write(english / "GlasgowHerald95" / "GH95" / "GH950102.sgml", HERALD, **latin)
    write(english / "LATimes94" / "readmela.txt", "not a document")
    write(english / "la.dtd", "<!ELEMENT DOC>")
    german = source / "DocumentData" / "DataCollections" / "German_data"
    write(german / "spiegel", HERALD.replace("GH95", "SP95"))
    text = CLOSED.format("DE", "Müll & Öl", "Fände Dokumente")
    write(source / "Topics2001" / "Top-de01.txt", text, **latin)
    write(
        source / "Topics2001" / "Top-en01.txt",
        CLOSED.format("EN", "Waste", "Find documents"),
        **latin,
    )
    write(
        source / "RelAssess" / "2001" / "qrels_english",
        "41 0 LA010194-0001 1\n41 0 GH950102-000000 0\n",
    )
    write(source / "RelAssess" / "2001" / "qrels_german", "41 0 SP950102-000000 1\n")
    return source


def test_clef_reads_latin_1_topics_and_english_newspapers(clef, tmp_path):
    collection = import_collection("clef", clef, tmp_path / "out")
    assert collection.queries("de") == {"C041": "Müll & Öl Fände Dokumente and more."}
    assert set(collection.by_id) == {"LA010194-0001", "LA010194-0002", "GH950102-000000"}
    assert collection.by_id["LA010194-0001"].title == "CAFÉS & SALT;"
    assert collection.by_id["LA010194-0001"].text == "AT&T sells sea salt & water at 3 < 4."
    assert collection.info.parallel


def test_clef_judgements_meet_the_topics_though_their_ids_are_written_otherwise(clef, tmp_path):
    collection = import_collection("clef", clef, tmp_path / "out")
    assert collection.qrels("en") == {"C041": {"LA010194-0001": 1, "GH950102-000000": 0}}


def test_clef_2000_has_open_tags_and_letters_of_its_own(clef, tmp_path):
    for letters in ("E", "D", "SP", "SW"):
        text = OPEN.format(letters, f"title {letters}", "Find it")
        write(clef / "topics2000" / f"TOP-{letters}.txt", text)
    collection = import_collection("clef", clef, tmp_path / "out")
    assert collection.queries("sv") == {"C001": "title SW Find it and more."}
    assert collection.queries("es") == {"C001": "title SP Find it and more."}
    assert set(collection.queries("de")) == {"C001", "C041"}


def test_clef_closed_sw_tags_are_swahili(clef, tmp_path):
    write(clef / "Topics2001" / "Top-sw01.txt", CLOSED.format("SW", "Chumvi", "Tafuta"))
    assert "sw" in import_collection("clef", clef, tmp_path / "out").languages


def test_clef_topics_without_a_language_in_their_tags_have_it_in_the_name(clef, tmp_path):
    text = CLOSED.format("XX", "Cusbo", "Raadi").replace("XX-", "")
    write(clef / "Topics2001" / "Top-so01.txt", text)
    collection = import_collection("clef", clef, tmp_path / "out")
    assert collection.queries("so") == {"C041": "Cusbo Raadi and more."}


def test_clef_somali_topics_as_lists_of_fields(clef, tmp_path):
    write(clef / "Topics2001" / "clef-en-2000-2003-wo-narrative-Day-2_SOMALI.txt", LISTED)
    collection = import_collection("clef", clef, tmp_path / "out")
    assert collection.queries("so") == {
        "C041": "Cusbo Cusbada badda ee cad",
        "C042": "Dayax Dayaxa",
    }
    assert not collection.info.parallel


def test_clef_somali_topics_cut_short_name_the_line(clef):
    text = LISTED[: LISTED.rindex("description")]
    write(clef / "Topics2001" / "clef-en-2000-2003-wo-narrative-Day-2_SOMALI.txt", text)
    assert_refused("clef", clef, r"SOMALI\.txt, line 6: a topic without")


def test_clef_topics_cut_short_name_the_line(clef):
    cut(clef / "Topics2001" / "Top-de01.txt")
    assert_refused("clef", clef, r"Top-de01\.txt, line 1: the file ends inside this <top>")


@pytest.mark.parametrize("part", ["documents", "topics"])
def test_clef_with_files_of_another_form_names_them(clef, part):
    folder = (
        "DocumentData/DataCollections/English_data/x" if part == "documents" else "Topics2001/x"
    )
    write(clef / folder, "<doc-like> but not it")
    assert_refused("clef", clef, r"x: no <(DOC|top)> element in it")


def test_clef_documents_cut_short_name_the_line(clef):
    path = clef / "DocumentData/DataCollections/English_data/LATimes94/la010194.gz"
    write(path, LA_TIMES[:-12])
    assert_refused("clef", clef, r"la010194\.gz, line 16: the file ends inside this <DOC>")


def test_clef_gzip_stream_cut_short_names_the_line(clef):
    path = clef / "DocumentData/DataCollections/English_data/LATimes94/la010194.gz"
    write(path, "".join(LA_TIMES.replace("-0", f"-{n * n}") for n in range(2000)))
    cut(path)
    assert_refused("clef", clef, r"la010194\.gz after line \d+")


def test_a_damaged_gzip_stream_is_one_sentence(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"text")[:10] + b"\xff" * 20)
    with pytest.raises(InputError, match=r"cannot read .*x\.gz: .*invalid block type"):
        list(read_lines(path))


def test_elements_may_share_lines_and_have_text_between_them(tmp_path):
    path = tmp_path / "x"
    path.write_text('<?xml?><root><DOC id="1">a</DOC><doc>b\nc</doc> x <DOC>d\n</DOC></root>')
    assert list(sgml.elements(path, "DOC")) == [(1, "a"), (1, "b\nc"), (2, "d\n")]


def test_clef_topics_that_tell_no_language_are_refused(clef):
    write(clef / "Topics2001" / "Top-xq01.txt", CLOSED.format("XQ", "Cusbo", "Raadi"))
    assert_refused("clef", clef, "<XQ-title> names no language")
    text = CLOSED.format("XX", "Cusbo", "Raadi").replace("XX-", "")
    write(clef / "Topics2001" / "Top-xq01.txt", text)
    assert_refused("clef", clef, "its name must tell the language")


def test_clef_somali_topics_begin_with_an_id(clef):
    name = "clef-en-2000-2003-wo-narrative-Day-2_SOMALI.txt"
    write(clef / "Topics2001" / name, f"\nquery_id C041\n{LISTED}")
    assert_refused("clef", clef, r"line 2: `query_id: C041` was expected")


def test_clirmatrix_of_unknown_languages_alone_is_refused(source):
    write(source / "DOCS" / "en.tsv.gz", "d1\tsalty water\n")
    row = rows(clirmatrix_row("1", "Meer", ("d1", 6)))
    write(source / "als" / "als.en.test1.base.jl.gz", row)
    assert_refused("clirmatrix", source, r"none of its query languages is known \(als\)")


def test_belebele_questions_of_another_passage_are_refused(belebele):
    other = belebele_row("Mars", 1, "som_Latn Mars", "som_Latn Mars 1?", "som_Latn")
    with (belebele / "som_Latn.jsonl").open("a") as file:
        file.write(rows(other))
    assert_refused("belebele", belebele, "Mars is a passage that eng_Latn.jsonl doesn't have")
