"""`optical index --window --stride --aggregate`, as a user runs it."""

import json

import pytest

from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.retrieval.indexing import collection_indexes
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.windows import Windows
from tests.test_cli_updates import refused, run

LONG = "the moon is a small cold star " * 20 + "the sea is salty water " + "a big new city " * 20


@pytest.fixture
def articles(tmp_path):
    info = CollectionInfo(
        name="articles", licence="CC0", source="x", languages=("en",), parallel=False
    )
    passages = [Passage("a1", "Sea", LONG), Passage("a2", "", "a fish is in the water")]
    return write_collection(
        tmp_path / "articles", info, passages, {"en": {"q1": "salty water"}}, {"q1": {"a1": 1}}
    )


def test_articles_are_indexed_in_windows_and_found_whole(tiny_encoder, articles, tmp_path, caplog):
    where, model = articles.folder, ("-m", tiny_encoder)
    assert run("index", where, *model).startswith("2 passages, ")
    assert "1 of 2 passages is longer than the" in caplog.text
    assert "--window" in caplog.text
    caplog.clear()
    assert run("index", where, *model, "--window", 16).startswith("2 passages in ")
    assert not caplog.records
    (folder,) = collection_indexes(articles)
    index = LiveIndex(folder)
    assert index.windows == Windows(16, 8, "max")
    found = json.loads(run("search", where, "salty water", *model, "--explain", "--json"))
    rows = {row["id"]: row for row in found["results"]}
    assert set(rows) == {"a1", "a2"}
    window = rows["a1"]["window"]
    assert window["text"] in f"Sea. {LONG}"
    assert len(window["text"]) < len(LONG) / 4
    assert window["id"].startswith("a1#")
    assert window["of"] > 10
    for row in rows.values():
        shares = [match["contribution"] for match in row["matches"]]
        assert sum(shares) == pytest.approx(row["score"], abs=2e-4)
    assert f"{window['id']}  Sea" in run("search", where, "salty water", *model)
    assert run("index", where, *model).startswith("2 passages in ")  # keeps its windows
    out, run_file = tmp_path / "out", tmp_path / "mine.run"
    topics = tmp_path / "topics.tsv"
    topics.write_text("q1\tsalty water\n")
    run("search", where, *model, "--queries", topics, "--out", run_file)
    assert {line.split()[2] for line in run_file.read_text().splitlines()} == {"a1", "a2"}
    run("evaluate", where, "--models", tiny_encoder, "--out", out)
    assert "#" not in next(out.glob("*/en.run")).read_text()


def test_windows_follow_updates_and_their_aggregate_may_change(tiny_encoder, articles, tmp_path):
    where, model = articles.folder, ("-m", tiny_encoder)
    run("index", where, *model, "--window", 20, "--stride", 20)
    (folder,) = collection_indexes(articles)
    index = LiveIndex(folder)
    before = index.rows
    new = tmp_path / "new.jsonl"
    new.write_text(json.dumps({"_id": "a3", "text": LONG}) + "\n")
    run("index", "update", where, new, *model)
    assert (len(index), index.windows.stride) == (3, 20)
    assert index.rows > before
    run("index", "delete", where, "a1")
    assert set(index.ids) == {"a2", "a3"}
    run("index", where, *model, "--aggregate", "first")
    assert index.windows == Windows(20, 20, "first")
    run("index", "compact", where)
    assert (index.windows, set(index.ids)) == (Windows(20, 20, "first"), {"a2", "a3"})
    assert run("index", where, *model, "--window", 0).startswith("2 passages, ")
    assert index.windows.plain


def test_files_are_indexed_in_windows_too(tiny_encoder, articles, tmp_path):
    corpus, out = articles.folder / "corpus.jsonl", tmp_path / "big"
    more = ("--out", out, "-m", tiny_encoder)
    assert run("index-files", corpus, *more).startswith("2 passages, ")
    output = run("index-files", corpus, *more, "--window", 16, "--aggregate", "first")
    assert output.startswith("2 passages in ")
    assert LiveIndex(out).windows == Windows(16, 8, "first")
    assert "leave out --stride" in refused(
        "index-files", corpus, *more, "--window", 0, "--stride", 8
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--window", 8), "a window has at least 16 tokens"),
        (("--window", 20, "--stride", 30), "no token may be left out"),
        (("--window", 9999), "too long for the encoder"),
        (("--window", 20, "--aggregate", "mean"), "give max, first, sum"),
        (("--stride", 9), "--stride and --aggregate need --window"),
        (("--aggregate", "sum"), "--stride and --aggregate need --window"),
        (("--window", 0, "--stride", 9), "--window 0 indexes whole passages"),
        (("--window", 20, "--append", "--out", "x"), "--append keeps their form"),
        (("--window", 20, "--engine", "lancedb", "--uri", "x"), "belong to the engine local"),
    ],
)
def test_windows_that_can_not_be_are_refused(articles, tiny_encoder, options, message):
    assert message in refused("index", articles.folder, "-m", tiny_encoder, *options)
