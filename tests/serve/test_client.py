"""The client against a real server, and against what is none."""

import http.server
import socket
import threading

import pytest

from optical_core.errors import InputError
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.searcher import Query
from optical_core.serve import schema
from optical_core.serve.app import create_app
from optical_core.serve.batching import Batcher, BusyError
from optical_core.serve.client import RemoteSearcher, Server
from optical_core.serve.schema import search_request
from tests.serve.running import running


@pytest.fixture
def remote(serving, tiny_encoder):
    return served(Server(serving), str(tiny_encoder))


def served(server, model):
    """The server's searcher of a model on its only collection."""
    (entry,) = (entry for entry in server.models() if entry.name == model)
    return RemoteSearcher(server, entry, server.collections()[0])


def test_it_finds_what_the_searcher_here_finds(remote, holdings, tiny_encoder, collection):
    here = holdings.searcher(str(tiny_encoder), "tiny")
    expected = here.search("the salty sea", top=4)
    found = remote.search("the salty sea", top=4)
    assert [i for i, _ in found] == [i for i, _ in expected]
    assert dict(found) == pytest.approx(dict(expected), abs=1e-4)
    queries = collection.queries("sw")
    assert list(remote.run(queries, top=3)) == list(queries)
    run = remote.run(queries, top=3)
    for identifier, ranking in here.run(queries, top=3).items():
        assert run[identifier] == pytest.approx(ranking, abs=1.01e-4)


def test_a_run_is_asked_in_batches_that_the_server_takes(remote, serving, monkeypatch):
    asked = []
    search_all = Server.search_all

    def watched(self, request):
        asked.append(request.queries)
        return search_all(self, request)

    monkeypatch.setattr(Server, "search_all", watched)
    queries = {f"q{n}": f"the salty sea {n}" for n in range(70)}
    run = remote.run(queries, top=2)
    assert list(run) == list(queries)
    assert [len(part) for part in sorted(asked, key=len)] == [6, 32, 32]
    assert {len(ranking) for ranking in run.values()} == {2}
    asked.clear()
    remote.answers(["the sea " * 100] * 20)  # 16,000 characters: a body may have 64 KiB
    assert sorted(map(len, asked)) == [8, 12]
    with pytest.raises(InputError, match=r"the query ' ': query: the query is empty"):
        remote.answers(["sea", " "])


def test_an_older_server_is_asked_query_by_query(remote, monkeypatch):
    older = Server.health(remote.server).model_copy(update={"most_queries": 1})
    monkeypatch.setattr(Server, "health", lambda self: older)
    monkeypatch.delattr(Server, "search_all")
    assert len(remote.answers(["sea", "moon"], top=1)) == 2


def test_it_explains_as_the_searcher_here_does(remote, holdings, tiny_encoder, collection):
    here = holdings.searcher(str(tiny_encoder), "tiny")
    assert remote.explains
    passages = [collection.by_id["p1"]]
    (expected,) = here.explain(here.encode(["salty sea"])[0], passages)
    (matches,) = remote.explain(Query("salty sea"), passages)
    for mine, theirs in zip(matches, expected, strict=True):
        assert mine.contribution == pytest.approx(theirs.contribution, abs=1e-5)
        for token, other in ((mine.query, theirs.query), (mine.passage, theirs.passage)):
            assert (token.piece, token.start, token.end) == (other.piece, other.start, other.end)


def test_an_answer_has_the_gloss_that_was_asked_too(holdings, tiny_encoder, collection):
    key = str(tiny_encoder), "tiny"
    glosses = Glosses({"sw": {"bahari": {"sea": 1.0}}})
    holdings.searchers[key] = Glossed(holdings.searcher(*key), glosses)
    with running(create_app(holdings)) as address:
        remote = served(Server(address), key[0])
        answer = remote.answer("bahari city", top=1, explain=True)
        assert answer.gloss == "sea city"
        assert remote.answer("the sea").gloss == ""
        total = sum(match.contribution for match in answer.results[0].matches)
        assert total == pytest.approx(answer.results[0].score, abs=1e-3)


def test_it_knows_what_is_served(serving, tiny_encoder):
    server = Server(serving + "/")
    assert [m.name for m in server.models()] == [str(tiny_encoder), "bm25"]
    assert server.collections()[0].passages == 6
    assert server.topics("tiny", "en").queries["q3"] == "big city"
    assert server.health().most_results == 1000


def test_refusals_are_the_servers_sentences(serving):
    with pytest.raises(InputError, match="there is no model 'nope' here"):
        Server(serving).search(search_request(collection="tiny", model="nope", query="sea"))
    with pytest.raises(InputError, match="the query is empty"):
        served(Server(serving), "bm25").search(" ")


def test_a_busy_server_says_when_to_come_back(serving, monkeypatch):
    def refuse(self, request):
        raise BusyError

    monkeypatch.setattr(Batcher, "submit", refuse)
    with pytest.raises(InputError, match="searches are running or waiting: try again in 1 s"):
        served(Server(serving), "bm25").search("sea")


def test_an_address_where_nothing_answers_is_a_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match=f"no server answers at http://127.0.0.1:{port}"):
        Server(f"http://127.0.0.1:{port}").models()
    with pytest.raises(InputError, match="http://HOST:PORT"):
        Server("localhost:8601")


def test_another_version_is_refused_by_name(holdings, monkeypatch):
    monkeypatch.setattr("optical_core.serve.frame.API", "2")
    with (
        running(create_app(holdings)) as address,
        pytest.raises(InputError, match=f"speaks version 2 .* version {schema.API}"),
    ):
        Server(address).models()


def test_another_web_server_is_told_from_ours():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.handle_request).start()
    with server, pytest.raises(InputError, match="is not a server of `optical serve`"):
        Server(f"http://127.0.0.1:{server.server_address[1]}").models()


class Answering(http.server.BaseHTTPRequestHandler):
    """Says it is ours, with the status and body that the test sets."""

    status, body = 200, b""

    def do_GET(self):
        self.send_response(self.status)
        self.send_header(schema.API_HEADER, schema.API)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"[{}]", "sent an answer that can't be read"),
        (200, b"half an ans", "sent an answer that can't be read"),
        (502, b"<html>", "says: status 502"),
        (502, b"[]", "says: status 502"),
    ],
)
def test_answers_that_are_none_are_a_sentence(status, body, sentence):
    handler = type("Handler", (Answering,), {"status": status, "body": body})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.handle_request).start()
    with server, pytest.raises(InputError, match=sentence):
        Server(f"http://127.0.0.1:{server.server_address[1]}").models()


def test_it_tells_the_shares_of_joined_models(collection, tiny_encoder):
    from optical_core.serve.holdings import load_holdings

    name = f"bm25%4>>{tiny_encoder}"
    held = load_holdings([str(collection.folder)], [name], device="cpu")
    with running(create_app(held)) as address:
        remote = served(Server(address), name)
        here = held.searcher(name, "tiny")
        assert remote.fuses
        hits = remote.search("salty water", top=3)
        passages = [collection.by_id[identifier] for identifier, _ in hits]
        found = remote.shares(Query("salty water"), passages)
        expected = here.shares(here.encode(["salty water"])[0], passages)
        for mine, theirs in zip(found, expected, strict=True):
            assert [(s.name, s.rank) for s in mine] == [(s.name, s.rank) for s in theirs]
            assert [s.share for s in mine] == pytest.approx([s.share for s in theirs], abs=1e-3)
