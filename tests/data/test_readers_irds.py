"""Import by id, from a stand-in of ir_datasets with its interface."""

import sys
import types
from typing import NamedTuple

import pytest

from optical_core.data.readers import import_collection
from optical_core.errors import InputError


class GenericDoc(NamedTuple):
    doc_id: str
    text: str

    def default_text(self):
        return self.text


class TitledDoc(NamedTuple):
    doc_id: str
    title: str
    text: str

    def default_text(self):
        return f"{self.title} {self.text}"


class AbstractDoc(NamedTuple):
    doc_id: str
    title: str
    abstract: str

    def default_text(self):
        return f"{self.title} {self.abstract}"


class TrecQuery(NamedTuple):
    query_id: str
    title: str
    description: str

    def default_text(self):
        return self.title


class LinkingQuery(NamedTuple):
    query_id: str
    doc_id: str


class TrecQrel(NamedTuple):
    query_id: str
    doc_id: str
    relevance: int
    iteration: str


class Dataset:
    def __init__(self, docs=None, queries=None, qrels=None, lang="sw"):
        self.parts = {"docs": docs, "queries": queries, "qrels": qrels}
        self.lang = lang

    def has(self, part):
        return self.parts[part] is not None

    def docs_iter(self):
        return iter(self.parts["docs"])

    def queries_iter(self):
        return iter(self.parts["queries"])

    def qrels_iter(self):
        return iter(self.parts["qrels"])

    def queries_lang(self):
        return self.lang

    def docs_lang(self):
        return "de"


DOCS = [
    TitledDoc("d1", "Sea", "salty water"),
    GenericDoc("d2", "moon"),
    AbstractDoc("d3", "A", "b"),
]
QUERIES = [TrecQuery("q1", "maji ya chumvi", "not this")]
QRELS = [TrecQrel("q1", "d1", 2, "0"), TrecQrel("q1", "d2", 0, "0")]


@pytest.fixture
def catalogue(monkeypatch):
    """Ids -> data sets, in place of the package."""
    held = {"tiny/test": Dataset(DOCS, QUERIES, QRELS)}
    monkeypatch.setitem(
        sys.modules, "ir_datasets", types.SimpleNamespace(load=lambda name: held[name])
    )
    return held


def assert_refused(identifier, tmp_path, match):
    with pytest.raises(InputError, match=match) as caught:
        import_collection("irds", identifier, tmp_path / "installed" / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "installed").exists() or not list((tmp_path / "installed").iterdir())


def test_a_data_set_is_imported_by_its_id(catalogue, tmp_path):
    collection = import_collection("irds", "tiny/test", tmp_path / "out")
    assert collection.languages == ("sw",)
    assert collection.info.passage_language == "de"
    assert collection.queries("sw") == {"q1": "maji ya chumvi"}
    assert collection.qrels("sw") == {"q1": {"d1": 2, "d2": 0}}
    texts = [(passage.title, passage.text) for passage in collection.passages()]
    assert texts == [("Sea", "salty water"), ("", "moon"), ("", "A b")]


def test_a_language_that_is_not_told_is_english_with_a_warning(catalogue, tmp_path, caplog):
    catalogue["tiny/test"].lang = None
    assert import_collection("irds", "tiny/test", tmp_path / "out").languages == ("en",)
    assert "tiny/test" in caplog.text


def test_documents_are_streamed(catalogue, tmp_path):
    alive = []

    def documents():
        for number in range(100):
            alive.append(number)
            yield GenericDoc(str(number), "text")
            alive.remove(number)
            assert not alive

    catalogue["tiny/test"] = Dataset(documents(), QUERIES, QRELS)
    collection = import_collection("irds", "tiny/test", tmp_path / "out")
    assert len(list(collection.passages())) == 100


def test_an_unknown_id_is_refused(catalogue, tmp_path):
    assert_refused("nope", tmp_path, "ir_datasets knows no 'nope'")


def test_a_corpus_alone_is_refused_with_what_it_lacks(catalogue, tmp_path):
    catalogue["tiny"] = Dataset(DOCS)
    assert_refused("tiny", tmp_path, "no queries and no qrels")


def test_queries_without_text_are_refused(catalogue, tmp_path):
    catalogue["tiny"] = Dataset(DOCS, [LinkingQuery("q1", "d1")], QRELS)
    assert_refused("tiny", tmp_path, "LinkingQuery has no text")


@pytest.mark.parametrize(
    "error", [RuntimeError("All sources failed", []), OSError("a\nb"), EOFError()]
)
def test_a_download_that_breaks_off_is_one_sentence_and_leaves_nothing(catalogue, tmp_path, error):
    def documents():
        yield DOCS[0]
        raise error

    catalogue["tiny"] = Dataset(documents(), QUERIES, QRELS)
    assert_refused("tiny", tmp_path, "ir_datasets cannot give tiny")


def test_a_missing_package_is_one_sentence_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    assert_refused("tiny/test", tmp_path, "pip install ir-datasets")
