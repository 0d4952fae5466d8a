"""Training splits of published sets, read for a training by `FORM=PATH`."""

import os

import pytest

from optical_core.data.collection import open_collection
from optical_core.data.overlap import guard_relevance, refuse_test_data
from optical_core.data.readers import import_collection
from optical_core.data.relevance import read_relevance
from optical_core.data.train_splits import FORMS, form_and_path, train_collections
from optical_core.errors import InputError
from optical_core.storage import home
from tests.published import (
    NEEDS,
    asked,
    write_clirmatrix,
    write_marco,
    write_miracl,
    write_mmarco,
    write_wikiclir,
)

COUNT = len(NEEDS)


@pytest.fixture
def data(tmp_path):
    write_mmarco(tmp_path / "mmarco", ("en", "de", "fr"), "train")
    write_marco(tmp_path / "msmarco", "train")
    write_clirmatrix(tmp_path / "clirmatrix", ("so", "sw"), "train")
    write_clirmatrix(tmp_path / "clirmatrix", ("so",), "test1", seed=8)
    write_wikiclir(tmp_path / "wikiclir", "train")
    write_wikiclir(tmp_path / "wikiclir", "test", seed=8)
    write_miracl(tmp_path / "miracl", ("sw", "yo"), ("dev", "train"))
    return tmp_path


def test_a_form_before_the_path_names_a_training_split(data):
    assert form_and_path(f"mmarco={data}") == ("mmarco", data)
    (data / "a=b").mkdir()
    assert form_and_path(str(data / "a=b")) == (None, data / "a=b")
    with pytest.raises(InputError, match="'ntrex128' is no set with a training split; one of afr"):
        form_and_path("ntrex128=/data")


@pytest.mark.parametrize(
    ("form", "languages", "counts"),
    [
        ("mmarco", ("de", "fr"), {"de": COUNT, "fr": COUNT}),
        ("msmarco", ("en",), {"en": COUNT}),
        ("clirmatrix", ("sw", "so"), {"sw": COUNT, "so": COUNT}),
        ("wikiclir", ("de",), {"de": COUNT}),
        ("miracl", ("sw", "de"), {"sw": COUNT}),
    ],
)
def test_the_training_split_is_read_in_the_languages_that_are_asked_for(
    data, form, languages, counts
):
    read = read_relevance([f"{form}={data / form}"], languages)
    assert read.languages == counts
    assert set(read.sources) == {form}
    assert read.published.keys() == {form}
    seed = {"clirmatrix": 3, "wikiclir": 4, "mmarco": 2, "msmarco": 1, "miracl": 7}[form]
    wanted = {asked(word, code, seed) for word in NEEDS for code in counts}
    assert {example.query for example in read.examples} == wanted


def test_several_languages_of_their_own_are_several_sources(data):
    read = read_relevance([f"miracl={data / 'miracl'}:5"], ("sw", "yo"))
    assert read.sources == {"miracl": 5, "miracl-2": 5}
    assert set(read.published) == {"miracl", "miracl-2"}


def test_it_is_imported_once_and_again_when_the_files_change(data):
    (made,) = train_collections("mmarco", data / "mmarco", ("de",))
    before = made.stat().st_mtime_ns, (made / "collection.json").stat().st_ino
    assert train_collections("mmarco", data / "mmarco", ("de",)) == [made]
    assert (made.stat().st_mtime_ns, (made / "collection.json").stat().st_ino) == before
    (file,) = (data / "mmarco").rglob("german_queries*")
    file.write_text("0\tneu\n")
    os.utime(file, ns=(1, 1))
    (again,) = train_collections("mmarco", data / "mmarco", ("de",))
    assert again != made
    assert open_collection(again).queries("de") == {"0": "neu"}


def test_a_language_or_split_that_is_missing_is_told(data):
    with pytest.raises(InputError, match="no MIRACL topics in 'te', only sw, yo"):
        read_relevance([f"miracl={data / 'miracl'}"], ("te",))
    with pytest.raises(InputError, match=r"has queries in .*, not in sw"):
        read_relevance([f"mmarco={data / 'mmarco'}"], ("sw",))
    with pytest.raises(InputError, match="no such folder"):
        read_relevance([f"mmarco={data / 'nowhere'}"], ("de",))
    for path in (data / "miracl").rglob("*train*"):
        path.unlink()
    with pytest.raises(InputError, match="has no split 'train', only dev"):
        read_relevance([f"miracl={data / 'miracl'}"], ("sw",))


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_folder_is_refused_in_one_sentence_and_leaves_nothing(tmp_path, form):
    with pytest.raises(InputError, match=r"has no|was expected"):
        train_collections(form, tmp_path, ("sw",))
    assert not list(home("training", "x").parent.glob("*/collection.json"))


def test_a_set_without_splits_has_none_to_choose(tmp_path):
    with pytest.raises(InputError, match="ntrex128 isn't published in splits"):
        import_collection("ntrex128", tmp_path, tmp_path / "out", split="train")


def test_the_guard_knows_that_splits_share_their_passages(data):
    dev = import_collection("miracl", data / "miracl", data / "dev", unit="sw", split="dev")
    train = read_relevance([f"miracl={data / 'miracl'}"], ("sw",))
    refuse_test_data([f"miracl={data / 'miracl'}:50"])
    assert len(guard_relevance(train, [dev])) == COUNT
    # The same files as a plain collection are known by their passages, and refused.
    (folder,) = train_collections("miracl", data / "miracl", ("sw",))
    with pytest.raises(InputError, match="part of the evaluated collection"):
        guard_relevance(read_relevance([folder], ("sw",)), [dev])


def test_the_guard_drops_queries_that_both_splits_ask(data):
    (topics,) = (data / "miracl").rglob("topics*-sw-train.tsv")
    text = topics.read_text().splitlines()
    text[0] = f"0#0\t{asked(NEEDS[0], 'sw', 6)}"
    topics.write_text("\n".join(text) + "\n")
    dev = import_collection("miracl", data / "miracl", data / "dev", unit="sw", split="dev")
    train = read_relevance([f"miracl={data / 'miracl'}"], ("sw",))
    with pytest.raises(InputError, match="part of the evaluated collection dev: 1, such as"):
        guard_relevance(train, [dev])
    assert len(guard_relevance(train, [dev], drop=True)) == COUNT - 1
