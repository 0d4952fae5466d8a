import io
import json
import shutil
import zipfile

import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.data.allowance import Allowance, allowed
from optical_core.errors import InputError
from optical_core.study.evaluate import evaluate
from optical_core.study.results import (
    find_results,
    read_results,
    read_values,
    write_tables,
    write_values,
)
from optical_core.study.uploaded_results import read_results_zip, results_from_runs
from tests.measured import values_of


@pytest.fixture
def folder(collection, tmp_path):
    out = tmp_path / "results"
    seen = []
    evaluate(collection, ["bm25"], ["en", "sw"], out, watch=lambda share, text: seen.append(share))
    assert seen == sorted(seen)
    assert seen[0] == 0
    return out


def zipped(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, f"mine/{path.relative_to(folder).as_posix()}")
    return buffer.getvalue()


def test_an_evaluation_is_read_as_it_was_written(folder, collection):
    found = read_results(folder)
    assert found.collection == "tiny"
    assert found.parallel
    assert found.fingerprint == collection.fingerprint
    assert (found.models, found.languages) == (["bm25"], ["en", "sw"])
    means = json.loads((folder / "measures.json").read_text())
    values = values_of(found, "bm25", "en")
    assert sum(values.values()) / len(values) == pytest.approx(means[0]["AP"], abs=1e-6)


def test_a_zipped_evaluation_is_the_same(folder):
    pd.testing.assert_frame_equal(
        read_results_zip(zipped(folder)).table, read_results(folder).table
    )


def test_an_evaluation_of_empty_tables_is_refused(folder):
    for table in folder.glob("*/*.csv"):
        table.write_text("query,AP\n")
    with pytest.raises(InputError, match="is no evaluation: its tables are missing"):
        read_results(folder)


def test_models_and_languages_are_in_the_order_of_the_record(folder):
    (folder / "another").mkdir()
    shutil.copy(folder / "bm25" / "en.csv", folder / "another" / "fr.csv")
    record = json.loads((folder / "record.json").read_text())
    told = {"models": ["missing", "bm25"], "languages": ["sw", "klingon", "en"]}
    (folder / "record.json").write_text(json.dumps(record | told))
    found = read_results(folder)
    assert (found.models, found.languages) == (["bm25", "another"], ["sw", "en", "fr"])


def test_tables_are_written_as_they_were_read(folder, tmp_path):
    write_tables(tmp_path / "again", read_results(folder))
    for table in (tmp_path / "again").glob("*/*.csv"):
        assert table.read_bytes() == (folder / table.relative_to(tmp_path / "again")).read_bytes()


def test_values_survive_the_file(tmp_path):
    values = {"AP": {"q-1": 0.123456, "q,2": 0.0}, "RR": {"q-1": 1.0, "q,2": 0.5}}
    write_values(tmp_path / "en.csv", values)
    assert read_values((tmp_path / "en.csv").read_text(), "here") == values


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a first line"),
        ("id,AP\nq,1\n", "a first line"),
        ("query,AP\nq,1,2\n", "line 2: 2 columns"),
        ("query,AP\nq,high\n", "line 2: 'high' is not a number"),
        (f"query,AP\n{'q' * 200_000},1\n", "no table"),
    ],
)
def test_a_damaged_table_is_named_by_line(text, complaint):
    with pytest.raises(InputError, match=complaint):
        read_values(text, "mine.csv")


def test_what_is_no_evaluation_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"record\.json"):
        read_results(tmp_path)
    with pytest.raises(InputError, match="no readable zip"):
        read_results_zip(b"not a zip")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(InputError, match=r"record\.json"):
        read_results_zip(empty.getvalue())


def test_a_zip_that_unpacks_to_too_much_is_refused(folder):
    with allowed(Allowance(zipped=10)), pytest.raises(InputError, match="unpacks to more"):
        read_results_zip(zipped(folder))


def test_results_of_this_machine_join_shipped_ones_of_the_same_collection(
    folder, home, tmp_path, monkeypatch
):
    shipped = tmp_path / "shipped"
    monkeypatch.setattr("optical_core.study.results.assets", lambda *p: shipped.joinpath(*p))
    (home / "results").mkdir(parents=True)
    (shipped / "results").mkdir(parents=True)
    shutil.copytree(folder, home / "results" / "mine")
    shutil.copytree(folder, shipped / "results" / "tiny")
    (shipped / "results" / "tiny" / "bm25").rename(shipped / "results" / "tiny" / "other")
    (found,) = find_results()
    assert set(found.models) == {"other", "bm25"}
    assert found.origin == {"other": "shipped", "bm25": "this machine"}
    record = home / "results" / "mine" / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"fingerprint": "another"}))
    assert len(find_results()) == 2


def test_damaged_results_do_not_hide_the_others(home, caplog):
    folder = home / "results" / "mine"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{")
    assert [found.collection for found in find_results()]
    assert "left out" in caplog.text


def test_joining_keeps_both_and_the_second_wins():
    qrels = {"en": {"q": {"d": 1}}}
    first = results_from_runs("c", {("a", "en"): {"q": {"d": 1.0}}}, qrels, parallel=True)
    second = results_from_runs(
        "c", {("a", "en"): {"q": {"x": 1.0}}, ("b", "en"): {"q": {"d": 1.0}}}, qrels, parallel=True
    )
    both = first.joined(second)
    assert values_of(both, "a", "en") == {"q": 0}
    assert both.models == ["a", "b"]
    assert second.joined(first).models == ["a", "b"]
    part = both.samples(Comparison(("b", "none"), ("en", "so"), "b"))
    assert [(model, list(languages)) for model, languages in part.items()] == [("b", ["en"])]


def test_runs_without_judgements_are_refused():
    with pytest.raises(InputError, match="no judgements for this language"):
        results_from_runs("c", {("a", "so"): {}}, {"en": {}}, parallel=True)
    with pytest.raises(InputError, match="none of the judged queries"):
        results_from_runs(
            "c", {("a", "en"): {"x": {"d": 1.0}}}, {"en": {"q": {"d": 1}}}, parallel=True
        )
