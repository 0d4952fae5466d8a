"""Texts of queries beside their measurements: written by an evaluation, read with it."""

import json

import pytest

from optical_core.analysis.measurements import Measurements
from optical_core.errors import InputError
from optical_core.study.evaluate import evaluate
from optical_core.study.query_texts import read_texts
from optical_core.study.results import find_results, read_results
from optical_core.ui.library import Library
from optical_core.ui.texts import query_texts


def test_an_evaluation_keeps_the_texts_of_its_queries_and_of_english(collection, tmp_path):
    evaluate(collection, ["bm25"], ["sw"], tmp_path / "out")
    found = read_results(tmp_path / "out")
    assert found.languages == ["sw"]
    assert found.texts == {code: collection.queries(code) for code in ("en", "sw")}


def test_texts_of_both_are_joined():
    def of(texts):
        rows = Measurements.rows({("a", "so"): {"AP": {"q1": 0.5}}})
        return Measurements(rows, texts=texts)

    joined = of({"so": {"q1": "a", "q2": "b"}}).joined(of({"so": {"q1": "c"}, "en": {"q1": "d"}}))
    assert joined.texts == {"so": {"q1": "c", "q2": "b"}, "en": {"q1": "d"}}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "queries/so.jsonl, line 1"),
        ('{"_id": "q1"}', "no field 'text'"),
        ('{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}', "line 2"),
    ],
)
def test_a_damaged_file_of_texts_is_one_sentence(line, complaint):
    with pytest.raises(InputError, match=complaint):
        read_texts({"queries/so.jsonl": line}, "here")


def test_other_files_are_no_texts():
    line = json.dumps({"_id": "q1", "text": "a"})
    files = dict.fromkeys(("queries/xx.jsonl", "other/so.jsonl", "so.jsonl"), line)
    assert read_texts(files | {"bm25/so.csv": "query,AP\n"}, "here") == {}


def test_an_installed_collection_knows_better(collection, home):
    rows = Measurements.rows({("a", "sw"): {"AP": {"q1": 0.5}}})
    known = Measurements(rows, "demo", texts={"sw": {"q1": "old"}})
    texts = query_texts(Library(), known)
    assert set(texts) == {"en", "sw"}
    assert texts["sw"] != known.texts["sw"]
    elsewhere = Measurements(rows, "elsewhere", texts=known.texts)
    assert query_texts(Library(), elsewhere) == known.texts


def test_shipped_results_of_other_peoples_collections_are_numbers_alone():
    """Their texts belong to their publishers: the pages say which command brings them."""
    shipped = {found.collection: found for found in find_results()}
    for name in ("ntrex128", "afriqa", "xquad_r", "flores200"):
        assert not shipped[name].texts
