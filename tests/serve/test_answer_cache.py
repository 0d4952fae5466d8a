"""Answers that come again are kept, as long as nothing has changed that decides them."""

import pytest
from fastapi.testclient import TestClient

from optical_core.serve import answer_cache
from optical_core.serve.answer_cache import AnswerCache
from optical_core.serve.app import create_app
from optical_core.serve.limits import Limits
from optical_core.serve.schema import SearchRequest


@pytest.fixture
def counted(holdings, monkeypatch):
    """Applications with limits, and the queries that were really ranked."""
    ranked = []
    for searcher in holdings.searchers.values():
        rank = searcher.rank

        def watched(queries, rank=rank, **options):
            ranked.extend(query.text for query in queries)
            return rank(queries, **options)

        monkeypatch.setattr(searcher, "rank", watched)
    return lambda **limits: TestClient(create_app(holdings, Limits(**limits))), ranked


def metric(client, result):
    line = f'optical_cache_total{{result="{result}"}}'
    found = [row for row in client.get("/metrics").text.splitlines() if row.startswith(line)]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


def test_an_answer_that_comes_again_is_the_same_to_the_byte_and_ranks_nothing(counted, ask):
    opened, ranked = counted
    with opened() as client:
        first, again = (client.post("/search", json=ask(explain=True)) for _ in range(2))
        assert ranked == [ask()["query"]]
        assert first.content == again.content
        assert first.headers["content-type"] == again.headers["content-type"] == "application/json"
        assert (metric(client, "miss"), metric(client, "hit")) == (1, 1)


@pytest.mark.parametrize(
    "change", [{"query": "moon"}, {"top": 2}, {"explain": True}, {"model": "bm25"}]
)
def test_another_request_is_another_answer(counted, ask, change):
    opened, ranked = counted
    with opened() as client:
        client.post("/search", json=ask())
        assert client.post("/search", json=ask(**change)).status_code == 200
    assert len(ranked) == 2


def test_the_answers_kept_are_bounded_in_bytes(counted, ask):
    opened, ranked = counted
    with opened() as client:
        size = len(client.post("/search", json=ask()).content)
    ranked.clear()
    with opened(cache=int(1.5 * size)) as client:
        for query in ("the salty sea", "the salty moon", "the salty sea"):
            client.post("/search", json=ask(query=query))
        assert len(ranked) == 3
        client.post("/search", json=ask(query="the salty sea"))
        assert len(ranked) == 3
    with opened(cache=0) as client:
        for _ in range(2):
            client.post("/search", json=ask())
    assert len(ranked) == 5


def test_requests_count_among_the_bytes_too(holdings, ask):
    request = SearchRequest(**ask(query="the salty sea " * 20))
    (size,) = {len(request.model_dump_json())}
    for most, kept in ((size + 9, None), (size + 10, b"an answer!")):
        cache = AnswerCache(holdings, most)
        cache.keep(cache.key(request), b"an answer!")
        assert cache.get(cache.key(request)) == kept


def test_an_answer_under_a_condition_is_kept_for_an_hour_which_may_name_the_date(
    counted, ask, monkeypatch
):
    opened, ranked = counted
    clock = [0.0]
    monkeypatch.setattr(answer_cache.time, "time", lambda: clock[0])
    with opened() as client:
        for where in ("date('now') > date('1970-06-01') or title = 'x'", None):
            ranked.clear()
            for clock[0] in (10.0, 3000.0, 200 * 86_400.0):
                body = ask() | ({"where": where} if where else {})
                assert client.post("/search", json=body).status_code == 200
            assert len(ranked) == (2 if where else 1)


def test_a_refusal_is_not_kept(counted, ask):
    opened, ranked = counted
    with opened() as client:
        for _ in range(2):
            assert client.post("/search", json=ask(where="nonsense (")).status_code == 422
        assert metric(client, "hit") == 0
    assert not ranked
