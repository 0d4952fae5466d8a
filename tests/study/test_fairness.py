"""Evaluations on passages in several languages tell how fair the rankings are to them."""

import pandas as pd
import pytest

from optical_core.errors import InputError
from optical_core.study.evaluate import evaluate
from optical_core.study.fairness import read_fairness
from optical_core.study.results import read_results
from optical_core.ui.gaps.languages import fairness_rows, measured_pairs, share_lines


def test_an_evaluation_counts_the_languages_of_what_is_found(mixed, tmp_path):
    tables = evaluate(mixed, ["bm25", "rrf(bm25,bm25%2)"], [], tmp_path / "out")
    read = read_results(tmp_path / "out")
    for measured in (tables.measurements, read):
        found = measured.fairness.set_index(["model", "language"])
        # BM25 finds words, so it finds the query's own language.
        assert found.loc[("bm25", "sw"), "own_language"] == 1
        assert found.loc[("bm25", "en"), "by_chance"] == pytest.approx(1 / 3, abs=1e-5)
        assert found.loc[("bm25", "sw"), "PEER@20"] < 1
        assert measured_pairs(measured, ("bm25",)) == {"bm25": ["en", "sw"]}
        assert set(measured.shares["passages"]) == {"en", "sw", "fr"}
    assert len(fairness_rows(read, ("bm25",))) == 2
    again = read.joined(tables.measurements)
    assert len(again.fairness) == len(read.fairness) == 4
    figure = share_lines(read.shares, "bm25", "sw", dark=False)
    assert [trace.name for trace in figure.data[:3]] == ["English", "Swahili", "French"]
    assert (
        "was counted" in share_lines(read.shares, "no", "sw", dark=True).layout.annotations[0].text
    )


def test_passages_in_one_language_have_no_such_tables(collection, tmp_path):
    tables = evaluate(collection, ["bm25"], ["sw"], tmp_path / "out")
    assert tables.measurements.fairness.empty
    assert not (tmp_path / "out" / "fairness.csv").exists()
    assert measured_pairs(tables.measurements, ("bm25",)) == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "fairness.csv is no table"),
        ("model,language\nbm25,sw\n", "has no column 'by_chance'"),
        (
            "model,language,topics,own_language,by_chance\nbm25,sw,1,much,0\n",
            "has a text where a number was expected",
        ),
    ],
)
def test_a_damaged_table_is_a_sentence(text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_fairness({"fairness.csv": text}, "out")
    assert read_fairness({}, "out") == {}


def test_a_missing_value_stays_missing():
    text = "model,language,topics,own_language,by_chance\nNA,sw,1,,\n"
    table = read_fairness({"fairness.csv": text}, "out")["fairness"]
    assert table["model"].tolist() == ["NA"]
    assert pd.isna(table["own_language"]).all()
