"""A collection and its indexes, changed together."""

import json

import pytest

from optical_core.data.changes import compact_corpus
from optical_core.data.collection import Passage, open_collection
from optical_core.retrieval.changing import compact_collection, delete_passages, update_collection
from optical_core.retrieval.indexing import collection_index, existing_index
from tests.encoders import RandomEncoder
from tests.faults.children import killed_everywhere

NEW = [Passage("p2", "", "new moon"), Passage("p7", "", "wind")]


@pytest.fixture
def encoder():
    return RandomEncoder()


def other():
    encoder = RandomEncoder()
    encoder.hash = "f" * 16
    return encoder


def in_step(collection, index):
    present = {passage.id: passage.text_hash for passage in collection.passages()}
    return index.text_hashes() == present


def test_only_new_texts_are_encoded_and_no_corpus_is_read(collection, encoder, monkeypatch):
    collection_index(collection, encoder)
    existing_index(collection, encoder)
    encoder.encoded.clear()
    monkeypatch.setattr("optical_core.data.live_corpus.read_jsonl", None)
    assert update_collection(collection, NEW, encoder) == (1, 1, 2)
    same = [Passage("p2", "", "new moon", {"year": 2024})]
    assert update_collection(collection, same, encoder) == (0, 1, 0)
    assert delete_passages(collection, ["p1", "p99"]) == 1
    assert encoder.encoded == ["new moon", "wind"]
    index = existing_index(collection, encoder)
    assert set(index.ids) == {f"p{number}" for number in range(2, 8)}
    monkeypatch.undo()
    assert in_step(collection, index)
    assert open_collection(collection.folder).by_id["p2"].fields == {"year": 2024}


def test_the_other_indexes_lose_what_is_deleted_and_follow_the_rest(collection, encoder):
    second = other()
    for each in (encoder, second):
        collection_index(collection, each)
    update_collection(collection, NEW, encoder)
    delete_passages(collection, ["p1"])
    second.encoded.clear()
    index = collection_index(collection, second)
    assert in_step(collection, index)
    assert sorted(second.encoded) == ["new moon", "wind"]


def test_after_a_merge_and_after_changes_by_hand_the_index_still_follows(collection, encoder):
    update_collection(collection, NEW, encoder)
    delete_passages(collection, ["p1"])
    compact_collection(collection)
    encoder.encoded.clear()
    assert in_step(collection, collection_index(collection, encoder))
    corpus = collection.folder / "corpus.jsonl"
    corpus.write_text(corpus.read_text().replace("wind", "rain"))
    assert in_step(collection, collection_index(collection, encoder))
    assert encoder.encoded == ["rain"]
    update_collection(collection, NEW, encoder)
    (collection.folder / "corpus.changes.jsonl").unlink()
    assert in_step(collection, collection_index(collection, encoder))


@pytest.mark.slow
def test_killed_at_any_moment_the_next_search_is_in_step(collection, encoder, home, tmp_path):
    collection_index(collection, encoder)
    existing_index(collection, encoder)
    before = {passage.id: passage.text for passage in collection.passages()}
    after = before | {passage.id: passage.text for passage in NEW}
    for number in killed_everywhere(
        tmp_path, lambda: update_collection(collection, NEW, encoder), every=3
    ):
        found = {passage.id: passage.text for passage in collection.passages()}
        assert found in (before, after), f"killed at change {number}"
        assert in_step(collection, collection_index(collection, encoder))
        if found == after:
            delete_passages(collection, ["p7"])
            put = [p for p in open_collection(collection.folder).passages() if p.id == "p2"]
            assert put[0].text == "new moon"
            update_collection(collection, [Passage("p2", "Moon", before["p2"])], encoder)
            compact_corpus(collection.folder)
            collection_index(collection, encoder)
    assert in_step(collection, collection_index(collection, encoder))
    assert {passage.id: passage.text for passage in collection.passages()} == after


def test_an_index_without_hashes_of_texts_is_used_and_updated(collection, encoder):
    """As an older version has built it."""
    index = collection_index(collection, encoder)
    (index.folder / "texts.u64").unlink()
    info = json.loads((index.folder / "index.json").read_text())
    del info["files"]["texts.u64"]
    (index.folder / "index.json").write_text(json.dumps(info))
    assert existing_index(collection, encoder) is not None
    update_collection(collection, NEW, encoder)
    encoder.encoded.clear()
    assert set(collection_index(collection, encoder).ids) == {
        f"p{number}" for number in range(1, 8)
    }
    assert encoder.encoded == []
    assert existing_index(collection, encoder) is not None
