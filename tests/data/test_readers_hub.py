"""Sets of the hub and of GitHub: made-up files in the published layouts."""

import json

import pytest
from pyarrow import Table
from pyarrow.parquet import write_table

from optical_core.data.readers import import_collection
from optical_core.errors import InputError
from tests.samples import COLLECTIONS, write_files


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def write(path, *rows):
    """Rows as JSON Lines, or as Parquet; columns by tabs otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        write_table(Table.from_pylist(list(rows)), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text("".join("\t".join(row) + "\n" for row in rows))
    return path


def assert_refused(form, source, match, **choices):
    target = source.parent / "installed" / "out"
    with pytest.raises(InputError, match=match) as caught:
        import_collection(form, source, target, **choices)
    assert "\n" not in str(caught.value)
    assert not target.parent.exists() or not list(target.parent.iterdir())


@pytest.mark.parametrize("form", ["africlirmatrix", "mlqa_r", "mteb", "neuclirbench", "wikidir"])
def test_a_folder_of_another_form_is_refused_and_leaves_nothing(form, source):
    (source / "readme.txt").write_text("nothing here")
    assert_refused(form, source, "was expected")


# --- AfriCLIRMatrix -----------------------------------------------------------------------------


@pytest.fixture
def africlirmatrix(source):
    for code, folder in (("som", "somali"), ("nso", "northern_sotho")):
        stem = f"africlirmatrix-v1.0.en.{code}"
        write(source / "test" / "queries" / f"topics.{stem}.tsv", ("12", f"Sea ({code})"))
        write(source / "test" / "qrels" / f"qrels.{stem}.txt", ("12 Q0 7 5",), ("12 Q0 8 4",))
        rows = [{"id": key, "contents": f"{folder} {key}"} for key in ("7", "8")]
        write(source / f"africlirmatrix-v1.0-{folder}" / "corpus.jsonl", *rows)
    return source


@pytest.mark.parametrize(("unit", "folder"), [("so", "somali"), ("nso", "northern_sotho")])
def test_africlirmatrix_is_english_queries_over_one_language(
    africlirmatrix, tmp_path, unit, folder
):
    collection = import_collection("africlirmatrix", africlirmatrix, tmp_path / "out", unit=unit)
    assert collection.languages == ("en",)
    assert collection.queries("en")["12"].startswith("Sea")
    assert collection.qrels("en") == {"12": {"7": 5, "8": 4}}
    assert collection.info.passage_language == unit
    assert [passage.text for passage in collection.passages()] == [f"{folder} 7", f"{folder} 8"]


def test_africlirmatrix_asks_for_a_language_where_there_are_several(africlirmatrix):
    assert_refused("africlirmatrix", africlirmatrix, r"several languages \(nso, som\): .* --unit")


def test_africlirmatrix_reads_the_parquet_branch(africlirmatrix, tmp_path):
    (africlirmatrix / "africlirmatrix-v1.0-somali" / "corpus.jsonl").unlink()
    path = africlirmatrix / "somali" / "africlirmatrix-train.parquet"
    write(path, {"id": "7", "contents": "Bad"}, {"id": "8", "contents": "Dayax"})
    collection = import_collection("africlirmatrix", africlirmatrix, tmp_path / "out", unit="som")
    assert collection.by_id["8"].text == "Dayax"


def test_africlirmatrix_without_its_articles_names_the_file(africlirmatrix):
    (africlirmatrix / "africlirmatrix-v1.0-somali" / "corpus.jsonl").unlink()
    assert_refused("africlirmatrix", africlirmatrix, r"no africlirmatrix-v1.0-somali", unit="so")


# --- WikiDIR ------------------------------------------------------------------------------------


@pytest.fixture
def wikidir(source):
    for dialect in ("bar", "ksh"):
        folder = source / f"de.{dialect}"
        write(folder / "docs.jsonl", {"id": "7", "contents": f"{dialect} Wossa"})
        write(folder / "queries.jsonl", {"id": "12", "contents": "Meer"})
        for split in ("train", "dev", "test"):
            row = {"src_id": "12", "src_query": f"Meer {split}", "tgt_results": [["7", 6]]}
            write(folder / f"{split}.jsonl", row)
    return source


def test_wikidir_is_german_queries_over_one_dialect(wikidir, tmp_path):
    collection = import_collection("wikidir", wikidir, tmp_path / "out", unit="bar")
    assert collection.queries("de") == {"12": "Meer test"}
    assert collection.qrels("de") == {"12": {"7": 6}}
    assert collection.by_id["7"].text == "bar Wossa"
    assert "bar.wikipedia.org" in collection.info.description
    assert collection.info.passage_language is None


def test_wikidir_of_one_folder_takes_the_split_named(wikidir, tmp_path):
    collection = import_collection("wikidir", wikidir / "de.ksh", tmp_path / "out", split="train")
    assert collection.queries("de") == {"12": "Meer train"}


def test_wikidir_asks_for_a_dialect_where_there_are_several(wikidir):
    assert_refused("wikidir", wikidir, r"several languages \(bar, ksh\)")
    assert_refused("wikidir", wikidir, "no split 'test2'", unit="bar", split="test2")


# --- MTEB ---------------------------------------------------------------------------------------


def mteb(source, corpus, queries, qrels, *, key="_id", query="bahari"):
    """Corpus, queries and qrels under the given names."""
    write(source / corpus, {key: "d1", "title": "Sea", "text": "salty"}, {key: "d2", "text": "x"})
    write(source / queries, {key: "q1", "text": query}, {key: "q2", "text": query})
    write(source / qrels, {"query-id": "q1", "corpus-id": "d1", "score": 1})


SHARD = "00000-of-00001.parquet"
LAYOUTS = {
    "miracl": (f"sw-corpus/dev-{SHARD}", f"sw-queries/dev-{SHARD}", f"sw-qrels/dev-{SHARD}"),
    "mfollowir": (
        f"corpus-sw/corpus-{SHARD}",
        f"queries-sw/queries-{SHARD}",
        f"default-sw/test-{SHARD}",
    ),
    "branch": (
        "sw-corpus/test/0000.parquet",
        "sw-queries/test/0000.parquet",
        "sw-qrels/test/0000.parquet",
    ),
    "neuclir": ("set-sw/corpus.jsonl", "set-sw/queries.jsonl", "set-sw/test.jsonl"),
    "pair": (f"eng-swa-corpus/t-{SHARD}", f"eng-swa-queries/t-{SHARD}", f"eng-swa-qrels/t-{SHARD}"),
}


@pytest.mark.parametrize("key", ["_id", "id"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_mteb_in_each_layout_of_the_hub(source, tmp_path, layout, key):
    mteb(source, *layout, key=key)
    write(
        source / "instruction-sw" / f"instruction-{SHARD}", {"query-id": "q1", "instruction": "?"}
    )
    collection = import_collection("mteb", source, tmp_path / "out")
    assert collection.queries("sw") == {"q1": "bahari"}  # q2 isn't judged
    assert collection.qrels("sw") == {"q1": {"d1": 1}}
    assert collection.by_id["d1"].full_text == "Sea. salty"
    assert not collection.by_id["d1"].fields


def test_mteb_of_several_languages_takes_the_one_named(source, tmp_path):
    for code in ("ara", "deu"):
        names = (f"{code}-eng-{kind}/test-{SHARD}" for kind in ("corpus", "queries", "qrels"))
        mteb(source, *names, query="sea")
    assert_refused("mteb", source, r"several languages \(ara-eng, deu-eng\)")
    for unit in ("deu-eng", "de"):
        collection = import_collection("mteb", source, tmp_path / unit, unit=unit)
        assert collection.languages == ("en",)
        assert "deu-eng test" in collection.info.description


@pytest.mark.parametrize(
    ("pair", "query", "code", "passages"),
    [
        ("ara-eng", "salty sea", "en", "ar"),
        ("eng-fas", "salty sea", "en", "fa"),  # mFollowIR names the queries' language first
        ("eng-fas", "دریای شور", "fa", "en"),
        ("fas", "salty sea", "en", "fa"),
        ("fas", "دریای شور", "fa", "fa"),
        ("deu-deu", "salziges Meer", "de", "de"),
        ("zho_Hans-spa_Latn", "mar", "es", "zh"),
    ],
)
def test_mteb_queries_are_in_the_language_of_their_script(
    source, tmp_path, pair, query, code, passages
):
    names = (f"{pair}-{kind}/test-{SHARD}" for kind in ("corpus", "queries", "qrels"))
    mteb(source, *names, query=query)
    info = import_collection("mteb", source, tmp_path / "out").info
    assert (info.languages, info.passage_language) == ((code,), passages)


def test_mteb_queries_in_the_script_of_no_language_named_are_refused(source):
    mteb(source, "ara-corpus/t.jsonl", "ara-queries/t.jsonl", "ara-qrels/t.jsonl", query="море")
    assert_refused("mteb", source, "in the script CYRILLIC")


def test_mteb_without_languages_asks_for_that_of_the_queries(source, tmp_path):
    mteb(source, "corpus.jsonl", "queries.jsonl", "qrels/test.jsonl")
    assert_refused("mteb", source, "say the queries' language with --unit")
    assert import_collection("mteb", source, tmp_path / "o", unit="swa").languages == ("sw",)


def test_mteb_takes_one_split_of_all_parts(source, tmp_path):
    for split in ("dev", "test"):
        names = (f"sw-{kind}/{split}.jsonl" for kind in ("corpus", "queries", "qrels"))
        mteb(source, *names, query=f"bahari {split}")
    assert import_collection("mteb", source, tmp_path / "a").queries("sw") == {"q1": "bahari test"}
    (source / "sw-queries" / "dev.jsonl").rename(source / "sw-queries" / "train.jsonl")
    assert_refused("mteb", source, "only test, train of the queries", split="dev")


@pytest.mark.parametrize(
    ("part", "row", "message"),
    [
        ("queries", {"text": "sea"}, "line 1: no field '_id' or 'id'"),
        ("queries", {"_id": "other", "text": "sea"}, "none of its queries is judged"),
        ("qrels", {"query-id": "q1", "corpus-id": "d1", "score": 0.5}, "'0.5' is no grade"),
        ("corpus", {"_id": "d 1", "text": "sea"}, "can't be the id"),
    ],
)
def test_mteb_with_a_wrong_row_names_it(source, part, row, message):
    mteb(source, "sw-corpus/t.jsonl", "sw-queries/t.jsonl", "sw-qrels/t.jsonl")
    write(source / f"sw-{part}" / "t.jsonl", row)
    assert_refused("mteb", source, message)


# --- NeuCLIRBench -------------------------------------------------------------------------------


@pytest.fixture
def neuclirbench(source):
    data = source / "bench" / "data"
    for code, words in (("eng", "salt"), ("rus", "соль"), ("fas", "نمک"), ("zho", "盐")):
        write(data / f"news.{code}.tsv", ("101", words), ("102", words))
    for code in ("rus", "fas", "zho"):
        write(data / f"qrels.{code}.gains.txt", (f"101 0 {code}1 3",))
        path = source / "neuclir1" / "data" / f"{code}-00000-of-00001.jsonl"
        write(path, {"id": f"{code}1", "title": "T", "text": code, "url": "x"})
    write(data / "qrels.mlir.gains.txt", *((f"102 0 {code}1 1",) for code in ("rus", "zho")))
    return source


def test_neuclirbench_of_one_language(neuclirbench, tmp_path):
    collection = import_collection("neuclirbench", neuclirbench, tmp_path / "out", unit="ru")
    assert collection.queries("en") == {"101": "salt"}
    assert set(collection.languages) == {"en", "zh", "fa", "ru"}
    assert collection.info.parallel
    assert collection.qrels("fa") == {"101": {"rus1": 3}}
    assert list(collection.by_id) == ["rus1"]
    assert collection.info.passage_language == "ru"


def test_neuclirbench_of_all_languages_says_which_each_document_has(neuclirbench, tmp_path):
    collection = import_collection("neuclirbench", neuclirbench, tmp_path / "out", unit="mlir")
    assert collection.qrels("en") == {"102": {"rus1": 1, "zho1": 1}}
    assert collection.info.passage_language is None
    languages = {passage.id: passage.fields["lang"] for passage in collection.passages()}
    assert languages == {"zho1": "zh", "fas1": "fa", "rus1": "ru"}


def test_neuclirbench_without_its_documents_names_them(neuclirbench):
    (neuclirbench / "neuclir1" / "data" / "rus-00000-of-00001.jsonl").unlink()
    assert_refused("neuclirbench", neuclirbench, r"no rus-00000-of-00001.jsonl.gz", unit="rus")
    assert_refused("neuclirbench", neuclirbench, r"several languages \(zho, fas, rus, mlir\)")


# --- MLQA-R -------------------------------------------------------------------------------------


def test_mlqa_r_asks_for_english_paragraphs_and_is_not_parallel(source, tmp_path):
    write_files(source, COLLECTIONS["mlqa_r"])
    collection = import_collection("mlqa_r", source, tmp_path / "out")
    assert collection.languages == ("en", "vi")
    assert collection.qrels("vi") == collection.qrels("en") == {"a1": {"00-0": 1}}
    assert not collection.info.parallel
    assert "MLQA-R" in collection.info.source
