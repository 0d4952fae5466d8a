"""Files that unpack to more than they should, and reading that takes too long or is stopped."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile

import pyarrow
import pytest
from streamlit.runtime.scriptrunner import StopException

from optical_core.data import allowance, compression
from optical_core.data.allowance import UPLOADS, Allowance, allowed, step
from optical_core.data.archives import open_zip
from optical_core.data.bitext import read_bitext
from optical_core.data.lines import read_lines
from optical_core.data.passages import parquet_rows
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.ui.collections.view import import_folder, import_upload
from optical_core.ui.gaps.view import upload_runs
from optical_core.ui.uploads import training_pairs
from tests.samples import FOLDER, write_files, zipped

ZEROS = b"the same sentence\n" * 300_000
PACKED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pyarrow.compress(data, codec="zstd", asbytes=True),
}
TMX = b"""<tmx><body>%s</body></tmx>""" % (
    b'<tu><tuv xml:lang="en"><seg>Sea</seg></tuv><tuv xml:lang="sw"><seg>Bahari</seg></tuv></tu>'
    * 20_000
)
RUN, QRELS = b"q1 Q0 d1 1 3 r\n", b"q1 0 d1 1\n"


@pytest.fixture
def little(monkeypatch):
    """As if a megabyte were a hundred."""
    monkeypatch.setattr(compression, "FREE", 1_000_000)


@pytest.fixture
def clock(monkeypatch):
    """A second goes by whenever the time is asked for."""
    times = iter(range(10**9))
    monkeypatch.setattr(allowance, "monotonic", lambda: next(times))


# --- growth -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("ending", PACKED)
def test_a_stream_that_grows_as_no_text_does_is_refused(ending, tmp_path, little):
    path = tmp_path / f"x.en.txt{ending}"
    path.write_bytes(PACKED[ending](ZEROS))
    assert path.stat().st_size * 200 < len(ZEROS)
    with pytest.raises(InputError, match=r"x\.en\.txt\S+ unpacks to more than 200 times its size"):
        list(read_lines(path))


@pytest.mark.slow
@pytest.mark.parametrize("ending", PACKED)
def test_a_small_file_may_grow_as_it_likes(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    path.write_bytes(PACKED[ending](ZEROS))
    assert sum(1 for _ in read_lines(path)) == 300_000


def test_text_grows_beyond_what_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(compression, "FREE", 1000)
    lines = [f"{number} {hash(str(number))}" for number in range(20_000)]
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert [line for _, line in read_lines(path)] == lines


def test_translation_memories_grow_no_further(tmp_path, little):
    for name, data in (("x.tmx.gz", gzip.compress(TMX)), ("x.tmx.zip", zipped({"x.tmx": TMX}))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="unpacks to more than 200 times its size"):
            read_bitext(tmp_path / name)


def test_a_member_that_grows_beside_honest_ones_is_refused(little):
    stream = io.BytesIO(zipped({"bomb.txt": ZEROS}))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("big.bin", bytes(range(256)) * 4000)
    with pytest.raises(InputError, match=r"bomb\.txt.*200 times"), open_zip(stream.getvalue()):
        pass


def test_members_that_share_their_bytes_count_by_the_size_of_the_file(little):
    """A directory that names one member's bytes a hundred times, with sizes that look honest."""
    data = b"x" * 100_000
    entries = b"".join(
        b"PK\1\2"
        + struct.pack(
            "<6H3L5H2L", 20, 20, 0, 0, 0, 33, 0, len(data), len(data), 3, 0, 0, 0, 0, 0, 0
        )
        + b"%03d" % number
        for number in range(300)
    )
    end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 300, 300, len(entries), len(data), 0)
    refused = pytest.raises(InputError, match="the zip file unpacks to more than 200 times")
    with refused, open_zip(data + entries + end):
        pass


def test_too_many_members_are_refused_before_they_are_listed(monkeypatch):
    content = zipped({str(number): b"" for number in range(20)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with allowed(Allowance(members=19)), pytest.raises(InputError, match="more than 19 members"):
        open_zip(content).__enter__()


def test_uploads_have_less_than_files_of_this_machine(home, monkeypatch):
    small = Allowance(zipped=1000, members=5, stream=1000, seconds=60)
    for module in ("collections.view", "gaps.view"):
        monkeypatch.setattr(f"optical_core.ui.{module}.UPLOADS", small)
    assert (UPLOADS.zipped, UPLOADS.stream, UPLOADS.members) == (1e9, 1e9, 10_000)
    for files, complaint in (
        ({"a": bytes(1001)}, "unpacks to more than"),
        (dict.fromkeys("abcdef", b""), "more than 5 members"),
    ):
        with pytest.raises(InputError, match=complaint):
            import_upload(zipped(files), "folder", "mine")
        with pytest.raises(InputError, match=complaint):
            upload_runs([], None, zipped(files), parallel=False)
    run = gzip.compress(RUN * 100)
    with pytest.raises(InputError, match=r"^m\.en\.run unpacks to more than"):
        upload_runs([("m.en.run", run)], QRELS, None, parallel=False)


# --- time and progress --------------------------------------------------------------------------


def test_reading_an_upload_comes_to_an_end(home, monkeypatch, clock):
    monkeypatch.setattr("optical_core.ui.collections.view.UPLOADS", Allowance(seconds=3))
    with pytest.raises(InputError) as caught:
        import_upload(zipped(FOLDER), "folder", "mine", file="x.zip")
    assert str(caught.value) == (
        "reading took more than 3 seconds, and had come to file 4 of the 5 in x.zip: the "
        "`optical` command has no such limit"
    )
    assert not list(home.rglob("mine*"))


def test_every_reader_asks_for_the_time(tmp_path, clock):
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"_id": ["a"]}), tmp_path / "x.parquet")
    (tmp_path / "x.tsv").write_bytes(RUN)
    (tmp_path / "x.sw.tmx.zip").write_bytes(zipped({"x.tmx": TMX}))
    for read in (
        lambda: list(parquet_rows(tmp_path / "x.parquet", ("_id",))),
        lambda: list(read_lines(tmp_path / "x.tsv")),
        lambda: read_bitext(tmp_path / "x.sw.tmx.zip"),
    ):
        with allowed(Allowance(seconds=0.5)), pytest.raises(InputError, match="no such limit"):
            read()
        read()


def test_a_training_bounds_its_bitext_alone(home, tmp_path, clock):
    path = tmp_path / "x.sw.tsv"
    path.write_text("The sea is salty.\tBahari ina chumvi.\n" * 3)
    config = DistillConfig(name="x", bitext=[str(path)], dev=None)
    told = []
    assert training_pairs(config, tell=told.append)
    assert told[0].startswith("x.sw.tsv, ")
    with pytest.raises(InputError, match=r"x\.sw\.tsv, 0 MB: the `optical` command"):
        training_pairs(config, Allowance(seconds=0.5))


def test_progress_is_told_now_and_then(monkeypatch):
    now = 0.0
    monkeypatch.setattr(allowance, "monotonic", lambda: now)
    told = []
    with allowed(Allowance(), told.append), allowed(UPLOADS):
        for now in (0.0, 0.1, 0.19, 0.25, 0.3, 0.5):
            step(f"at {now}")
    step("outside")
    assert told == ["at 0.0", "at 0.25", "at 0.5"]


@pytest.mark.parametrize("after", [1, 3])
def test_stop_ends_the_reading_and_leaves_nothing(after, home, clock):
    told = []

    def tell(where):
        told.append(where)
        if len(told) == after:
            raise StopException

    write_files(home / "given", FOLDER)
    for bring in (
        lambda: import_upload(zipped(FOLDER), "folder", "mine", tell=tell),
        lambda: import_folder(str(home / "given"), "folder", "mine", tell=tell),
    ):
        told.clear()
        with pytest.raises(StopException):
            bring()
        assert len(told) == after
    assert not list(home.rglob("mine*"))
