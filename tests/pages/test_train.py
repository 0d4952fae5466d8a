"""The page Train: trainings compared, teachers started, and the ways from a collection to it."""

import json

import pytest
import torch

from optical_core.data.lines import read_json
from optical_core.data.records import write_record
from optical_core.distill.config import DistillConfig
from optical_core.distill.logs import write_log
from optical_core.distill.teach_config import TeachConfig
from optical_core.models.cards import ModelCard
from optical_core.models.catalogue import list_models
from optical_core.models.deltas import resized
from optical_core.models.teachers import save_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import home
from optical_core.ui.address import Address
from optical_core.ui.library import Library
from optical_core.ui.still import Picture
from optical_core.ui.stories.views import view_parts
from pages import train, train_teach
from tests.pages.checks import shown


@pytest.fixture
def trained(home):
    """Three trainings of the command line."""
    for config in (
        DistillConfig(name="mine", bitext=("demo",), steps=20),
        DistillConfig(name="other", bitext=("demo",), steps=40),
        TeachConfig(name="teacher", relevance=("nq",)),
    ):
        folder = home / "runs" / config.name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config.model_dump()))
        write_log(folder / "log.csv", [{"step": 1, "loss": 1.0, "optical": 0.5}])


def figures(app) -> list:
    return [json.loads(element.proto.spec)["data"] for element in app.get("plotly_chart")]


def test_trainings_are_laid_over_each_other_with_the_settings_that_differ(open_page, trained):
    app = open_page("train", run=["mine", "other"])
    assert app.query_params["run"] == ["mine", "other"]
    table = app.dataframe[0].value
    assert table.set_index("setting").T.to_dict() == {"steps": {"mine": "20", "other": "40"}}
    blocks = view_parts(Library(), Address.parse("/train?run=mine&run=other"))["curves"]()
    pictures = [b.draw(dark=False) for column in blocks for b in column if isinstance(b, Picture)]
    assert len(pictures) == 2
    assert all(json.loads(one.to_json())["data"] in figures(app) for one in pictures)
    badges = [shown(element) for element in app.markdown if "badge" in element.value]
    assert any("teacher" in badge and "stopped" in badge for badge in badges)
    assert not [button for button in app.button if button.label in ("Stop", "Resume")]


def test_the_mean_of_finished_trainings_is_saved(open_page, home, tiny_encoder):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    for number, name in enumerate(("one", "two")):
        config = TeachConfig(name=name, relevance=("nq",), seed=number)
        (home / "runs" / name).mkdir(parents=True)
        (home / "runs" / name / "config.json").write_text(json.dumps(config.model_dump()))
        model = resized(base, 8, number * 0.01 + torch.eye(8, base.dimension)).model
        save_teacher(home / "models" / name, name=name, base=base, model=model, card=ModelCard())
        write_record(home / "models" / name / "record.json", {"config": config.model_dump()})
    app = open_page("train", run=["one", "two"])

    def save(name):
        next(f for f in app.text_input if f.label == "Name of the mean").input(name)
        next(button for button in app.button if button.label == "Save the mean").click().run()

    for name, refusal in (("", "give the mean a name"), ("one", "'one' exists")):
        save(name)
        assert refusal in shown(app.error[0])
    save("mean")
    assert not app.error
    assert "every list of models has mean now" in shown(app.success[0])
    names = [entry.name for entry in list_models() if entry.kind == "teacher"]
    assert names[-3:] == ["mean", "one", "two"]
    assert "mean" in app.selectbox(key="teacher").options
    app.run()
    assert "every list of models has mean now" in shown(app.success[0])
    (link,) = (e.proto for e in app.get("page_link") if e.proto.label == "Search with it")
    assert "model=mean" in link.query_string
    app.slider[0].set_value(0.5)
    save("half")
    assert read_json(home / "models" / "half" / "record.json")["strength"] == 0.5
    (home / "models" / "two" / "record.json").unlink()  # as of a training that isn't finished
    app = open_page("train", run=["one", "two"])
    assert not [button for button in app.button if button.label == "Save the mean"]


def start_student(app, name, folder) -> None:
    """Fill the form that reads a bitext in `folder`, and press Start."""
    bitext = folder / "pairs.sw.tsv"
    bitext.write_text("The sea is salty.\tBahari ina chumvi.\n")
    next(field for field in app.text_input if field.label == "Name of the student").input(name)
    next(f for f in app.text_input if f.label == "Path on this machine").input(str(bitext))
    next(button for button in app.button if button.label == "Start").click().run()


@pytest.mark.parametrize("sides", ["queries", "both"])
def test_a_student_of_queries_or_of_both_sides_is_started(open_page, home, monkeypatch, sides):
    started = []
    monkeypatch.setattr(train, "start_job", started.append)
    address = {"from": "folder"} | ({"sides": "both"} if sides == "both" else {})
    app = open_page("train", **address)
    assert next(c for c in app.button_group if c.label == "The student encodes").value == sides
    start_student(app, "mine", home)
    assert [shown(error) for error in app.error] == []
    assert [(config.name, config.sides) for config in started] == [("mine", sides)]


def test_a_student_is_distilled_from_a_teacher_that_was_taught_here(
    open_page, home, monkeypatch, tiny_encoder
):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    model = resized(base, 8, torch.eye(8, base.dimension)).model
    save_teacher(home / "models" / "mine", name="mine", base=base, model=model, card=ModelCard())
    started = []
    monkeypatch.setattr(train, "start_job", started.append)
    app = open_page("train", **{"from": "folder", "teacher": "mine"})
    assert app.selectbox(key="teacher").options == ["embedded", "mine"]
    for teacher in ("mine", "embedded"):
        app.selectbox(key="teacher").select(teacher)
        start_student(app, "own", home)
    assert [shown(error) for error in app.error] == []
    assert [(config.name, config.teacher) for config in started] == [
        ("own", "mine"),
        ("own", "embedded"),
    ]


def test_a_teacher_is_started_or_refused_with_a_sentence(open_page, home, monkeypatch):
    started = []
    monkeypatch.setattr(train_teach, "start_job", started.append)
    app = open_page("train")

    def field(label):
        return next(field for field in app.text_input if field.label.startswith(label))

    def start():
        return [button for button in app.button if button.label == "Start"][1].click().run()

    start()
    assert "give the teacher a name" in shown(app.error[0])
    field("Name of the teacher").input("mine")
    for path, refusal in (("", "nothing to train on"), ("/nowhere", "is outside")):
        field("Relevance").input(path)
        start()
        assert refusal in shown(app.error[0])
    folder = home / "faq"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "At eight."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "When does it open?"}\n')
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    field("Relevance").input(str(folder))
    start()
    assert not app.error
    assert [(config.name, config.relevance) for config in started] == [("mine", (str(folder),))]


def test_a_collection_leads_to_its_evaluation_and_to_a_training_with_it(open_page):
    links = {e.proto.label: e.proto for e in open_page("collections").get("page_link")}
    assert links["Evaluate on it"].query_string == "on=demo"
    assert links["Train with it as dev"].query_string == "dev=demo"
    app = open_page("train", dev="demo")
    assert app.selectbox(key="dev").value == "demo"
    app = open_page("gaps", on="demo")
    assert app.selectbox(key="on").value == "demo"
    assert home("x").parent.is_dir()
