"""Changes of a corpus: applied while reading, replaced in one step, merged on command."""

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from optical_core.data.changes import FILE, Changes, change_corpus, compact_corpus
from optical_core.data.collection import Passage, open_collection
from optical_core.data.passages import read_passages
from optical_core.errors import InputError
from tests.faults.children import killed_everywhere, left_over

NEW = [Passage("p2", "", "new moon", {"year": 2024}), Passage("p7", "", "wind")]


def texts(folder):
    return {passage.id: passage.text for passage in open_collection(folder).passages()}


def test_replaced_passages_keep_their_places_and_added_ones_are_last(collection):
    folder, before = collection.folder, collection.fingerprint
    change_corpus(folder, NEW, ["p4", "nothing"])
    opened = open_collection(folder)
    assert [passage.id for passage in opened.passages()] == ["p1", "p2", "p3", "p5", "p6", "p7"]
    assert opened.by_id == {passage.id: passage for passage in opened.passages()}
    assert opened.by_id["p2"] == NEW[0]
    assert opened.fingerprint != before


def test_the_last_change_of_an_id_counts(collection):
    folder = collection.folder
    change_corpus(folder, NEW, ["p1"])
    change_corpus(folder, [Passage("p1", "", "back")], ["p7", "p2"])
    assert texts(folder).keys() == {"p1", "p3", "p4", "p5", "p6"}
    assert texts(folder)["p1"] == "back"
    change_corpus(folder, NEW, [])
    assert texts(folder)["p7"] == "wind"


def test_an_open_collection_is_refreshed_and_reads_only_what_changed(collection, monkeypatch):
    assert collection.refreshed() is collection
    assert len(collection.by_id) == 6
    change_corpus(collection.folder, NEW, ["p1"])
    monkeypatch.setattr("optical_core.data.live_corpus.read_jsonl", None)
    fresh = collection.refreshed()
    assert fresh.by_id.keys() == {f"p{number}" for number in range(2, 8)}
    assert collection.by_id.keys() == {f"p{number}" for number in range(1, 7)}
    assert fresh.refreshed() is fresh


@pytest.mark.parametrize("packed", [False, True])
def test_merged_changes_are_in_the_corpus(collection, packed):
    folder = collection.folder
    corpus = folder / "corpus.jsonl"
    if packed:
        with gzip.open(folder / "corpus.jsonl.gz", "wb") as file:
            file.write(corpus.read_bytes())
        corpus.unlink()
    change_corpus(folder, NEW, ["p4"])
    before = list(open_collection(folder).passages())
    compact_corpus(folder)
    assert list(open_collection(folder).passages()) == before
    assert sorted(path.name for path in folder.glob("corpus*")) == [
        "corpus.jsonl.gz" if packed else "corpus.jsonl"
    ]


@pytest.mark.parametrize("merge", [True, False])
def test_killed_at_any_moment_a_change_has_happened_or_not(collection, merge):
    folder = collection.folder
    change_corpus(folder, NEW, ["p4"])
    before = texts(folder)
    after = before if merge else {**before, "p8": "rain"}
    after.pop("p1") if not merge else None

    def call():
        if merge:
            compact_corpus(folder)
        else:
            change_corpus(folder, [Passage("p8", "", "rain")], ["p1"])

    kills = 0
    for number in killed_everywhere(folder, call):
        kills += 1
        assert texts(folder) in (before, after), f"killed at change {number}"
    assert kills >= 2
    assert texts(folder) == after
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "a"}', "line 1: no field 'text'"),
        ('{"_id": "a", "_deleted": "yes"}', "no field 'text'"),
        ('{"_id": "a b", "_deleted": true}', "can't be the id"),
        ('{"_id": "a", "_deleted": true}\n{"_id": "a", "text": ""}', "line 2: the id 'a' comes"),
        ("{", "not JSON"),
    ],
)
def test_a_damaged_file_is_one_sentence(collection, line, message):
    (collection.folder / FILE).write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        Changes.read(collection.folder)
    with pytest.raises(InputError, match=message):
        list(open_collection(collection.folder).passages())


def test_other_fields_are_kept_in_every_form_of_a_corpus(collection, tmp_path):
    fields = {"year": 2024, "tags": ["a", "b"], "place": {"town": "Lamu"}, "note": None}
    row = {"_id": "p9", "text": "x", **fields}
    lines = tmp_path / "a.jsonl"
    lines.write_text(json.dumps(row) + "\n")
    table = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), table)
    for path in (lines, table):
        (passage,) = read_passages(path)
        assert passage == Passage("p9", "", "x", fields)
        change_corpus(collection.folder, [passage], [])
        compact_corpus(collection.folder)
        assert open_collection(collection.folder).by_id["p9"].fields == fields
