import json

import pytest

from optical_core.data.collection import (
    CollectionInfo,
    Passage,
    installed_collections,
    open_collection,
    write_collection,
)
from optical_core.data.trec import read_qrels, read_run, write_run
from optical_core.errors import InputError


def test_what_is_written_is_read_again(collection):
    again = open_collection(collection.folder)
    assert [p.id for p in again.passages()] == ["p1", "p2", "p3", "p4", "p5", "p6"]
    assert again.by_id["p1"].full_text == "Sea. the sea is salty water"
    assert again.queries("sw")["q3"] == "mji kubwa"
    assert again.qrels("sw") == {"q1": {"p1": 2, "p6": 1}, "q2": {"p3": 1}, "q3": {"p5": 1}}


def test_qrels_of_each_language_win_over_common_ones(collection):
    folder = collection.folder / "qrels"
    folder.mkdir()
    (folder / "sw.tsv").write_text("q1\tp2\t1\n")
    assert collection.qrels("sw") == {"q1": {"p2": 1}}
    assert "q3" in collection.qrels("en")


def test_judgements_of_unknown_passages_are_counted_and_left_out(collection, caplog):
    with (collection.folder / "qrels.tsv").open("a") as file:
        file.write("q1\tnowhere\t1\nq2\tnowhere\t1\nq3\tp1\t0\n")
    with caplog.at_level("WARNING"):
        qrels = collection.qrels("en")
    assert "2 judgements" in caplog.text
    assert qrels["q3"] == {"p5": 1, "p1": 0}


def test_an_installed_collection_opens_by_name(collection, home):
    from optical_core.storage import home as path

    info = collection.info.model_copy(update={"name": "mine"})
    passages = list(collection.passages())
    write_collection(
        path("collections", "mine"),
        info,
        passages,
        {"en": {"q": "sea"}, "sw": {"q": "b"}},
        {"q": {"p1": 1}},
    )
    assert open_collection("mine").name == "mine"
    assert "mine" in [c.name for c in installed_collections()]


def test_a_damaged_collection_does_not_hide_the_others(home, caplog):
    from optical_core.storage import home as path

    broken = path("collections", "broken", "collection.json")
    broken.write_text("{")
    assert [c.name for c in installed_collections()] == ["demo"]
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda info: {**info, "surprise": 1}, "surprise"),
        (lambda info: {k: v for k, v in info.items() if k != "licence"}, "licence"),
        (lambda info: {**info, "languages": ["en", "qq"]}, "qq"),
        (lambda info: [], "settings by name were expected"),
    ],
)
def test_a_wrong_description_is_named(collection, change, message):
    path = collection.folder / "collection.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=message):
        open_collection(collection.folder)


def test_an_unknown_collection_and_a_language_it_lacks(collection):
    with pytest.raises(InputError, match="no collection 'nowhere'"):
        open_collection("nowhere")
    with pytest.raises(InputError, match=r"no Somali queries.*en, sw"):
        collection.queries("so")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"_id": "p9"}', "'text'"),
        ("{", "not JSON"),
        ("[1]", "JSON object was expected"),
        ('{"_id": "p1", "text": "x"}', "comes twice"),
    ],
)
def test_a_bad_passage_line_is_named(collection, line, message):
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=message):
        list(collection.passages())


def test_a_failed_write_leaves_the_old_collection(collection):
    def passages():
        yield Passage("new", "", "text")
        raise RuntimeError("interrupted")

    info = CollectionInfo(name="x", licence="x", source="x", languages=("en",), parallel=True)
    with pytest.raises(RuntimeError):
        write_collection(collection.folder, info, passages(), {"en": {}}, {})
    assert len(open_collection(collection.folder).by_id) == 6
    assert (
        sorted(p.name for p in collection.folder.parent.iterdir() if p.name.startswith(".")) == []
    )


def test_runs_are_ordered_as_trec_eval_does_and_read_again(tmp_path):
    run = {"q1": {"a": 1.0, "b": 2.5, "c": 1.0}}
    write_run(tmp_path / "x.run", run, name="me")
    assert [line.split()[2:4] for line in (tmp_path / "x.run").read_text().splitlines()] == [
        ["b", "1"],
        ["c", "2"],
        ["a", "3"],
    ]
    assert read_run(tmp_path / "x.run") == run


def test_qrels_in_trec_and_beir_form(tmp_path):
    (tmp_path / "trec").write_text("q1 0 d1 2\nq1 0 d2 0\n")
    (tmp_path / "beir").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n")
    assert (
        read_qrels(tmp_path / "trec") == read_qrels(tmp_path / "beir") == {"q1": {"d1": 2, "d2": 0}}
    )


@pytest.mark.parametrize("content", ["q1 d1\n", "q1 0 d1 high\n", "q1 0 d1 1 2\n", "q1 0 d1 nan\n"])
def test_bad_qrels_and_runs_name_the_line(tmp_path, content):
    (tmp_path / "x").write_text(content)
    with pytest.raises(InputError, match="line 1"):
        read_qrels(tmp_path / "x")
    with pytest.raises(InputError, match="line 1"):
        read_run(tmp_path / "x")


def test_half_a_surrogate_pair_is_refused_and_nothing_is_written(tmp_path):
    info = CollectionInfo(
        name="tiny", licence="MIT", source="test", languages=("en",), parallel=True
    )
    for passages, queries in (
        ([Passage("p", "", "sea \ud800")], {"q": "sea"}),
        ([Passage("p", "", "sea")], {"q": "\ud800"}),
    ):
        with pytest.raises(InputError, match="tiny: half a surrogate pair"):
            write_collection(tmp_path / "out", info, passages, {"en": queries}, {"q": {"p": 1}})
    assert not list(tmp_path.iterdir())
