"""The tiny collection in the demo's place, and pages opened by their path."""

import functools
import json
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.conftest import give_back_memory

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True, scope="session")
def packages_looked_through_once():
    """AppTest reads every installed package's metadata, for components, each time it is made."""
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True, scope="module")
def nothing_stays_open():
    """Encoders that a file's pages opened are half a gigabyte each."""
    yield
    st.cache_resource.clear()
    give_back_memory()


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog):
    """A page's fence hides what should not happen at all: here it fails the test."""
    yield
    assert [r for r in caplog.get_records("call") if r.name == "pages.common.fence"] == []


@pytest.fixture
def demo(shipped):
    """The tiny collection in the demo's place, without shipped results and models."""
    st.cache_data.clear()
    st.cache_resource.clear()
    return shipped


@pytest.fixture
def open_page(with_embedded, demo):
    """Open a page by its path, with query parameters."""

    def opened(path: str = "", **query: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        if path:
            # AppTest knows pages by file; the app's router is run by each of them.
            app = AppTest.from_string(
                f"from pages.common import router\nimport pages.{path} as page\n"
                "import streamlit as st\n"
                "st.navigation(list(router.pages().values()))\n"
                "router.draw(page.render)\n",
                default_timeout=120,
            )
            for key, value in query.items():
                app.query_params[key] = value
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        return app

    return opened


@pytest.fixture
def many_languages(with_embedded, demo, home):
    """Write results in English and ten languages that were measured somewhere else."""
    from optical_core.study.results import write_values

    codes = ("en", "fr", "de", "sw", "te", "hi", "yo", "ru", "fi", "id", "ar")

    def write(name):
        folder = home / "results" / name
        for rank, code in enumerate(codes):
            values = {
                m: {"a": 0.9 - 0.05 * rank, "b": 0.8 - 0.05 * rank}
                for m in ("AP", "nDCG@10", "R@100")
            }
            write_values(folder / "mine" / f"{code}.csv", values)
        record = {"collection": {"name": name}, "parallel": False, "languages": codes}
        (folder / "record.json").write_text(json.dumps(record))

    return write
