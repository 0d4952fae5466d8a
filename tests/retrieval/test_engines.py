"""Every engine against the local exact search: the same passages, order, scores, explanations."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.collection import Passage, open_collection, write_collection
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval import engine_store, qdrant_store
from optical_core.retrieval.engine_store import EngineStore, StoredPassage, store_name
from optical_core.retrieval.indexing import build_index, collection_index
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.searchers import open_searcher
from optical_core.retrieval.vector_stores import fill_store, open_store

LANGUAGES = ["en", "sw", "so", "mr", "de"]
runner = CliRunner()


@pytest.fixture(params=["lancedb", "qdrant"])
def place(request, tmp_path, monkeypatch):
    """An engine and where it keeps things, for as long as the test."""
    if request.param == "lancedb":
        pytest.importorskip("lancedb")
        return "lancedb", str(tmp_path / "lance")
    client = pytest.importorskip("qdrant_client").QdrantClient(":memory:")
    # Stands for a server: what one command writes, the next one finds.
    monkeypatch.setattr(qdrant_store, "connect", lambda _: client)
    return "qdrant", "http://localhost:6333"


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def rewritten(collection, passages):
    """The collection with other passages."""
    folder = collection.folder
    qrels = {"q1": {passages[0].id: 1}}
    queries = {"en": {"q1": "sea"}, "sw": {"q1": "bahari"}}
    return write_collection(folder, collection.info, passages, queries, qrels)


def same(found, expected):
    assert [identifier for identifier, _ in found] == [identifier for identifier, _ in expected]
    assert dict(found) == pytest.approx(dict(expected), abs=2e-4)


def agrees(place, pair, demo):
    local = LateInteraction(pair, collection_index(demo, pair.teacher))
    fill_store(*place, demo, pair.teacher)
    other = LateInteraction(pair, open_store(*place, demo, pair.teacher))
    for language in LANGUAGES:
        for query in list(demo.queries(language).values())[:4]:
            found = other.search(query)
            assert len(found) == 10
            same(found, local.search(query))
            identifier, score = found[0]
            (matches,) = other.explain(other.encode([query])[0], [demo.by_id[identifier]])
            assert sum(match.contribution for match in matches) == pytest.approx(score, abs=1e-4)


@pytest.mark.slow
def test_an_engine_ranks_the_demo_as_the_local_index(place, tiny_encoder):
    agrees(place, load_pair(str(tiny_encoder), device="cpu"), open_collection("demo"))


@pytest.mark.slow
def test_an_engine_ranks_as_the_local_index_of_a_real_encoder(place, with_embedded, tmp_path):
    demo = open_collection("demo")
    info = demo.info.model_copy(update={"languages": tuple(LANGUAGES)})
    queries = {language: demo.queries(language) for language in LANGUAGES}
    part = write_collection(
        tmp_path / "part", info, list(demo.passages())[:12], queries, demo.qrels("en")
    )
    agrees(place, load_pair("embedded", device="cpu"), part)


@pytest.mark.slow
def test_without_a_local_index_the_same_vectors_are_encoded(place, encoder, collection, tmp_path):
    assert fill_store(*place, collection, encoder) == 6
    other = open_store(*place, collection, encoder)
    index = build_index(tmp_path / "index", collection.passages(), encoder)
    for identifier in index.ids:
        vectors = other.passage_vectors(identifier)
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, index.passage_vectors(identifier))
    queries = encoder.encode_queries(["the sea", "", "mji", "big city"])
    together = other.search_many(queries, top=3)
    assert together[1] == []
    for found, expected in zip(together, index.search_many(queries, top=3), strict=True):
        same(found, expected)


def test_a_local_index_is_taken_along_and_nothing_is_encoded(
    place, encoder, collection, monkeypatch
):
    index = collection_index(collection, encoder)
    monkeypatch.setattr(encoder, "encode", None)
    assert fill_store(*place, collection, encoder) == 6
    vectors = open_store(*place, collection, encoder).passage_vectors("p3")
    np.testing.assert_array_equal(vectors, index.passage_vectors("p3"))


def test_passages_without_tokens_are_written_and_never_found(place, encoder, collection):
    made = rewritten(
        collection, [Passage("a", "", "the sea"), Passage("b", "", ". ?"), Passage("c", "", "moon")]
    )
    assert fill_store(*place, made, encoder) == 3
    assert fill_store(*place, made, encoder) == 0
    (query,) = encoder.encode_queries(["sea"])
    found = open_store(*place, made, encoder).search(query)
    assert {identifier for identifier, _ in found} == {"a", "c"}


def test_a_collection_of_passages_without_tokens_finds_nothing(place, encoder, collection):
    made = rewritten(collection, [Passage("a", "", "."), Passage("b", "", "?")])
    fill_store(*place, made, encoder)
    (query,) = encoder.encode_queries(["sea"])
    assert open_store(*place, made, encoder).search(query) == []


def test_equal_scores_are_in_the_order_of_ids_as_in_the_local_index(place, encoder, collection):
    names = ["d", "b", "a'\";--", "é", "c", "x"]
    passages = [Passage(name, "", "the salty sea") for name in names]
    made = rewritten(collection, [*passages, Passage("y", "", "the moon")])
    index = collection_index(made, encoder)
    fill_store(*place, made, encoder)
    other = open_store(*place, made, encoder)
    (query,) = encoder.encode_queries(["the sea"])
    for top in (2, 4, 10):
        same(other.search(query, top=top), index.search(query, top=top))
    assert [name for name, _ in index.search(query, top=6)] == sorted(names, reverse=True)
    assert len(other.passage_vectors("a'\";--"))


def test_the_same_again_writes_nothing_and_changes_are_followed(place, encoder, collection):
    fill_store(*place, collection, encoder)
    before = open_store(*place, collection, encoder).fingerprint
    assert fill_store(*place, collection, encoder) == 0
    assert open_store(*place, collection, encoder).fingerprint == before
    kept = [p for p in collection.passages() if p.id != "p2"]
    changed = [dataclasses.replace(p, text="a fish") if p.id == "p1" else p for p in kept]
    made = rewritten(collection, [*changed, Passage("p9", "", "a new star")])
    assert fill_store(*place, made, encoder) == 2
    other = open_store(*place, made, encoder)
    assert other.fingerprint != before
    (query,) = encoder.encode_queries(["a star"])
    same(other.search(query), collection_index(made, encoder).search(query))


@pytest.mark.parametrize("most", [engine_store.MOST_IDS, 2])
def test_of_the_passages_that_may_be_found_the_best_come_back(
    place, encoder, collection, most, monkeypatch
):
    """Their ids are sent to the engine, or, if they are many, it is asked for more and more."""
    monkeypatch.setattr(f"optical_core.retrieval.{place[0]}_store.MOST_IDS", most)
    names = [f"n'{number}" for number in range(40)]
    made = rewritten(collection, [Passage(name, "", f"the sea {name}") for name in names])
    index = collection_index(made, encoder)
    fill_store(*place, made, encoder)
    other = open_store(*place, made, encoder)
    queries = encoder.encode_queries(["the sea", "a star"])
    for among in (names[:3], names[10:30], ["nothing"], []):
        chosen = frozenset(among)
        expected = index.search_many(queries, top=5, among=chosen)
        for found, wanted in zip(
            other.search_many(queries, top=5, among=chosen), expected, strict=True
        ):
            same(found, wanted)
            assert len(found) == min(5, len(chosen & set(names)))


def test_an_open_store_sees_what_is_updated(place, encoder, collection, monkeypatch):
    monkeypatch.setattr("optical_core.retrieval.lancedb_store.LOOK_SECONDS", 0.0)
    fill_store(*place, collection, encoder)
    opened = open_store(*place, collection, encoder)
    (query,) = encoder.encode_queries(["a new star"])
    assert len(opened.search(query)) == 6
    kept = [p for p in collection.passages() if p.id != "p1"]
    made = rewritten(collection, [*kept, Passage("p9", "", "a new star")])
    fill_store(*place, made, encoder)
    same(opened.search(query), collection_index(made, encoder).search(query))
    assert opened.passage_vectors("p9").shape[1] == encoder.dimension


def test_an_updated_collection_is_updated_in_the_engine(
    place, tiny_encoder, encoder, collection, tmp_path
):
    where = ["--engine", place[0], "--uri", place[1], "-m", str(tiny_encoder)]
    (tmp_path / "new.jsonl").write_text('{"_id": "p9", "text": "a new star", "year": 2024}\n')
    for arguments in (
        ["index", str(collection.folder), *where],
        ["index", "update", str(collection.folder), str(tmp_path / "new.jsonl"), *where],
        ["index", "delete", str(collection.folder), "p1", *where],
    ):
        done = runner.invoke(app, arguments)
        assert done.exit_code == 0, (done.output, done.exception)
    (query,) = encoder.encode_queries(["a star"])
    found = open_store(*place, collection, encoder).search(query)
    same(found, collection_index(collection, encoder).search(query))
    assert "p9" in dict(found)
    assert "p1" not in dict(found)
    search = [
        "search",
        str(collection.folder),
        "a star",
        *where,
        "--json",
        "--where",
        "year > 2000",
    ]
    rows = json.loads(runner.invoke(app, search).stdout)["results"]
    assert [row["id"] for row in rows] == ["p9"]


def test_an_interrupted_indexing_is_refused_and_goes_on(place, encoder, collection, monkeypatch):
    monkeypatch.setattr(engine_store, "WRITTEN", 2)
    killed = stopping_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fill_store(*place, collection, encoder)
    killed.undo()
    with pytest.raises(InputError, match="was not finished"):
        open_store(*place, collection, encoder)
    assert fill_store(*place, collection, encoder) == 2
    (query,) = encoder.encode_queries(["the sea"])
    found = open_store(*place, collection, encoder).search(query)
    same(found, collection_index(collection, encoder).search(query))


def test_half_a_change_is_never_searched(place, encoder, collection, monkeypatch):
    """LanceDB goes on with the last finished version, Qdrant refuses until it is finished."""
    monkeypatch.setattr(engine_store, "WRITTEN", 2)
    fill_store(*place, collection, encoder)
    (query,) = encoder.encode_queries(["the sea"])
    before = open_store(*place, collection, encoder).search(query)
    more = [Passage(f"n{number}", "", "the sea water") for number in range(6)]
    made = rewritten(collection, [*collection.passages(), *more])
    killed = stopping_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fill_store(*place, made, encoder)
    killed.undo()
    if place[0] == "lancedb":
        assert open_store(*place, made, encoder).search(query) == before
    else:
        with pytest.raises(InputError, match="was not finished"):
            open_store(*place, made, encoder)
    assert fill_store(*place, made, encoder) == 4
    found = open_store(*place, made, encoder).search(query, top=20)
    same(found, collection_index(made, encoder).search(query, top=20))


def stopping_after(batches, monkeypatch):
    """Make every store die once it has written some batches."""
    from optical_core.retrieval.lancedb_store import LanceDBStore

    context = pytest.MonkeyPatch()
    for store in (LanceDBStore, qdrant_store.QdrantStore):
        calls = []

        def put(self, passages, write=store.put, calls=calls):
            if len(calls) == batches:
                raise KeyboardInterrupt
            calls.append(1)
            write(self, passages)

        context.setattr(store, "put", put)
    return context


def test_another_encoder_and_what_is_not_there_are_refused(
    place, encoder, tiny_bert, collection, monkeypatch
):
    other = TokenEncoder.load(str(tiny_bert), device="cpu")
    with pytest.raises(InputError, match="there is nothing in"):
        open_store(*place, collection, encoder)
    fill_store(*place, collection, encoder)
    with pytest.raises(InputError, match="hasn't indexed the collection"):
        open_store(*place, collection, other)
    # Where somebody has given it the name of another encoder's.
    name = store_name(collection, encoder)
    monkeypatch.setattr("optical_core.retrieval.vector_stores.store_name", lambda *_: name)
    with pytest.raises(InputError, match="was indexed by the encoder"):
        open_store(*place, collection, other)
    with pytest.raises(InputError, match="was indexed by the encoder"):
        fill_store(*place, collection, other)


def test_a_passage_id_that_comes_twice_is_refused(place, encoder, collection):
    line = (collection.folder / "corpus.jsonl").read_text().splitlines()[0]
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match="'p1' comes twice"):
        fill_store(*place, open_collection(collection.folder), encoder)


def test_any_name_of_a_collection_names_a_store(place, encoder, collection):
    names = ["a b", "a_b", "ü'; --", "n" * 150]
    named = [
        dataclasses.replace(collection, info=collection.info.model_copy(update={"name": name}))
        for name in names
    ]
    assert len({store_name(made, encoder) for made in named}) == 4
    for made in named:
        assert fill_store(*place, made, encoder) == 6
        assert isinstance(open_store(*place, made, encoder), EngineStore)


def test_the_commands_are_the_same_for_every_engine(place, tiny_encoder, collection, tmp_path):
    def searched(engine, uri):
        where = ["--engine", engine, "--uri", uri, "-m", str(tiny_encoder)]
        built = runner.invoke(app, ["index", str(collection.folder), *where])
        assert built.exit_code == 0, built.output
        assert "6 passages" in built.output
        arguments = ["search", str(collection.folder), "why salty ?", *where, "-k", "3"]
        found = runner.invoke(app, [*arguments, "--explain", "--json"])
        return json.loads(found.stdout)["results"]

    local, other = searched("local", str(tmp_path / "index")), searched(*place)
    for expected, row in zip(local, other, strict=True):
        assert row.keys() == expected.keys()
        assert row["id"] == expected["id"]
        assert row["score"] == pytest.approx(expected["score"], abs=2e-4)
        contributions = [match["contribution"] for match in row["matches"]]
        assert sum(contributions) == pytest.approx(row["score"], abs=1e-4)


def test_what_an_engine_has_not_is_one_sentence(place, encoder, tiny_encoder, collection, tmp_path):
    index = ["index", str(collection.folder), "-m", str(tiny_encoder), "--engine", place[0]]
    search = ["search", str(collection.folder), "sea", "--engine", place[0], "--uri", place[1]]
    runner.invoke(app, [*index, "--uri", place[1]])
    cases = {
        "needs --uri": index,
        "belong to the engine local": [*index, "--uri", place[1], "--approximate"],
        "no engine 'x'": [*index[:-1], "x", "--uri", place[1]],
        "no index of token vectors": [*search, "-m", "bm25"],
        "the others search exactly": [*search, "-m", str(tiny_encoder), "--mode", "int8"],
        "give one": [*index[:-1], "local", "--uri", place[1], "--out", str(tmp_path)],
        "--index belongs to the engine local": [*search, "--index", str(tmp_path)],
    }
    for message, arguments in cases.items():
        failure = runner.invoke(app, arguments).exception
        assert isinstance(failure, InputError), (message, failure)
        assert message in str(failure)


@pytest.mark.parametrize(
    ("engine", "package"), [("lancedb", "lancedb"), ("qdrant", "qdrant_client")]
)
def test_a_missing_extra_is_one_sentence(engine, package, encoder, collection, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(f"optical_core.retrieval.{engine}_store.find_spec", lambda _: None)
    with pytest.raises(InputError, match=rf"pip install .optical-workbench\[{engine}\]"):
        open_store(engine, "http://x", collection, encoder)


def test_a_server_that_does_not_answer_is_one_sentence(encoder, collection):
    pytest.importorskip("qdrant_client")
    with pytest.raises(InputError, match=r"can't be used: .*refused"):
        open_store("qdrant", "http://127.0.0.1:9", collection, encoder)


def test_a_folder_is_no_place_for_qdrant(encoder, collection, tmp_path):
    pytest.importorskip("qdrant_client")
    with pytest.raises(InputError, match="needs a server's URL"):
        open_store("qdrant", str(tmp_path), collection, encoder)


def test_an_unusable_folder_is_one_sentence_and_looking_makes_none(encoder, collection, tmp_path):
    pytest.importorskip("lancedb")
    with pytest.raises(InputError, match="there is nothing in"):
        open_store("lancedb", str(tmp_path / "gone"), collection, encoder)
    assert not (tmp_path / "gone").exists()
    with pytest.raises(InputError, match="can't be used"):
        fill_store("lancedb", "/proc/nowhere", collection, encoder)


def test_a_server_that_forgets_the_encoder_is_refused_before_anything_is_encoded(
    encoder, collection, monkeypatch
):
    client = pytest.importorskip("qdrant_client").QdrantClient(":memory:")
    create = client.create_collection
    monkeypatch.setattr(
        client, "create_collection", lambda *names, metadata, **rest: create(*names, **rest)
    )
    monkeypatch.setattr(qdrant_store, "connect", lambda _: client)
    monkeypatch.setattr(encoder, "encode", None)
    with pytest.raises(InputError, match="keeps no metadata"):
        fill_store("qdrant", "http://old", collection, encoder)


def test_requests_to_qdrant_are_bounded(monkeypatch):
    monkeypatch.setattr(qdrant_store, "LARGEST", 8)
    passages = [
        StoredPassage(str(rows), "", np.zeros((rows, 2), np.float32)) for rows in (1, 3, 0, 1, 4)
    ]
    groups = [[p.id for p in group] for group in qdrant_store._requests(passages)]
    assert groups == [["1", "3", "0"], ["1"], ["4"]]
    too_long = StoredPassage("long", "", np.zeros((5, 2), np.float32))
    with pytest.raises(InputError, match="'long' has 5 token vectors, Qdrant takes 4"):
        list(qdrant_store._requests([too_long]))


def test_bm25_of_no_engine_is_a_searcher_still(collection):
    assert open_searcher("bm25", collection).name == "bm25"
