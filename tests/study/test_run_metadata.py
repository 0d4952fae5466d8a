"""Metadata of runs, beside them."""

import sys

import ir_measures
import yaml

from optical_core.analysis.metrics import MEASURES
from optical_core.data.trec import read_run
from optical_core.study.evaluate import evaluate
from optical_core.study.run_metadata import TREC_EVAL, run_metadata


def test_a_run_has_its_metadata_beside_it_and_stays_readable(collection, tmp_path):
    evaluate(collection, ["bm25"], ["en"], tmp_path / "out")
    run = tmp_path / "out" / "bm25" / "en.run"
    text = run.with_name("en.run.metadata.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ir_metadata.start\n")
    assert text.endswith("# ir_metadata.end\n")
    found = yaml.safe_load(text)
    assert found["tag"] == "bm25"
    assert found["topic language"] == "en"
    assert found["data"]["test collection"] == {
        "name": "tiny",
        "source": "the tests",
        "fingerprint": collection.fingerprint,
    }
    assert any(
        line.startswith("ir-measures==")
        for line in found["platform"]["software"]["libraries"]["python"]
    )
    scored = list(ir_measures.read_trec_run(str(run)))
    assert {line.query_id for line in scored} == set(read_run(run))


def test_runs_say_in_what_precision_their_passages_were_encoded(
    collection, tiny_encoder, tmp_path, monkeypatch, caplog
):
    def told(spec):
        out = tmp_path / spec.replace("/", "-")
        evaluate(collection, [spec], ["sw"], out)
        (path,) = out.rglob("sw.run.metadata.yaml")
        (retrieval,) = yaml.safe_load(path.read_text(encoding="utf-8"))["method"]["retrieval"]
        return retrieval.get("precision of passages")

    model = str(tiny_encoder)
    assert told(model) == "fp32"
    assert "encoded in fp32" not in caplog.text
    monkeypatch.setenv("OPTICAL_PRECISION", "bf16")
    for spec in (f"bm25%2>>{model}", f"0.5*bm25+0.5*{model}+prf(docs=1,clusters=2,terms=1)"):
        assert told(spec) == "fp32"
    assert "were encoded in fp32, and OPTICAL_PRECISION=bf16 doesn't change that" in caplog.text
    assert told("bm25") is None


def test_every_measure_has_trec_evals_name():
    assert set(TREC_EVAL) == set(MEASURES) - {"Judged@10"}


def test_the_command_is_named_only_where_it_was_ours(collection, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/optical", "evaluate", "my demo"])
    made = run_metadata("bm25", collection, depth=10)["implementation"]
    assert made["executable"]["cmd"] == "optical evaluate 'my demo'"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    assert "executable" not in run_metadata("bm25", collection, depth=10)["implementation"]
