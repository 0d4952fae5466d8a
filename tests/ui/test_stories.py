"""Stories: their file, their notes, what their views show, and the HTML that they become."""

import base64
import gzip
import json
import re
from functools import partial
from html.parser import HTMLParser

import pandas as pd
import pytest

from optical_core.data.collection import open_collection
from optical_core.data.judging import write_grades
from optical_core.errors import InputError
from optical_core.figures.theme import ground, ink, note
from optical_core.storage import home
from optical_core.study.pooling import make_pool
from optical_core.ui.address import Address, Parameters
from optical_core.ui.library import Library
from optical_core.ui.still import Flow, Html, Picture, Table, card, heading, line
from optical_core.ui.stories import player
from optical_core.ui.stories.drawing import table_html
from optical_core.ui.stories.notes import note_html
from optical_core.ui.stories.player import slides, story_html
from optical_core.ui.stories.story import (
    MOST_STEPS,
    Step,
    Story,
    parse_story,
    read_story,
    remove_story,
    shipped_stories,
    stories,
    story_names,
    story_text,
    uploaded_story,
    write_story,
)
from optical_core.ui.stories.views import view_parts

NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def story(*titles: str, **settings) -> Story:
    return Story(
        title="A story",
        steps=[Step(title=title, view="/gaps?results=demo", **settings) for title in titles],
    )


def test_the_shipped_story_has_eight_steps_each_with_a_note():
    assert shipped_stories() == ["somali"]
    shipped = read_story("somali")
    assert shipped.title == "Why a Somali query failed, and what distillation changed"
    assert len(shipped.steps) == 8
    assert all(step.note for step in shipped.steps)


def test_a_story_is_written_read_and_removed(home):
    told = Story(
        title="no: 1e-4",
        steps=[
            Step(
                title="one",
                view="http://127.0.0.1:8501/alignment/?lang=so&model=a&model=b&go=1",
                parts=["plans"],
                note="Two\n\nparagraphs: # - é",
            )
        ],
    )
    write_story("mine", told)
    assert told.steps[0].view == "/alignment?lang=so&model=a&model=b"
    assert read_story("mine") == told
    assert "note: |-\n" in (home / "stories" / "mine.yaml").read_text()
    assert story_names() == ["somali", "mine"]
    remove_story("mine")
    assert story_names() == ["somali"]


def test_damaged_stories_are_left_out_of_the_list(home, caplog):
    write_story("mine", story("one"))
    (home / "stories" / "bad.yaml").write_text("title: [")
    assert list(stories()) == ["somali", "mine"]
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "a title and steps were expected"),
        ("title: ''", "title: a text was expected, got ''"),
        ("title: a\nsteps: [{title: b, view: /stories}]", "a view of start, alignment, gaps"),
        ("title: a\nsteps: [{title: b, view: 'http://[x'}]", "is no address of a page"),
        ("title: a\nsteps: [{title: b, view: /gaps, colour: red}]", "there is no such setting"),
    ],
)
def test_what_is_no_story_is_told(text, message):
    with pytest.raises(InputError, match=r"story\.yaml") as refused:
        parse_story(text, "story.yaml")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "message"), [("somali", "is a shipped story"), ("../x", "letters, digits, dots")]
)
def test_a_name_that_cannot_be_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        write_story(name, story())
    with pytest.raises(InputError, match="there is no story"):
        read_story("nowhere")


def test_steps_are_moved_replaced_and_taken_out():
    three = story("a", "b", "c")
    new = Step(title="d", view="/search")

    def titles(told: Story) -> str:
        return "".join(step.title for step in told.steps)

    assert titles(three.moved(0, 2)) == "bca"
    assert titles(three.moved(2, 1)) == "acb"
    assert titles(three.with_step(new)) == "abcd"
    assert titles(three.with_step(new, 1)) == "adc"
    assert titles(three.without_step(1)) == "ac"
    with pytest.raises(InputError, match=f"at most {MOST_STEPS} steps"):
        story(*"a" * MOST_STEPS).with_step(new)


def test_a_note_is_markdown_and_nothing_else():
    html = note_html(
        f"**b** {NASTY}\n\n# t\n\n![p](http://x/y.png) [l](javascript:x) [m](http://z)"
    )
    assert "<strong>b</strong>" in html
    seen = elements(html)
    assert {name for name, _ in seen} == {"p", "strong", "a"}
    assert [values["href"] for name, values in seen if name == "a"] == [
        "http://x/y.png",
        "http://z",
    ]


def elements(html: str) -> list[tuple[str, dict]]:
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Reader().feed(html)
    return found


def test_an_address_is_read_as_the_pages_read_it():
    given = Parameters(Address.parse("gaps?lang=swh&model=a&model=a&model=b&top=5&eps=0.1"))
    assert given.language("lang", ["so", "sw"], "so") == "sw"
    assert given.many("model", ["a", "b"], ["a"]) == ["a", "b"]
    assert given.one("eps", [0.05, 0.1], 0.05, float) == 0.1
    assert given.number("top", 1) == 5
    assert given.one("at", ["all"], "all") == "all"
    given.refuse_others()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("lang=pt", "lang: there is no 'pt' here; there is so or sw"),
        ("eps=x", "eps: there is no 'x' here"),
        ("top=0", "top: a number from 1 on was expected, got '0'"),
        ("model=a&model=b", "model: at most 1 values, got 2"),
        ("a=12345", "a: at most 4 characters, got 5"),
        ("colour=red&size=1", "this page has no 'colour' and 'size'"),
    ],
)
def test_a_value_that_its_page_cannot_show_is_refused(query, message):
    given = Parameters(Address.parse(f"/gaps?{query}"))
    with pytest.raises(InputError) as refused:
        given.language("lang", ["so", "sw"], "so")
        given.one("eps", [0.1], 0.1, float)
        given.number("top", 1)
        given.many("model", ["a", "b"], ["a"], most=1)
        given.text("a", 4)
        given.refuse_others()
    assert message in str(refused.value)


def test_a_table_has_digits_names_of_languages_and_colours():
    rows = pd.DataFrame({"language": ["so"], "sw": [0.5], "none": [None], "p_holm": [1e-9]})
    html = table_html(Table(rows, NASTY, lambda column, value: "color: red", languages=["sw"]))
    assert '<td dir="auto" style="color: red">Somali</td>' in html
    assert "<th>Swahili</th>" in html
    assert ">0.5000<" in html
    assert ">–<" in html
    assert "&lt; .0001" in html
    assert "script" not in {name for name, _ in elements(html)}


@pytest.fixture
def shown(monkeypatch):
    """Every view shows these blocks."""
    blocks = [
        heading(NASTY),
        line(NASTY),
        card(1, [(NASTY, "good")], NASTY.replace("<", "&lt;")),
        Html("<p>a</p>"),
        Picture(partial(note, NASTY), NASTY),
        Table(pd.DataFrame({"query": [NASTY]})),
        Flow({"label": f"</script>{NASTY}"}),
    ]
    monkeypatch.setattr(player, "step_stills", lambda library, step: [[blocks, [Html("b")]]])


def test_a_storys_html_loads_and_runs_nothing_of_others(shown):
    told = Story(title=NASTY, steps=[Step(title=NASTY, view="/gaps?lang=so", note=NASTY)])
    html = story_html(Library(), told)
    seen = elements(html)
    names = [name for name, _ in seen]
    assert names.count("script") == 2
    assert [values["src"][:26] for name, values in seen if name == "img"] == [
        "data:image/svg+xml;base64,"
    ]
    assert not any(key.startswith("on") for _, values in seen for key in values)
    (policy,) = [v["content"] for n, v in seen if v.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "http://127.0.0.1:8501/gaps?lang=so" in [v["href"] for n, v in seen if n == "a"]
    data = html.split('id="flows">')[1].split("</script>")[0]
    assert json.loads(data) == [{"label": f"</script>{NASTY}"}]
    assert html.count("<h2>") == len(told.steps)


def test_the_players_links_lead_to_the_app_that_it_is_in(shown):
    html, flows = slides(Library(), story("one", "two"))
    assert html.count('href="./gaps?results=demo"') == 2
    assert len(flows) == 2
    assert 'data-flow="1"' in html


def test_a_step_that_cannot_be_shown_says_why():
    library = Library()
    told = story("good", "bad").with_step(Step(title="bad", view="/gaps?results=nowhere"), 1)
    html, _ = slides(library, told.with_step(Step(title="worse", view="/gaps", parts=["x"])))
    assert "results: there is no &#x27;nowhere&#x27; here" in html
    assert "this view has no &#x27;x&#x27;; it has answer, picture, queries and numbers" in html
    (fault,) = player.faults(library, told)
    assert fault.startswith("step 2 (bad): results: there is no 'nowhere'")
    with pytest.raises(InputError, match=r"step 2 \(bad\)"):
        story_html(library, told)
    with pytest.raises(InputError, match="no steps yet"):
        story_html(library, story())


def test_a_story_as_text_can_be_read_again():
    shipped = read_story("somali")
    assert parse_story(story_text(shipped), "again") == shipped
    assert home("stories", "x").parent.is_dir()


@pytest.mark.parametrize("dark", [False, True])
def test_the_players_pictures_have_the_pages_theme(shown, dark):
    html, _ = slides(Library(), story("one"), dark=dark)
    (data,) = re.findall(r'base64,([^"]+)', html)
    svg = base64.b64decode(data).decode().lower()
    for theme in (False, True):
        assert (ground(theme).lower() in svg) == (theme == dark)
    assert (ink(True).lower() in svg) == dark


def test_a_file_has_its_pictures_in_both_themes(shown):
    seen = elements(story_html(Library(), story("one")))
    (dark,) = [values for name, values in seen if name == "source"]
    assert dark["media"] == "screen and (prefers-color-scheme: dark)"
    (light,) = [values["src"] for name, values in seen if name == "img"]
    for theme, address in ((False, light), (True, dark["srcset"])):
        svg = base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode().lower()
        assert (ground(True).lower() in svg) == theme


def test_the_start_page_is_a_view_by_its_address_and_by_its_name():
    for written in ("http://127.0.0.1:8501/?lang=so", "/?lang=so", "start?lang=so"):
        step = Step(title="one", view=written)
        assert step.view == "/?lang=so"
    names = view_parts(Library(), step.address)
    assert list(names) == ["question", "answers", "plans"]


def test_judging_is_a_view_once_there_is_a_pool(unjudged):
    view = Address.parse("judge?in=mine&judge=ann")
    with pytest.raises(InputError, match="nothing is pooled in mine"):
        view_parts(Library(), view)
    pool = make_pool(open_collection("mine"), ["bm25"], depth=2)
    write_grades("mine", "ann", {pool.items[0]: 1})
    parts = view_parts(Library(), view)

    def text(name: str) -> str:
        return " ".join(b.text for column in parts[name]() for b in column if isinstance(b, Html))

    assert f"ann: 1 of {len(pool.items)} judged" in text("pool")
    assert "1 Relevant" in text("next")
    assert "No two judges" in text("agreement")
    write_grades("mine", "ann", dict.fromkeys(pool.items, 1))
    write_grades("mine", "ben", dict.fromkeys(pool.items, 1))
    assert "has judged all passages" in text("next")
    ((table,),) = parts["agreement"]()
    assert "100%" in table_html(table)
    without = view_parts(Library(), Address.parse("judge"))
    assert list(without) == ["pool", "agreement"]
    with pytest.raises(InputError, match="this page has no 'colour'"):
        view_parts(Library(), Address.parse("judge?colour=red"))


def test_an_uploaded_story_is_utf8_or_refused():
    text = "title: Bahari é\n"
    for data in (text.encode(), text.encode("utf-8-sig"), gzip.compress(text.encode())):
        assert uploaded_story("mine.yaml", data).title == "Bahari é"
    with pytest.raises(InputError, match=r"^mine.yaml, line 1: not UTF-8"):
        uploaded_story("mine.yaml", text.encode("latin-1"))
    with pytest.raises(InputError, match="title: a text of whole characters was expected"):
        uploaded_story("mine.yaml", b'title: "\\ud800"\n')
