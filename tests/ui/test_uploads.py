"""Uploads as people have them: zipped on a Mac, compressed, two of one name."""

import bz2
import gzip
import io
import json
import zipfile

import pytest

from optical_core.data.bitext import read_bitext
from optical_core.errors import InputError
from optical_core.ui.collections.view import import_folder, import_upload
from optical_core.ui.gaps.view import upload_runs
from optical_core.ui.uploads import unpacked
from tests.measured import values_of
from tests.samples import FOLDER, write_files

APPLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + b"\xa3" * 60
JUNK = (
    "__MACOSX/res/bm25/._en.csv",
    "res/._record.json",
    "res/.DS_Store",
    ".DS_Store",
    "res/bm25/Thumbs.db",
    "res/desktop.ini",
)
RECORD = json.dumps({"collection": {"name": "demo"}, "parallel": True})


def packed(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_an_evaluation_zipped_on_a_mac_is_read():
    files = {"res/record.json": RECORD, "res/bm25/en.csv": "query,AP\nq1,0.5\n"}
    found = upload_runs([], None, packed(dict.fromkeys(JUNK, APPLE) | files), parallel=False)
    assert found.table.to_numpy().tolist() == [["bm25", "en", "q1", "AP", 0.5]]


def test_several_evaluations_in_a_zip_are_named():
    files = {"b/record.json": RECORD, "a/record.json": RECORD, "a/x/en.csv": "query,AP\nq,1\n"}
    with pytest.raises(InputError, match=r"several evaluations, a/record\.json and b/"):
        upload_runs([], None, packed(files), parallel=False)
    stream = io.BytesIO(packed({"record.json": RECORD}))
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("record.json", "{}")
    with pytest.raises(InputError, match=r"has 'record.json' twice"):
        upload_runs([], None, stream.getvalue(), parallel=False)


def test_a_collection_zipped_on_a_mac_or_left_on_its_disk_is_installed(home, tmp_path, monkeypatch):
    files = {f"col/{name}": data for name, data in FOLDER.items()}
    junk = {
        "__MACOSX/col/._corpus.jsonl": APPLE,
        "col/queries/._en.jsonl": APPLE,
        ".DS_Store": APPLE,
        "col/.DS_Store": APPLE,
    }
    plain = import_upload(packed(files), "folder", "plain")
    made = import_upload(packed(junk | files), "folder", "mac")
    write_files(tmp_path, files | junk)
    monkeypatch.chdir(tmp_path)
    for found in (made, import_folder(str(tmp_path / "col"), "folder", "disk")):
        assert found.fingerprint == plain.fingerprint
        assert not [path for path in found.folder.rglob("*") if path.name.startswith(".")]


def test_translation_memories_zipped_on_a_mac_are_read(tmp_path):
    unit = '<tu><tuv xml:lang="en"><seg>The sea</seg></tuv><tuv xml:lang="sw"><seg>Bahari</seg>'
    memory = f"<tmx><body>{unit}</tuv></tu></body></tmx>"
    path = tmp_path / "x.tmx.zip"
    path.write_bytes(packed({"x.tmx": memory, "__MACOSX/._x.tmx": APPLE, "._x.tmx": APPLE}))
    assert read_bitext(path).languages == {"sw": 1}
    (tmp_path / "y.tmx.gz").write_bytes(gzip.compress(memory.encode()))
    assert read_bitext(tmp_path / "y.tmx.gz").languages == {"sw": 1}


def test_what_a_mac_adds_is_not_unpacked():
    with unpacked(packed({"col/x": "x", "__MACOSX/col/._x": APPLE, ".DS_Store": APPLE})) as root:
        assert (root.name, [path.name for path in root.rglob("*")]) == ("col", ["x"])


def test_compressed_runs_are_read_and_two_of_one_name_refused():
    run, qrels = b"q1 Q0 d1 1 3 r\n", gzip.compress(b"q1 0 d1 1\n")
    for name, data in (("m.en.run.gz", gzip.compress(run)), ("m.en.run.bz2", bz2.compress(run))):
        found = upload_runs([(name, data)], qrels, None, parallel=False)
        assert values_of(found, "m", "en") == {"q1": 1.0}
    with pytest.raises(InputError, match=r"m\.eng\.txt: there is another run of m in en"):
        upload_runs([("m.en.run", run), ("m.eng.txt", run)], qrels, None, parallel=False)
    with pytest.raises(InputError, match=r"m\.en\.run is a zip file: unpack it"):
        upload_runs([("m.en.run", packed({"x": run}))], qrels, None, parallel=False)


def test_blanks_of_any_kind_make_no_topic_of_their_own():
    lines = ["1\t0\ta\t1", "2 0\tb\t0", "2\t0\tc\t1\t"]
    run = b"1 Q0 a 1 2 r\n2 Q0 b 1 2 r\n2 Q0 c 2 1 r\n"
    qrels = "\n".join(lines).encode()
    found = upload_runs([("m.en.run", run)], qrels, None, parallel=False)
    assert values_of(found, "m", "en") == {"1": 1.0, "2": 0.5}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("bm25.so.run", ("bm25", "so")),
        ("bm25.SO.RUN", ("bm25", "so")),
        ("bm25.so.run.txt", ("bm25", "so")),
        ("my.model.pt_br.trec.txt", ("my.model", "pt-BR")),
        ("bm25.run.txt", ("bm25", "rn")),
    ],
)
def test_the_language_in_a_run_s_name_is_not_its_ending(name, key):
    # `run` is the code of Rundi, too.
    found = upload_runs([(name, b"q Q0 d 1 1 x\n")], b"q 0 d 1\n", None, parallel=False)
    assert {column[:2] for column in found.columns} == {key}


def test_a_compressed_run_is_named_without_its_ending_in_any_case():
    run = gzip.compress(b"q Q0 d 1 1 x\n")
    found = upload_runs([("bm25.so.run.GZ", run)], b"q 0 d 1\n", None, parallel=False)
    assert {column[:2] for column in found.columns} == {("bm25", "so")}


@pytest.mark.parametrize("name", [".so.run", "so.run", "run", " .so.run"])
def test_a_run_without_a_model_or_language_in_its_name_is_refused(name):
    with pytest.raises(InputError, match=r"name the file model\.language\.run"):
        upload_runs([(name, b"q Q0 d 1 1 x\n")], b"q 0 d 1\n", None, parallel=False)


def test_languages_that_share_a_file_of_judgements_count_their_own_queries():
    runs = [("m.en.run", b"e1 Q0 d 1 1 x\n"), ("m.so.run", b"s1 Q0 d 1 1 x\n")]
    qrels = b"e1 0 d 1\ns1 0 d 1\nnobody 0 d 1\n"
    found = upload_runs(runs, qrels, None, parallel=False)
    assert found.columns["m", "en", "AP"].to_dict() == {"e1": 1, "nobody": 0}
    assert found.columns["m", "so", "AP"].to_dict() == {"s1": 1, "nobody": 0}
    shared = upload_runs(runs, qrels, None, parallel=True)
    assert shared.columns["m", "so", "AP"].to_dict() == {"e1": 0, "s1": 1, "nobody": 0}


@pytest.mark.parametrize("cell", ["1_0", "٠.٥", "infinity", "0,5", "", " 0.5"])
def test_a_value_that_python_alone_takes_for_a_number_is_refused(cell):
    files = {"record.json": RECORD, "bm25/en.csv": f'query,AP\nq1,"{cell}"\n'}
    with pytest.raises(InputError, match=r"bm25/en.csv, line 2: .* is not a number"):
        upload_runs([], None, packed(files), parallel=False)


def test_a_table_that_is_not_utf8_is_named():
    files = {"record.json": RECORD, "bm25/en.csv": "query,AP\nqué,0.5\n".encode("latin-1")}
    with pytest.raises(InputError, match=r"bm25/en.csv in the zip file: not UTF-8 \(byte 12\)"):
        upload_runs([], None, packed(files), parallel=False)
