"""Files as people have them: blanks, repeated ids, odd numbers, null, compression, several files.

What decides a value is never the order of lines, and what is written can be read again.
"""

import bz2
import gzip
import io
import json
import lzma
import tarfile

import pyarrow
import pytest

from optical_core.analysis.metrics import per_query_measures
from optical_core.data.bitext import read_bitext
from optical_core.data.collection import (
    CollectionInfo,
    Passage,
    open_collection,
    write_collection,
)
from optical_core.data.gold import read_gold
from optical_core.data.left_out import judgements_left_out
from optical_core.data.lexicons import lexicon_of, read_lexicon
from optical_core.data.lines import read_lines, read_queries, read_topics
from optical_core.data.passages import read_passages
from optical_core.data.readers import import_collection
from optical_core.data.trec import read_qrels, read_run, write_qrels, write_run
from optical_core.errors import InputError
from optical_core.study.results import read_values
from optical_core.study.study_files import read_study
from tests.samples import COLLECTIONS, FOLDER, STUDY, write_files


def zstd(data):
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


COMPRESSED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.fixture
def file(tmp_path):
    def write(content, name="x.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        "1\t0\td1\t1\n1 0\td2\t0\n",
        "1 0 d1 1 \r\n 1\t0\td2\t0\t\r\n",
        "\ufeff1 0 d1 1\n\n1   0   d2   0\n",
        "query-id\tcorpus-id\tscore\n1\td1\t1\n1\td2 \t0\n",
        "query_id\tdoc_id\trelevance\titeration\n1\td1\t1\t7\n1\td2\t0\t7\n",
        "1 0 d1 +1\n1 0 d2 0.0\n",
        "1 0 d1 1\n1 0 d2 0\n1 0 d1 1\n",
    ],
)
def test_any_blanks_separate_the_columns_of_qrels(file, content):
    assert read_qrels(file(content)) == {"1": {"d1": 1, "d2": 0}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q 0 d 1\nq 0 d 0\n", "line 2: d is judged 0 for q, and 1 before"),
        ("q 0 d 0\nq 0 d 1\n", "line 2: d is judged 1 for q, and 0 before"),
        ("q 1 d 1\nq 2 d 0\n", "line 2: d is judged 0"),  # topic, subtopic: diversity qrels
        ("q\tdoc 1\t2\n", "line 1: qrels have 3 columns .* ids have no blanks"),
        ("query-id\tcorpus-id\tscore\nq\tdoc 1\t2\n", "line 2: qrels have 3 columns"),
        *(
            (f"q 0 d 1\nq 0 e {value}\n", "line 2: .* is no grade")
            for value in (
                "0.5",
                "1.9",
                "1e3",
                "1_000",
                "١",
                "nan",
                "inf",
                "true",
                "",
                "0x1",
                "29796962845",
                "-29796962845",
                "9" * 5000,
            )
            if value
        ),
    ],
)
def test_what_a_judgement_says_is_never_guessed(file, content, message):
    with pytest.raises(InputError, match=message):
        read_qrels(file(content))


def test_repeated_judgements_count_once_and_are_told(file, caplog):
    assert read_qrels(file("q 0 d 2\nq 0 d 2\n"), file("q 0 d 2\n", "y")) == {"q": {"d": 2}}
    assert "1 judgement comes again; each counts once" in caplog.text
    with pytest.raises(InputError, match="y, line 1: d is judged 1 for q, and 2 before"):
        read_qrels(file("q 0 d 2\n"), file("q 0 d 1\n", "y"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q Q0 d 1 2 me\nq Q0 d 2 2 me\n", "line 2: d comes twice in the ranking of q"),
        ("q Q0 doc 1 1 2 me\n", "line 1: a run has 6 columns"),
        *((f"q Q0 d 1 {v} me\n", "not a number") for v in ("nan", "inf", "1e999", "1_0", "١")),
    ],
)
def test_runs_are_read_alike(file, content, message):
    with pytest.raises(InputError, match=message):
        read_run(file(content))


def test_what_is_written_is_read_again_or_refused(tmp_path):
    path = tmp_path / "x"
    run = {"q/../1": {"..": 1.0000000001, "é": 1.0, "e\u0301": -2e-30}, "none": {}}
    write_run(path, run, name="me")
    assert read_run(path) == {query: found for query, found in run.items() if found}
    write_run(path, {}, name="me")
    assert read_run(path) == {}
    for wrong in ("", "doc 1", "a\tb", "a\n", "a\u00a0b", "a\0b", "\u2028", "\x1c"):
        for ids in ((wrong, "d"), ("q", wrong)):
            with pytest.raises(InputError, match="can't be the id"):
                write_run(path, {ids[0]: {ids[1]: 1.0}}, name="me")
            with pytest.raises(InputError, match="can't be the id"):
                write_qrels(path, {ids[0]: {ids[1]: 1}})
    with pytest.raises(InputError, match="no grade"):
        write_qrels(path, {"q": {"d": 10**9}})
    assert read_run(path) == {}


def test_scores_that_trec_eval_takes_for_equal_are_ordered_as_it_does(tmp_path):
    run = {"q": {"a": 1.00000002, "b": 1.00000001, "c": 0.5}}
    write_run(tmp_path / "x", run, name="me")
    ranked = [line.split()[2] for line in (tmp_path / "x").read_text().splitlines()]
    found = [per_query_measures(run, {"q": {doc: 1}})["RR"]["q"] for doc in ranked]
    assert ranked == ["b", "a", "c"]
    assert found == pytest.approx([1, 1 / 2, 1 / 3])


@pytest.mark.parametrize("ending", COMPRESSED)
def test_compressed_files_are_read_everywhere(ending, tmp_path, file):
    def put(content, name):
        return file(COMPRESSED[ending](content), name + ending)

    assert read_qrels(put(b"q 0 d 1\n", "qrels.txt")) == {"q": {"d": 1}}
    assert read_run(put(b"q Q0 d 1 2 me\n", "x.run")) == {"q": {"d": 2.0}}
    assert next(read_passages(put(b'{"_id": "d", "text": "sea"}\n', "p.jsonl"))).text == "sea"
    assert read_bitext(put(b"sea\tbahari\n", "x.sw.tsv")).languages == {"sw": 1}
    english = put(b"sea\n", "moses/x.en")
    put(b"bahari\n", "moses/x.sw")
    assert read_bitext(english).languages == read_bitext(english.parent).languages == {"sw": 1}
    put(b"1-1\n", "a.gold")
    assert read_gold(put(b"mer ||| sea\n", "a.src-tgt"))[0].english == "sea"
    assert read_study(str(put(STUDY, "s.yaml"))).name == "tiny"
    folder = tmp_path / "own"
    for name, data in FOLDER.items():
        put(data, f"own/{name}") if name != "collection.json" else file(data, f"own/{name}")
    opened = open_collection(folder)
    assert opened.queries("en")
    assert opened.by_id
    assert opened.qrels("en")


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("form", COLLECTIONS)
def test_every_reader_reads_compressed_files_as_plain_ones(form, ending, tmp_path):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    write_files(plain, COLLECTIONS[form])
    write_files(
        packed,
        {
            # Parquet is compressed inside.
            name if name.endswith((".gz", ".parquet")) else name + ending: data
            if name.endswith((".gz", ".parquet"))
            else COMPRESSED[ending](data)
            for name, data in COLLECTIONS[form].items()
        },
    )
    one, other = (
        import_collection(form, folder, tmp_path / f"{folder.name}-out", name="x")
        for folder in (plain, packed)
    )
    assert other.fingerprint == one.fingerprint


def test_what_cannot_be_unpacked_is_named(file):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    for content, name in (
        (b"PK\x03\x04....", "a zip file"),
        (b"\x1f\x9d....", "compress"),
        (b"7z\xbc\xaf\x27\x1c..", "a 7z file"),
        (gzip.compress(tar.getvalue()), "a tar archive"),
    ):
        with pytest.raises(InputError, match=rf"x\.run is {name}.*: unpack it"):
            read_run(file(content, "x.run"))
    with pytest.raises(InputError, match=r"x\.gz is no \.gz file"):
        list(read_lines(file("plain", "x.gz")))
    for ending, packed in COMPRESSED.items():
        cut = file(packed(b"line\n" * 9999)[:-9], f"cut{ending}")
        with pytest.raises(InputError, match="cannot read"):
            list(read_lines(cut))


def test_a_file_beside_its_compressed_form_is_refused(tmp_path, file):
    folder = tmp_path / "own"
    write_files(folder, FOLDER)
    file(gzip.compress(b'{"_id": "z", "text": "z"}\n'), "own/corpus.jsonl.gz")
    with pytest.raises(InputError, match=r"corpus.jsonl and corpus.jsonl.gz .* which one counts"):
        list(open_collection(folder).passages())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"_id": "q", "text": null}', "line 2: text: null is no text"),
        ('{"_id": "q", "text": NaN}', "'nan' is no text"),
        ('{"_id": "q", "text": true}', "'True' is no text"),
        ('{"_id": "q", "text": ["x"]}', "is no text"),
        ('{"_id": null, "text": "x"}', "null is no id"),
        ('{"_id": 1.0, "text": "x"}', "'1.0' is no id"),
        ('{"_id": true, "text": "x"}', "is no id"),
        ('{"_id": " q", "text": "x"}', "' q' can't be the id"),
        ('{"_id": "", "text": "x"}', "'' can't be the id"),
        ('{"_id": "first", "text": "other"}', "line 2: the id 'first' comes twice"),
        ('{"_id": "q", "text": "x", "text": "y"}', "line 2: the field 'text' comes twice"),
    ],
)
def test_queries_that_say_no_id_or_text_are_refused(file, row, message):
    path = file('{"_id": "first", "text": "x"}\n' + row + "\n")
    with pytest.raises(InputError, match=message):
        read_queries(path)


def test_words_that_look_like_nothing_stay_words(file):
    rows = [{"_id": number, "text": word} for number, word in enumerate(("null", "NA", "nan", ""))]
    path = file("\n".join(map(json.dumps, [*rows, {"_id": 9, "text": 1984}])))
    assert read_queries(path) == {"0": "null", "1": "NA", "2": "nan", "3": "", "9": "1984"}


def test_parquet_null_and_numbers(tmp_path):
    from pyarrow.parquet import write_table

    table = {"_id": ["d"], "title": [None], "text": [None]}
    write_table(pyarrow.table(table), tmp_path / "x.parquet")
    assert list(read_passages(tmp_path / "x.parquet")) == [Passage("d", "", "")]
    for wrong in (None, 1.0):
        write_table(pyarrow.table({**table, "_id": [wrong]}), tmp_path / "x.parquet")
        with pytest.raises(InputError, match=r"x.parquet, row 1: _id: .* is no id"):
            list(read_passages(tmp_path / "x.parquet"))


@pytest.mark.parametrize(
    ("passages", "queries", "qrels", "message"),
    [
        ([("a b", "x")], {"q": "x"}, {}, "can't be the id"),
        ([("a", "x"), ("b", "x"), ("a", "x")], {"q": "x"}, {}, "the id 'a' comes twice"),
        ([("a", "x")], {"q 1": "x"}, {}, "can't be the id"),
        ([("a", "x")], {"q": "x"}, {"q": {"": 1}}, "can't be the id"),
        ([], {"q": "x"}, {}, "no passages"),
        ([("a", "x")], {}, {}, "no queries in en"),
    ],
)
def test_no_collection_is_written_that_could_not_be_read(
    tmp_path, passages, queries, qrels, message
):
    info = CollectionInfo(name="x", licence="x", source="x", languages=("en",), parallel=True)
    found = (Passage(key, "", text) for key, text in passages)
    with pytest.raises(InputError, match=message):
        write_collection(tmp_path / "out", info, found, {"en": queries}, qrels)
    assert not list(tmp_path.iterdir())


def test_a_measured_query_comes_once():
    for table in ("query,AP\nq,0.5\nq,0.2\n", "query,AP,AP\nq,0.5,0.2\n"):
        with pytest.raises(InputError, match="twice"):
            read_values(table, "x.csv")


TREC = {
    "topics.en.tsv": b"1\tsea\n2\tmoon\n",
    "topics.sw.tsv": b"3\tbahari\n",
    "docs.tsv": b"d1\tThe sea.\nd2\tThe moon.\n",
}


def imported(tmp_path, form, files):
    write_files(tmp_path / "source", files)
    return import_collection(form, tmp_path / "source", tmp_path / "out")


def test_qrels_of_each_language_are_all_read(tmp_path):
    files = {"qrels.en.txt": b"1 0 d1 1\n2 0 d2 1\n", "qrels.sw.txt": b"3 0 d1 1\n"}
    found = imported(tmp_path, "trec", TREC | files)
    assert found.qrels("en") == {"1": {"d1": 1}, "2": {"d2": 1}}
    assert found.qrels("sw") == {"3": {"d1": 1}}


def test_qrels_topics_and_documents_in_parts_are_joined(tmp_path):
    files = {
        "qrels.part1": b"1 0 d1 1\n",
        "qrels.part2.txt": b"3 0 d9 1\n",
        "topics.swh.2.tsv": b"4\tmwezi\n",
        "docs.more.tsv": b"d8\tSun.\n",
        "docs/a.jsonl": b'{"_id": "d9", "text": "Salt."}\n',
        "._qrels.part1": b"\0",
        ".DS_Store": b"\0",
        "docs/._a.jsonl": b"\0",
    }
    found = imported(tmp_path, "trec", TREC | files)
    assert found.qrels("en") | found.qrels("sw") == {"1": {"d1": 1}, "3": {"d9": 1}}
    assert set(found.queries("sw")) == {"3", "4"}
    assert set(found.by_id) == {"d1", "d2", "d8", "d9"}


@pytest.mark.parametrize(
    ("form", "files", "message"),
    [
        (
            "trec",
            {"qrels.en.txt": b"1 0 d1 1\n", "qrels.txt": b"3 0 d1 1\n"},
            r"qrels.en.txt, qrels.txt: some of these .* name all by their language",
        ),
        ("trec", {"qrels.en.txt": b"1 0 d1 1\n", "qrels.fr.txt": b"3 0 d1 1\n"}, "in fr, sw"),
        ("trec", {"qrels.1": b"1 0 d1 1\n", "qrels.2": b"1 0 d1 0\n"}, "qrels.2, line 1: d1 is"),
        ("trec", {"qrels": b"1 0 d1 1\n", "topics.en.txt": b"1\tother\n"}, "'1' comes twice"),
        ("trec", {"qrels": b"1 0 d1 1\n", "docs2.tsv": b"d1\tother\n"}, "'d1' comes twice"),
    ],
)
def test_several_files_that_do_not_fit_are_named(tmp_path, form, files, message):
    with pytest.raises(InputError, match=message):
        imported(tmp_path, form, TREC | files)


BEIR = {
    "corpus.jsonl": b'{"_id": "d1", "title": null, "text": "Sea."}\n',
    "queries.jsonl": b'{"_id": "q1", "text": "sea"}\n{"_id": "q2", "text": "salt"}\n',
}


def test_a_split_of_beir_is_chosen_and_the_others_are_told(tmp_path, caplog):
    files = {"qrels/test.tsv": b"q1\td1\t1\n", "qrels/dev.tsv": b"q2\td1\t1\n"}
    found = imported(tmp_path, "beir", BEIR | files)
    assert set(found.qrels("en")) == {"q1"}
    assert "judged by qrels/test.tsv" in found.info.description
    assert "left out: dev" in caplog.text
    other = import_collection("beir", tmp_path / "source", tmp_path / "dev", unit="dev")
    assert set(other.qrels("en")) == {"q2"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"qrels.tsv": b"q1 d1 1\n", "qrels/test.tsv": b"q1 d1 1\n"}, r"qrels.tsv and qrels/test"),
        ({"qrels.tsv": b"q1 d1 1\n", "queries/en.jsonl": BEIR["queries.jsonl"]}, "queries in en"),
        ({"qrels.tsv": b"q1 d1 1\n", "queries/eng.jsonl": BEIR["queries.jsonl"]}, "both queries"),
        ({"qrels.tsv": b"q1 d1 1\n", "queries.jsonl": b'{"_id": "q1", "text": null}\n'}, "null"),
    ],
)
def test_beir_folders_that_say_two_things_are_refused(tmp_path, files, message):
    with pytest.raises(InputError, match=message):
        imported(tmp_path, "beir", BEIR | files)


def test_beir_with_judgements_of_each_language(tmp_path):
    files = {
        "qrels/en.tsv": b"q1\td1\t1\n",
        "qrels/sw.tsv": b"q2\td1\t1\n",
        "queries/sw.jsonl": BEIR["queries.jsonl"],
    }
    found = imported(tmp_path, "beir", BEIR | files)
    assert (set(found.qrels("en")), set(found.qrels("sw"))) == ({"q1"}, {"q2"})


@pytest.mark.parametrize(
    "hidden", ["\ufeff", "\u200b", "\u200e", "\u200f", "\u202e", "\u2066", "\xad"]
)
def test_an_invisible_character_in_an_id_is_refused(file, hidden):
    # As where a file with a byte order mark was appended to another.
    appended = f"q1 0 d1 1\n{hidden}q2 0 d2 1\n"
    for read, content in (
        (read_qrels, appended),
        (read_run, f"q1 Q0 d1 1 2.0 r\nq1 Q0 d2{hidden} 2 1.0 r\n"),
        (read_topics, f"q1\tsea\n{hidden}q2\tmoon\n"),
        (read_queries, json.dumps({"_id": f"q{hidden}1", "text": "sea"}) + "\n"),
    ):
        with pytest.raises(InputError, match="an invisible character"):
            read(file(content))


def test_joiners_in_an_id_stay(file):
    assert read_qrels(file("نمی\u200cخواهم 0 क्\u200dष 1\n")) == {"نمی\u200cخواهم": {"क्\u200dष": 1}}


@pytest.mark.parametrize("read", [read_qrels, read_run, read_topics, read_queries])
def test_lines_of_old_macs_are_refused_not_read_as_one(file, read):
    with pytest.raises(InputError, match="lines end in a carriage return alone"):
        read(file("1\tsalty sea\r2\tmoon tides\r"))


SEA = b'{"_id": "q1", "text": "salty sea"}\n'


def test_a_line_that_names_the_columns_is_no_topic_and_no_passage(tmp_path):
    files = {
        "topics.en.tsv": b"qid\tquery\n1\tsalty sea\n",
        "docs.tsv": b"docid\ttext\nd1\tSalt of the sea.\n",
        "qrels.txt": b"1 0 d1 1\n",
    }
    made = imported(tmp_path, "trec", files)
    assert made.queries("en") == {"1": "salty sea"}
    assert list(made.by_id) == ["d1"]


def test_numbers_that_json_lacks_become_null_in_other_fields(tmp_path):
    row = '{"_id": "d1", "text": "sea", "year": NaN, "more": [1e999, {"a": -Infinity}]}\n'
    files = {"corpus.jsonl": row.encode(), "queries.jsonl": SEA, "qrels.tsv": b"q1 0 d1 1\n"}
    made = imported(tmp_path, "beir", files)
    assert made.by_id["d1"].fields == {"year": None, "more": [None, {"a": None}]}
    assert "NaN" not in (made.folder / "corpus.jsonl").read_text()
    assert made.corpus.matching("year is null") == {"d1"}


def test_a_corpus_of_blank_lines_is_refused(tmp_path):
    files = {"corpus.jsonl": b'{"_id": "d1", "text": "sea"}\n', "queries.jsonl": SEA}
    made = imported(tmp_path, "beir", files)
    (made.folder / "corpus.jsonl").write_text("\n\n")
    made = open_collection(made.folder)
    for read in (lambda: list(made.passages()), lambda: made.by_id):
        with pytest.raises(InputError, match=r"corpus.jsonl: there are no passages"):
            read()


def test_judgements_of_queries_that_no_language_has_are_told(tmp_path):
    files = {
        "corpus.jsonl": b'{"_id": "d1", "text": "sea"}\n',
        "queries.jsonl": SEA,
        "qrels.tsv": b"q1 0 d1 1\nQ1 0 d1 1\nq2 0 d9 1\n",
    }
    made = imported(tmp_path, "beir", files)
    assert made.qrels("en") == {"q1": {"d1": 1}}
    assert judgements_left_out(made) == [
        "1 judgement names a passage that the corpus lacks: left out of every measure",
        "2 judgements name queries that no language has: left out of every measure",
    ]


def test_two_files_of_one_language_are_refused_whatever_their_codes(tmp_path):
    write_files(tmp_path, {"sw.tsv": b"bahari\tsea\t1\n", "swh.tsv": b"bahari\tocean\t1\n"})
    with pytest.raises(InputError, match=r"sw.tsv and .*swh.tsv are both of sw"):
        lexicon_of(tmp_path, "sw")


@pytest.mark.parametrize("line", ["\tsea\t0.5", "bahari\t \t0.5", "bahari\tsea\t1_0", "a\tb\t٠.٥"])
def test_an_entry_of_a_lexicon_has_two_words_and_a_number(file, line):
    with pytest.raises(InputError, match="line 2: foreign word, English word and a probability"):
        read_lexicon(file(f"bahari\tsea\t0.5\n{line}\n"))


def test_endings_in_upper_case_are_read_and_other_forms_are_told(tmp_path, caplog):
    corpus = b'{"_id": "d1", "text": "sea"}\n'
    files = {
        "corpus.jsonl": corpus,
        "queries/en.jsonl": SEA,
        "queries/SW.JSONL": SEA.replace(b"salty sea", b"bahari"),
        "queries/so.csv": b"q1,badda\n",
        "qrels/TEST.TSV": b"q1\td1\t1\n",
        "qrels/readme": b"x",
    }
    made = imported(tmp_path, "beir", files)
    assert set(made.languages) == {"en", "sw"}
    assert made.queries("sw") == {"q1": "bahari"}
    assert made.qrels("sw") == {"q1": {"d1": 1}}
    assert "queries: passed over, *.jsonl was expected: so.csv" in caplog.text
    assert "qrels: passed over, *.tsv was expected: readme" in caplog.text
