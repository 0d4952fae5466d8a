"""`optical story`: list, check, export."""

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.errors import InputError
from optical_core.ui.stories.story import Step, Story, write_story

VIEW = "/gaps?results=xquad_r&lang=en&lang=hi&model=embedded"


def run(*words):
    done = CliRunner().invoke(app, ["story", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def mine(home):
    write_story(
        "mine", Story(title="Mine", steps=[Step(title="One", view=VIEW, parts=["picture"])])
    )


def test_stories_are_listed(mine):
    assert "mine  Mine (1 step)" in run("list").splitlines()
    assert '"name": "mine"' in run("list", "--json")


def test_a_story_is_checked_and_exported(mine, tmp_path):
    assert run("check", "mine") == "mine: all 1 step can be shown\n"
    run("export", "mine", "--out", str(tmp_path / "mine.html"))
    text = (tmp_path / "mine.html").read_text("utf-8")
    assert text.count("<img") == 1
    assert "MAP on xquad_r" in text


def test_what_cannot_be_shown_is_told(mine, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("title: Bad\nsteps:\n- {title: One, view: '/gaps?results=nowhere'}\n")
    for words in (["check", str(path)], ["export", str(path), "--out", str(tmp_path / "x.html")]):
        with pytest.raises(InputError, match=r"step 1 \(One\): results: there is no 'nowhere'"):
            run(*words)
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("steps", ["[]", "", "null"])
def test_a_story_without_steps_passes_no_check(home, tmp_path, steps):
    path = tmp_path / "none.yaml"
    path.write_text(f"title: None yet\nsteps: {steps}\n")
    for words in (["check", str(path)], ["export", str(path), "--out", str(tmp_path / "x.html")]):
        with pytest.raises(InputError, match="the story has no steps yet"):
            run(*words)
