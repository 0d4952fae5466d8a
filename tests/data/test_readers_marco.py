"""MIRACL, CIRAL, MS MARCO and mMARCO: made-up files in the published layouts."""

import gzip
import json
import tracemalloc

import pytest

from optical_core.data.readers import import_collection
from optical_core.data.readers.marco import Triple, read_triples
from optical_core.errors import InputError


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])


def assert_refused(form, source, match):
    target = source.parent / "installed" / "out"
    with pytest.raises(InputError, match=match):
        import_collection(form, source, target)
    assert not target.parent.exists() or not list(target.parent.iterdir())


@pytest.fixture
def miracl(tmp_path):
    source = tmp_path / "source"
    for code in ("sw", "yo"):
        folder, stem = source / f"miracl-v1.0-{code}", f"miracl-v1.0-{code}-dev.tsv"
        write(folder / "topics" / f"topics.{stem}", "7#0\tbahari ni nini\n8#0\tmwezi ni nini\n")
        write(
            folder / "qrels" / f"qrels.{stem}",
            "7#0\tQ0\t12#3\t1\n7#0\tQ0\t12#4\t0\n8#0\tQ0\t9#0\t1\n",
        )
        rows = [
            ("12#3", "Bahari", "maji ya chumvi"),
            ("12#4", "Bahari", "samaki"),
            ("9#0", "", "x"),
        ]
        for shard, part in enumerate((rows[:2], rows[2:])):
            text = "".join(
                json.dumps({"docid": d, "title": t, "text": x}) + "\n" for d, t, x in part
            )
            write(source / f"miracl-corpus-v1.0-{code}" / f"docs-{shard}.jsonl.gz", text)
    return source


def test_miracl_is_one_language_with_its_own_passages(miracl, tmp_path):
    collection = import_collection("miracl", miracl, tmp_path / "out", unit="sw")
    assert (collection.languages, collection.info.passage_language) == (("sw",), "sw")
    assert not collection.info.parallel
    assert collection.queries("sw")["7#0"] == "bahari ni nini"
    assert collection.qrels("sw") == {"7#0": {"12#3": 1, "12#4": 0}, "8#0": {"9#0": 1}}
    assert [passage.id for passage in collection.passages()] == ["12#3", "12#4", "9#0"]


def test_miracl_of_several_languages_asks_which(miracl, tmp_path):
    assert_refused("miracl", miracl, r"several languages \(sw, yo\): say which with --unit")
    with pytest.raises(InputError, match="no MIRACL topics in 'te'"):
        import_collection("miracl", miracl, tmp_path / "out", unit="te")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("topics", "7#0 no tab\n", r"topics.*line 1: 2 tab-separated columns"),
        ("qrels", "7#0\tQ0\n", r"qrels.*line 1: qrels have 3 columns"),
        ("docs-0", '{"id": 1}\n', r"docs-0.*line 1: no field 'docid'"),
        ("docs-1", None, r"docs-1\.jsonl\.gz"),
    ],
)
def test_miracl_wrong_or_cut_files_are_named(miracl, name, text, message):
    for path in list(miracl.rglob("*")):
        if path.is_file() and "-yo" in str(path):
            path.unlink()
    (path,) = miracl.rglob(f"{name}*sw*" if name in ("topics", "qrels") else f"{name}*")
    if path.is_dir():
        (path,) = path.iterdir()
    if text is None:
        cut(path)
    else:
        write(path, text)
    assert_refused("miracl", miracl, message)


@pytest.fixture
def msmarco(tmp_path):
    source = tmp_path / "source"
    write(source / "collection.tsv", "0\tthe sea is salty\n1\tthe moon\n2\ta fish\n")
    write(source / "queries.dev.small.tsv", "5\twhy salty\n6\tnot judged\n")
    write(source / "qrels.dev.small.tsv", "5\t0\t0\t1\n")
    return source


def test_msmarco_keeps_the_judged_queries(msmarco, tmp_path):
    collection = import_collection("msmarco", msmarco, tmp_path / "out")
    assert collection.queries("en") == {"5": "why salty"}
    assert collection.qrels("en") == {"5": {"0": 1}}


def test_msmarco_without_its_files_or_cut_is_refused(msmarco):
    with (msmarco / "collection.tsv").open("a") as file:
        file.write("3")
    assert_refused("msmarco", msmarco, r"collection.tsv, line 4: 2 tab-separated")
    (msmarco / "qrels.dev.small.tsv").unlink()
    assert_refused("msmarco", msmarco, "queries.dev.small.tsv with its qrels")


def test_mmarco_asks_the_english_passages_in_every_language(tmp_path):
    source = tmp_path / "source"
    write(source / "collections" / "english_collection.tsv", "0\tthe sea is salty\n1\tthe moon\n")
    for name, text in (("english", "why salty"), ("german", "warum salzig"), ("hindi", "क्यों")):
        write(source / "queries" / "dev" / f"{name}_queries.dev.small.tsv", f"5\t{text}\n")
    write(source / "qrels.dev.small.tsv", "5\t0\t0\t1\n")
    collection = import_collection("mmarco", source, tmp_path / "out")
    assert set(collection.languages) == {"en", "de", "hi"}
    assert collection.info.parallel
    assert collection.queries("hi") == {"5": "क्यों"}
    write(source / "queries" / "dev" / "martian_queries.dev.small.tsv", "5\tx\n")
    again = import_collection("mmarco", source, tmp_path / "again")
    assert set(again.languages) == {"en", "de", "hi"}
    (source / "collections" / "english_collection.tsv").unlink()
    (source / "queries" / "dev" / "martian_queries.dev.small.tsv").unlink()
    assert_refused("mmarco", source, "no english_collection.tsv")


@pytest.mark.slow
def test_a_large_corpus_is_read_in_bounded_memory(msmarco, tmp_path):
    with (msmarco / "collection.tsv").open("a") as file:
        for number in range(3, 60_000):
            file.write(f"{number}\t{'salt and water of the old sea ' * 4}\n")
    tracemalloc.start()
    import_collection("msmarco", msmarco, tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_training_triples_are_streamed(tmp_path):
    path = write(tmp_path / "triples.train.small.tsv.gz", "q\tgood\tbad\nq2\tgood two\tbad two\n")
    assert list(read_triples(path)) == [
        Triple("q", "good", "bad"),
        Triple("q2", "good two", "bad two"),
    ]
    write(path, "q\tgood\n")
    with pytest.raises(InputError, match=r"line 1: 3 tab-separated columns were expected"):
        list(read_triples(path))


@pytest.fixture
def ciral(tmp_path):
    source = tmp_path / "source"
    folder, stem = source / "ciral-somali", "ciral-v1.0-so-test-a"
    write(folder / "topics" / f"topics.{stem}.tsv", "3\twhy is the sea salty\n")
    write(folder / "qrels" / f"qrels.{stem}.tsv", "3\tQ0\td1\t1\n3\tQ0\td2\t0\n")
    write(folder / "qrels" / f"qrels.{stem}-pools.tsv", "3\tQ0\td2\t1\n3\tQ0\td3\t0\n")
    rows = [{"docid": f"d{n}", "title": "", "text": f"bad {n}", "url": ""} for n in (1, 2, 3)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    write(source / "ciral-corpus" / "ciral-somali" / "passages.jsonl.gz", text)
    return source


def test_ciral_asks_in_english_and_its_pools_judge_more(ciral, tmp_path):
    collection = import_collection("ciral", ciral, tmp_path / "out")
    assert collection.languages == ("en",)
    assert "Somali" in collection.info.description
    assert collection.info.passage_language == "so"
    assert collection.qrels("en") == {"3": {"d1": 1, "d2": 1, "d3": 0}}


def test_ciral_wrong_or_cut_files_are_named(ciral):
    (corpus,) = ciral.rglob("passages.jsonl.gz")
    whole = corpus.read_bytes()
    cut(corpus)
    assert_refused("ciral", ciral, r"passages.jsonl.gz")
    corpus.write_bytes(whole)
    (topics,) = ciral.rglob("topics.*.tsv")
    write(topics, "3 why\n")
    assert_refused("ciral", ciral, r"topics.*line 1: 2 tab-separated")
    topics.unlink()
    assert_refused("ciral", ciral, "with its qrels")
