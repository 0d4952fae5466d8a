"""What is measured already isn't measured again, unless what it was made from has changed."""

import io
import json
import shutil
import zipfile

import pytest
from safetensors.torch import load_file, save_file

from optical_core.analysis.metrics import MEASURES
from optical_core.analysis.tables import TABLES
from optical_core.data.collection import open_collection, write_collection
from optical_core.data.lexicons import write_lexicon
from optical_core.data.trec import read_run
from optical_core.errors import InputError
from optical_core.retrieval.fusing import scaled
from optical_core.study import evaluate as module
from optical_core.study.evaluate import evaluate, measure
from optical_core.study.fuse import fit_weights
from optical_core.study.pooling import make_pool
from optical_core.study.results import read_results, read_values, write_values
from optical_core.study.uploaded_results import read_results_zip


@pytest.fixture
def ranked(monkeypatch):
    """Languages that were ranked, in order."""
    codes = []
    write = module.write_run

    def watched(path, run, *, name):
        codes.append(path.stem)
        write(path, run, name=name)

    monkeypatch.setattr(module, "write_run", watched)
    return codes


@pytest.mark.slow
def test_a_second_evaluation_ranks_nothing_and_says_the_same(
    tiny_encoder, collection, tmp_path, ranked
):
    models = [str(tiny_encoder), "bm25"]
    first = evaluate(collection, models, ["en", "sw"], tmp_path)
    assert ranked == ["en", "sw"] * 2
    second = evaluate(collection, models, ["en", "sw"], tmp_path)
    assert ranked == ["en", "sw"] * 2
    for name in TABLES:
        assert getattr(first, name).equals(getattr(second, name))


def test_what_has_changed_is_measured_again(collection, tmp_path, ranked):
    def again(**options):
        ranked.clear()
        measure("bm25", open_collection(str(collection.folder)), ["en", "sw"], tmp_path, **options)
        return list(ranked)

    assert again() == ["en", "sw"]
    assert again(depth=2) == ["en", "sw"]
    (tmp_path / "sw.csv").unlink()
    assert again(depth=2) == ["sw"]
    (tmp_path / "measured.json").write_text("{")
    assert again(depth=2) == ["en", "sw"]
    kept = json.loads((tmp_path / "measured.json").read_text())
    assert set(kept) == {"en", "sw"}
    queries = collection.folder / "queries" / "sw.jsonl"
    queries.write_text(queries.read_text().replace("bahari", "ziwa"))
    assert again(depth=2) == ["en", "sw"]


def test_another_model_under_the_same_name_is_measured_again(
    tiny_encoder, collection, tmp_path, ranked
):
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(tiny_encoder, model)
    measure(str(model), collection, ["sw"], out)
    before = (out / "sw.csv").read_text()
    weights = next(model.rglob("model.safetensors"))
    tensors = load_file(weights)
    save_file({k: v.flip(0).contiguous() for k, v in tensors.items()}, weights, {"format": "pt"})
    measure(str(model), collection, ["sw"], out)
    assert ranked == ["sw", "sw"]
    assert (out / "sw.csv").read_text() != before


def test_a_collection_without_queries_is_named_as_such(collection, tmp_path):
    info = collection.info.model_copy(update={"name": "mute", "languages": ()})
    mute = write_collection(tmp_path / "mute", info, collection.passages(), {}, {})
    for refused in (
        lambda: evaluate(mute, ["bm25"], [], tmp_path / "out"),
        lambda: make_pool(mute, ["bm25"]),
        lambda: fit_weights("f", ["bm25", "embedded"], mute),
    ):
        with pytest.raises(InputError, match=r"mute has no queries: queries/<language>.jsonl"):
            refused()


def test_an_evaluation_of_nothing_is_refused(collection, tmp_path):
    with pytest.raises(InputError, match="no models to evaluate"):
        evaluate(collection, [], ["en"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("unknown", ["./embeded", "bm25%5>>./embeded", "./embeded@human"])
def test_a_misspelt_model_is_named_before_anything_is_ranked(collection, tmp_path, ranked, unknown):
    with pytest.raises(InputError, match="embeded is not an encoder"):
        evaluate(collection, ["bm25", unknown], ["en"], tmp_path / "out")
    assert not ranked


def test_languages_without_judgements_are_not_ranked(collection, tmp_path, ranked, caplog):
    texts = {code: collection.queries(code) for code in ("en", "sw")}
    info = collection.info.model_copy(update={"languages": ("en", "sw")})
    for name, qrels in (("partly", {"en": collection.qrels("en"), "sw": {}}), ("unjudged", {})):
        folder = tmp_path / name
        write_collection(
            folder, info, collection.passages(), texts, qrels, qrels_per_language=bool(qrels)
        )
    found = evaluate(open_collection(tmp_path / "partly"), ["bm25"], [], tmp_path / "out")
    assert ranked == ["en"] == found.measurements.languages
    assert "left out, without a judged query: sw" in caplog.text
    with pytest.raises(InputError, match="has no judged query in en, sw"):
        evaluate(open_collection(tmp_path / "unjudged"), ["bm25"], [], tmp_path / "none")
    assert ranked == ["en"]
    assert not (tmp_path / "none").exists()


def test_measures_named_later_are_computed_from_the_runs(collection, tmp_path, ranked):
    evaluate(collection, ["bm25"], ["en"], tmp_path)
    # As an older version wrote it.
    table = tmp_path / "bm25" / "en.csv"
    write_values(table, {"AP": read_values(table.read_text(), "")["AP"]})
    found = evaluate(collection, ["bm25"], ["en"], tmp_path, measures=["nDCG@2", "MAP(rel=2)"])
    assert ranked == ["en"]
    assert found.comparison.measure == "nDCG@2"
    assert found.measurements.measures == ("nDCG@2", "AP(rel=2)", *MEASURES)
    assert set(found.measures) >= {"nDCG@2", "nDCG@2_low", "AP(rel=2)", "Judged@10"}
    values = read_values(table.read_text(), "")
    # Of q1's passages p1 (grade 2) and p6 (grade 1) BM25 finds p1 first, then p6.
    assert values["AP(rel=2)"] == {"q1": 1, "q2": 0, "q3": 0}
    assert read_results(tmp_path).measures == found.measurements.measures


def test_a_measure_needs_its_depth(collection, tmp_path):
    with pytest.raises(InputError, match="R@1000 needs a depth of at least 1,000, got 100"):
        evaluate(collection, ["bm25"], ["en"], tmp_path / "out", measures=["R@1000"], depth=100)
    assert not (tmp_path / "out").exists()


def test_a_pipelines_parts_may_ask_translations_and_records_name_it_by_its_expression(
    collection, tmp_path
):
    lexicons = tmp_path / "lexicon"
    write_lexicon(lexicons / "sw.tsv", {"samaki": {"fish": 1.0}, "mji": {"city": 1.0}})
    fused = f"0.7*bm25@human + 0.3*psq@{lexicons}"
    models = ["bm25@human", f"psq@{lexicons}", "bm25@human >> bm25", fused]
    out = tmp_path / "out"
    found = evaluate(collection, models, ["sw"], out)
    named = ["bm25@human", "psq@lexicon", "bm25@human%100>>bm25", "0.7*bm25@human+0.3*psq@lexicon"]
    assert list(found.measures["model"]) == named
    # BM25 as typed shares no word with the passages: nothing is left of its second stage.
    assert found.measures.set_index("model").loc["bm25@human%100>>bm25", "AP"] == 0
    runs = {path.parent.name: read_run(path) for path in out.glob("*/sw.run")}
    fused_run = runs["0.7-bm25@human+0.3-psq@lexicon"]["q2"]
    parts = {"bm25@human": 0.7, "psq@lexicon": 0.3}
    expected = dict.fromkeys(fused_run, 0.0)
    for name, weight in parts.items():
        for passage, value in scaled(list(runs[name]["q2"].items())).items():
            expected[passage] += weight * value
    assert fused_run == pytest.approx(expected, abs=1e-3)
    read = read_results(out)
    assert read.models == named
    assert read_results_zip(zipped(out)).models == named


def test_two_models_of_one_folder_are_refused(collection, tmp_path):
    with pytest.raises(InputError, match="two models would both be called"):
        evaluate(collection, ["rrf(bm25,psq)", "rrf-bm25-psq"], ["en"], tmp_path / "out")


def zipped(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, f"mine/{path.relative_to(folder).as_posix()}")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"\xff\xfequery,AP\n", b"\xff"])
def test_a_table_that_is_no_text_is_one_sentence(collection, tmp_path, content):
    evaluate(collection, ["bm25"], ["en"], tmp_path)
    (tmp_path / "bm25" / "en.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"en.csv, line 1: not UTF-8"):
        evaluate(collection, ["bm25"], ["en"], tmp_path)
