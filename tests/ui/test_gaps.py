"""The gaps page: its pictures, its answer in words, uploaded runs."""

import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.predictors import correlation_table, language_values
from optical_core.analysis.tables import Tables, measure_table
from optical_core.errors import InputError
from optical_core.ui.gaps.figures import predictor_panels, resource_scatter
from optical_core.ui.gaps.view import (
    gap_tables,
    headline,
    judged_line,
    places,
    row_choices,
    upload_runs,
    worst_served,
)
from optical_core.ui.library import Library
from tests.measured import measured, two_models, values_of


@pytest.fixture
def results():
    return two_models()


@pytest.fixture
def comparison(results):
    return Comparison.of(results)


def test_resources_leave_out_languages_that_cc100_lacks(results, comparison):
    figure = resource_scatter(measure_table(results, comparison), "AP", dark=False)
    assert set(figure.data[0].customdata) == {"Somali", "English"}


def test_predictors_have_a_panel_each_and_constant_ones_none(results, comparison):
    known = {("student", "so"): {"transport": 0.5}, ("student", "yo"): {"transport": 0.6}}
    values = language_values(results, comparison, known)
    panels = predictor_panels(values, correlation_table(values), "AP", dark=False)
    # Somali and Yoruba are both written in Latin letters, Yoruba isn't in CC-100.
    ((name, figure),) = panels.items()
    assert name == "transport"
    assert figure.layout.xaxis.title.text == "transport cost to English"
    assert {trace.name: list(trace.x) for trace in figure.data} == {"student": [0.5, 0.6]}
    assert list(figure.data[0].text) == ["so", "yo"]
    alone = values[values["language"] == "so"]
    assert predictor_panels(alone, pd.DataFrame(), "AP", dark=False) == {}


def test_models_of_one_script_stand_beside_each_other_and_tell_the_script():
    topics = {"q1": 0.2, "q2": 0.4}
    results = measured({m: {"so": topics, "mr": topics} for m in ("one", "two")})
    values = language_values(results, Comparison.of(results))
    figure = predictor_panels(values, pd.DataFrame(), "AP", dark=False)["latin"]
    first, second = (list(trace.x) for trace in figure.data)
    assert [round(x) for x in first] == [round(x) for x in second] == [1, 0]
    assert set(first).isdisjoint(second)
    assert [told for _, told in figure.data[0].customdata] == [
        "Latin script, as English: yes",
        "Latin script, as English: no",
    ]


def test_labels_of_near_sizes_do_not_cover_each_other():
    codes = ["fr", "de"]
    table = pd.DataFrame({"model": "bm25", "language": codes, "AP": [0.15, 0.16]})
    (trace,) = resource_scatter(table, "AP", dark=False).data
    assert list(trace.text) == codes
    near = pd.DataFrame({"model": "bm25", "language": ["en", "fr", "de"], "AP": [0.9, 0.15, 0.16]})
    (trace,) = resource_scatter(near, "AP", dark=False).data
    assert len(set(trace.textposition[:2])) == 2


def with_levels(low_before, low_after):
    def topics(mean):
        return {f"q{i}": mean + 0.01 * (i % 5) for i in range(20)}

    return {
        "embedded": {"en": topics(0.6), "so": topics(low_before)},
        "student": {"en": topics(0.6), "so": topics(low_after)},
    }


def told(results, *, parallel=True):
    measurements = measured(results, parallel=parallel)
    return headline(gap_tables(Library(), measurements, Comparison.of(measurements)))


def test_the_headline_says_whether_the_gap_closes():
    text = told(with_levels(0.3, 0.5))
    assert "student narrows the gap of embedded from 0.300 to 0.100" in text
    text = told(with_levels(0.5, 0.3))
    assert "widens" in text
    assert "Significantly worse than embedded: student in Somali" in text


def test_the_headline_is_of_a_model_that_reads_the_query_itself():
    models = with_levels(0.3, 0.5)
    order = {"embedded": models["embedded"], "bm25@human": models["embedded"]}
    assert told(order | models).count("student narrows") == 1


def test_a_collection_that_is_not_parallel_has_no_raw_gap_in_its_headline():
    text = told(with_levels(0.3, 0.5), parallel=False)
    assert "gains +0.200 in low-resource languages and +0.000" in text
    assert "the gap" not in text


def test_the_worst_served_language_is_that_of_the_baseline():
    measurements = measured(with_levels(0.3, 0.5))
    comparison = Comparison.of(measurements)
    assert worst_served(gap_tables(Library(), measurements, comparison)) == "so"
    turned = measured(with_levels(0.7, 0.5))
    assert worst_served(gap_tables(Library(), turned, Comparison.of(turned))) == "so"
    assert worst_served(gap_tables(Library(), turned, Comparison.of(turned, low=()))) == "en"


def test_the_pictures_rows_are_offered_in_words_with_what_can_be_opened():
    measurements = measured(with_levels(0.3, 0.5))
    tables = gap_tables(Library(), measurements, Comparison.of(measurements))
    choices = row_choices(tables)
    assert {value for value, _ in choices} <= set(places(tables))
    told = dict(choices)["so"]
    assert told.startswith("Somali. embedded: 0.3200; student: 0.5200 (+0.2000, p ")
    assert "<" not in told.split("p ")[0]


def test_tables_are_made_once():
    measurements = measured(with_levels(0.3, 0.5))
    library = Library()
    first = gap_tables(library, measurements, Comparison.of(measurements))
    assert gap_tables(library, measurements, Comparison.of(measurements)) is first
    assert first.gaps is first.gaps


QRELS = b"q1 0 d1 1\nq2 0 d2 1\n"
RUN = b"q1 Q0 d1 1 2.0 x\nq2 Q0 d9 1 1.0 x\n"


def test_uploaded_runs_are_measured():
    found = upload_runs([("colbert.v2.so.run", RUN)], QRELS, None, parallel=True)
    assert values_of(found, "colbert.v2", "so") == {"q1": 1.0, "q2": 0.0}


def test_uploaded_runs_may_have_measures_of_ones_own_choice():
    runs = [("a.so.run", RUN)]
    found = upload_runs(runs, QRELS, None, parallel=True, measures="Success@1, nDCG@20")
    assert found.measures[:2] == ("Success@1", "nDCG@20")
    with pytest.raises(InputError, match="there is no measure 'nDGC'"):
        upload_runs(runs, QRELS, None, parallel=True, measures="nDGC@20")


def test_how_much_is_judged_is_said_where_it_was_measured():
    values = {"AP": {"q1": 0.5, "q2": 0.5}}
    so, sw = (values | {"Judged@10": {"q1": 0.5, "q2": share}} for share in (0.5, 0.1))
    measurements = measured({"a": {"so": so, "sw": sw}, "old": {"so": values, "sw": values}})
    text = judged_line(Tables(measurements, Comparison.of(measurements)))
    assert text.startswith("Judged@10: a 0.40. A passage without a judgement")
    old = measured({"old": {"so": values}})
    assert judged_line(Tables(old, Comparison.of(old))) == ""


@pytest.mark.parametrize(
    ("runs", "qrels", "complaint"),
    [
        ([], QRELS, "upload at least one run"),
        ([("a.so.run", RUN)], None, "upload at least one run"),
        ([("run.txt", RUN)], QRELS, r"run\.txt: name the file model\.language\.run"),
        ([("a.klingon.run", RUN)], QRELS, "unknown language code 'klingon'"),
        ([("a.so.run", b"one two\n")], QRELS, r"^a\.so\.run, line 1: a run has 6 columns"),
        ([("../../a.so.run", b"")], QRELS, "^the run a, so has none of the judged queries"),
    ],
)
def test_bad_uploads_are_one_sentence(runs, qrels, complaint):
    with pytest.raises(InputError, match=complaint):
        upload_runs(runs, qrels, None, parallel=True)
