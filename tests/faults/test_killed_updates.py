"""Killed at any change on disk, an update has happened or not; what was acknowledged stays."""

from threading import Thread

import pytest

from optical_core.data.collection import Passage
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.updating import compact_index, delete_from_index, update_index
from optical_core.storage import exclusive
from tests.encoders import RandomEncoder, vectors_of
from tests.faults.children import killed_everywhere, left_over, together

QUERY = vectors_of("query")


def passages(numbers, text="text"):
    return [Passage(f"p{number}", "", f"{text} {number}") for number in numbers]


@pytest.fixture
def folder(tmp_path):
    """An index of p0 to p19, of which p0 was deleted and p1 replaced."""
    build_index(tmp_path / "index", passages(range(20)), RandomEncoder())
    return tmp_path / "index"


def acknowledged(folder):
    delete_from_index(folder, ["p0"])
    update_index(folder, passages([1, 30], "acknowledged"), RandomEncoder())


def content(folder):
    """What a new reader finds: id -> text hash, and the ranking."""
    index = LiveIndex(folder)
    hashes = index.text_hashes()
    assert set(dict(index.search(QUERY, top=100))) == set(hashes)
    return hashes


def hashes(passages):
    return {passage.id: passage.text_hash for passage in passages}


CALLS = {
    "update": lambda folder: update_index(
        folder, passages([2, 31], "new"), RandomEncoder(), removed=["p3"]
    ),
    "delete": lambda folder: delete_from_index(folder, ["p2", "p30"]),
    "compact": compact_index,
}


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("updated", [True, False])
def test_a_change_has_happened_or_not(folder, call, updated):
    if updated:
        acknowledged(folder)
    before = content(folder)
    after = {
        "update": {k: v for k, v in before.items() if k != "p3"} | hashes(passages([2, 31], "new")),
        "delete": {k: v for k, v in before.items() if k not in ("p2", "p30")},
        "compact": before,
    }[call]
    reader = LiveIndex(folder)
    kills = 0
    for number in killed_everywhere(folder, lambda: CALLS[call](folder)):
        kills += 1
        found = content(folder)
        assert found in (before, after), f"killed at change {number}"
        assert dict(reader.search(QUERY, top=100)).keys() == found.keys()
    assert kills >= 3 or (call == "compact" and not updated)
    assert content(folder) == after
    # The next update removes what the killed ones have left.
    update_index(folder, passages([40]), RandomEncoder())
    assert content(folder) == after | hashes(passages([40]))
    assert left_over(folder) == []
    named = {entry.name for entry in LiveIndex(folder).snapshot().manifest.entries}
    assert {path.name for path in (folder / "segments").iterdir()} == named
    assert {path.name for path in folder.iterdir()} == {"index.json", "segments"}


def test_updates_of_several_processes_are_all_there(folder):
    def adding(number):
        def add():
            for step in range(3):
                update_index(folder, passages([100 * number + step]), RandomEncoder())

        return add

    assert together(adding(1), adding(2), lambda: compact_index(folder)) == [0, 0, 0]
    new = passages([100, 101, 102, 200, 201, 202])
    assert content(folder) == hashes(passages(range(20)) + new)


def test_a_reader_does_not_wait_for_a_writer(folder):
    acknowledged(folder)
    index = LiveIndex(folder)
    found = []
    with exclusive(folder):
        thread = Thread(target=lambda: found.extend([index.search(QUERY), content(folder)]))
        thread.start()
        thread.join(20)
    assert len(found) == 2
