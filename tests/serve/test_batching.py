"""Waiting queries go together; none is lost, and together they get what each gets alone."""

import threading
from concurrent.futures import CancelledError

import pytest

from optical_core.serve.answering import answer_together
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.schema import SearchAnswer, SearchRequest


def request(query, model="m", **values):
    return SearchRequest(collection="c", model=model, query=query, **values)


class Held:
    """Answers with empty results, one batch at each `release`; remembers the batches."""

    def __init__(self):
        self.batches, self.started, self.gate = [], threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, requests):
        self.batches.append([r.query for r in requests])
        self.started.release()
        assert self.gate.acquire(timeout=10)
        if any(r.query == "poison" for r in requests):
            raise RuntimeError("poison")
        return [
            SearchAnswer(collection=r.collection, model=r.model, query=r.query, results=[])
            for r in requests
        ]

    def release(self, times=1):
        for _ in range(times):
            self.gate.release()


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def batcher(held):
    made = Batcher(held, most_taken=6, most_together=3, most_characters=30)
    yield made
    held.release(20)
    made.close()


def begin(batcher, held):
    """Occupy the worker, so that what follows waits."""
    first = batcher.submit(request("first"))
    assert held.started.acquire(timeout=10)
    return first


def test_a_single_query_starts_at_once(batcher, held):
    future = begin(batcher, held)
    held.release()
    assert future.result(10).query == "first"


def test_what_waits_goes_together_by_model_oldest_first(batcher, held):
    futures = [begin(batcher, held)]
    for query, model in (("a", "m"), ("b", "n"), ("c", "m"), ("d", "m"), ("e", "m")):
        futures.append(batcher.submit(request(query, model)))
    assert batcher.waiting == 5
    held.release(10)
    assert [f.result(10).query for f in futures] == ["first", "a", "b", "c", "d", "e"]
    assert held.batches == [["first"], ["a", "c", "d"], ["b"], ["e"]]


def test_more_than_is_taken_on_is_refused(batcher, held):
    begin(batcher, held)
    for number in range(5):
        batcher.submit(request(str(number)))
    with pytest.raises(BusyError):
        batcher.submit(request("one too many"))


def test_one_that_fails_does_not_take_the_others_with_it(batcher, held):
    begin(batcher, held)
    futures = [batcher.submit(request(query)) for query in ("a", "poison", "b")]
    held.release(10)
    with pytest.raises(RuntimeError, match="poison"):
        futures[1].result(10)
    assert [futures[i].result(10).query for i in (0, 2)] == ["a", "b"]


def test_what_nobody_waits_for_is_left_out(batcher, held):
    begin(batcher, held)
    gone, kept = batcher.submit(request("gone")), batcher.submit(request("kept"))
    gone.cancel()
    held.release(10)
    assert kept.result(10).query == "kept"
    with pytest.raises(CancelledError):
        gone.result(10)
    assert held.batches[1:] == [["kept"]]


def test_a_client_that_leaves_gives_its_place_back(batcher, held):
    begin(batcher, held)
    waiting = [batcher.submit(request(str(number))) for number in range(5)]
    waiting[0].cancel()
    assert batcher.waiting == 4
    batcher.submit(request("in its place"))
    with pytest.raises(BusyError):
        batcher.submit(request("one too many"))


def test_short_queries_pass_long_ones_which_still_have_their_turn(held):
    batcher = Batcher(held, most_taken=20, most_together=1, most_characters=30)
    begin(batcher, held)
    for query in ("long " * 5, "longer " * 5, "a", "b", "c"):
        batcher.submit(request(query))
    held.release(20)
    batcher.close()
    asked = [query for (query,) in held.batches]
    assert asked == ["first", "long " * 5, "a", "longer " * 5, "b", "c"]


def test_a_batch_is_bounded_by_its_padded_characters(held):
    batcher = Batcher(held, most_taken=20, most_together=10, most_characters=34)
    begin(batcher, held)
    queries = ["x" * 10, "y" * 40, *(letter * 10 for letter in "abc")]
    for query in queries:
        batcher.submit(request(query))
    batcher.submit(request("e", explain=True, top=1))
    held.release(20)
    batcher.close()
    sizes = [[len(query) for query in batch] for batch in held.batches]
    assert sizes == [[5], [10, 10, 10], [10, 1], [40]]


def test_closing_answers_what_waits_and_takes_no_more(held):
    batcher = Batcher(held, most_taken=6, most_together=3, most_characters=30)
    futures = [begin(batcher, held), batcher.submit(request("waits"))]
    held.release(10)
    batcher.close()
    assert all(future.done() for future in futures)
    with pytest.raises(BusyError):
        batcher.submit(request("late"))


def test_together_they_get_what_each_gets_alone(holdings, tiny_encoder):
    queries = ["the salty sea", "mji", "where is the fish of the old river ?", "...", "sun " * 30]
    requests = [
        SearchRequest(
            collection="tiny", model=str(tiny_encoder), query=query, top=top, explain=explain
        )
        for query in queries
        for top, explain in ((2, True), (6, False))
    ]
    together = answer_together(holdings, requests)
    for asked, found in zip(requests, together, strict=True):
        (alone,) = answer_together(holdings, [asked])
        assert found.query == asked.query
        assert [r.id for r in found.results] == [r.id for r in alone.results]
        assert len(found.results) == asked.top
        for mine, theirs in zip(found.results, alone.results, strict=True):
            assert mine.score == pytest.approx(theirs.score, abs=1.01e-4)
            assert (mine.matches is not None) == asked.explain


def test_duplicates_are_ordered_by_id_wherever_the_ranking_is_cut(tiny_encoder, tmp_path):
    from optical_core.data.collection import CollectionInfo, Passage, write_collection
    from optical_core.serve.holdings import load_holdings

    texts = {f"d{n}": "the salty sea" for n in (7, 3, 9, 1, 5)} | {"x": "moon", "y": "old tree"}
    info = CollectionInfo(name="twins", licence="CC0", source="t", languages=("en",), parallel=True)
    passages = [Passage(key, "", text) for key, text in texts.items()]
    write_collection(tmp_path / "twins", info, passages, {"en": {"q": "sea"}}, {"q": {"d1": 1}})
    holdings = load_holdings([str(tmp_path / "twins")], [str(tiny_encoder)], device="cpu")
    for top in (1, 3, 5):
        asked = SearchRequest(
            collection="twins", model=str(tiny_encoder), query="the salty sea", top=top
        )
        (answer,) = answer_together(holdings, [asked])
        assert [r.id for r in answer.results] == ["d9", "d7", "d5", "d3", "d1"][:top]
