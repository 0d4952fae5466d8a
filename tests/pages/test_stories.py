"""The page Stories: made, changed and played."""

import json

import pytest

from optical_core.ui.stories.story import Step, Story, read_story, story_names, write_story
from tests.pages.checks import shown


def button(app, label, number=0):
    return [element for element in app.button if element.label == label][number]


def field(fields, label, number=0):
    return [element for element in fields if element.label == label][number]


def player(app) -> dict:
    (component,) = app.get("bidi_component")
    return json.loads(component.proto.json)


@pytest.fixture
def mine(open_page):
    """A story of two steps, open."""
    steps = [Step(title=f"The {code}", view=f"/collections?lang={code}") for code in ("en", "sw")]
    write_story("mine", Story(title="Mine", steps=steps))
    return lambda **query: open_page("stories", story="mine", **query)


def test_a_shipped_story_is_copied(open_page):
    app = open_page("stories")
    assert player(app)["html"].count("<section") == 8
    assert "This story came with the app" in " ".join(map(shown, app.caption))
    assert not app.text_area
    button(app, "Copy it").click().run()
    copy, original = read_story("somali-2"), read_story("somali")
    assert (copy.title, copy.steps) == (f"{original.title} (2)", original.steps)
    assert len(app.text_area) == 9


def test_a_story_is_made_and_gets_a_step(open_page):
    app = open_page("stories")
    field(app.text_input, "Name").input("mine")
    button(app, "Make it").click().run()
    assert "title" in shown(app.error[0])
    field(app.text_input, "Name").input("mine")
    field(app.text_input, "Title").input("What I found")
    button(app, "Make it").click().run()
    assert read_story("mine") == Story(title="What I found")
    app = open_page("stories", story="mine")
    assert "no steps yet" in app.info[0].value
    field(app.text_input, "Title", 1).input("Samples")
    for view, refused in (
        ("/stories", "a view of start, alignment, gaps"),
        ("/collections?lang=pt", "there is no 'pt' here"),
        ("http://localhost:8501/collections?lang=sw", ""),
    ):
        field(app.text_input, "Title", 1).input("Samples")
        field(app.text_input, "Address of the view").input(view)
        field(app.text_area, "Note (Markdown)").input("See <b>this</b>.")
        button(app, "Add").click().run()
        assert not refused or refused in shown(app.error[0])
    (step,) = read_story("mine").steps
    assert (step.title, step.view) == ("Samples", "/collections?lang=sw")
    html = player(app)["html"]
    assert "See &lt;b&gt;this&lt;/b&gt;." in html
    assert "kwa nini bahari ni chumvi ?" in html


def test_steps_are_moved_changed_and_removed(mine):
    app = mine(step="2")
    assert player(app)["step"] == 2
    button(app, "Up", 1).click().run()
    assert [step.title for step in read_story("mine").steps] == ["The sw", "The en"]
    assert app.query_params["step"] in ("1", ["1"])
    app.multiselect[0].set_value(["samples"])
    field(app.text_input, "Title", 1).input("Samples in Swahili")
    button(app, "Save").click().run()
    (first, _) = read_story("mine").steps
    assert (first.title, first.parts) == ("Samples in Swahili", ("samples",))
    assert "relevant per query" not in player(app)["html"].split("</section>")[0]
    button(app, "Remove", 1).click().run()
    assert read_story("mine").steps == (first,)
    button(app, "Yes, remove it").click().run()
    assert story_names() == ["somali"]
    assert not app.exception


def test_a_step_that_is_not_there_is_the_first(mine):
    app = mine(step="7")
    assert player(app)["step"] == 1
    assert "step" not in app.query_params
    assert app.info[0].value.startswith("Step: the address asks for '7'")
