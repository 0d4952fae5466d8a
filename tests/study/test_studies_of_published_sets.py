"""The shipped studies `paper` and `miracl`, on small folders in the published layouts."""

import pytest

from optical_core.data.lexicons import write_lexicon
from optical_core.data.lines import write_jsonl
from optical_core.distill.config import DistillConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.study.answer import answer
from optical_core.study.config import StudyConfig
from optical_core.study.estimate import estimated_steps
from optical_core.study.report import write_report
from optical_core.study.run import columns, run_study, steps, study_collections
from optical_core.study.study_files import read_study
from optical_core.study.summary import study_findings, tables
from tests.published import (
    NEEDS,
    asked,
    write_bitext,
    write_clef,
    write_clirmatrix,
    write_marco,
    write_miracl,
    write_mmarco,
    write_wikiclir,
)

SMALL = {"steps": 2, "batch_size": 4, "trainable": "lora", "lora_rank": 2, "bf16": False}


def small(name, data, tiny_encoder, **changes) -> StudyConfig:
    """A shipped study with a tiny encoder in place of its encoders, and short trainings."""
    config = read_study(name, data=data).model_dump()
    named = {"embedded", "minilm"}
    encoder = str(tiny_encoder)
    config["models"] = tuple(encoder if m in named else m for m in config["models"])
    for part in ("teaching", "training"):
        swapped = {
            k: encoder if v in ("embedded", "minilm") else v for k, v in config[part].items()
        }
        config[part] = swapped | SMALL if swapped else {}
    if config["teaching"]:
        config["teaching"] |= {"dimension": 8, "negatives": 1, "mini_batch": 2, "depth": 5}
    return StudyConfig.model_validate(config | {"seeds": (1,)} | changes)


@pytest.fixture
def paper(tmp_path, tiny_encoder):
    codes = ("en", "fr", "de", "it", "sw", "so", "tl", "mr")
    write_clef(tmp_path / "clef", codes)
    write_marco(tmp_path / "msmarco", "train")
    write_clirmatrix(tmp_path / "CLIRMatrix", codes[1:], "train")
    write_mmarco(tmp_path / "mmarco", ("fr", "de", "it"), "train")
    write_wikiclir(tmp_path / "wikiclir", "train")
    write_bitext(tmp_path / "bitext", codes[1:])
    for code in codes[1:]:
        lexicon = {word[::-1]: {word: 1.0} for word in NEEDS}
        write_lexicon(tmp_path / "lexicon" / f"{code}.tsv", lexicon)
        rows = (
            {"_id": f"C{n + 41:03d}", "text": asked(word, "en", 9)} for n, word in enumerate(NEEDS)
        )
        (tmp_path / "translations").mkdir(exist_ok=True)
        write_jsonl(tmp_path / "translations" / f"{code}.jsonl", rows)
    arms = {"optical": {}, "greedy": {"objective": "greedy"}}
    return small("paper", tmp_path, tiny_encoder, arms=arms)


@pytest.mark.slow
def test_the_papers_study_runs_from_published_files_to_its_answer(paper, tmp_path):
    out = tmp_path / "out"
    collections = study_collections(paper)
    plan = estimated_steps(steps(paper, collections, out), device="cpu")
    assert [step.text for step, _ in plan if "train" in step.text][:2] == [
        "train paper.undistilled.s1",
        "train paper.clir-clirmatrix.s1",
    ]
    assert all(seconds > 0 for _, seconds in plan)
    run_study(paper, collections, out, device="cpu")
    assert not list(steps(paper, collections, out))
    (found,) = study_findings(paper, collections, out)
    assert set(found.measurements.models) == {column.name for column in columns(paper)}
    assert set(found.measurements.languages) == set(paper.languages)
    assert found.measurements.students["clir-mmarco"] == "paper.clir-mmarco.s1"
    made = tables(paper, found)
    assert {"clir-wikiclir", "greedy"} <= set(made["rivals"]["model"])
    first = answer(paper, found, made)[0]
    assert first.startswith("On clef, optical against undistilled: ")
    assert "The best rival in low-resource languages is" in first
    assert "more in low-resource languages than in high-resource ones" in first
    page = write_report(paper, [found], out, "optical study paper --data FOLDER").read_text()
    assert "Teaching of all taught models: encoder = " in page
    assert "encode their own passages" in page


@pytest.fixture
def miracl(tmp_path, tiny_encoder):
    codes = ("en", "de", "es", "fr", "ru", "zh", "bn", "sw", "te", "yo")
    write_miracl(tmp_path / "miracl", codes)
    write_bitext(tmp_path / "bitext", codes[1:])
    encoder = str(tiny_encoder)
    return small(
        "miracl",
        tmp_path,
        tiny_encoder,
        models=(encoder, "bm25"),
        baseline=encoder,
        arms={"optical": {"teacher": encoder}},
    )


@pytest.mark.slow
def test_languages_with_their_own_queries_are_reported_as_one_collection(miracl, tmp_path):
    out = tmp_path / "out"
    collections = study_collections(miracl)
    assert len(collections) == 10
    assert study_findings(miracl, collections, out) == []
    run_study(miracl, collections, out, device="cpu")
    (found,) = study_findings(miracl, collections, out)
    assert set(found.measurements.languages) == {c.info.languages[0] for c in collections}
    assert not found.parallel
    made = tables(miracl, found)
    assert made["gaps"].empty
    (row,) = made["changes"][made["changes"]["model"] == "optical"].to_dict("records")
    assert row["change"] == pytest.approx(row["low_difference"] - row["high_difference"])
    (first, *_) = answer(miracl, found, made)
    assert "It gains " in first
    report = write_report(miracl, [found], out, "optical study miracl").with_suffix(".md")
    assert "each language has its own queries and passages" in report.read_text()


def test_collections_that_are_pooled_share_no_language(miracl):
    clash = miracl.model_dump() | {"collections": (*miracl.collections, "demo")}
    config = StudyConfig.model_validate(clash)
    with pytest.raises(InputError, match="miracl-en and demo both have queries in en: name each"):
        study_collections(config)


def test_a_taught_model_is_a_teacher_of_its_seed(paper):
    arm, clir = paper.settings_of("optical", 3), paper.settings_of("clir-mmarco", 3)
    assert isinstance(arm, DistillConfig)
    assert isinstance(clir, TeachConfig)
    assert arm.teacher == clir.encoder == "paper.undistilled.s3"
    assert (clir.name, clir.seed) == ("paper.clir-mmarco.s3", 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"taught": {"a": {"relevance": ["x"], "stepps": 1}}}, "taught model 'a': stepps"),
        (
            {"taught": {"optical": {"relevance": ["x"]}}},
            "'optical' names several of models, taught",
        ),
        (
            {"taught": {"a": {"relevance": ["x"], "encoder": "b"}, "b": {"relevance": ["x"]}}},
            "'a' has the encoder 'b', which must come before it",
        ),
        ({"baseline": "a"}, "baseline 'a' must be one of models or taught"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    study = {
        "name": "x",
        "collections": ["demo"],
        "training": {"bitext": ["demo"]},
        "arms": {"optical": {}},
    }
    with pytest.raises(ValueError, match=message):
        StudyConfig.model_validate({**study, **changes})
