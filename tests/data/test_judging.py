"""Pools and judges' grades: kept, resumed, joined and written into a collection."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from optical_core.data.collection import open_collection
from optical_core.data.judging import (
    Item,
    change_grades,
    has_pool,
    joined,
    judges,
    next_item,
    read_grades,
    read_pool,
    write_grades,
    write_judgements,
    write_pool,
)
from optical_core.data.readers import import_collection
from optical_core.errors import InputError

FOUND = {("", "q1"): ["p1", "p2", "p3"], ("", "q2"): ["p1"]}


def test_a_pool_grows_and_what_was_there_stays(unjudged):
    first = write_pool(unjudged, ["bm25"], 2, FOUND)
    assert read_pool("mine") == first
    assert first.queries == 2
    assert {item.passage for item in first.items if item.query == "q1"} == {"p1", "p2", "p3"}
    more = write_pool(unjudged, ["embedded", "bm25"], 3, {("", "q1"): ["p2", "p5"]})
    assert (more.models, more.depth) == (("bm25", "embedded"), 3)
    of_first = [item.passage for item in more.items if item.query == "q1"]
    assert of_first == [*(item.passage for item in first.items if item.query == "q1"), "p5"]
    assert [item.query for item in more.items] == ["q1"] * 4 + ["q2"]


def test_the_order_says_nothing_of_the_models_and_is_the_same_again(unjudged, home):
    many = {("", f"q{n}"): [f"p{i}" for i in range(9)] for n in range(20)}
    once = write_pool(unjudged, ["bm25"], 9, many)
    orders = {tuple(i.passage for i in once.items if i.query == f"q{n}") for n in range(20)}
    assert len(orders) > 10
    shutil.rmtree(home / "judging")
    assert write_pool(unjudged, ["bm25"], 9, many) == once


def test_a_judge_stops_and_goes_on(unjudged):
    pool = write_pool(unjudged, ["bm25"], 2, FOUND)
    grades = {}
    for value in (1, 0):
        item = next_item(pool, grades)
        grades[item] = value
        write_grades("mine", "ann", grades)
    assert read_grades("mine", "ann") == grades
    assert next_item(pool, read_grades("mine", "ann")) == pool.items[2]
    assert next_item(pool, dict.fromkeys(pool.items, 1)) is None
    assert judges("mine") == ["ann"]
    assert read_grades("mine", "ben") == {}


def test_judgements_are_joined_and_other_ones_stay(unjudged):
    (unjudged.folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tp1\t3\nq2\tp6\t1\n")
    one, two, three = (Item("", "q1", p) for p in ("p1", "p2", "p3"))
    write_grades("mine", "ann", {one: 2, two: 1})
    write_grades("mine", "ben", {one: 1, three: 0})
    assert write_judgements(unjudged, ["ann", "ben"]) == 3
    assert open_collection("mine").qrels("sw") == {
        "q1": {"p1": 1, "p2": 1, "p3": 0},
        "q2": {"p6": 1},
    }


def test_languages_with_their_own_queries_have_their_own_judgements(unjudged):
    write_grades("mine", "ann", {Item("sw", "q1", "p2"): 1, Item("en", "q1", "p1"): 2})
    assert write_judgements(unjudged, ["ann"]) == 2
    again = open_collection("mine")
    assert again.qrels("sw") == {"q1": {"p2": 1}}
    assert again.qrels("en") == {"q1": {"p1": 2}}


def test_where_judges_differ_the_lowest_grade_counts():
    item = Item("", "q1", "p1")
    assert joined([{item: 2}, {item: 0}, {item: 1}]) == {"": {"q1": {"p1": 0}}}


def test_what_cannot_be_done_is_one_sentence(unjudged, home):
    with pytest.raises(InputError, match="mine has no pool to judge: make one on the page Judge"):
        read_pool("mine")
    with pytest.raises(InputError, match="ann hasn't judged mine; judges so far: none"):
        write_judgements(unjudged, ["ann"])
    with pytest.raises(InputError, match="demo is judged, and stays as it is"):
        write_judgements(open_collection("demo"), ["ann"])
    with pytest.raises(InputError, match="the judge's name: letters"):
        write_grades("mine", "../ann", {})
    write_pool(unjudged, ["bm25"], 2, FOUND)
    assert has_pool("mine")
    (home / "judging" / "mine" / "pool.json").write_text('{"items": [3]}')
    with pytest.raises(InputError, match="is damaged: remove it"):
        read_pool("mine")
    (home / "judging" / "mine" / "ann.tsv").write_text("\tq1\tp1\n")
    with pytest.raises(InputError, match=r"ann.tsv, line 1: language, query, passage and grade"):
        read_grades("mine", "ann")


def test_compressed_judgements_are_not_written_over(unjudged):
    (unjudged.folder / "qrels.tsv").rename(unjudged.folder / "qrels.tsv.gz")
    write_grades("mine", "ann", {Item("", "q1", "p1"): 1})
    with pytest.raises(InputError, match="compressed: unpack it"):
        write_judgements(unjudged, ["ann"])


def test_a_folder_without_judgements_can_be_imported_and_judged(tmp_path, home, caplog):
    source = tmp_path / "own"
    source.mkdir()
    (source / "corpus.jsonl").write_text('{"_id": "p1", "title": "", "text": "The sea."}\n')
    (source / "queries.jsonl").write_text('{"_id": "q1", "text": "sea"}\n')
    made = import_collection("beir", source, home / "collections" / "own")
    assert "no judgements: nothing can be measured before you judge" in caplog.text
    assert made.qrels("en") == {}
    write_grades("own", "ann", {Item("", "q1", "p1"): 1})
    assert write_judgements(made, ["ann"]) == 1
    assert open_collection("own").qrels("en") == {"q1": {"p1": 1}}


def test_a_language_keeps_what_the_common_file_said_of_its_queries(unjudged):
    common = "query-id\tcorpus-id\tscore\nq1\tp6\t1\nq2\tp3\t2\n"
    (unjudged.folder / "qrels.tsv").write_text(common)
    write_grades("mine", "ann", {Item("sw", "q1", "p2"): 1})
    write_judgements(unjudged, ["ann"])
    again = open_collection("mine")
    assert again.qrels("sw") == {"q1": {"p6": 1, "p2": 1}, "q2": {"p3": 2}}
    assert again.qrels("en") == {"q1": {"p6": 1}, "q2": {"p3": 2}}


def test_a_language_s_file_is_found_whatever_form_its_code_has(unjudged):
    folder = unjudged.folder / "qrels"
    folder.mkdir()
    (folder / "swh.tsv").write_text("q2\tp3\t2\n")
    write_grades("mine", "ann", {Item("sw", "q1", "p2"): 1})
    write_judgements(unjudged, ["ann"])
    assert open_collection("mine").qrels("sw") == {"q1": {"p2": 1}, "q2": {"p3": 2}}
    assert [path.name for path in folder.iterdir()] == ["swh.tsv"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("\tq1\tp1\t1\n\tq1\tp1\t0\n", "line 2: p1 has two grades for q1: which one counts"),
        ("\tq 1\tp1\t1\n", "line 1: 'q 1' can't be the id"),
        ("so\tq1\tp1\t1\n", "mine has no Somali queries"),
        ("../x\tq1\tp1\t1\n", "unknown language code"),
    ],
)
def test_grades_that_say_two_things_or_belong_nowhere_are_refused(unjudged, home, lines, message):
    write_grades("mine", "ann", {})
    (home / "judging" / "mine" / "ann.tsv").write_text(lines)
    with pytest.raises(InputError, match=message):
        write_judgements(unjudged, ["ann"])
    assert not (unjudged.folder / "qrels").exists()


def test_a_judge_s_mistyped_name_is_told(unjudged):
    write_grades("mine", "ann", {Item("", "q1", "p1"): 1})
    with pytest.raises(InputError, match="bne hasn't judged mine; judges so far: ann"):
        write_judgements(unjudged, ["ann", "bne"])


def test_the_order_of_an_item_s_fields_decides_nothing(unjudged, home):
    pool = write_pool(unjudged, ["bm25"], 2, FOUND)
    path = home / "judging" / "mine" / "pool.json"
    facts = json.loads(path.read_text())
    facts["items"] = [dict(reversed(item.items())) for item in facts["items"]]
    path.write_text(json.dumps(facts))
    assert read_pool("mine") == pool


def test_grades_from_many_windows_are_all_kept(unjudged):
    items = [Item("", f"q{number}", "p1") for number in range(40)]

    def grade(item):
        change_grades("mine", "ann", lambda grades: grades.update({item: 1}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(grade, items))
    assert read_grades("mine", "ann") == dict.fromkeys(items, 1)


def test_an_empty_pool_is_damaged(unjudged, home):
    write_pool(unjudged, ["bm25"], 2, {})
    with pytest.raises(InputError, match="is damaged: remove it"):
        read_pool("mine")
