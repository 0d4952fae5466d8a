"""The routes of `optical serve`: answers, limits, metrics, and what is refused how."""

import json
import logging
import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from optical_core.data.collection import Passage
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.vector_stores import fill_store
from optical_core.serve import app as application
from optical_core.serve.answering import answer_together
from optical_core.serve.app import create_app
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.holdings import NotServedError, load_holdings
from optical_core.serve.limits import Limits
from optical_core.serve.searching import BUSY_SECONDS


@pytest.fixture
def client(holdings):
    with TestClient(create_app(holdings)) as found:
        yield found


def limited(holdings, **limits):
    return TestClient(create_app(holdings, Limits(**limits)))


def test_a_search_gives_what_the_command_gives(client, ask, collection, tiny_encoder):
    from optical_core.cli import app

    answer = client.post("/search", json=ask(top=3, explain=True))
    assert answer.status_code == 200
    arguments = ["search", str(collection.folder), "the salty sea", "-m", str(tiny_encoder)]
    printed = CliRunner().invoke(app, [*arguments, "-k", "3", "--explain", "--json"])
    expected = json.loads(printed.stdout)["results"]
    found = answer.json()["results"]
    for mine, theirs in zip(found, expected, strict=True):
        assert [mine[k] for k in ("rank", "id", "title", "text")] == [
            theirs[k] for k in ("rank", "id", "title", "text")
        ]
        assert mine["score"] == pytest.approx(theirs["score"], abs=1e-4)
        for match, other in zip(mine["matches"], theirs["matches"], strict=True):
            assert (match["query"], match["passage"]) == (other["query"], other["passage"])
            assert match["contribution"] == pytest.approx(other["contribution"], abs=1e-5)


def test_a_model_that_explains_nothing_is_named(holdings, ask, monkeypatch):
    monkeypatch.setattr(holdings.searcher("bm25", "tiny"), "explains", False)
    answer = limited(holdings).post("/search", json=ask(model="bm25", explain=True))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("bm25 has no token matches to explain")


@pytest.mark.parametrize("words", [False, True])
def test_explanations_add_up_and_their_spans_are_in_the_texts(client, ask, words):
    asked = ask(explain=True, **({"model": "bm25"} if words else {}))
    for result in client.post("/search", json=asked).json()["results"]:
        total = sum(match["contribution"] for match in result["matches"])
        assert total == pytest.approx(result["score"], abs=1e-4)
        whole = f"{result['title']}. {result['text']}"
        for match in result["matches"]:
            assert whole[slice(*match["passage_span"])] == match["passage"]
            assert "the salty sea"[slice(*match["query_span"])] == match["query"]


def test_without_explain_there_are_no_matches(client, ask):
    assert client.post("/search", json=ask()).json()["results"][0]["matches"] is None


def test_bm25_is_asked_like_any_other(client, ask):
    results = client.post("/search", json=ask(model="bm25")).json()["results"]
    assert results[0]["id"] == "p1"
    assert client.post("/search", json=ask(model="bm25", query="zzz")).json()["results"] == []


@pytest.mark.parametrize("mode", ["int8", "candidates"])
def test_a_faster_mode_finds_the_same(mode, client, ask, collection, tiny_encoder):
    faster = load_holdings([str(collection.folder)], [str(tiny_encoder)], mode=mode, device="cpu")
    with TestClient(create_app(faster)) as other:
        answers = [one.post("/search", json=ask()).json()["results"] for one in (client, other)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("values", "status", "sentence"),
    [
        ({"collection": "nope"}, 404, "there is no collection 'nope' here; there is tiny"),
        ({"model": "nope"}, 404, "there is no model 'nope' here; there is "),
        ({"query": "  "}, 422, "query: the query is empty: type at least one word"),
        ({"query": "caf\ud800"}, 422, "the body has an escape \\ud… that is half a character"),
        ({"\ud800": 7}, 422, "the body has an escape \\ud… that is half a character"),
        ({"explain": 0}, 422, "explain: true or false was expected, got 0"),
        ({"top": "3"}, 422, "top: a whole number was expected, got '3'"),
        ({"top": True}, 422, "top: a whole number was expected, got True"),
        ({"top": float("nan")}, 422, "top: a whole number was expected, got nan"),
        ({"query": 7}, 422, "query: a text was expected (in quotes, if it looks like a number)"),
        ({"top": 0}, 422, "top: at least 1 was expected, got 0"),
        ({"top": 1001}, 422, "top: at most 1000, got 1001"),
        ({"top": 21, "explain": True}, 422, "token matches are given for at most 20 passages"),
        ({"topp": 1}, 422, "topp: there is no such setting"),
        ({"query": "x" * 1001}, 413, "the query has 1001 characters, at most 1000 are taken"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(client, ask, values, status, sentence):
    body = json.dumps(ask(**values))  # httpx' own refuses what a client may send
    answer = client.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(sentence)


def test_bodies_that_are_no_json_or_too_large_are_refused(client, holdings, ask):
    utf16 = '{"query": "sea"}'.encode("utf-16")
    for content in (b"{", b"[1]", b"", b"[" * 20_000, b"9" * 5000, b'"\xff"', utf16):
        refused = client.post(
            "/search", content=content, headers={"Content-Type": "application/json"}
        )
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("the body must be a JSON object")
    assert client.post("/search", content=b"\xff\xfe").status_code == 422
    twice = client.post("/search", content=b'{"top": 1, "top": 2}')
    assert (twice.status_code, twice.json()["detail"]) == (
        422,
        "the body has the field 'top' twice",
    )
    with limited(holdings, body=100) as small:
        refused = small.post("/search", content=b"x" * 101)
        assert refused.status_code == 413
        assert refused.json()["detail"] == "the body is longer than 100 bytes"
        chunks = small.post("/search", content=iter([b"x" * 60, b"x" * 60]))
        assert chunks.status_code == 413


def test_one_client_is_slowed_down_alone(holdings, ask):
    with limited(holdings, rate=0.5) as client:
        assert client.post("/search", json=ask()).status_code == 200
        refused = client.post("/search", json=ask())
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/health").status_code == 200
        with TestClient(client.app, client=("other", 1)) as other:
            assert other.post("/search", json=ask()).status_code == 200


def test_a_full_server_says_when_to_come_back(holdings, ask, monkeypatch):
    monkeypatch.setattr(Batcher, "submit", _refuse)
    with limited(holdings, searches=1) as client:
        refused = client.post("/search", json=ask())
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == str(BUSY_SECONDS)


def _refuse(self, request):
    raise BusyError


def test_a_failure_is_a_number_that_the_log_explains(holdings, ask, monkeypatch, caplog):
    def broken(self, request):
        future = Future()
        future.set_exception(RuntimeError("secret of the house"))
        return future

    monkeypatch.setattr(Batcher, "submit", broken)
    with TestClient(create_app(holdings)) as client, caplog.at_level(logging.ERROR):
        answer = client.post("/search", json=ask())
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["id"] in caplog.text
    assert "secret of the house" in caplog.text


def test_models_collections_and_topics_are_told(client, tiny_encoder, collection):
    models = client.get("/models").json()
    assert [(m["name"], m["token_level"], m["explains"], m["scale"]) for m in models] == [
        (str(tiny_encoder), True, True, "maxsim"),
        ("bm25", False, True, "bm25"),
    ]
    assert models[0]["weights"]
    (told,) = client.get("/collections").json()
    assert (told["name"], told["passages"], told["languages"]) == ("tiny", 6, ["en", "sw"])
    assert told["fingerprint"] == collection.fingerprint
    topics = client.get("/collections/tiny/queries/sw").json()
    assert topics["queries"]["q2"] == "samaki wapi"
    assert topics["judgements"]["q1"] == {"p1": 2, "p6": 1}
    unknown = client.get("/collections/tiny/queries/xx")
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "there is no tiny language 'xx' here; there is en, sw",
    )


def test_the_documentation_has_an_example_and_names_the_refusals(client):
    told = client.get("/openapi.json").json()
    post = told["paths"]["/search"]["post"]
    refusals = {"400", "401", "404", "408", "413", "422", "429", "500", "503"}
    assert set(post["responses"]) == {"200", *refusals}
    example = told["components"]["schemas"]["SearchRequest"]["examples"][0]
    assert example["collection"] == "demo"


def test_the_schema_has_the_servers_limits(holdings, ask):
    with limited(holdings, top=3, query=20) as client:
        told = client.get("/openapi.json").json()["components"]["schemas"]["SearchRequest"]
        assert (told["properties"]["top"]["maximum"], told["properties"]["top"]["default"]) == (
            3,
            3,
        )
        assert told["properties"]["query"]["maxLength"] == 20
        answer = client.post("/search", json=ask())
    assert len(answer.json()["results"]) == 3


def test_the_description_is_a_page_that_loads_nothing(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype html>", "")
    assert "<script" not in page.text
    for told in ("POST /search", 'id="SearchRequest"', "at most 1000", "429"):
        assert told in page.text


def test_head_is_answered_as_get_without_the_body(client):
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
    refused = client.options("/search")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_metrics_move(client, ask, tiny_encoder):
    def value(line):
        text = client.get("/metrics").text
        found = [row.rsplit(" ", 1)[1] for row in text.splitlines() if row.startswith(line)]
        return float(found[0]) if found else 0.0

    searches = 'optical_requests_total{route="/search",status="200"}'
    seconds = 'optical_request_seconds_count{route="/search"}'
    batches = f'optical_batch_size_count{{model="{tiny_encoder}"}}'
    before = [value(line) for line in (searches, seconds, batches)]
    client.post("/search", json=ask())
    client.post("/search", json=ask(model="nope"))
    after = [value(line) for line in (searches, seconds, batches)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 2, 1]
    assert value('optical_requests_total{route="/search",status="404"}') == 1
    assert value("optical_queue_depth") == 0
    for path in ("/a", "/b"):
        client.get(path)
    assert value('optical_requests_total{route="unknown",status="404"}') == 2


def test_health_is_ready_and_every_answer_names_the_interface(client):
    answer = client.get("/health")
    assert answer.json()["status"] == "ok"
    assert answer.headers["optical-api"] == "1"
    assert client.get("/nowhere").headers["optical-api"] == "1"


def test_bm25_does_not_wait_for_queries_that_are_encoded(holdings, ask, monkeypatch):
    gate, begun = threading.Event(), threading.Event()

    def slow(holdings, requests):
        if holdings.models[requests[0].model].token_level:
            begun.set()
            assert gate.wait(10)
        return answer_together(holdings, requests)

    monkeypatch.setattr(application, "answer_together", slow)
    with TestClient(create_app(holdings)) as client, ThreadPoolExecutor() as threads:
        encoded = threads.submit(client.post, "/search", json=ask())
        assert begun.wait(10)
        assert client.post("/search", json=ask(model="bm25")).status_code == 200
        assert not encoded.done()
        gate.set()
        assert encoded.result(10).status_code == 200


@pytest.mark.slow
def test_an_index_may_lie_in_another_engine(collection, tiny_encoder, holdings, ask, tmp_path):
    pytest.importorskip("lancedb")
    place = "lancedb", str(tmp_path / "lance")
    fill_store(*place, collection, TokenEncoder.load(str(tiny_encoder), device="cpu"))
    named = [str(collection.folder)], [str(tiny_encoder)]
    engine, uri = place
    stored = load_holdings(*named, engine=engine, uri=uri, device="cpu")
    answers = [
        TestClient(create_app(held)).post("/search", json=ask(top=3, explain=True)).json()
        for held in (holdings, stored)
    ]
    expected, found = ([(r["id"], r["score"]) for r in a["results"]] for a in answers)
    assert [key for key, _ in found] == [key for key, _ in expected]
    assert dict(found) == pytest.approx(dict(expected), abs=2e-4)


def test_one_index_is_not_served_as_two_collections(collection, tiny_encoder):
    names = [str(collection.folder), "demo"]
    with pytest.raises(InputError, match="the index of one collection"):
        load_holdings(names, [str(tiny_encoder)], uri="somewhere", device="cpu")


def test_an_unknown_mode_is_refused_even_where_no_model_has_one(collection):
    with pytest.raises(InputError, match="there is no search mode 'foo'"):
        load_holdings([str(collection.folder)], ["bm25"], mode="foo")


def test_two_collections_of_one_name_are_not_served(collection, tmp_path):
    other = shutil.copytree(collection.folder, tmp_path / "other" / "folder")
    with pytest.raises(InputError, match="two collections are called 'tiny'"):
        load_holdings([str(collection.folder), str(other)], ["bm25"])


def test_a_condition_on_the_fields_chooses_before_the_ranking(client, ask, collection):
    for model in ({}, {"model": "bm25"}):
        body = ask(where="_id in ('p3', 'p5') or title = 'Lake'", query="the water", **model)
        found = client.post("/search", json=body).json()["results"]
        assert {result["id"] for result in found} == {"p3", "p5", "p6"}
    both = [ask(where="_id = 'p1'"), ask(where="_id = 'p2'"), ask()]
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda body: client.post("/search", json=body).json(), both))
    assert [len(answer["results"]) for answer in answers] == [1, 1, 6]
    assert [answer["results"][0]["id"] for answer in answers[:2]] == ["p1", "p2"]


@pytest.mark.parametrize(
    "where", ["(select 1)", "load_extension('x')", "nothing = 1", "x" * 3000, "attach 'x' as y"]
)
def test_a_condition_that_is_none_is_refused_in_one_sentence(client, ask, where):
    answer = client.post("/search", json=ask(where=where))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("the condition ")


def test_a_running_server_finds_what_was_added_and_not_what_was_deleted(
    client, ask, collection, tiny_encoder
):
    from optical_core.retrieval.changing import delete_passages, update_collection

    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    before = client.get("/collections").json()[0]
    assert len(client.post("/search", json=ask()).json()["results"]) == 6
    new = Passage("p7", "", "the salty sea", {"year": 2024})
    update_collection(collection, [new], teacher)
    delete_passages(collection, ["p1"])
    for model in ({}, {"model": "bm25"}):
        found = client.post("/search", json=ask(**model)).json()["results"]
        assert found[0]["id"] == "p7"
        assert found[0]["fields"] == {"year": 2024}
        assert "p1" not in {result["id"] for result in found}
    filtered = client.post("/search", json=ask(where="year > 2000")).json()["results"]
    assert [result["id"] for result in filtered] == ["p7"]
    after = client.get("/collections").json()[0]
    assert after["fingerprint"] != before["fingerprint"]


def test_joined_models_are_served_with_each_parts_share(collection, tiny_encoder, ask):
    fused = f"0.7*{tiny_encoder}+0.3*bm25"
    models = [fused, f"bm25%3>>{tiny_encoder}", "rrf(bm25,bm25%1)"]
    held = load_holdings([str(collection.folder)], models, device="cpu")
    with TestClient(create_app(held)) as client:
        told = client.get("/models").json()
        assert [m["name"] for m in told] == models
        assert [(m["kind"], m["joined"], m["token_level"]) for m in told] == [
            ("pipeline", True, False),
            ("pipeline", True, True),
            ("pipeline", True, False),
        ]
        assert [bool(m["weights"]) for m in told] == [True, True, False]
        for model in models:
            where = "_id in ('p1', 'p3', 'p6')"
            body = ask(model=model, explain=True, query="salty water", where=where)
            results = client.post("/search", json=body).json()["results"]
            assert {result["id"] for result in results} <= {"p1", "p3", "p6"}
            for result in results:
                total = sum(share["share"] for share in result["shares"])
                assert total == pytest.approx(result["score"], abs=1e-3)
            assert (results[0]["matches"] is not None) == (model == models[1])
        names = [share["name"] for share in results[0]["shares"]]
        assert names == ["bm25", "bm25%1"]


def test_topics_are_found_by_a_code_in_any_form_and_by_a_language_s_only_region(
    collection, holdings
):
    (collection.folder / "queries" / "pt-BR.jsonl").write_text('{"_id": "q1", "text": "mar"}\n')
    path = collection.folder / "collection.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"languages": [*facts["languages"], "pt-BR"]}))
    served = load_holdings([str(collection.folder)], ["bm25"])
    for code in ("pt-BR", "por_br", "pt"):
        assert served.topics("tiny", code).queries == {"q1": "mar"}
    assert "q2" in served.topics("tiny", "SWA").queries
    for code in ("pt-PT", "xx", ""):
        with pytest.raises(NotServedError, match="there is en, sw, pt-BR"):
            served.topics("tiny", code)
