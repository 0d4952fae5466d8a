"""Indexes that live: added, replaced and deleted passages are found, or not, by the next search."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from optical_core.data import lines
from optical_core.data.collection import Passage, open_collection
from optical_core.errors import InputError
from optical_core.retrieval import live_index, merging, updating
from optical_core.retrieval.formats import FILES
from optical_core.retrieval.indexing import append_to_index, build_index, collection_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.manifest import Manifest
from optical_core.retrieval.modes import MODE_FILES, MODES
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.updating import compact_index, delete_from_index, update_index
from optical_core.storage import exclusive
from tests.encoders import RandomEncoder, vectors_of

QUERIES = [vectors_of(f"query {number}") for number in range(5)]


def passages(numbers, text="text"):
    return [Passage(f"p{number}", "", f"{text} {number}") for number in numbers]


@pytest.fixture
def encoder():
    return RandomEncoder()


@pytest.fixture
def folder(tmp_path, encoder):
    build_index(tmp_path / "index", passages(range(300)), encoder)
    return tmp_path / "index"


def changed(folder, encoder):
    """Delete, replace and add passages; what a fresh build would be made of."""
    delete_from_index(folder, [f"p{number}" for number in range(0, 60, 2)])
    update_index(folder, passages(range(250, 320), "new"), encoder)
    update_index(folder, passages(range(4, 8), "newer"), encoder, removed=["p9", "p319"])
    kept = [*range(1, 60, 2), *range(60, 250)]
    kept = [number for number in kept if number not in (5, 7, 9)]
    return passages(kept) + passages(range(250, 319), "new") + passages(range(4, 8), "newer")


def test_lists_of_ids_and_of_dead_passages_may_be_longer_than_any_line(
    tmp_path, encoder, monkeypatch
):
    monkeypatch.setattr(lines, "LONGEST", 1 << 14)
    build_index(tmp_path / "index", passages(range(5000)), encoder)
    assert (tmp_path / "index" / "ids.json").stat().st_size > 1 << 15
    assert delete_from_index(tmp_path / "index", [f"p{n}" for n in range(4, 5000)]) == 4996
    assert LiveIndex(tmp_path / "index").ids == ("p0", "p1", "p2", "p3")


def test_files_of_modes_go_with_their_passages_into_a_segment(folder, encoder):
    files = {name for names in MODE_FILES.values() for name in names}
    for name in files:
        (folder / name).write_bytes(b"made")
    update_index(folder, passages([300]), encoder)
    assert not files & {path.name for path in folder.iterdir()}
    assert all(list((folder / "segments").glob(f"*/{name}")) for name in files)


@pytest.mark.parametrize("mode", MODES)
def test_rankings_after_changes_are_those_of_a_fresh_build(folder, encoder, tmp_path, mode):
    index = LiveIndex(folder, mode)
    assert index.mode == mode
    before = index.search_many(QUERIES)
    wanted = changed(folder, encoder)
    fresh = build_index(tmp_path / "fresh", wanted, encoder)
    assert set(index.ids) == set(fresh.ids)
    assert len(index) == len(fresh) == len(wanted)
    for top in (10, 400):
        assert index.search_many(QUERIES, top=top) == fresh.search_many(QUERIES, top=top)
    assert index.search_many(QUERIES) != before
    np.testing.assert_array_equal(index.passage_vectors("p4"), fresh.passage_vectors("p4"))
    assert index.text_hashes() == dict(zip(fresh.ids, fresh.text_hashes, strict=True))
    assert compact_index(folder) == 30 + 50 + 2 + 2
    assert index.search_many(QUERIES, top=400) == fresh.search_many(QUERIES, top=400)
    assert set(TokenIndex.open(folder).ids) == set(fresh.ids)
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["index.json"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("share", [0, 3, 40, 250])
def test_of_the_passages_that_may_be_found_the_best_come_back(
    folder, encoder, tmp_path, mode, share, monkeypatch
):
    monkeypatch.setattr("optical_core.retrieval.token_lists.CANDIDATES", 20)
    monkeypatch.setattr("optical_core.retrieval.candidates.candidates", lambda _: 100)
    wanted = changed(folder, encoder)
    among = frozenset([passage.id for passage in wanted][:share]) | {"p0", "unknown"}
    index = LiveIndex(folder, mode)
    exact = build_index(tmp_path / "fresh", wanted, encoder)
    everything = exact.search_many(QUERIES, top=1000)
    for whole, found in zip(
        everything, index.search_many(QUERIES, top=7, among=among), strict=True
    ):
        ranked = [hit for hit in whole if hit[0] in among]
        assert len(found) == min(7, share)
        assert {identifier for identifier, _ in found} <= among
        if mode in ("exact", "int8") or share <= 40:
            assert found == ranked[:7]


def test_the_exact_search_reads_few_passages_by_themselves(folder):
    index = TokenIndex.open(folder)
    few, many = np.array([3, 17, 299]), np.arange(1, 300)
    for positions in (few, many):
        found = index.search_at(QUERIES, 300, positions)
        among = {index.ids[position] for position in positions}
        for whole, hits in zip(index.search_many(QUERIES, top=300), found, strict=True):
            assert hits == [hit for hit in whole if hit[0] in among]


def test_small_segments_are_merged_and_the_largest_is_left_alone(folder, encoder):
    for number in range(3 * updating.MOST_SEGMENTS):
        update_index(folder, passages([number], "new"), encoder)
        (manifest,) = [json.loads((folder / "index.json").read_text())]
        assert len(manifest["segments"]) <= updating.MOST_SEGMENTS
        assert {path.name for path in (folder / "segments").iterdir()} == {
            segment["name"] for segment in manifest["segments"]
        }
    index = LiveIndex(folder)
    assert len(index) == 300
    assert len(index.snapshot().indexes[0]) == 300
    np.testing.assert_allclose(
        index.passage_vectors("p5"), vectors_of("new 5").astype(np.float16), atol=1e-6
    )


def test_a_deleted_index_can_be_filled_again(folder, encoder):
    index = LiveIndex(folder)
    assert delete_from_index(folder, index.ids) == 300
    assert index.search_many(QUERIES) == [[]] * 5
    assert (len(index), index.ids, index.mode) == (0, (), "exact")
    compact_index(folder)
    update_index(folder, passages([1]), encoder)
    assert [hits[0][0] for hits in index.search_many(QUERIES)] == ["p1"] * 5


def test_deleting_what_is_not_there_changes_nothing(folder, encoder):
    stamp = (folder / "index.json").stat().st_mtime_ns
    assert delete_from_index(folder, ["nothing"]) == 0
    assert (folder / "index.json").stat().st_mtime_ns == stamp
    assert not (folder / "segments").exists()
    delete_from_index(folder, ["p1"])
    assert delete_from_index(folder, ["p1"]) == 0
    with pytest.raises(InputError, match="has no passage 'p1'"):
        LiveIndex(folder).passage_vectors("p1")


def test_the_fingerprint_changes_with_every_change(folder, encoder):
    index = LiveIndex(folder)
    prints = [index.fingerprint]
    for change in (
        lambda: update_index(folder, passages([1], "new"), encoder),
        lambda: delete_from_index(folder, ["p2"]),
        lambda: delete_from_index(folder, ["p3"]),
        lambda: compact_index(folder),
    ):
        change()
        prints.append(index.fingerprint)
    assert len(set(prints)) == 5


def test_a_search_is_not_disturbed_by_a_segment_that_disappears(folder, encoder, monkeypatch):
    """Between the reading of a manifest and the opening of its segments, it is replaced."""
    update_index(folder, passages([1], "new"), encoder)
    index = LiveIndex(folder)
    update_index(folder, passages([2], "new"), encoder)
    opened = live_index.TokenIndex.open
    compactions = []

    def open_late(path):
        if not compactions:
            compactions.append(1)
            compact_index(folder)
        return opened(path)

    monkeypatch.setattr(live_index.TokenIndex, "open", open_late)
    fresh = index.search_many(QUERIES)
    monkeypatch.undo()
    assert compactions
    assert fresh == LiveIndex(folder).search_many(QUERIES)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exact", "candidates"])
def test_searches_go_on_while_the_index_changes(folder, encoder, mode):
    index = LiveIndex(folder, mode)
    changed = Event()

    def search():
        counts = []
        while not changed.is_set() or not counts:
            counts += [len(hits) for hits in index.search_many(QUERIES, top=10)]
        return counts

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(search) for _ in range(2)]
        try:
            for number in range(4):
                update_index(folder, passages(range(number, 40 + number), f"new {number}"), encoder)
                delete_from_index(folder, [f"p{100 + number}"])
                compact_index(folder)
        finally:
            changed.set()
        for reader in readers:
            assert set(reader.result()) == {10}
    assert len(index) == 296


def test_what_is_wrong_is_one_sentence_and_changes_nothing(folder, encoder, tmp_path):
    update_index(folder, passages([1], "new"), encoder)
    state = (folder / "index.json").read_bytes()
    other = RandomEncoder()
    other.hash = "f" * 16
    twice = passages([400, 400])
    cases = {
        "'p400' comes twice": lambda: update_index(folder, twice, encoder),
        "no passages": lambda: update_index(folder, [], encoder),
        "built by the encoder random": lambda: update_index(folder, passages([1]), other),
        "no index in": lambda: update_index(tmp_path / "none", passages([1]), encoder),
        "no index": lambda: delete_from_index(tmp_path / "none", ["p1"]),
        "has been updated": lambda: append_to_index(folder, passages([1]), encoder),
    }
    for message, call in cases.items():
        with pytest.raises(InputError, match=message):
            call()
    assert (folder / "index.json").read_bytes() == state
    assert [path.name for path in (folder / "segments").iterdir() if path.name[0] == "."] == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m.update(segments=[{"name": "../../etc", "dead": []}]),
        lambda m: m["segments"][0].update(dead=[5, 4]),
        lambda m: m["segments"][0].update(dead=[-1]),
        lambda m: m["segments"][0].update(dead=[300]),
        lambda m: m["segments"][0].pop("dead"),
        lambda m: m.update(encoder_hash="0"),
        lambda m: m.update(segments=None),
    ],
)
def test_a_damaged_manifest_is_one_sentence(folder, encoder, damage):
    update_index(folder, passages([1], "new"), encoder)
    manifest = json.loads((folder / "index.json").read_text())
    damage(manifest)
    (folder / "index.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError):
        LiveIndex(folder)


def test_a_changed_file_of_a_segment_is_one_sentence(folder, encoder):
    delete_from_index(folder, ["p1"])
    (segment,) = (folder / "segments").iterdir()
    for name in (*FILES, "texts.u64"):
        content = (segment / name).read_bytes()
        (segment / name).write_bytes(content[:-1])
        with pytest.raises(InputError, match="damaged"):
            LiveIndex(folder)
        (segment / name).write_bytes(content)
    assert len(LiveIndex(folder)) == 299


def test_a_changed_collection_is_followed_without_encoding_it_anew(collection, encoder, home):
    assert len(collection_index(collection, encoder)) == 6
    encoder.encoded.clear()
    corpus = collection.folder / "corpus.jsonl"
    lines = corpus.read_text().splitlines()
    rows = ['{"_id": "p2", "title": "Moon", "text": "cheese"}', '{"_id": "p7", "text": "wind"}']
    corpus.write_text("\n".join([lines[5], *rows, lines[0], lines[3]]) + "\n")
    index = collection_index(open_collection(collection.folder), encoder)
    assert sorted(encoder.encoded) == ["Moon. cheese", "wind"]
    assert set(index.ids) == {"p1", "p2", "p4", "p6", "p7"}
    corpus.write_text(lines[0] + "\n")
    assert collection_index(open_collection(collection.folder), encoder).ids == ("p1",)
    assert len(encoder.encoded) == 2


@pytest.mark.parametrize("others", ["change", "compact"])
def test_others_write_while_segments_are_merged(folder, encoder, monkeypatch, others):
    update_index(folder, passages(range(3), "newer"), encoder)
    delete_from_index(folder, ["p5"])
    write = merging._write_merged
    done = []

    def meanwhile(target, parts):
        write(target, parts)
        if done:
            return
        done.append(1)
        update_index(folder, passages([1, 300], "newest"), encoder)
        delete_from_index(folder, ["p7"])
        if others == "compact":
            with exclusive(folder):
                manifest = Manifest.read(folder)
                entries = merging.merged(folder, manifest.entries)
                dataclasses.replace(manifest, entries=entries).write(folder)

    monkeypatch.setattr(merging, "_write_merged", meanwhile)
    compact_index(folder)
    index = LiveIndex(folder)
    kept = {f"p{number}" for number in range(301)} - {"p5", "p7"}
    assert set(index.ids) == kept
    assert len(index.snapshot().indexes) == (2 if others == "change" else 1)
    for name, text in (("p1", "newest 1"), ("p300", "newest 300"), ("p2", "newer 2")):
        np.testing.assert_allclose(index.passage_vectors(name), vectors_of(text), atol=2e-3)
    compact_index(folder)
    assert set(LiveIndex(folder).ids) == kept
    assert len(LiveIndex(folder).snapshot().indexes) == 1
