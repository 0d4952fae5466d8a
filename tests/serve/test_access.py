"""Who is answered: names that are known, and the token."""

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from optical_core.cli import app as command
from optical_core.errors import InputError
from optical_core.serve.access import ANY, Access
from optical_core.serve.app import create_app
from optical_core.serve.client import Server
from optical_core.serve.limits import Limits
from tests.serve.running import running


def status(access, host, path="/models", **headers):
    """Of a refusal; 200 for none."""
    told = {"host": host, **headers}
    scope = {"headers": [(k.encode(), v.encode("latin-1")) for k, v in told.items()], "path": path}
    refusal = access.refusal(scope)
    return refusal.status if refusal else 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8601", "127.0.0.1:1", "[::1]:8601", "[::1]", "localhost."]
)
def test_the_loopbacks_names_are_known(host):
    assert status(Access.of("127.0.0.1"), host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "evil@localhost:x",
        "10.0.0.1",
        "[",
        "\xff",
        "localhost/",
        "localhost, evil",
    ],
)
def test_others_are_not(host):
    assert status(Access.of("127.0.0.1"), host) == 400
    assert status(Access.of("localhost", token="t"), host, authorization="Bearer t") == 400


def test_what_it_listens_on_and_what_is_allowed_are_known():
    assert status(Access.of("search.example.org"), "search.example.org:80") == 200
    allowed = Access.of("127.0.0.1", ["Search.Example.org", "fd00::1"])
    assert [status(allowed, host) for host in ("search.example.org", "[fd00::1]:80")] == [200, 200]
    assert status(Access.of("127.0.0.1", [ANY]), "anything") == 200
    for no_name in ("a/b", "a:80", "", "a b"):
        with pytest.raises(InputError, match="no name of a host"):
            Access.of("127.0.0.1", [no_name])


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
def test_a_server_on_every_address_knows_addresses_but_no_names(everywhere):
    hosts = ("10.0.0.1:8601", "[fd00::1]", "localhost", "evil.example")
    assert [status(Access.of(everywhere), host) for host in hosts] == [200, 200, 200, 400]


def test_the_token_is_asked_for_but_for_health_and_the_description():
    access = Access.of("127.0.0.1", token="sesame")
    refusal = access.refusal({"headers": [(b"host", b"localhost")], "path": "/search"})
    assert (refusal.status, refusal.headers) == (401, (("WWW-Authenticate", "Bearer"),))
    given = ("Bearer sesame", "bearer sesame", "Bearer sesam", "Bearer", "Basic sesame", "\xff")
    found = [status(access, "localhost", authorization=header) for header in given]
    assert found == [200, 200, 401, 401, 401, 401]
    for path in ("/health", "/docs", "/openapi.json"):
        assert status(access, "localhost", path) == 200
    assert status(access, "localhost", "/metrics") == 401


@pytest.mark.parametrize("token", ["two words", "naïve", "a\n"])
def test_a_token_that_no_header_holds_is_refused(token, monkeypatch):
    with pytest.raises(InputError, match="OPTICAL_TOKEN"):
        Access.of("127.0.0.1", token=token)
    monkeypatch.setenv("OPTICAL_TOKEN", token.strip() + " x")
    with pytest.raises(InputError, match="OPTICAL_TOKEN"):
        Server("http://127.0.0.1:1")


@pytest.mark.parametrize("token", ["", " ", "\t"])
def test_an_empty_token_leaves_no_server_open(token, monkeypatch):
    monkeypatch.setenv("OPTICAL_TOKEN", token)
    sentence = "OPTICAL_TOKEN is empty: give it a token, or unset it"
    arguments = ["serve", "--collections", "demo", "--models", "bm25", "--port", "0"]
    assert str(CliRunner().invoke(command, arguments).exception) == sentence
    with pytest.raises(InputError, match=sentence):
        Server("http://127.0.0.1:1")


def test_a_refusal_is_a_sentence_and_is_counted(holdings):
    with TestClient(create_app(holdings, Limits(), Access.of("127.0.0.1"))) as client:
        refused = client.get("/collections", headers={"Host": "evil.example"})
        assert refused.status_code == 400
        assert "--allow-host" in refused.json()["detail"]
        assert "tiny" not in refused.text
        told = client.get("/metrics", headers={"Host": "localhost"}).text
        assert 'optical_requests_total{route="unknown",status="400"} 1.0' in told


def test_the_client_sends_the_token(holdings, monkeypatch):
    app = create_app(holdings, Limits(), Access.of("127.0.0.1", token="sesame"))
    with running(app) as address:
        monkeypatch.delenv("OPTICAL_TOKEN", raising=False)
        assert Server(address).health().status == "ok"
        with pytest.raises(InputError, match="a token is needed"):
            Server(address).collections()
        monkeypatch.setenv("OPTICAL_TOKEN", "sesame")
        assert [entry.name for entry in Server(address).collections()] == ["tiny"]
