"""Studies on a tiny encoder: every arm, seeds, resuming, report."""

import json
import re
import shutil

import pytest
import yaml
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.errors import InputError
from optical_core.study.config import StudyConfig
from optical_core.study.report import write_report
from optical_core.study.results import find_results, read_results
from optical_core.study.run import columns, run_study, steps, study_collections
from optical_core.study.study_files import read_study, shipped_studies
from optical_core.study.summary import study_findings, tables
from optical_core.study.translations import asked_queries
from tests.conftest import tiny_bitext, tiny_collection
from tests.measured import values_of
from tests.processes import optical


def study_of(collection, bitext, encoder):
    """A study of two arms, and one that goes on from pre-training, with two seeds."""
    return {
        "name": "tiny-study",
        "collections": [str(collection.folder)],
        "models": [str(encoder), "bm25", "bm25@human"],
        "baseline": str(encoder),
        "training": {
            "teacher": str(encoder),
            "bitext": [str(bitext)],
            "steps": 2,
            "batch_size": 4,
            "lora_rank": 4,
            "bf16": False,
        },
        "arms": {
            "optical": {},
            "greedy": {"objective": "greedy"},
            "mlm": {"objective": "mlm"},
            "mlm+optical": {"start": "mlm"},
        },
        "seeds": [1, 2],
        "high": ["en"],
        "low": ["sw"],
    }


@pytest.fixture
def settings(tiny_encoder, bitext_file, collection):
    return study_of(collection, bitext_file, tiny_encoder)


def test_listing_the_steps_takes_no_models_name(settings, home, tmp_path):
    config = StudyConfig.model_validate(settings)
    left = [step.text for step in steps(config, study_collections(config), tmp_path / "out")]
    assert "train tiny-study.optical.s1" in left
    assert not list((home / "models").glob("tiny-study*"))


@pytest.fixture(scope="module")
def once_run(tmp_path_factory, tiny_encoder):
    """The whole study, run once: its settings and its home, to be copied."""
    place = tmp_path_factory.mktemp("study")
    bitext = tiny_bitext(place / "train.sw.tsv")
    settings = study_of(tiny_collection(place / "tiny"), bitext, tiny_encoder)
    config = StudyConfig.model_validate(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTICAL_HOME", str(place / "home"))
        run(config, place / "home" / "studies" / config.name)
    return settings, place / "home"


@pytest.fixture
def finished(once_run, home):
    """The study's settings and its folder in this test's home."""
    settings, once = once_run
    shutil.copytree(once, home, dirs_exist_ok=True)
    return settings, home / "studies" / settings["name"]


def written(tmp_path, settings):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


def run(config, out):
    collections = study_collections(config)
    run_study(config, collections, out, device="cpu")
    return study_findings(config, collections, out)


def values(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted((folder / "cells").rglob("*.csv"))
    }


@pytest.mark.slow
def test_a_study_trains_measures_and_reports(finished):
    settings, out = finished
    config = StudyConfig.model_validate(settings)
    found = study_findings(config, study_collections(config), out)
    page = write_report(config, found, out, "optical study tiny").read_text()
    assert set(found[0].measurements.models) == {column.name for column in columns(config)}
    assert set(found[0].seeds["optical"]) == {1, 2}
    for text in (page, (out / "report.md").read_text()):
        answer = text.split("Limits")[0]
        assert "optical against" in answer
        assert re.search(r"low-resource languages [+-]\d\.\d{4} \(95 % CI", answer)
        assert re.search(r"p [=<] ", answer)
        assert "The best rival" in answer
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="http', page)
    assert "gaps?results=tiny+%28study+tiny-study%29" in page
    saved = next(each for each in find_results() if each.study == "tiny-study")
    assert saved.students["mlm+optical"] == "tiny-study.mlm-optical.s1"
    assert values_of(saved, "optical", "sw").keys() == {"q1", "q2", "q3"}


@pytest.mark.slow
def test_an_arm_is_the_mean_of_its_seeds(finished):
    settings, out = finished
    config = StudyConfig.model_validate(settings)
    found = study_findings(config, study_collections(config), out)[0]
    one, two = (values_of(found.seeds["greedy"][n], f"greedy.s{n}", "sw") for n in (1, 2))
    mean = values_of(found.measurements, "greedy", "sw")
    assert all(mean[q] == pytest.approx((one[q] + two[q]) / 2) for q in mean)


@pytest.mark.slow
def test_a_report_on_part_of_a_study_says_what_is_missing(finished):
    settings, out = finished
    for cell in (out / "cells" / "tiny").glob("*.s2"):
        shutil.rmtree(cell)
    config = StudyConfig.model_validate(settings)
    found = study_findings(config, study_collections(config), out)
    write_report(config, found, out, "optical study tiny")
    assert "optical (1 of 2), greedy (1 of 2)" in (out / "report.md").read_text()


@pytest.mark.slow
def test_human_translation_asks_the_english_queries(settings, tmp_path):
    settings["arms"] = {}
    config = StudyConfig.model_validate(settings)
    found = run(config, tmp_path / "out")[0]
    english = values_of(found.measurements, "bm25", "en")
    assert values_of(found.measurements, "bm25@human", "sw") == english
    assert values_of(found.measurements, "bm25", "sw") != english
    assert tables(config, found)["rivals"].empty


@pytest.mark.slow
def test_finished_cells_are_not_done_again(finished):
    settings, out = finished
    config = StudyConfig.model_validate(settings)
    before = values(out)
    collections = study_collections(config)
    assert list(steps(config, collections, out)) == []
    more = StudyConfig.model_validate({**settings, "seeds": [1, 2, 3]})
    left = list(steps(more, collections, out))
    assert {step.column.seed for step in left} == {3}
    (out / "cells" / "tiny" / "greedy.s2" / "sw.csv").unlink()
    (again,) = steps(config, collections, out)
    assert (again.column.folder, again.languages) == ("greedy.s2", ("sw",))
    run(config, out)
    assert values(out) == before


def test_another_collection_or_depth_is_measured_anew(settings, tmp_path, collection):
    settings["arms"], settings["models"] = {}, ["bm25"]
    settings["baseline"] = "bm25"
    config = StudyConfig.model_validate(settings)
    out = tmp_path / "out"
    run(config, out)
    deeper = StudyConfig.model_validate({**settings, "depth": 2})
    assert len(list(steps(deeper, study_collections(config), out))) == 1
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "p7", "text": "salt"}) + "\n")
    assert len(list(steps(config, study_collections(config), out))) == 1


def test_a_study_compares_by_the_first_measure_it_names(settings, tmp_path):
    settings |= {"arms": {}, "models": ["bm25", "bm25@human"], "baseline": "bm25"}
    out = tmp_path / "out"
    run(StudyConfig.model_validate(settings), out)
    runs = sorted(out.rglob("*.run"))
    before = [path.stat().st_mtime_ns for path in runs]
    more = StudyConfig.model_validate({**settings, "measures": ["NDCG@3", "R@1000"]})
    assert more.measures == ("nDCG@3", "R@1000")
    assert len(list(steps(more, study_collections(more), out))) == 2
    found = run(more, out)
    assert [path.stat().st_mtime_ns for path in runs] == before
    write_report(more, found, out, "optical study tiny")
    report = (out / "report.md").read_text()
    assert "Values are nDCG@3 over" in report
    assert "### nDCG@3 by model and language" in report
    others = report.partition("### Other measures by model and language")[2]
    assert "| R@1000 | bm25 |" in others
    assert "| Judged@10 | bm25@human |" in others


def test_a_study_has_pipelines_among_its_models(settings, tmp_path):
    fused = "rrf(bm25@human,bm25)"
    settings |= {"arms": {}, "models": ["bm25", fused], "baseline": fused}
    config = StudyConfig.model_validate(settings)
    (found,) = run(config, tmp_path / "out")
    assert found.measurements.models == ["bm25", fused]
    page = write_report(config, [found], tmp_path / "out", "optical study tiny")
    assert fused in page.read_text()
    assert read_results(tmp_path / "out" / "results" / "tiny").models == ["bm25", fused]


@pytest.mark.slow
def test_killed_in_training_and_in_measuring_it_comes_to_the_same_numbers(settings, tmp_path):
    settings["arms"] = {"optical": {}, "greedy": {"objective": "greedy"}}
    settings["seeds"] = [1]
    path = written(tmp_path, settings)

    def start(folder):
        return optical("study", path, "--device", "cpu", home=folder, OMP_NUM_THREADS="1")

    def finish(folder):
        ended = start(folder).ended()
        assert ended.code == 0, ended.errors
        return folder / "studies" / "tiny-study"

    straight = finish(tmp_path / "straight")
    interrupted = tmp_path / "interrupted"
    for sign in ("runs/tiny-study.optical.s1/config.json", "studies/tiny-study/cells/*/greedy.s1"):
        start(interrupted).kill_when(lambda sign=sign: any(interrupted.glob(sign)))
    assert values(finish(interrupted)) == values(straight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "surprise"),
        ({"arms": {"optical": {"objective": "magic"}}}, "arm 'optical': objective"),
        ({"arms": {"optical": {"stepps": 3}}}, "stepps"),
        ({"reference": "other"}, "reference 'other'"),
        ({"baseline": "mbert"}, "baseline 'mbert'"),
        ({"seeds": [1, 1]}, "seed comes twice"),
        ({"arms": {"optical": {"start": "mlm"}, "mlm": {"objective": "mlm"}}}, "must come before"),
        ({"arms": {"bm25": {}}, "reference": "bm25"}, "names several of models, taught and arms"),
        ({"low": ["klingon"]}, "klingon"),
        ({"measures": ["ndcg@10"]}, "measures: there is no measure 'ndcg': did you mean nDCG"),
        ({"measures": ["R@1000"], "depth": 10}, "R@1000 needs a depth of at least 1,000, got 10"),
        ({"collections": ["{data}/x"]}, "--data"),
        ({"collections": ["a", "a"]}, "a collection comes twice"),
        ({"collections": [{"name": "a"}]}, r"collections.0.form: it is missing"),
        ({"collections": [3]}, r"collections.0: a text was expected \(in quotes"),
        ({"collections": [""]}, r"collections.0: a text was expected, got ''"),
        ({"arms": {"optical": {}, "a+b": {}, "a-b": {}}}, "would be one model's name"),
        ({"high": ["sw"], "low": ["sw"]}, "sw is in high and in low"),
        (
            {"languages": ["en", "sw"], "low": ["yo", "so"]},
            r"low: none of yo, so is one of languages \(en, sw\)",
        ),
        ({"depth": True}, "depth: it can't be true"),
        ({"seeds": [True]}, "seeds.0: a whole number was expected, got True"),
        ({"training": {"bitext": ["demo"], "steps": True}}, "steps: it can't be true"),
        ({"languages": ""}, "languages: it is empty"),
        ({"question": ""}, "question: a text was expected, got ''"),
        ({"training": {"bitext": ["demo"], "seed": 9}}, "has a seed: the study's name and seeds"),
        ({"arms": {"optical": {"name": "x"}}}, "'optical' has a name: the study's"),
        ({"name": "demo"}, "demo is a shipped study: choose another name"),
    ],
)
def test_a_wrong_setting_is_named(settings, tmp_path, changes, message):
    path = written(tmp_path, {**settings, **changes})
    with pytest.raises(InputError, match=message):
        read_study(str(path))


def test_no_yaml_is_told_with_its_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("name: x\narms: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.yaml, line \d+: this is no YAML"):
        read_study(str(path))
    with pytest.raises(InputError, match=r"one of ablations, .*, real"):
        read_study("nowhere")


@pytest.mark.parametrize("name", shipped_studies())
def test_the_shipped_studies_are_valid(name, tmp_path):
    assert name in shipped_studies()
    config = read_study(name, data=tmp_path)
    assert config.reference in config.arms


def test_translations_are_read_from_a_folder(collection, tmp_path):
    folder = tmp_path / "nmt"
    folder.mkdir()
    texts = {"q1": "why is the sea salty", "q2": "where fish", "q3": "big city"}
    rows = [json.dumps({"_id": query, "text": text}) for query, text in texts.items()]
    (folder / "sw.jsonl").write_text("\n".join(rows) + "\n")
    assert asked_queries(collection, "sw", str(folder)) == texts
    assert asked_queries(collection, "en", str(folder)) == collection.queries("en")
    (folder / "sw.jsonl").write_text(rows[0] + "\n")
    with pytest.raises(InputError, match=r"sw.jsonl lack the query 'q2' \(2 in all\)"):
        asked_queries(collection, "sw", str(folder))
    with pytest.raises(InputError, match="no translations of the Swahili queries"):
        asked_queries(collection, "sw", str(tmp_path))


@pytest.mark.slow
def test_the_command_plans_runs_and_reports(settings, tmp_path):
    settings["arms"] = {"optical": {}, "greedy": {"objective": "greedy"}}
    settings["seeds"] = [1]
    path = written(tmp_path, settings)
    arguments = ["study", str(path), "--out", str(tmp_path / "out"), "--device", "cpu"]
    plan = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert "train tiny-study.greedy.s1" in plan.stdout
    assert "7 steps left" in plan.stdout
    listed = CliRunner().invoke(app, [*arguments, "--dry-run", "--json"])
    assert len(json.loads(listed.stdout)) == 7
    assert not (tmp_path / "out").exists()
    early = CliRunner().invoke(app, [*arguments, "--report-only"])
    assert "nothing of the study is measured yet" in str(early.exception)
    assert not (tmp_path / "out" / "tables").exists()
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "On tiny, optical against" in done.stdout
    assert (tmp_path / "out" / "tables" / "tiny-groups.tex").is_file()
    again = CliRunner().invoke(app, [*arguments, "--report-only", "--json"])
    assert json.loads(again.stdout)["folder"] == str(tmp_path / "out")


def test_a_study_imports_what_is_not_installed(settings, collection, tmp_path):
    source = {"name": "imported", "form": "beir", "path": str(collection.folder)}
    config = read_study(str(written(tmp_path, settings | {"collections": [source]})))
    (first,) = study_collections(config)
    assert (first.name, set(first.languages)) == ("imported", {"en", "sw"})
    shutil.rmtree(collection.folder)
    (again,) = study_collections(config)
    assert again.fingerprint == first.fingerprint
    elsewhere = settings | {"collections": [source | {"languages": ["fr"]}]}
    with pytest.raises(InputError, match="imported has queries in none of the study's languages"):
        study_collections(read_study(str(written(tmp_path, elsewhere))))
