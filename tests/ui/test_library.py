import gc
import json
import shutil
import threading
import weakref

import pytest

from optical_core.data.changes import change_corpus
from optical_core.data.corpus import Passage
from optical_core.errors import InputError
from optical_core.models import pair_store
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.searcher import Searcher
from optical_core.storage import home
from optical_core.study.results import write_values
from optical_core.transport import TransportSettings
from optical_core.ui import library as module
from optical_core.ui.alignment import plans
from optical_core.ui.alignment.plans import plan_of_texts
from optical_core.ui.library import LIMITS, Library

TEXTS = "habari za asubuhi", "good morning"


@pytest.fixture
def library():
    made = Library()
    yield made
    made.close()


@pytest.fixture
def installed(collection):
    """The folder of the tiny collection, which is installed under its name."""
    return shutil.copytree(collection.folder, home("collections", "tiny"))


@pytest.fixture
def versions(tiny_encoder, monkeypatch):
    """Models trained again and again: each stamp is a version, loaded as it is asked for."""
    encoder = TokenEncoder.load(str(tiny_encoder))
    stamp, loaded = [0], []

    def load(name):
        made = EncoderPair.undistilled(encoder)
        loaded.append(weakref.ref(made))
        return made

    monkeypatch.setattr(pair_store, "load_pair", load)
    monkeypatch.setattr(Library, "_model_stamp", lambda *_: stamp[0])
    return stamp, loaded


def test_a_plan_is_solved_once_and_again_for_another_solver_or_version(
    library, versions, monkeypatch
):
    stamp, _ = versions
    solved = []
    solve = plans.solve_pair
    monkeypatch.setattr(
        plans, "solve_pair", lambda pair, how: solved.append(how.method) or solve(pair, how)
    )
    first = plan_of_texts(library, "model", *TEXTS)
    assert plan_of_texts(library, "model", *TEXTS) is first
    other = plan_of_texts(library, "model", *TEXTS, TransportSettings("sinkhorn"))
    assert other.report["method"] == "sinkhorn"
    stamp[0] += 1
    assert plan_of_texts(library, "model", *TEXTS) is not first
    assert solved == ["exact", "sinkhorn", "exact"]


def test_an_old_version_of_a_model_is_let_go_whatever_was_computed_of_it(library, versions):
    stamp, loaded = versions
    for version in range(2):
        stamp[0] = version
        plan_of_texts(library, "model", *TEXTS)
    gc.collect()
    assert loaded[0]() is None
    assert loaded[1]() is not None


def test_a_student_is_listed_when_it_comes_and_one_that_cannot_be_read_is_told_once(
    library, caplog
):
    before = library.model_names()
    home("models", "mine").mkdir()
    (home("models", "mine") / "retriever.json").write_text("{")
    for _ in range(3):
        assert library.model_names() == before
    assert caplog.text.count("left out") == 1
    (home("models", "mine") / "retriever.json").unlink()
    shipped = next(entry.folder for entry in library.models() if entry.default)
    shutil.copytree(shipped, home("models", "mine"), dirs_exist_ok=True)
    assert set(library.model_names()) - set(before) == {"mine"}


def test_so_many_models_are_kept(library, versions):
    _, loaded = versions
    for number in range(LIMITS["pair"] + 1):
        library.pair(f"model {number}")
    gc.collect()
    assert [reference() is None for reference in loaded] == [True] + [False] * LIMITS["pair"]


def test_models_are_loaded_one_at_a_time_because_they_share_encoders(
    library, versions, monkeypatch
):
    load, inside, together = pair_store.load_pair, [], threading.Barrier(4)

    def watched(name):
        inside.append(name)
        assert inside == [name]
        made = load(name)
        inside.remove(name)
        return made

    monkeypatch.setattr(pair_store, "load_pair", watched)

    def open_all():
        together.wait(10)
        for number in range(4):
            library.pair(f"model {number}")

    threads = [threading.Thread(target=open_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(versions[1]) == 4


def test_a_search_and_an_alignment_share_the_model(library, versions, installed):
    _, loaded = versions
    searcher = library.searcher("model", "tiny")
    plan_of_texts(library, "model", *TEXTS)
    assert library.searcher("model", "tiny") is searcher
    assert [reference() for reference in loaded] == [searcher.pair]


def test_a_ranking_tells_the_time_of_its_search_and_whether_it_was_kept(
    library, installed, monkeypatch
):
    class Slow(Searcher):
        identity, opened = "slow", False

        def rank(self, queries, *, top, among=None):
            if not self.opened:
                clock[0] += 11.0  # reads the index
                self.opened = True
            clock[0] += 0.25
            return [[("p1", 1.0)]]

    clock = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr("optical_core.retrieval.searchers.open_searcher", lambda *_, **__: Slow())
    asked = ("bm25", "tiny", "a query of this test", 10)
    first = library.rank(*asked)
    clock[0] += 1
    again = library.rank(*asked)
    assert (first.seconds, first.kept) == (0.25, False)
    assert (again.seconds, again.kept) == (0.25, True)
    assert first.passages["p1"].title == "Sea"


def test_a_collection_that_is_installed_anew_is_opened_and_searched_anew(library, installed):
    name = "tiny"
    assert library.rank("bm25", name, "volcano", 10).hits == ()
    opened = library.collection(name)
    assert library.collection(name) is opened
    with (installed / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "p7", "title": "", "text": "a volcano"}\n')
    (installed / "collection.json").touch()
    assert library.collection(name) is not opened
    assert [hit for hit, _ in library.rank("bm25", name, "volcano", 10).hits] == ["p7"]


def test_changed_passages_are_found_and_a_condition_chooses_some(library, versions, installed):
    query, name = "the salty sea of the wind", "tiny"
    for model in ("bm25", "model"):
        assert "p7" not in library.rank(model, name, query, 10).ranks
    change_corpus(installed, [Passage("p7", "", "the wind", {"year": 2024})], ["p1"])
    for model in ("bm25", "model"):
        ranks = library.rank(model, name, query, 10).ranks
        assert "p7" in ranks
        assert "p1" not in ranks
        chosen = library.rank(model, name, query, 10, "year > 2000 or _id = 'p3'").ranks
        assert chosen.keys() == {"p3", "p7"}
    with pytest.raises(InputError, match="has just been deleted"):
        library.explanation("model", name, query, "p1")
    with pytest.raises(InputError, match="may only compare fields"):
        library.rank("bm25", name, query, 10, "(select 1)")


def test_an_explanation_adds_up_to_the_score(library, versions, installed):
    name, query = "tiny", "why is the sea salty ?"
    ((identifier, score),) = library.rank("model", name, query, 1).hits
    matches = library.explanation("model", name, query, identifier)
    assert sum(match.contribution for match in matches) == pytest.approx(score, abs=2e-4)
    assert library.explanation("model", name, query, identifier) is matches


def test_a_ranking_says_with_which_gloss_it_was_asked(library, installed, monkeypatch):
    glosses = Glosses({"sw": {"bahari": {"sea": 1.0}}})
    opened = Glossed(library.searcher("bm25", "tiny"), glosses)
    monkeypatch.setattr("optical_core.retrieval.searchers.open_searcher", lambda *_, **__: opened)
    assert library.rank("glossed", "tiny", "bahari kubwa", 1).gloss == "sea kubwa"
    assert library.rank("glossed", "tiny", "the sea", 1).gloss == ""


@pytest.mark.slow
def test_an_evaluation_is_seen_when_it_is_there_and_when_it_is_gone(library):
    before = library.evaluations()
    assert library.evaluations() is before
    folder = home("results", "mine")
    write_values(folder / "bm25" / "sw.csv", {"AP": {"q1": 1.0}})
    record = {"collection": {"name": "mine"}, "parallel": False, "languages": ["sw"]}
    (folder / "record.json").write_text(json.dumps(record))
    assert library.evaluations().keys() - before.keys() == {"mine"}
    (folder / "record.json").unlink()
    assert library.evaluations().keys() == before.keys()


def test_a_gold_file_is_read_again_when_it_changes(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "dev.tsv"
    file.write_text("the sea\tel mar\t0-0 1-1\n")
    first = library.gold_pairs("dev.tsv")
    assert library.gold_pairs("dev.tsv") is first
    file.write_text("the sea\tel mar\t0-0 1-1\nthe moon\tla luna\t0-0 1-1\n")
    assert len(library.gold_pairs("dev.tsv")) == 2


def test_closed_it_lets_go_of_all(versions):
    library = Library()
    library.pair("model")
    library.close()
    gc.collect()
    assert [reference() for reference in versions[1]] == [None]


def test_only_what_is_installed_is_opened_and_never_a_path(library, collection, monkeypatch):
    monkeypatch.chdir(collection.folder.parent)
    for name in ("tiny", str(collection.folder), "x" * 5000):
        with pytest.raises(InputError, match=r"no collection .* is installed here"):
            library.collection(name)


def test_a_collection_that_cannot_be_read_is_left_out_and_told_once(library, installed, caplog):
    assert library.collection_names() == ["demo", "tiny"]
    (installed / "collection.json").write_text("{")
    for _ in range(3):
        assert library.collection_names() == ["demo"]
    assert caplog.text.count("left out") == 1
