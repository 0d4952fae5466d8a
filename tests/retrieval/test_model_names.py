"""A new model's name finds that model, whoever makes it."""

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.distill.config import DistillConfig
from optical_core.distill.jobs import start_job
from optical_core.distill.run import begun
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.models.fusions import Fusion, save_fusion
from optical_core.retrieval.model_names import check_new_name, label, new_model_folder

TAKEN = {
    "optical-lowres": "'optical-lowres' names another model, a known student",
    "embedded": "'embedded' names another model, a known encoder",
    "bm25-stop-stem": "'bm25-stop-stem' names another model, a known baseline",
    "psq": "'psq' names another model, a known baseline",
    "fused": "'fused' names another model, a known fusion",
    "mine+prf": "'mine.prf' would be read as an expression",
}


@pytest.fixture(autouse=True)
def fused(home):
    save_fusion(Fusion(name="fused", expression="0.5*bm25+0.5*embedded"))


@pytest.mark.parametrize("name", TAKEN)
def test_a_training_takes_no_name_that_means_another_model(name, home):
    configs = (DistillConfig(name=name, bitext=("demo",)), TeachConfig(name=name, relevance=("x",)))
    for config in configs:
        with (
            pytest.raises(InputError, match=TAKEN[name]),
            begun(config, "training", device=None, progress=False),
        ):
            pass
        with pytest.raises(InputError, match=TAKEN[name]):
            start_job(config)
    assert not (home / "runs" / name).exists()


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize(
    "command",
    [
        ["gloss", "optical-lowres", "lexicons"],
        ["both", "optical-lowres"],
        ["centre", "embedded", "demo"],
    ],
    ids=lambda command: command[0],
)
def test_a_copy_takes_no_name_that_means_another_model(command, name, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lexicons").mkdir()
    (tmp_path / "lexicons" / "sw.tsv").write_text("bahari\tsea\t0.9\n")
    done = CliRunner().invoke(app, [*command, "--name", name])
    assert isinstance(done.exception, InputError), done.output
    with pytest.raises(InputError, match=TAKEN[name]):
        raise done.exception
    assert not (home / "models" / name).exists()


def test_names_of_its_own_stay_free(home):
    for name in ("mine", "tlm+optical", "bm25-x", "demo.greedy.s1"):
        assert new_model_folder(name) == home / "models" / name
    check_new_name("fused", fusion=True)
    with pytest.raises(InputError, match="names another model, a known student"):
        check_new_name("optical-gloss", fusion=True)


def test_folders_that_are_no_names_are_called_as_where_they_lead(tmp_path, monkeypatch):
    inside = tmp_path / "my-model" / "work"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert [label(name) for name in (".", "..", "../", "psq@..", "bm25@.")] == [
        "work",
        "my-model",
        "my-model",
        "psq@my-model",
        "bm25@work",
    ]
