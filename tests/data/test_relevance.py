"""Relevance in every published form: made-up files in the layouts of their sources."""

import gzip
import json

import pytest

from optical_core.data.collection import Passage
from optical_core.data.examples import Example
from optical_core.data.overlap import guard_relevance, refuse_test_data
from optical_core.data.relevance import Relevance, filter_relevance, read_relevance
from optical_core.errors import InputError

CORPUS = [
    {"_id": "p1", "title": "Sea", "text": "the sea is salty water"},
    {"_id": "p2", "title": "Moon", "text": "the moon is a small cold star"},
    {"_id": "p3", "title": "", "text": "a fish is in the water"},
]
QUERIES = [
    {"_id": "q1", "text": "why is the sea salty"},
    {"_id": "q2", "text": "which fish swims here"},
]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def beir(folder, suffix="", qrels="qrels.tsv", judged="q1\tp1\t1\nq1\tp2\t0\nq2\tp3\t1\n"):
    write(folder / f"corpus.jsonl{suffix}", lines(CORPUS))
    write(folder / f"queries.jsonl{suffix}", lines(QUERIES))
    write(folder / f"{qrels}{suffix}", "query-id\tcorpus-id\tscore\n" + judged)
    return folder


@pytest.fixture
def marco(tmp_path):
    folder = tmp_path / "marco"
    write(folder / "collection.tsv", "1\tsalty sea\n2\tcold moon\n3\ta fish\n4\tnever named\n")
    write(folder / "queries.train.tsv", "11\twhy is the sea salty\n12\twhere is the fish\n")
    return folder


@pytest.mark.parametrize(("suffix", "qrels"), [("", "qrels.tsv"), (".gz", "qrels/train.tsv")])
def test_a_beir_folder_gives_its_corpus_and_both_kinds_of_judgements(tmp_path, suffix, qrels):
    found = read_relevance([beir(tmp_path / "nq", suffix, qrels)])
    first, second = found.examples
    assert first == Example("why is the sea salty", ("nq/p1",), ("nq/p2",), (), "nq", "en")
    assert (second.positives, second.negatives) == (("nq/p3",), ())
    assert found.passages["nq/p2"] == Passage("nq/p2", "Moon", "the moon is a small cold star")
    assert found.sources == {"nq": 2}
    assert not found.scored


def test_a_collection_is_read_in_the_languages_that_are_asked_for(collection):
    found = read_relevance([collection.folder], ("en", "sw"))
    assert found.languages == {"en": 3, "sw": 3}
    best_first = found.examples[0].positives
    assert best_first == ("tiny/p1", "tiny/p6")
    with pytest.raises(InputError, match="has queries in en, sw, not in de"):
        read_relevance([collection.folder], ("de",))


def test_triples_of_texts_share_their_passages(tmp_path):
    text = "sea?\tsalty sea\tmoon\nsea again?\tsalty sea\tfish\n"
    found = read_relevance([write(tmp_path / "triples.train.small.tsv.gz", text)])
    assert [e.positives for e in found.examples] == [("triples/0",), ("triples/0",)]
    assert found.passages["triples/2"].text == "fish"


def test_triples_of_ids_name_queries_and_passages_beside_them(marco):
    write(marco / "qidpidtriples.train.tsv", "11\t1\t2\n12\t3\t2\n13\t1\t2\n")
    found = read_relevance([marco])
    assert [e.query for e in found.examples] == ["why is the sea salty", "where is the fish"]
    assert found.examples[1].negatives == ("marco/2",)
    assert found.dropped == {"query unknown": 1}
    assert set(found.passages) == {"marco/1", "marco/2", "marco/3"}


def test_colberts_lists_hold_scores_or_none(marco):
    scored = write(marco / "examples.json", "[11, [1, 9.5], [2, 1.25]]\n[12, [3, 7], [2, -1]]\n")
    plain = write(marco / "plain" / "triples.jsonl", "[11, 1, 2, 3]\n")
    for name in ("collection.tsv", "queries.train.tsv"):
        write(plain.parent / name, (marco / name).read_text())
    found = read_relevance([scored])
    assert found.scored
    assert found.examples[0].scores == (9.5, 1.25)
    assert found.examples[1].keys == ("examples/3", "examples/2")
    (example,) = read_relevance([plain]).examples
    assert (example.scores, example.negatives) == ((), ("triples/2", "triples/3"))


@pytest.mark.parametrize("as_text", [False, True])
def test_pylates_tables_are_told_by_their_columns(tmp_path, as_text):
    import pyarrow
    from pyarrow.parquet import write_table

    ids, scores = [[2, 1], [3, 2]], [[0.1, 0.9], [0.8, 0.3]]
    if as_text:
        ids, scores = [str(row) for row in ids], [str(row) for row in scores]
    tables = {
        "train/0.parquet": {"query_id": [11, 12], "document_ids": ids, "scores": scores},
        "queries/0.parquet": {"query_id": [11, 12], "text": ["why salty", "where fish"]},
        "documents/0.parquet": {"document_id": [1, 2, 3], "text": ["salty sea", "moon", "fish"]},
    }
    for name, columns in tables.items():
        path = tmp_path / "pylate" / name
        path.parent.mkdir(parents=True)
        write_table(pyarrow.table(columns), path)
    first, second = read_relevance([tmp_path / "pylate"]).examples
    assert (first.positives, first.scores) == (("pylate/1",), (0.9, 0.1))
    assert (second.positives, second.negatives) == (("pylate/3",), ("pylate/2",))


def test_limits_draw_alike_for_a_seed_and_sources_of_one_name_stay_apart(tmp_path):
    one, two = beir(tmp_path / "a" / "nq"), beir(tmp_path / "b" / "nq")
    found = read_relevance([f"{one}:1", two], seed=3)
    assert found.sources == {"nq": 1, "nq-2": 2}
    assert found.hash == read_relevance([f"{one}:1", two], seed=3).hash
    drawn = {read_relevance([f"{one}:1"], seed=s).examples[0].query for s in range(8)}
    assert len(drawn) == 2
    assert len(read_relevance([one, two], pairs=1)) == 2


def test_what_teaches_nothing_is_dropped_and_counted(tmp_path):
    passages = {
        key: Passage(key, "", text)
        for key, text in [
            ("a", "The sea."),
            ("b", "the sea"),
            ("c", " "),
            ("d", "a moon"),
            ("e", "x"),
        ]
    }
    examples = (
        Example("?", ("a",)),
        Example("sea", ("a",), ("b", "d"), (3.0, 2.0, 1.0)),
        Example("Sea!", ("a",), ("d",)),
        Example("a moon", ("d", "e")),
        Example("nothing", ("c",)),
        Example("gone", ("z",)),
    )
    found = filter_relevance(Relevance(examples, passages))
    assert [(e.query, e.positives, e.negatives) for e in found.examples] == [
        ("sea", ("a",), ("d",)),
        ("a moon", ("e",), ()),
    ]
    assert found.examples[0].scores == (3.0, 1.0)
    assert found.dropped == {
        "empty query": 1,
        "negative is relevant": 1,
        "duplicate": 1,
        "passage says the query": 1,
        "empty passage": 1,
        "passage unknown": 1,
        "nothing relevant": 2,
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no such relevance"),
        ({"notes.txt": "x"}, "no relevance data of a known form"),
        ({"corpus.jsonl": lines(CORPUS), "queries.jsonl": lines(QUERIES)}, "no qrels.tsv"),
        ({"corpus.jsonl": lines(CORPUS)}, "no queries.jsonl"),
        ({"triples.tsv": "11\t1\t2\n"}, r"has no queries\*.tsv"),
        (
            {"x.json": "[11, [1, 2], 3]\n", "queries.tsv": "11\ta\n", "collection.tsv": "1\tb\n"},
            "all alike",
        ),
        (
            {"x.json": '[11, [1, "9"]]\n', "queries.tsv": "11\ta\n", "collection.tsv": "1\tb\n"},
            "'9' is no score",
        ),
        (
            {"x.json": "[11]\n", "queries.tsv": "11\ta\n", "collection.tsv": "1\tb\n"},
            "line 1: .query id",
        ),
        (
            {"s.jsonl": lines([{"query_id": 1, "document_ids": [1], "scores": [1]}])},
            "no file with query_id",
        ),
        ({"x.json": "[11, 1, 2]\n", "triples.tsv": "1\t1\t2\n"}, "several forms"),
    ],
)
def test_what_is_not_relevance_is_told(tmp_path, files, message):
    for name, text in files.items():
        write(tmp_path / "given" / name, text)
    with pytest.raises(InputError, match=message):
        read_relevance([tmp_path / "given"])


def test_examples_without_relevant_passages_are_told(tmp_path):
    with pytest.raises(InputError, match="no query with a relevant passage"):
        read_relevance([beir(tmp_path / "nq", judged="q1\tp9\t1\nq2\tp1\t0\n")])


def test_scored_rows_must_fit_together(tmp_path):
    row = {"query_id": 1, "document_ids": [1, 2], "scores": [1]}
    write(tmp_path / "s.jsonl", lines([row]))
    write(tmp_path / "q.jsonl", lines([{"query_id": 1, "text": "q"}]))
    write(tmp_path / "d.jsonl", lines([{"document_id": 1, "text": "d"}]))
    with pytest.raises(InputError, match="line 1: 2 document_ids, but 1 scores"):
        read_relevance([tmp_path])


def test_an_id_that_comes_twice_is_refused(tmp_path, marco):
    folder = beir(tmp_path / "nq")
    write(folder / "corpus.jsonl", lines([*CORPUS, CORPUS[0]]))
    with pytest.raises(InputError, match="nq: the passage id 'p1' comes twice"):
        read_relevance([folder])
    write(marco / "qidpidtriples.train.tsv", "11\t1\t2\n")
    write(marco / "queries.train.tsv", "11\twhy\n11\twhere\n")
    with pytest.raises(InputError, match="the query id '11' comes twice"):
        read_relevance([marco])


def test_a_source_is_named_as_its_folder_is(tmp_path, monkeypatch):
    folder = beir(tmp_path / "nq-v1.0")
    monkeypatch.chdir(folder)
    for given in (folder, "."):
        assert read_relevance([given]).sources == {"nq-v1.0": 2}


def test_an_evaluated_collection_is_no_training_data(collection, tmp_path):
    source = beir(tmp_path / "nq")
    relevance = read_relevance([source])
    with pytest.raises(InputError, match=r"collection tiny: 1, such as .*sea salty"):
        guard_relevance(relevance, [collection])
    kept = guard_relevance(relevance, [collection], drop=True)
    assert [example.query for example in kept.examples] == ["which fish swims here"]
    assert "nq/p1" not in kept.passages
    assert kept.dropped["examples that are part of tiny"] == 1


def test_a_source_that_is_left_out_as_a_whole_is_named(collection, tmp_path, caplog):
    relevance = read_relevance(
        [beir(tmp_path / "nq"), beir(tmp_path / "installed", judged="q1\tp1\t1\n")]
    )
    assert relevance.sources == {"nq": 2, "installed": 1}
    assert guard_relevance(relevance, [collection], drop=True).sources == {"nq": 1}
    (message,) = caplog.messages
    assert "nothing is left of installed" in message
    assert "the collection tiny" in message


def test_test_data_is_refused_by_its_name(tmp_path):
    for name in ("test-scifact", "english_relevance/test-liveqa-med:50", "test.jsonl", "ntrex128"):
        with pytest.raises(InputError, match="never for training"):
            refuse_test_data([tmp_path / name])
    refuse_test_data(["scifact-train", "contest", "testing"])
