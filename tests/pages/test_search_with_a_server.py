"""The search page with $OPTICAL_SERVER set: rankings come from a server, no model from here."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from tests.pages.checks import assert_contributions_add_up, shown, why

ROOT = Path(__file__).parent.parent.parent
PAGE = (
    "from pages.common import router\nimport pages.search as page\n"
    "import streamlit as st\nfrom pages.common import address\n"
    "from pages.common.fence import fence\n"
    "st.navigation(list(router.pages().values()))\n"
    "address.start()\n"
    "with fence():\n    page.render()\n"
    "address.commit()\n"
)


@pytest.fixture
def server(tiny_encoder, collection, monkeypatch):
    """Its address, where OPTICAL_SERVER points; this home has no model and no collection."""
    from optical_core.serve.app import create_app
    from optical_core.serve.holdings import load_holdings
    from tests.serve.running import running

    holdings = load_holdings([str(collection.folder)], [str(tiny_encoder), "bm25"], device="cpu")
    with running(create_app(holdings)) as address:
        monkeypatch.setenv("OPTICAL_SERVER", address)
        yield address


def opened(**query) -> AppTest:
    app = AppTest.from_string(PAGE, default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def test_it_ranks_marks_and_explains(server, tiny_encoder):
    app = opened(lang="en", need="q1")
    assert app.selectbox(key="in").options == ["tiny"]
    assert app.multiselect(key="model").value == [str(tiny_encoder), "bm25"]
    assert any("relevant 2" in element.value for element in app.markdown)
    assert "the sea is salty water" in " ".join(e.proto.body for e in app.get("html"))
    assert sum("AP " in element.value for element in app.caption) == 2
    why(app).set_value(True).run()
    assert not app.exception
    assert_contributions_add_up(app)
    app = opened(q="salty water", model="bm25", compare="True")
    assert any("is ahead by" in element.value for element in app.markdown)


@pytest.mark.slow
def test_no_model_is_loaded_here(server):
    code = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_string({PAGE!r}, default_timeout=120)\n"
        "app.query_params['q'] = 'salty sea'\napp.run()\n"
        "assert not app.exception, app.exception[0].stack_trace\n"
        "assert any('add' not in e.value and ' ms' in e.value for e in app.caption)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.strip().endswith("False"), done.stdout + done.stderr


def test_a_server_that_is_away_is_a_sentence(monkeypatch):
    monkeypatch.setenv("OPTICAL_SERVER", "http://127.0.0.1:9")
    app = opened()
    assert "no server answers at http://127.0.0.1:9" in shown(app.error[0])


def test_a_model_that_fails_leaves_the_others_standing(server, monkeypatch):
    from optical_core.serve.batching import Batcher, BusyError

    submit = Batcher.submit

    def busy(self, request):
        if request.model != "bm25":
            raise BusyError
        return submit(self, request)

    monkeypatch.setattr(Batcher, "submit", busy)
    app = opened(lang="en", need="q1")
    assert "try again in 1 s" in app.error[0].value
    assert "the sea is salty water" in " ".join(e.proto.body for e in app.get("html"))


def test_a_condition_chooses_passages_and_a_wrong_one_is_told(server):
    app = opened(lang="en", need="q1", where="title = 'Moon' or _id = 'p1'", top="20")
    assert app.text_input(key="where").value == "title = 'Moon' or _id = 'p1'"
    body = " ".join(e.proto.body for e in app.get("html"))
    assert "the sea is salty water" in body
    assert "old tree" not in body
    why(app).set_value(True).run()
    assert_contributions_add_up(app)
    app.text_input(key="where").set_value("(select 1)").run()
    assert not app.exception
    assert any("may only compare fields" in shown(element) for element in app.error)
