"""All trainings are listed, whoever started them, and compared."""

import json
import os

import pandas as pd
import pytest

from optical_core.distill.config import DistillConfig
from optical_core.distill.jobs import Job
from optical_core.distill.logs import Stage, read_log, write_log, write_stage
from optical_core.distill.runs import list_runs
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.storage import exclusive, home
from optical_core.ui.address import Address
from optical_core.ui.library import Library
from optical_core.ui.still import Picture, Table
from optical_core.ui.stories.views import view_parts
from optical_core.ui.training.figures import overlay_figure, overlay_titles
from optical_core.ui.training.view import overlaid, progress, settings_table, training_log

STUDENT = DistillConfig(name="mine", bitext=("demo",), steps=40, learning_rate=1e-4)
OTHER = DistillConfig(name="other", bitext=("demo",), objective="greedy", languages=("so", "sw"))
TEACHER = TeachConfig(name="teacher", relevance=("nq",), steps=40, rounds=2)


def write(config, created: int, rows=(), dev=()) -> None:
    folder = home("runs", config.name)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.model_dump()))
    os.utime(folder / "config.json", (created, created))
    write_log(folder / "log.csv", list(rows))
    write_log(folder / "dev.csv", list(dev))


@pytest.fixture
def runs(home):
    rows = [{"step": s, "loss": 1 / s, "optical": 0.5 / s, "effective_rank": 9} for s in (1, 2)]
    write(STUDENT, 1, rows, [{"step": 0, "mean": 0.5, "so": 0.5}])
    write(OTHER, 2, [{"step": 1, "loss": 2.0, "greedy": 1.0}])
    write(TEACHER, 3, [{"step": 1, "loss": 3.0, "tokens_per_second": 90}])
    return {run.name: run for run in list_runs()}


def test_trainings_of_the_command_are_listed_with_their_state(runs, home, caplog):
    assert list(runs) == ["teacher", "other", "mine"]
    assert {run.state for run in runs.values()} == {"stopped"}
    assert runs["teacher"].config == TEACHER
    assert not runs["mine"].resumable
    assert progress(runs["mine"], training_log(runs["mine"]))[1].endswith(
        "the same command begins anew: nothing was saved yet, that is done every 100 steps"
    )
    (home / "models" / "mine").mkdir(parents=True)
    (home / "models" / "mine" / "record.json").write_text("{}")
    (home / "runs" / "bad").mkdir()
    (home / "runs" / "bad" / "config.json").write_text("{}")
    with exclusive(home / "runs" / "teacher"):
        states = {run.name: run.state for run in list_runs()}
    assert states == {"teacher": "running", "other": "stopped", "mine": "finished"}
    assert "left out" in caplog.text


def test_a_teachers_time_left_names_the_mining_that_follows(runs):
    teacher = Job("teacher", "running", "2026", TEACHER)
    for step, end in ((5, "about 60 s left, and 1 round of mining"), (30, "about 60 s left")):
        write_stage(teacher.folder, Stage("training", step, 60.0))
        assert progress(teacher, training_log(teacher))[1].endswith(end)


def test_curves_are_laid_over_each_other(runs):
    logs = overlaid(list(runs.values()))
    figures = {title: overlay_figure(logs, title, dark=False) for title in overlay_titles(logs)}
    drawn = {title: [line.name for line in one.data] for title, one in figures.items()}
    assert drawn == {
        "Loss": ["teacher", "other", "mine"],
        "OT cost": ["mine"],
        "Dev-set MAP": ["mine"],
        "Effective rank": ["mine"],
    }
    looks = {(line.line.color, line.line.dash) for line in figures["Loss"].data}
    assert len(looks) == 3


def test_only_settings_that_differ_are_compared(runs):
    table = settings_table([runs["mine"], runs["other"]]).set_index("setting")
    assert table.T.to_dict() == {
        "learning_rate": {"mine": "0.0001", "other": "0.0002"},
        "steps": {"mine": "40", "other": "300"},
        "languages": {"mine": "–", "other": "so, sw"},
        "objective": {"mine": "optical", "other": "greedy"},
    }
    table = settings_table([runs["mine"], runs["teacher"]]).set_index("setting")
    assert table.loc["training"].tolist() == ["distil", "teach"]
    assert table.loc["relevance"].tolist() == ["–", "nq"]
    assert settings_table([runs["mine"], runs["mine"]]).empty


def test_a_comparison_can_be_told_in_a_story(runs):
    parts = view_parts(Library(), Address.parse("/train?run=mine&run=teacher&steps=5"))
    blocks = [block for make in parts.values() for column in make() for block in column]
    assert [type(block) for block in blocks] == [Picture] * 4 + [Table]
    assert isinstance(blocks[-1].rows, pd.DataFrame)


@pytest.mark.parametrize("content", [b"\xff\xfe", b'step,loss\n"' + b"x" * 200_000 + b'"\n'])
def test_a_damaged_log_is_one_sentence(tmp_path, content):
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"log.csv is damaged: remove it"):
        read_log(tmp_path / "log.csv")
