"""Many queries in one request: answered together, in order, each with its own error."""

import threading

import pytest
from fastapi.testclient import TestClient

from optical_core.errors import InputError
from optical_core.serve import app as application
from optical_core.serve.answering import answer_together
from optical_core.serve.app import create_app
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.limits import Limits
from optical_core.serve.schema import SearchRequest

QUERIES = ["the salty sea", "a big city", "cold moon", "the fish"]


@pytest.fixture
def batch(ask):
    """A body of POST /search with many queries."""

    def body(queries=QUERIES, **values):
        usual = ask(**values)
        del usual["query"]
        return usual | {"queries": queries}

    return body


@pytest.fixture
def encoded(holdings, tiny_encoder, monkeypatch):
    """The texts that were encoded together, batch by batch."""
    batches = []
    searcher = holdings.searcher(str(tiny_encoder), "tiny")
    encode = searcher.encode

    def watched(queries):
        batches.append(list(queries))
        return encode(queries)

    monkeypatch.setattr(searcher, "encode", watched)
    return batches


@pytest.fixture
def client(holdings):
    with TestClient(create_app(holdings)) as found:
        yield found


def test_many_queries_are_encoded_once_and_answered_in_order(client, holdings, ask, batch, encoded):
    answered = client.post("/search", json=batch(top=3, explain=True))
    assert answered.status_code == 200
    assert [sorted(texts) for texts in encoded] == [sorted(QUERIES)]
    answers = answered.json()["answers"]
    assert [answer["query"] for answer in answers] == QUERIES
    with TestClient(create_app(holdings, Limits(cache=0))) as fresh:
        for query, answer in zip(QUERIES, answers, strict=True):
            alone = fresh.post("/search", json=ask(query=query, top=3, explain=True)).json()
            assert [r["id"] for r in answer["results"]] == [r["id"] for r in alone["results"]]
            assert len(answer["results"][0]["matches"]) == len(alone["results"][0]["matches"])
            for mine, other in zip(answer["results"], alone["results"], strict=True):
                assert mine["score"] == pytest.approx(other["score"], abs=1.01e-4)


def test_a_query_that_cannot_be_answered_does_not_take_the_others_with_it(client, batch):
    queries = ["the sea", " ", "x" * 1001, "the moon"]
    answers = client.post("/search", json=batch(queries, model="bm25")).json()["answers"]
    assert [answer.get("detail") for answer in answers] == [
        None,
        "query: the query is empty: type at least one word",
        "the query has 1001 characters, at most 1000 are taken",
        None,
    ]
    assert answers[3]["results"][0]["id"] == "p2"


def test_a_query_that_fails_says_why_in_its_place(holdings, batch, monkeypatch):
    def answer(holdings, requests):
        if any(request.query == "bad" for request in requests):
            raise InputError("it is bad")
        return answer_together(holdings, requests)

    monkeypatch.setattr(application, "answer_together", answer)
    with TestClient(create_app(holdings)) as client:
        body = batch(["sea", "bad", "moon"], model="bm25")
        answers = client.post("/search", json=body).json()["answers"]
    assert answers[1] == {"detail": "it is bad"}
    assert [answers[n]["results"][0]["id"] for n in (0, 2)] == ["p1", "p2"]


def test_kept_answers_are_not_asked_again(client, ask, batch, encoded):
    first = client.post("/search", json=ask(query="cold moon")).json()
    answers = client.post("/search", json=batch()).json()["answers"]
    assert answers[2] == first
    assert sorted(encoded[1]) == sorted(set(QUERIES) - {"cold moon"})
    again = client.post("/search", json=batch()).json()["answers"]
    assert (again, len(encoded)) == (answers, 2)


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"queries": []}, 422, "queries: at least 1 was expected"),
        ({"queries": "sea"}, 422, "queries: a list was expected, got 'sea'"),
        ({"queries": ["sea", 7]}, 422, "queries.1: a text was expected"),
        ({"queries": ["sea"] * 33}, 413, "the request has 33 queries, at most 32 are taken"),
        ({"query": "sea"}, 422, "query: there is no such setting"),
        ({"model": "nope"}, 404, "there is no model 'nope' here"),
        ({"top": 1001}, 422, "top: at most 1000, got 1001"),
        ({"top": 21, "explain": True}, 422, "token matches are given for at most 20 passages"),
        ({"where": "nothing = 1"}, 422, "the condition "),
    ],
)
def test_what_is_wrong_with_all_is_refused(client, batch, values, status, sentence):
    answer = client.post("/search", json=batch() | values)
    assert (answer.status_code, answer.json()["detail"][: len(sentence)]) == (status, sentence)


def test_a_batch_needs_room_for_all_its_queries(holdings):
    gate, begun = threading.Event(), threading.Event()

    def slow(requests):
        begun.set()
        assert gate.wait(10)
        return answer_together(holdings, requests)

    batcher = Batcher(slow, most_taken=3, most_together=3, most_characters=100)
    requests = [SearchRequest(collection="tiny", model="bm25", query=query) for query in "abc"]
    (first,) = batcher.submit_all(requests[:1])
    assert begun.wait(10)
    with pytest.raises(BusyError):
        batcher.submit_all(requests)
    assert batcher.waiting == 0
    others = batcher.submit_all(requests[:2])
    gate.set()
    assert [future.result(10).query for future in (first, *others)] == ["a", "a", "b"]
    batcher.close()


def test_a_batch_counts_as_its_queries_in_the_rate(holdings, batch, ask):
    with TestClient(create_app(holdings, Limits(rate=1))) as client:
        body = batch(model="bm25")
        assert client.post("/search", json=body).status_code == 200
        refused = client.post("/search", json=ask())
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 3


def test_the_schema_and_the_page_know_batches(holdings):
    with TestClient(create_app(holdings, Limits(queries=5, query=20))) as client:
        told = client.get("/openapi.json").json()
        page = client.get("/docs").text
        assert client.get("/health").json()["most_queries"] == 5
    body = told["paths"]["/search"]["post"]["requestBody"]["content"]["application/json"]
    forms = {form["$ref"].rpartition("/")[2] for form in body["schema"]["oneOf"]}
    assert forms == {"SearchRequest", "BatchRequest"}
    queries = told["components"]["schemas"]["BatchRequest"]["properties"]["queries"]
    assert (queries["maxItems"], queries["items"]["maxLength"]) == (5, 20)
    assert 'Takes <a href="#SearchRequest">SearchRequest</a> or <a href="#BatchRequest">' in page
    assert "items, at most 5" in page
