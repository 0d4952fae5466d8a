"""A server's holdings: the tiny encoder and BM25 on the tiny collection."""

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")


@pytest.fixture
def holdings(tiny_encoder, collection):
    """The tiny encoder under its folder's name, and BM25, on the tiny collection."""
    from optical_core.serve.holdings import load_holdings

    return load_holdings([str(collection.folder)], [str(tiny_encoder), "bm25"], device="cpu")


@pytest.fixture
def ask(tiny_encoder):
    """A body of POST /search, with what is given in place of the usual."""

    def body(**values):
        usual = {"collection": "tiny", "model": str(tiny_encoder), "query": "the salty sea"}
        return usual | values

    return body


@pytest.fixture
def serving(holdings):
    """Address of a real server of the holdings."""
    from optical_core.serve.app import create_app
    from tests.serve.running import running

    with running(create_app(holdings)) as address:
        yield address
