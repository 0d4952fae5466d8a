"""Background jobs: they train, queue, stop, resume, and say how they ended."""

import time
from dataclasses import replace

import pandas as pd
import pytest

from optical_core.data.bitext import SentencePair
from optical_core.distill import jobs
from optical_core.distill.config import DistillConfig
from optical_core.distill.estimate import estimate_seconds
from optical_core.distill.jobs import Job, list_jobs, read_job, resume_job, start_job, stop_job
from optical_core.distill.logs import COMPLETE, Stage, read_stage, write_stage
from optical_core.distill.worker import work
from optical_core.errors import InputError
from optical_core.models.catalogue import list_models
from optical_core.storage import home
from optical_core.ui.training.figures import curves_told, training_figures
from optical_core.ui.training.view import dev_log, progress, training_log


def config(name, teacher, bitext, **settings):
    given = {
        "steps": 20,
        "batch_size": 4,
        "checkpoint_every": 5,
        "trainable": "encoder",
        "bf16": False,
        "overlap": "drop",
    }
    return DistillConfig(name=name, teacher=str(teacher), bitext=(str(bitext),), **given | settings)


def wait(name, *states, limit=120):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        job = read_job(name)
        if job.state in states:
            return job
        time.sleep(0.2)
    raise AssertionError(f"{name} is {job.state} ({job.error}): {output(name)[-2000:]}")


def output(name):
    return (read_job(name).folder / "output.log").read_text()


def test_what_a_running_job_does_is_shown_before_its_log_begins(tiny_encoder, bitext_file):
    job = Job("one", "running", "2026", config("one", tiny_encoder, bitext_file))
    job.folder.mkdir(parents=True)
    assert progress(job, pd.DataFrame()) == (0.0, "starting")
    write_stage(job.folder, Stage("loading the teacher"))
    assert progress(job, pd.DataFrame()) == (0.0, "loading the teacher")
    write_stage(job.folder, Stage("training", 1, 380.0))
    assert progress(job, pd.DataFrame()) == (0.05, "1 of 20 steps, about 6 min left")
    log = pd.DataFrame([{"step": 10, "loss": 0.5, "tokens_per_second": 900}])
    write_stage(job.folder, Stage("training", 12, 80.0))
    shown = "12 of 20 steps, loss 0.5000, 900 tokens/s, about 80 s left"
    assert progress(job, log) == (0.6, shown)
    write_stage(job.folder.parent / "no-run", Stage("reading the bitext"))
    assert not (job.folder.parent / "no-run").exists()


@pytest.mark.slow
def test_a_job_waits_for_another_then_trains_logs_and_is_listed(
    tiny_encoder, bitext_file, collection, monkeypatch
):
    monkeypatch.setattr(jobs, "PATIENCE", 0.0)  # the first one isn't waited for
    start_job(config("first", tiny_encoder, bitext_file, steps=100_000))
    wait("first", "running")
    start_job(config("one", tiny_encoder, bitext_file, dev=str(collection.folder), dev_every=10))
    while "Another training is running" not in output("one"):
        assert wait("one", "queued")
        time.sleep(0.05)
    assert read_job("one").state == "queued"
    assert [job.name for job in list_jobs()] == ["one", "first"]
    with pytest.raises(InputError, match="already"):
        resume_job("first")
    assert stop_job("first").state == "stopped"
    assert jobs._process("first") is None
    job = wait("one", "finished", "failed")
    assert job.state == "finished", job.error
    assert "one" in [entry.name for entry in list_models()]
    log, dev = training_log(job), dev_log(job)
    assert list(log["step"]) == [1, 2, 5, 10, 20]
    assert log["seconds_left"].iloc[-1] == 0
    assert list(dev["step"]) == [0, 10, 20]
    assert set(dev) == {"step", "mean", "en", "sw"}
    assert progress(job, log) == (1.0, "20 of 20 steps")
    drawn = training_figures(log, dev, dark=False).values()
    names = {trace.name for one in drawn for trace in one.data}
    assert {"OT cost", "effective rank", "dev MAP"} <= names
    with pytest.raises(InputError, match="exists"):
        start_job(job.config)
    with pytest.raises(InputError, match="is finished"):
        resume_job("one")


@pytest.mark.slow
def test_a_stopped_training_keeps_its_last_step(tiny_encoder, bitext_file):
    """Also before its first regular checkpoint."""
    start_job(config("long", tiny_encoder, bitext_file, steps=5000, checkpoint_every=4000))
    while read_stage(read_job("long").folder).step < 3:
        assert wait("long", "queued", "running")
        time.sleep(0.05)
    job = stop_job("long")
    kept = job.kept
    assert job.state == "stopped"
    assert 3 <= kept < 4000
    assert "was stopped after step" not in job.error
    assert not (job.folder / "stop").exists()
    resume_job("long")
    while read_stage(job.folder).step <= kept:
        assert wait("long", "queued", "running")
        time.sleep(0.05)
    assert stop_job("long").kept > kept


def test_a_job_that_fails_says_why(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_launch", read_job)
    start_job(config("bad", tiny_encoder, tmp_path / "nothing.sw.tsv"))
    assert work("bad") == 1
    job = read_job("bad")
    assert job.state == "failed"
    assert "nothing.sw.tsv" in job.error
    assert progress(job, training_log(job))[1] == job.error


def test_unknown_jobs_and_no_jobs():
    assert list_jobs() == []
    with pytest.raises(InputError, match="no training 'x'"):
        read_job("x")


def test_the_estimate_is_the_measured_rate_times_the_work(monkeypatch):
    clock = [0.0]

    class Encoder:
        def encode_queries(self, texts, *, batch_size):
            clock[0] += 0.01 * len(texts)

    monkeypatch.setattr("optical_core.distill.estimate.time.perf_counter", lambda: clock[0])
    pairs = [SentencePair("sea", "bahari", "sw", "x")] * 40
    found = estimate_seconds(config("e", "t", "b", steps=10), pairs, Encoder())
    assert found == pytest.approx(0.01 * 5 * 4 * 10)  # passes, pairs a step, steps
    assert estimate_seconds(config("e", "t", "b"), [], Encoder()) == 0


def test_a_running_job_tells_how_far_it_is(tiny_encoder, bitext_file):
    settings = config("one", tiny_encoder, bitext_file, steps=40)
    job = Job("one", "running", "2026-01-01", settings)
    row = {"step": 10, "loss": 0.51, "optical": 0.5, "tokens_per_second": 900, "seconds_left": 90}
    share, line = progress(job, pd.DataFrame([row]))
    assert share == 0.25
    assert line.startswith("10 of 40 steps, loss 0.5100, OT cost 0.5000, 900 tokens/s, ")
    (empty,) = training_figures(pd.DataFrame(), pd.DataFrame(), dark=True).values()
    assert "after the first step" in empty.layout.annotations[0].text
    dev = pd.DataFrame([{"step": 0, "mean": 0.5}])
    drawn = training_figures(pd.DataFrame([row]), dev, dark=False)
    assert {title: [line.name for line in one.data] for title, one in drawn.items()} == {
        "Loss and its parts": ["loss", "OT cost"],
        "Dev-set MAP": ["dev MAP"],
    }


def test_curves_are_said_in_words_with_their_ends_and_their_best_value():
    log = pd.DataFrame({"step": [1, 1000, 2000], "loss": [0.5, 0.125, float("nan")]})
    dev = pd.DataFrame({"step": [0, 1000, 2000], "mean": [0.25, 0.75, 0.5]})
    drawn = training_figures(log, dev, dark=False)
    assert [curves_told(title, one) for title, one in drawn.items()] == [
        "Loss and its parts. loss: from 0.5 at step 1, to 0.125 at step 1,000, minimum 0.125 at "
        "step 1,000.",
        "Dev-set MAP. dev MAP: from 0.25 at step 0, to 0.5 at step 2,000, maximum 0.75 at step "
        "1,000.",
    ]
    (once,) = training_figures(log[:1], dev[:0], dark=False).values()
    assert curves_told("Loss", once) == "Loss. loss: from 0.5 at step 1."
    (empty,) = training_figures(log[:0], dev[:0], dark=False).values()
    assert curves_told("Loss", empty) == "Loss."


def test_a_stopped_job_tells_what_is_kept(tiny_encoder, bitext_file):
    settings = config("one", tiny_encoder, bitext_file, steps=40, checkpoint_every=10)
    job = Job("one", "stopped", "2026-01-01", settings)
    log = pd.DataFrame([{"step": 10, "loss": 0.5}, {"step": 20, "loss": 0.25}])
    job.folder.mkdir(parents=True)
    assert progress(job, log[:0]) == (0.0, "stopped before its first step")
    write_stage(job.folder, Stage("training", 25, 9.0))
    assert (
        "begins anew: nothing was saved yet, that is done every 10 steps" in progress(job, log)[1]
    )
    for step, whole in ((10, True), (20, False)):
        (job.folder / f"checkpoint-{step}").mkdir()
        if whole:
            (job.folder / f"checkpoint-{step}" / COMPLETE).write_text("{}")
    share, line = progress(job, log)
    assert share == 0.625
    assert line.startswith("25 of 40 steps, loss 0.2500, Resume goes on after step 10, the last")
    write_stage(job.folder, Stage("training", 11, 60.0))
    line = progress(replace(job, state="running"), log.assign(tokens_per_second=900))[1]
    assert line.startswith("11 of 40 steps, loss 0.5000, 900 tokens/s")


def test_a_name_that_a_model_has_is_taken(tiny_encoder, bitext_file):
    home("models", "one").mkdir(parents=True)
    with pytest.raises(InputError, match="a model 'one' exists"):
        start_job(config("one", tiny_encoder, bitext_file))
