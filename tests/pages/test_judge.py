"""The page Judge: pool, grade, go on later, agree, write."""

from optical_core.data.collection import open_collection
from optical_core.data.judging import read_grades, read_pool, write_grades
from tests.pages.checks import shown


def button(app, label):
    return next(element for element in app.button if element.label.startswith(label))


def pooled(open_page):
    app = open_page("judge")
    app.multiselect[0].set_value(["bm25"])
    app.number_input[0].set_value(2)
    button(app, "Pool").click().run()
    assert not app.exception
    return app


def named(app, judge):
    return app.text_input[0].set_value(judge).run()


def test_a_collection_is_pooled_graded_and_written(open_page, unjudged):
    app = named(pooled(open_page), "ann")
    pool = read_pool("mine")
    assert pool.models == ("bm25",)
    assert f"0 of {len(pool.items)} judged" in [p.proto.text for p in app.get("progress")]
    button(app, "1 Relevant").click().run()
    button(app, "0 Not").click().run()
    assert list(read_grades("mine", "ann").values()) == [1, 0]
    button(app, "Back").click().run()
    assert read_grades("mine", "ann") == {pool.items[0]: 1}
    for _ in pool.items[1:]:
        button(app, "2 Highly").click().run()
    assert "All passages of the pool are judged" in shown(app.success[0])
    button(app, "Write").click().run()
    assert f"{len(pool.items)} judgements written to mine" in shown(app.success[-1])
    judged = open_collection("mine").qrels("sw")
    assert sum(map(len, judged.values())) == len(pool.items)


def test_a_name_stands_in_the_address_and_gives_way_to_another(open_page, unjudged):
    app = named(pooled(open_page), "ann")
    assert app.query_params["judge"] in ("ann", ["ann"])
    assert "Your name, as judge" not in [field.label for field in app.text_input]
    button(app, "1 Relevant").click().run()
    button(app, "Another judge").click().run()
    assert "judge" not in app.query_params
    assert [field.value for field in app.text_input] == [""]
    named(app, "b" * 61)
    assert "at most 60 characters" in shown(app.warning[0])
    named(app, "ben")
    assert read_grades("mine", "ben") == {}
    assert len(read_grades("mine", "ann")) == 1


def test_what_is_put_off_comes_last(open_page, unjudged):
    app = named(pooled(open_page), "ann")
    pool = read_pool("mine")
    button(app, "Later").click().run()
    button(app, "1 Relevant").click().run()
    assert list(read_grades("mine", "ann")) == [pool.items[1]]
    for _ in pool.items[1:]:
        button(app, "1 Relevant").click().run()
    assert list(read_grades("mine", "ann"))[-1] == pool.items[0]


def test_two_judges_are_compared(open_page, unjudged):
    app = pooled(open_page)
    items = read_pool("mine").items
    write_grades("mine", "ann", dict.fromkeys(items, 1) | {items[0]: 0})
    write_grades("mine", "ben", dict.fromkeys(items, 1) | {items[0]: 0})
    app = named(app, "ben")
    table = app.dataframe[0].value
    assert table["judges"].tolist() == ["ann, ben"]
    assert table["kappa"].tolist() == [1.0]


def test_markup_in_a_passage_is_text(open_page, unjudged):
    path = unjudged.folder / "corpus.jsonl"
    path.write_text(path.read_text().replace('"text": "', '"text": "<img src=x onerror=1> '))
    app = named(pooled(open_page), "ann")
    bodies = [element.proto.body for element in app.get("html")]
    assert any("&lt;img" in body for body in bodies)
    assert not any("<img" in body for body in bodies)


def test_the_demo_is_not_judged(open_page):
    assert "The demo is judged already" in shown(open_page("judge").info[0])
