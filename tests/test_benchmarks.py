"""What the benchmarks measure with."""

import os
import shutil
import sys

import numpy as np
import pytest
import torch

from optical_core.data.collection import Passage
from optical_core.errors import InputError
from optical_core.retrieval.indexing import build_index
from optical_core.transport import exact, lanes
from tests.benchmarks import (
    __main__ as command,
)
from tests.benchmarks import (
    analysis,
    app,
    plaid,
    search,
    single_vector,
    timing,
    translations,
    transport,
    where,
)
from tests.encoders import RandomEncoder


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when told to."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def let_pass(seconds):
        now[0] += seconds

    return let_pass


def test_what_is_short_is_run_as_often_as_a_round_takes(clock):
    calls = {"short": 0, "long": 0}

    def contender(name, seconds):
        def run():
            calls[name] += 1
            clock(seconds)

        return run

    contenders = {"short": contender("short", 0.01), "long": contender("long", 3.0)}
    found = timing.side_by_side(contenders, repeats=2, least_seconds=0.1)
    assert found["short"].median == pytest.approx(10)
    assert found["long"].median == pytest.approx(3000)
    assert calls == {"short": 2 + 2 * 10, "long": 2 + 2}


def test_time_is_counted_once_where_parts_call_each_other(clock):
    watch = where.Stopwatch()
    inner = watch.timed("inner", lambda: clock(2))

    def outer():
        clock(1)
        inner()
        inner()

    watch.timed("outer", outer)()
    assert watch.seconds == {"outer": pytest.approx(1), "inner": pytest.approx(4)}


def test_without_its_interpreter_fast_plaid_is_left_out(monkeypatch, capsys):
    monkeypatch.delenv(plaid.VARIABLE, raising=False)
    with plaid.plaid(None, 4) as found:
        assert found is None
    assert plaid.VARIABLE in capsys.readouterr().err


def run(monkeypatch, capsys, *arguments):
    """Status, output and errors of `optical bench`."""
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    return int(ended.value.code or 0), *capsys.readouterr()


def test_without_its_data_search_says_what_to_name(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("OPTICAL_BENCH_DATA", raising=False)
    monkeypatch.setattr(search, "__file__", str(tmp_path / "tests/benchmarks/search.py"))
    monkeypatch.setattr(search.TokenEncoder, "load", lambda name: None)
    status, printed, errors = run(monkeypatch, capsys, "search")
    assert status == 1
    assert not printed
    assert "OPTICAL_BENCH_DATA=path/to/tatoeba" in errors
    assert len(errors.splitlines()) == 1


def test_quick_search_runs_on_the_demo(monkeypatch):
    monkeypatch.setenv("OPTICAL_BENCH_DATA", "/nowhere")
    english, questions = search._sentences(True)
    assert len(questions) == search._QUICK_QUERIES
    assert len(english) > 400


@pytest.mark.slow
def test_single_vectors_rank_by_meaning(with_embedded, collection, capsys):
    folder = str(collection.folder)
    single_vector.main([folder, "--languages", "en,sw,de"])
    name, *values = capsys.readouterr().out.split()
    found = dict(zip(values[::2], map(float, values[1::2]), strict=True))
    assert (name, list(found)) == (folder, ["en", "sw"])
    assert 0.9 < found["en"] <= 1
    assert 0.3 < found["sw"] <= found["en"]


def test_a_reduced_index_opens_with_unit_vectors_of_its_directions(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "_REDUCED", 4)
    passages = [Passage(f"p{number}", "", f"text {number}") for number in range(30)]
    index = build_index(tmp_path / "index", passages, RandomEncoder())
    reduced, basis = search._reduced(index)
    assert (reduced.ids, reduced.dimension) == (index.ids, 4)
    wanted = search.unit_rows(index.passage_vectors("p7") @ basis)
    np.testing.assert_allclose(reduced.passage_vectors("p7"), wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("No module named 'playwright'"), "playwright"),
        (InputError("a browser is needed"), "a browser is needed"),
    ],
)
def test_what_is_missing_is_one_sentence_and_the_other_paths_run(
    monkeypatch, capsys, error, message
):
    def rows(quick):
        raise error
        yield

    timed = timing.Row("analysis", "a case", timing.Timing(1, 1, 1), {})
    monkeypatch.setattr(app, "rows", rows)
    monkeypatch.setattr(analysis, "rows", lambda quick: [timed])
    status, printed, errors = run(monkeypatch, capsys, "app", "analysis", "--quick")
    assert status == 1
    assert "a case" in printed
    assert [message in line for line in errors.splitlines()] == [True, False]


def test_without_a_browser_the_app_is_not_started(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(app, "running_app", None)
    with pytest.raises(InputError, match="apt install chromium"):
        next(app.rows(True))


def test_the_figures_name_processor_extensions_and_threads(monkeypatch, capsys):
    cpu = {"model name": "A processor", "flags": "fpu avx2 fma sse"}
    monkeypatch.setattr(timing, "_cpuinfo", lambda key: cpu.get(key, ""))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    timed = timing.Row("analysis", "a case", timing.Timing(1, 1, 1), {})
    monkeypatch.setattr(analysis, "rows", lambda quick: [timed])
    status, printed, _ = run(monkeypatch, capsys, "analysis")
    assert status == 0
    assert "A processor (avx2 fma), 3 threads of 4 cores" in printed


@pytest.mark.slow
def test_each_path_of_the_processor_is_timed_beside_the_portable_one(monkeypatch):
    if not lanes.paths():
        pytest.skip("no cffi or no C compiler")
    monkeypatch.setattr(
        transport,
        "side_by_side",
        lambda runs: {
            path: timing.Timing(*[2.0 if path == "portable" else 0.5] * 3)
            for path, run in runs.items()
            if run() is not None
        },
    )
    cost = torch.rand(3, 4, 5)
    costs = translations.Costs(cost, torch.full((3, 4), 1 / 4), torch.full((3, 5), 1 / 5))
    found = list(transport._paths("three pairs", costs))
    assert ["Sinkhorn" in row.case for row in found] == [True, False]
    for row, paths in zip(found, (lanes.paths(), exact.paths()), strict=True):
        assert row.ratio is None
        times = {f"{path}: times portable": 4 for path in paths}
        target = {"target": transport.TIMES_PORTABLE, "met": paths != ("portable",)}
        assert row.quality == times | {"portable: times portable": 1} | target
