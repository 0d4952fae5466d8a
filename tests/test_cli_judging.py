"""`optical judge`: pool, agreement, write."""

from optical_core.data.collection import open_collection
from optical_core.data.judging import read_pool, write_grades
from tests.test_cli_updates import refused, run


def test_a_collection_is_pooled_compared_and_written(unjudged):
    output = run("judge", "pool", "mine", "--models", "bm25", "--depth", 2, "--languages", "en")
    items = read_pool("mine").items
    assert f"{len(items)} passages to judge for 3 queries; next: the page Judge" in output
    write_grades("mine", "ann", dict.fromkeys(items, 1) | {items[0]: 0})
    write_grades("mine", "ben", dict.fromkeys(items[:2], 1) | {items[0]: 0})
    lines = run("judge", "agreement", "mine").splitlines()
    assert f"ann: {len(items)} of {len(items)} passages judged" in lines
    assert f"ben: 2 of {len(items)} passages judged" in lines
    pair = "ann, ben: 2 judged by both, 100% equal, kappa 1.00, of relevant or not 1.00"
    assert lines[-1] == pair
    assert "2 judgements -> mine" in run("judge", "write", "mine", "--judges", "ben")
    assert sum(map(len, open_collection("mine").qrels("sw").values())) == 2
    assert f"{len(items)} judgements" in run("judge", "write", "mine")


def test_what_cannot_be_done_is_one_sentence(unjudged):
    assert "mine has no pool to judge" in refused("judge", "agreement", "mine")
    nothing = refused("judge", "pool", "mine", "--models", "bm25", "--languages", "sw")
    assert "bm25 found no passage for any query in Swahili" in nothing
    assert "--models is empty" in refused("judge", "pool", "mine", "--models", ",")
    assert "goes from 1 to 100, got 0" in refused("judge", "pool", "mine", "--depth", 0)
    assert "nobody has judged yet" in refused("judge", "write", "mine")
    run("judge", "pool", "mine", "--models", "bm25", "--languages", "en")
    assert "nobody has judged yet" in run("judge", "agreement", "mine")
    assert "has no Hausa queries" in refused("judge", "pool", "mine", "--languages", "ha")
