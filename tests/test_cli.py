"""The command line, as a user runs it."""

import gzip
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import optical_core
from optical_core.cli import _progress, app
from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from tests.processes import optical

COMMANDS = [
    "align",
    "distill",
    "teach",
    "index",
    "search",
    "evaluate",
    "data",
    "models",
    "collections",
    "serve",
    "app",
]
runner = CliRunner()


def run(*arguments, home: Path):
    """A process of its own: exit code, stdout, stderr."""
    return optical(*arguments, home=home, folder=home.parent).ended()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    arguments = [command, "-h"] if command != "data" else ["data", "import", "-h"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0
    assert f"Example:  optical {command}" in result.output


def test_the_version_is_the_packages():
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"optical {optical_core.__version__}\n")


def test_models_lists_names_kinds_and_one_default_student():
    rows = json.loads(runner.invoke(app, ["models", "--json"]).output)
    assert {"name", "kind", "languages", "default"} == set(rows[0])
    assert {row["kind"] for row in rows} == {"encoder", "student", "teacher", "baseline"}
    defaults = [row for row in rows if row["default"]]
    assert [row["kind"] for row in defaults] == ["student"]
    assert {"sw", "so", "tl", "mr"} <= set(defaults[0]["languages"])


def test_collections_lists_the_demo():
    rows = json.loads(runner.invoke(app, ["collections", "--json"]).output)
    assert rows[0]["name"] == "demo"
    assert len(rows[0]["languages"]) == 12


@pytest.mark.slow
def test_index_search_and_evaluate(tiny_encoder, collection, tmp_path):
    folder, model = str(collection.folder), str(tiny_encoder)
    index = tmp_path / "index"
    built = runner.invoke(app, ["index", folder, "-m", model, "--out", str(index)])
    assert built.exit_code == 0, built.output
    assert "6 passages" in built.output
    arguments = ["search", folder, "why salty ?", "-m", model, "--index", str(index), "-k", "3"]
    found = json.loads(runner.invoke(app, [*arguments, "--explain", "--json"]).stdout)
    assert len(found["results"]) == 3
    for row in found["results"]:
        assert sum(m["contribution"] for m in row["matches"]) == pytest.approx(
            row["score"], abs=1e-4
        )
    shown = runner.invoke(app, [*arguments, "--explain"]).stdout
    assert shown.startswith(" 1  ")
    out = tmp_path / "results"
    result = runner.invoke(
        app,
        ["evaluate", folder, "--models", f"{model},bm25", "--out", str(out), "--json"],
    )
    assert result.exit_code == 0, result.output
    tables = json.loads(result.stdout)
    assert len(tables["measures"]) == 4
    assert len(tables["comparisons"]) == 2


@pytest.mark.slow
def test_search_modes_are_made_measured_and_find_the_same(tiny_encoder, collection):
    arguments = [str(collection.folder), "-m", str(tiny_encoder)]
    built = runner.invoke(app, ["index", *arguments, "--approximate"])
    for mode in ("int8", "candidates"):
        assert f"{mode}: keeps 100.0% of the exact top 10 (6 queries)" in built.output
    rankings = []
    for mode in ("exact", "int8", "candidates"):
        found = runner.invoke(
            app, ["search", arguments[0], "salty sea", *arguments[1:], "--json", "--mode", mode]
        )
        rows = json.loads(found.stdout)["results"]
        rankings.append({row["id"]: row["score"] for row in rows})
    assert len(rankings[0]) == 6
    for ranking in rankings[1:]:
        assert list(ranking) == list(rankings[0])
        assert ranking == pytest.approx(rankings[0], abs=1e-5)


def test_a_search_mode_that_there_is_not_is_one_sentence(tiny_encoder, collection):
    arguments = ["search", str(collection.folder), "sea", "--mode"]
    wrong = runner.invoke(app, [*arguments, "fast", "-m", str(tiny_encoder)])
    assert "choose one of exact, int8, candidates" in str(wrong.exception)
    lexical = runner.invoke(app, [*arguments, "int8", "-m", "bm25"])
    assert "bm25 has no mode 'int8'" in str(lexical.exception)


def test_measures_of_ones_own_choice_are_printed_with_what_is_judged(collection, tmp_path):
    arguments = ["evaluate", str(collection.folder), "--models", "bm25", "-l", "en"]
    arguments += ["--out", str(tmp_path / "out"), "--measures"]
    done = runner.invoke(app, [*arguments, "nDCG@2, R@2000"])
    assert done.exit_code == 0, done.output
    for title in ("nDCG@2:", "R@2000:", "Judged@10:"):
        assert f"\n{title}\n| language | bm25 |" in f"\n{done.stdout}"
    assert json.loads((tmp_path / "out" / "record.json").read_text())["depth"] == 2000
    wrong = runner.invoke(app, [*arguments, "nDCG@2,recal@10"])
    assert "there is no measure 'recal': did you mean R" in str(wrong.exception)


@pytest.mark.slow
def test_the_tables_map_is_the_run_files_map_in_trec_eval(tiny_encoder, collection, tmp_path):
    import pytrec_eval

    from optical_core.data.trec import read_run

    out = tmp_path / "results"
    arguments = ["evaluate", str(collection.folder), "--models", f"{tiny_encoder},bm25"]
    tables = json.loads(runner.invoke(app, [*arguments, "--out", str(out), "--json"]).stdout)
    for row in tables["measures"]:
        qrels = collection.qrels(row["language"])
        path = out / row["model"] / f"{row['language']}.run"
        if path.stat().st_size == 0:  # BM25 shares no word with the Swahili queries
            assert (row["model"], row["language"], row["AP"]) == ("bm25", "sw", 0)
            continue
        run = read_run(path)
        measured = pytrec_eval.RelevanceEvaluator(qrels, {"map"}).evaluate(run)
        mean = sum(values["map"] for values in measured.values()) / len(qrels)
        assert f"{mean:.4f}" == f"{row['AP']:.4f}"
    for name in ("measures", "gaps", "comparisons"):
        for suffix in ("csv", "json", "md", "tex"):
            assert (out / f"{name}.{suffix}").is_file()
    record = json.loads((out / "record.json").read_text())
    assert record["depth"] == 1000
    assert record["environment"]["packages"]["ir-measures"]


@pytest.mark.slow
def test_distill_then_align_and_search_with_the_student(tiny_encoder, bitext_file, collection):
    arguments = ["distill", "--name", "mine", "--bitext", str(bitext_file), "--steps", "3"]
    arguments += ["--teacher", str(tiny_encoder), "--set", "batch_size=4", "--device", "cpu"]
    result = runner.invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    names = [row["name"] for row in json.loads(runner.invoke(app, ["models", "--json"]).stdout)]
    assert "mine" in names
    plan = json.loads(
        runner.invoke(app, ["align", "the sea", "maji bahari", "-m", "mine", "--json"]).stdout
    )
    assert plan["source"] == ["maji", "bahari"]
    assert sum(map(sum, plan["plan"])) == pytest.approx(1)
    found = runner.invoke(app, ["search", str(collection.folder), "maji", "-m", "mine"])
    assert found.exit_code == 0


@pytest.mark.slow
def test_teach_then_search_and_evaluate_with_the_teacher(tiny_encoder, collection, tmp_path):
    source = tmp_path / "needs"
    source.mkdir()
    (source / "corpus.jsonl").write_text(
        '{"_id": "a", "text": "an old tree by the city"}\n{"_id": "b", "text": "cold lake water"}\n'
    )
    (source / "queries.jsonl").write_text(
        '{"_id": "1", "text": "which tree"}\n{"_id": "2", "text": "which lake"}\n'
    )
    (source / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n")
    arguments = ["teach", "--name", "mine", "--relevance", str(source), "--steps", "2"]
    arguments += ["--encoder", str(tiny_encoder), "--dimension", "8", "--set", "batch_size=2"]
    done = runner.invoke(app, [*arguments, "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("teacher mine -> ")
    rows = json.loads(runner.invoke(app, ["models", "--json"]).stdout)
    assert ("mine", "teacher") in [(row["name"], row["kind"]) for row in rows]
    where, out = str(collection.folder), str(tmp_path / "out")
    found = runner.invoke(app, ["search", where, "salty sea", "--model", "mine"])
    assert found.exit_code == 0, found.output
    tried = ["evaluate", where, "--models", "mine,bm25", "--languages", "en", "--out", out]
    assert runner.invoke(app, tried).exit_code == 0


@pytest.mark.slow
def test_an_encoder_is_exported_for_the_hub_and_as_onnx(exported_once, tiny_encoder, tmp_path):
    for form, written in (("hub", "modules.json"), ("onnx", "onnx/model.onnx")):
        out = tmp_path / form
        done = runner.invoke(app, ["export", form, str(tiny_encoder), "--out", str(out)])
        assert (done.exit_code, done.output) == (0, f"{tiny_encoder} -> {out}\n")
        assert (out / written).is_file()


@pytest.mark.slow
def test_distilling_the_demo_tells_what_it_gained(tiny_encoder, shipped):
    arguments = ["distill", "--demo", "--name", "quick", "--teacher", str(tiny_encoder)]
    arguments += ["--steps", "2", "--set", "batch_size=4", "--device", "cpu"]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    assert lines[0].startswith("student quick -> ")
    assert [line[:2] for line in lines[1:]] == ["en", "sw"]
    assert all("MAP 0." in line and " -> 0." in line for line in lines[1:])


def test_an_index_grows_by_append_and_by_files(tiny_encoder, collection, tmp_path):
    where, model, index = str(collection.folder), str(tiny_encoder), str(tmp_path / "index")
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for number, path in enumerate(files):
        path.write_text(json.dumps({"_id": f"new{number}", "text": "the old lake"}) + "\n")
    joined = ["index-files", *map(str, files), "-m", model, "--out", index]
    assert "2 passages" in runner.invoke(app, joined).output
    grown = runner.invoke(app, ["index", where, "-m", model, "--out", index, "--append"])
    assert "8 passages" in grown.output
    lost = runner.invoke(app, ["index", where, "-m", model, "--append"]).exception
    assert isinstance(lost, InputError)
    assert "--append needs --out" in str(lost)


def test_data_check_names_each_problem(collection):
    sound = runner.invoke(app, ["data", "check", "demo"])
    assert (sound.exit_code, sound.output) == (0, "no problems found\n")
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "p7", "text": ""}) + "\n")
    found = runner.invoke(app, ["data", "check", str(collection.folder)])
    assert found.exit_code == 1
    assert "passage p7 is empty\n" in found.output


def test_a_search_that_finds_nothing_says_so(tiny_encoder, collection):
    found = runner.invoke(app, ["search", str(collection.folder), "zzz", "-m", "bm25"])
    assert found.exit_code == 0
    assert "no passage found" in found.output


def test_a_step_of_no_transport_is_one_sentence(tiny_encoder):
    wrong = ["align", "the sea", "bahari", "-m", str(tiny_encoder), "--epsilon", "0"]
    failure = runner.invoke(app, wrong).exception
    assert isinstance(failure, InputError)
    assert "epsilon must be a finite number greater than 0" in str(failure)


def test_data_bitext_reports_what_was_dropped(tmp_path):
    path = tmp_path / "x.sw.tsv"
    path.write_text("the sea\tbahari\nthe sea\tbahari\nJupiter\tJupiter\n")
    output = runner.invoke(app, ["data", "bitext", str(path)]).output
    assert "1 pair kept (sw 1); dropped: duplicate 1, identical 1" in output


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("cli") / "home"


def bad_cases(folder: Path, collection) -> dict[str, tuple[list, str]]:
    empty, columns = folder / "empty.sw.tsv", folder / "columns.sw.tsv"
    latin, good = folder / "latin.sw.tsv", folder / "good.sw.tsv"
    # Not named as its tests' folder is: what begins with `test` is never trained on.
    nothing = folder / "nothing"
    nothing.mkdir()
    empty.write_bytes(b"")
    columns.write_text("only one column\n")
    latin.write_bytes("the sea\tbahár\n".encode("latin-1"))
    good.write_text("the sea\tbahari\n")
    (folder / "lexicons").mkdir()
    write_lexicon(folder / "lexicons" / "sw.tsv", {"bahari": {"sea": 1.0}})
    psq = f"psq@{folder / 'lexicons'}"
    distill = ["distill", "--name", "x", "--bitext"]
    where = collection.folder
    return {
        "missing file": ([*distill, folder / "gone.tsv"], "gone.tsv"),
        "empty file": ([*distill, empty], "is empty"),
        "wrong columns": ([*distill, columns], "two tab-separated columns"),
        "not UTF-8": ([*distill, latin], "not UTF-8"),
        "unknown language": ([*distill, good, "--languages", "qq"], "'qq'"),
        "absent language": ([*distill, good, "--languages", "so"], "so"),
        "unknown teacher": ([*distill, good, "--teacher", "no-such"], "no-such"),
        "no name": (["distill", "--bitext", good], "--name"),
        "bad setting": ([*distill, good, "--set", "stepz=3"], "stepz"),
        "nothing to teach": (["teach", "--name", "x"], "--relevance"),
        "no relevance": (["teach", "--name", "x", "--relevance", nothing], "no relevance data"),
        "test data": (["teach", "--name", "x", "--relevance", "test-x"], "never for training"),
        "unknown collection": (["search", "nowhere", "sea"], "nowhere"),
        "empty query": (["search", where, "  "], "empty"),
        "unknown model": (["search", where, "sea", "-m", "no-such"], "unknown model"),
        "language not there": (
            ["evaluate", where, "--models", "bm25", "-l", "so", "--out", folder / "o"],
            "no Somali queries",
        ),
        "unwritable folder": (
            ["evaluate", where, "--models", "bm25", "--out", "/proc/nowhere"],
            "cannot write",
        ),
        "no explanation": (["search", where, "sea", "-m", psq, "--explain"], "no explanation"),
        "no reason": (["why", where, "sea", "-m", psq, "-p", "p1,p2"], "no explanation"),
        "too many models": (["why", where, "sea", "-m", "a,b,c"], "one passage for two models"),
        "no such passage": (["why", where, "sea", "-m", "bm25", "-p", "p1,p99"], "'p99'"),
        "one result": (["why", where, "moon", "-m", "bm25"], "too few passages"),
        "unknown format": (["data", "import", "magic", folder, "--out", "x"], "unknown format"),
    }


@pytest.mark.slow
def test_bad_input_is_one_sentence_and_exit_code_2(collection, tmp_path, shared_home):
    for name, (arguments, message) in bad_cases(tmp_path, collection).items():
        code, output, errors = run(*arguments, home=shared_home)
        lines = [line for line in errors.splitlines() if line.startswith("optical: ")]
        assert (code, output) == (2, ""), (name, errors)
        assert len(lines) == 1, (name, errors)
        assert message in lines[0], (name, errors)
        assert "Traceback" not in errors, name


def test_the_module_is_the_command_with_its_exit_code_and_streams(tmp_path):
    """What the other tests take for granted, since their processes are forks."""
    arguments = ["data", "import", "magic", "x", "--out", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "optical_core", *arguments],
        capture_output=True,
        text=True,
        env={"OPTICAL_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("optical: unknown format 'magic'")


@pytest.mark.parametrize(("command", "option"), [("distill", "--bitext"), ("teach", "--relevance")])
def test_a_mistyped_setting_is_told_before_torch_is_loaded(command, option, tmp_path):
    code = (
        "import sys\nfrom optical_core.cli import main\n"
        "try:\n    main()\nfinally:\n    print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command, "--name", "x", option, "x", "--set", "stepz=3"],
        capture_output=True,
        text=True,
        env={**os.environ, "OPTICAL_HOME": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "False\n"), done.stderr
    assert "stepz" in done.stderr


def test_an_evaluation_says_which_judgements_count_for_nothing(collection, tmp_path, capsys):
    with (collection.folder / "qrels.tsv").open("a") as file:
        file.write("q1\tnowhere\t1\nq2\tnowhere\t1\n")
    arguments = ["evaluate", str(collection.folder), "--models", "bm25", "--out"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "2 judgements name passages that the corpus lacks: left out" in done.stdout


def test_what_should_never_happen_is_one_sentence_and_a_file(tmp_path):
    code = "import optical_core.cli as c; c.app = lambda: {}['the key']; c.main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPTICAL_HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "(KeyError): please report it with" in line
    assert "KeyError: 'the key'" in Path(line.rsplit(" ", 1)[1]).read_text()


@pytest.mark.slow
def test_an_index_built_by_another_encoder_is_refused(
    tiny_encoder, tiny_bert, collection, tmp_path
):
    index = tmp_path / "index"
    runner.invoke(
        app, ["index", str(collection.folder), "-m", str(tiny_encoder), "--out", str(index)]
    )
    code, _, errors = run(
        "search", collection.folder, "sea", "-m", tiny_bert, "--index", index, home=tmp_path / "h"
    )
    assert code == 2
    assert "was built by the encoder" in errors


def test_a_full_disk_is_one_sentence_and_leaves_nothing(collection, tmp_path, monkeypatch):
    from optical_core import storage
    from optical_core.errors import InputError

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "replace", full)
    result = runner.invoke(
        app, ["evaluate", str(collection.folder), "--models", "bm25", "--out", str(tmp_path / "o")]
    )
    assert isinstance(result.exception, InputError)
    assert "no space left on device" in str(result.exception)
    assert not list((tmp_path / "o").rglob(".*"))


def test_the_app_is_started_by_streamlit_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr(runpy, "run_module", lambda *_, **__: started.append(sys.argv))
    monkeypatch.setattr(sys, "argv", [])
    arguments = ["app", "--port", "8600", "--no-browser", "--theme.base", "dark"]
    runner.invoke(app, arguments, catch_exceptions=False)
    (command,) = started
    assert command[:2] == ["streamlit", "run"]
    assert command[3:] == ["--server.port=8600", "--server.headless=true", "--theme.base", "dark"]
    entry = Path(command[2])
    assert entry.is_file()
    assert (entry.parent / "pages" / "start.py").is_file()


def test_bench_runs_in_a_checkout_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(optical_core, "__file__", str(tmp_path / "site" / "optical_core" / "i.py"))
    result = runner.invoke(app, ["bench", "transport"])
    assert isinstance(result.exception, InputError)
    assert "run this in a checkout" in str(result.exception)


def test_figures_of_a_benchmark_are_medians_and_ratios(tmp_path):
    import json

    from tests.benchmarks.timing import Row, Timing, table, write_report

    peers = {"POT": Timing(6.0, 5.0, 7.0), "OTT": Timing(9.0, 8.0, 9.5)}
    found = Row("transport", "eps .1", Timing(2.0, 1.5, 2.5), peers, {"error": 1e-5})
    write_report(tmp_path / "figures.json", [found], ["numpy"])
    written = json.loads((tmp_path / "figures.json").read_text())
    assert set(written) == {"machine", "versions", "rows"}
    (row,) = written["rows"]
    assert (row["ours_ms"], row["peers"]["POT"], row["ratio_to_fastest_peer"]) == (2.0, 6.0, 3.0)
    assert "| 3.00x | error 1e-05 |" in table([found])


def test_latency_of_the_app_is_judged_by_its_95th_percentile():
    from tests.benchmarks.app import latency_row

    slow = latency_row("gaps", [100.0] * 9 + [5_000.0], clicks=10)
    assert (slow.ours.median, slow.quality["met"], slow.ratio) == (100.0, False, None)
    assert latency_row("gaps", [100.0] * 10, clicks=10).quality["met"]
    with pytest.raises(InputError, match="gaps: 2 of 10 clicks were seen"):
        latency_row("gaps", [100.0] * 2, clicks=10)


def command(monkeypatch, capsys, *arguments):
    """Exit code and stderr of the command itself, with its last fence."""
    from optical_core import cli

    monkeypatch.setattr("sys.argv", ["optical", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("search", "demo"), ("align", "sea")])
def test_half_a_character_is_one_sentence(monkeypatch, capsys, arguments, tiny_encoder):
    # Bytes that are no UTF-8, as Python gives them to a program.
    given = (*arguments, "caf\udce9", "--model", str(tiny_encoder))
    code, told = command(monkeypatch, capsys, *given)
    assert code == 2
    assert "has half a character" in told
    assert "Traceback" not in told


def test_long_reading_tells_how_far_it_is(monkeypatch, capsys, tmp_path):
    path = tmp_path / "large.sw.tsv.gz"
    path.write_bytes(gzip.compress(b"The sea is salty.\tBahari ina chumvi.\n" * 1000))
    silent = command(monkeypatch, capsys, "data", "bitext", str(path))
    monkeypatch.setattr("optical_core.cli.EVERY", 0)
    code, told = command(monkeypatch, capsys, "data", "bitext", str(path))
    assert (code, silent) == (0, (0, ""))
    assert told.startswith("optical: reading large.sw.tsv.gz, 0 MB")


def test_only_reading_that_takes_long_is_told_not_what_is_read_after_long_work(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr("optical_core.cli.monotonic", lambda: clock[0])
    tell = _progress()
    clock[0] = 60.0  # a model was opened
    tell("index.json, 0 MB")
    assert capsys.readouterr().err == ""
    for _ in range(26):
        clock[0] += 0.2
        tell(f"corpus.jsonl, {clock[0] - 60:.1f} MB")
    assert capsys.readouterr().err == "optical: reading corpus.jsonl, 5.0 MB\n"


@pytest.mark.parametrize("out", ["", ".", "..", ".hidden", "demo"])
def test_an_import_never_takes_the_place_of_all_collections(collection, home, out):
    kept = home / "collections" / "kept" / "collection.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    done = runner.invoke(app, ["data", "import", "beir", str(collection.folder), "--out", out])
    assert isinstance(done.exception, InputError), done.output
    assert kept.is_file()
    assert not (home / "collections" / "demo").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["both", "optical-lowres", "--name", "../x"], "letters, digits, dots and dashes"),
        (["both", "optical-lowres", "--name", "-x"], "letters, digits, dots and dashes"),
        (["centre", "embedded", "demo", "--name", "a b"], "letters, digits, dots and dashes"),
        (["evaluate", "demo", "--models", "@x", "--out", "o"], "'@x': a model, @ and a source"),
        (["evaluate", "demo", "--models", "bm25@", "--out", "o"], "'bm25@': a model, @ and a"),
        (["why", "demo", "sea", "-m", "bm25", "-p", "a,a"], "two different passages or models"),
        (["why", "demo", "sea", "-m", "bm25,bm25"], "two different passages or models"),
        (["why", "demo", "\u200b", "-m", "bm25"], "QUERY is empty"),
        (["search", "demo", "\u200b\u2060", "-m", "bm25"], "QUERY is empty"),
        (["align-quality", "gone.txt", "--out", "o", "--layers", "x"], "'x' is no whole number"),
        (["align-quality", "gone.txt", "--out", "o"], "no such file: gone.txt"),
        (["distill", "--name", "x", "--bitext", "b", "--set", "=1"], "key=value was expected"),
        (["distill", "--name", "x", "--bitext", "b", "--set", "seed=-1"], "seed: at least 0"),
        (["distill", "--name", "x", "--bitext", "b", "--set", "seed=4294967296"], "seed: less"),
    ],
)
def test_odd_arguments_are_one_sentence(home, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, arguments)
    assert isinstance(done.exception, InputError), (done.output, done.exception)
    assert message in str(done.exception)
    assert not (tmp_path / "o").exists()


def test_a_lexicon_under_a_file_is_refused_as_no_place_to_write(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match=r"cannot write .*: not a directory"):
        write_lexicon(tmp_path / "taken" / "sw.tsv", {"bahari": {"sea": 1.0}})


def test_texts_from_elsewhere_do_not_command_the_terminal(collection):
    hostile = "\x1b[31mred\x07 \u202esea\nsecond"
    row = {"_id": "px", "title": hostile, "text": f"the sea {hostile}"}
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    for command in (["search"], ["why", "-p", "px,p1"]):
        arguments = [command[0], str(collection.folder), "red sea", "-m", "bm25", *command[1:]]
        done = runner.invoke(app, arguments)
        assert done.exit_code == 0, done.output
        assert "[31mred sea second" in done.stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
