import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from optical_core.data.allowance import Allowance, allowed
from optical_core.data.collection import installed_collections, open_collection
from optical_core.data.corpus import Passage
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.indexing import collection_index
from optical_core.transport import TransportPlan, TransportSettings
from optical_core.ui.alignment.view import AlignmentView, plan_table, report_lines, unknown_words
from optical_core.ui.collections.changing import (
    delete_typed,
    put_passages,
    uploaded_passages,
)
from optical_core.ui.collections.view import (
    import_folder,
    import_upload,
    is_shipped,
    remove_collection,
    samples,
    statistics,
)
from optical_core.ui.library import Library
from optical_core.ui.search.view import language_hint
from optical_core.ui.uploads import keep_bitext, unpacked, uploaded
from tests.published import write_miracl


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def zipped_folder(folder):
    return zipped(
        {
            f"top/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
    )


def test_uploaded_files_do_not_leave_their_folder():
    with uploaded([("../../x.txt", b"a"), ("x.txt", b"b")]) as paths:
        assert [path.name for path in paths] == ["x.txt", "x.txt"]
        assert [path.read_bytes() for path in paths] == [b"a", b"b"]
    assert not paths[0].exists()


def test_zip_files_are_unpacked_without_leading_out():
    with unpacked(zipped({"top/a.txt": "a"})) as folder:
        assert (folder / "a.txt").read_text() == "a"
    for bad, complaint in (
        (zipped({"../a.txt": "a"}), "refused"),
        (b"nothing", "no readable zip"),
    ):
        with pytest.raises(InputError, match=complaint), unpacked(bad):
            pass
    few = allowed(Allowance(zipped=1))
    with few, pytest.raises(InputError, match="more than"), unpacked(zipped({"a": "xx"})):
        pass


def test_uploaded_bitext_is_kept_once_under_a_plain_name(home):
    first = keep_bitext("../my bitext.sw.tsv", b"a\tb\n")
    assert first == keep_bitext("../my bitext.sw.tsv", b"a\tb\n")
    assert first.name == "my-bitext.sw.tsv"
    assert home in first.parents


@pytest.fixture
def started(collection, monkeypatch):
    """The app was started beside the collection: a path from the browser may lead there."""
    monkeypatch.chdir(collection.folder.parent)


def test_a_collection_is_installed_from_a_zip_and_removed(collection, started):
    with pytest.raises(InputError, match="'demo' is installed already"):
        import_upload(zipped_folder(collection.folder), "folder", "demo")
    with pytest.raises(InputError, match=r"given\.zip"):
        import_upload(zipped({"a": "b"}), "folder", "mine", file="given.zip")
    with pytest.raises(InputError, match=r"^given\.zip is no readable zip file"):
        import_upload(b"no zip", "folder", "mine", file="given.zip")
    made = import_upload(zipped_folder(collection.folder), "folder", "mine")
    assert made.name == "mine"
    assert open_collection("mine").folder == made.folder
    assert made.qrels("sw")["q1"] == {"p1": 2, "p6": 1}
    with pytest.raises(InputError, match="installed already"):
        import_folder(str(collection.folder), "folder", "mine")
    remove_collection(made)
    assert not made.folder.exists()


def test_of_a_folder_with_several_parts_one_is_installed(tmp_path, home, started):
    folder = write_miracl(tmp_path / "miracl", ["de", "fr"])
    with pytest.raises(InputError, match=r"several languages \(de, fr\)"):
        import_folder(str(folder), "miracl", "mine")
    assert import_folder(str(folder), "miracl", "mine", unit="fr").languages == ("fr",)


def test_removing_a_collection_leaves_the_indexes_of_its_namesakes(collection, home, started):
    made = import_folder(str(collection.folder), "folder", "mine")
    for name in ("mine-0123456789abcdef", "mine-too-0123456789abcdef"):
        (home / "indexes" / name).mkdir(parents=True)
        (home / "indexes" / name / "index.json").write_text("{}")
    remove_collection(made)
    assert [path.name for path in (home / "indexes").iterdir()] == ["mine-too-0123456789abcdef"]


@pytest.mark.parametrize("name", ["", "../x", "demo", "a b", ".hidden"])
def test_bad_names_of_collections_are_refused(collection, name, started):
    with pytest.raises(InputError, match="name"):
        import_folder(str(collection.folder), "folder", name)


def test_the_shipped_collection_stays():
    demo = installed_collections()[0]
    assert is_shipped(demo)
    with pytest.raises(InputError, match="stays"):
        remove_collection(demo)


def test_statistics_and_samples(collection):
    table = statistics(collection)
    assert list(table["language"]) == ["English", "Swahili"]
    assert list(table["relevant per query"]) == [pytest.approx(4 / 3)] * 2
    assert samples(collection, "sw", 1) == [
        ("kwa nini bahari ni chumvi ?", "why is the sea salty ?", "Sea", "the sea is salty water")
    ]


@pytest.mark.parametrize(
    ("kind", "data", "pinned"),
    [
        ("heatmap", [3, 1], "left.3"),
        ("heatmap", {"0": 3, "1": 1}, "left.3"),
        ("heatmap", None, None),
    ],
)
def test_a_click_names_its_token(kind, data, pinned):
    view = AlignmentView("a", "b", "q", ("m",), "word", kind, TransportSettings(), False, 0.0)
    assert view.clicked([{"customdata": data}]) == pinned
    assert view.clicked([]) is None


def test_report_and_table_of_a_plan():
    report = {
        "method": "sinkhorn",
        "epsilon": 0.1,
        "marginal_error": 1e-3,
        "iterations": 20,
        "converged": False,
        "mass": {"real_real": 0.5, "mask_real": 0.2, "mask_mask": 0.3},
    }
    plan = TransportPlan(
        np.array([[0.6, 0.4]]), np.array([[0.5, 1.0]]), ("a",), ("b", "c"), (0,), (0, 1), report
    )
    lines = " ".join(report_lines(plan))
    assert "0.7000" in lines
    assert "stopped before it converged after 20 iterations" in lines
    assert "30% between [MASK]s" in lines
    assert plan_table(plan)["contribution"].sum() == pytest.approx(plan.total_cost)


def test_the_script_gives_a_hint_of_the_language():
    assert "Hindi" in language_hint("समुद्र खारा क्यों है?")
    assert language_hint("समुद्र", ["mr"]).startswith("In the script of Marathi, ")
    assert language_hint("لماذا البحر مالح؟").startswith("In the script of Arabic, ")
    assert language_hint("โรงเรียน") == "In the script of Thai."
    assert language_hint("Why?") == ""
    assert language_hint("42") == ""


def test_an_uploaded_file_changes_passages_and_the_index(
    collection, home, tiny_encoder, monkeypatch
):
    library = Library()
    monkeypatch.setattr(library, "model_names", lambda **_: ["tiny"])
    pair = load_pair(str(tiny_encoder), device="cpu")
    monkeypatch.setattr(library, "pair", lambda _: pair)
    data = b'{"_id": "p1", "text": "new", "year": 1}\n{"_id": "p7", "text": "wind"}\n'
    found = uploaded_passages("../new.jsonl", data)
    assert put_passages(library, collection, found) == "1 passage added, 1 replaced."
    collection = collection.refreshed()
    index = collection_index(collection, pair.teacher)
    assert put_passages(library, collection, found) == "0 passages added, 2 replaced."
    assert put_passages(library, collection, [Passage("p8", "", "x")]) == (
        "1 passage added, 0 replaced."
    )
    assert set(index.ids) == {f"p{number}" for number in range(1, 9)}
    assert delete_typed(collection, " p1 p8 ") == "2 passages deleted."
    assert "p1" not in index.ids
    for name, content, message in (
        ("x.txt", data, "end in .jsonl, .parquet"),
        ("x.jsonl", data + data, "comes twice"),
        ("x.jsonl", b"{", "x.jsonl, line 1: not JSON"),
    ):
        with pytest.raises(InputError, match=message):
            uploaded_passages(name, content)


def test_a_view_of_words_says_where_words_can_not_be_known(monkeypatch):
    exact = TransportSettings("exact")
    seen = AlignmentView("海水", "sea", "", (), "word", "ribbons", exact, False, 0.0)
    monkeypatch.setattr("optical_core.ui.alignment.view.knows_words", lambda: True)
    assert unknown_words(seen) == ""
    monkeypatch.setattr("optical_core.ui.alignment.view.knows_words", lambda: False)
    assert 'pip install "optical-workbench[words]"' in unknown_words(seen)
    assert unknown_words(replace(seen, unit="token")) == ""
    assert unknown_words(replace(seen, foreign="bahari")) == ""
