import gc
import weakref

import pytest

from optical_core.models import alignment, pair_store
from optical_core.models.cards import ModelCard
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.ui import loaders

TEXTS = "habari za asubuhi", "good morning"


@pytest.fixture
def versions(tiny_encoder, monkeypatch):
    """Models trained again and again: each stamp is a version, loaded as it is asked for."""
    encoder = TokenEncoder.load(str(tiny_encoder))
    stamp, loaded = [0], []

    def load(name):
        found = EncoderPair(name, encoder, encoder, ModelCard())
        loaded.append(weakref.ref(found))
        return found

    monkeypatch.setattr(pair_store, "load_pair", load)
    monkeypatch.setattr(loaders, "_stamp", lambda _: stamp[0])
    kept = (loaders._encoder_pair, loaders._pair, loaders._plan)
    for cache in kept:
        cache.cache_clear()
    yield stamp, loaded
    for cache in kept:
        cache.cache_clear()


def test_a_plan_is_solved_once_and_again_for_another_solver_or_version(versions, monkeypatch):
    stamp, _ = versions
    solved = []
    solve = alignment.solve_pair
    monkeypatch.setattr(
        alignment, "solve_pair", lambda *a, **o: solved.append(o["method"]) or solve(*a, **o)
    )
    first = loaders.plan("model", *TEXTS)
    assert loaders.plan("model", *TEXTS) is first
    assert loaders.plan("model", *TEXTS, method="sinkhorn").report["method"] == "sinkhorn"
    stamp[0] += 1
    assert loaders.plan("model", *TEXTS) is not first
    assert solved == ["exact", "sinkhorn", "exact"]


def test_what_is_kept_of_an_old_version_does_not_keep_the_model(versions):
    stamp, loaded = versions
    for version in range(loaders._encoder_pair.cache_info().maxsize + 1):
        stamp[0] = version
        loaders.plan("model", *TEXTS)
    gc.collect()
    assert loaded[0]() is None
    assert loaded[-1]() is not None


def test_a_search_and_an_alignment_share_the_model(versions, collection, monkeypatch):
    _, loaded = versions
    monkeypatch.setattr(loaders, "open_collection", lambda _: collection)
    loaders._searcher.cache_clear()
    searcher = loaders.searcher("model", "tiny")
    loaders.plan("model", *TEXTS)
    loaders._searcher.cache_clear()
    assert [reference() for reference in loaded] == [searcher.pair]


def test_a_ranking_tells_the_time_of_its_search_and_whether_it_was_kept(monkeypatch):
    class Searcher:
        opened = False

        def search(self, query, *, top):
            if not self.opened:
                clock[0] += 11.0  # reads the index
                self.opened = True
            clock[0] += 0.25
            return [("p1", 1.0)]

    clock, found = [100.0], Searcher()
    pairing = ("a-model", 0, "a-folder", "a-fingerprint")
    monkeypatch.setattr(loaders.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(loaders, "_pairing", lambda *_: pairing)
    monkeypatch.setattr(loaders, "_searcher_of", lambda _: found)
    monkeypatch.setattr(loaders, "collection", lambda _: type("C", (), {"by_id": {}}))
    first = loaders.rank("a-model", "x", "a query of this test", 10)
    clock[0] += 1
    again = loaders.rank("a-model", "x", "a query of this test", 10)
    assert (first.seconds, first.kept) == (0.25, False)
    assert (again.seconds, again.kept) == (0.25, True)
