import json
import os
import signal
import threading
import time

import numpy as np
import pytest

from optical_core.data.collection import Passage
from optical_core.data.passages import passage_files, read_passages
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval import shards
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.updating import update_index

WORDS = "the sea is salty water moon sun star fish bird tree river lake city old new maji".split()
FILES = ("ids.json", "offsets.i64", "vectors.f16")


def write_corpus(folder, *, files=3, passages=40):
    """Files of passages of many lengths; every second one is Parquet."""
    import pyarrow
    from pyarrow.parquet import write_table

    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(files):
        rows = [
            {
                "_id": f"{number}-{row}",
                "title": "Sea" if row % 3 else "",
                "text": " ".join(draw.choice(WORDS, 1 + int(draw.integers(30)))),
            }
            for row in range(passages)
        ]
        if number % 2:
            write_table(pyarrow.Table.from_pylist(rows), folder / f"part-{number}.parquet")
        else:
            lines = "\n".join(json.dumps(row) for row in rows)
            (folder / f"part-{number}.jsonl").write_text(lines + "\n")
    return passage_files([folder])


@pytest.fixture
def files(tmp_path):
    return write_corpus(tmp_path / "corpus")


def test_parquet_and_json_lines_are_read_alike(tmp_path):
    import pyarrow
    from pyarrow.parquet import write_table

    rows = [{"_id": "a", "title": None, "text": "sea"}, {"_id": "b", "title": "T", "text": "moon"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    wanted = [Passage("a", "", "sea"), Passage("b", "T", "moon")]
    for form in ("jsonl", "parquet"):
        assert list(read_passages(tmp_path / f"rows.{form}")) == wanted


def test_what_is_no_file_of_passages_is_refused(tmp_path):
    import pyarrow
    from pyarrow.parquet import write_table

    (tmp_path / "notes.txt").write_text("x")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(InputError, match=r"\.parquet"):
            passage_files([path])
    write_table(pyarrow.table({"id": ["a"], "text": ["sea"]}), tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="no column '_id'"):
        list(read_passages(tmp_path / "rows.parquet"))
    (tmp_path / "half.parquet").write_bytes(b"PAR1half")
    with pytest.raises(InputError, match=r"cannot read .*half\.parquet"):
        list(read_passages(tmp_path / "half.parquet"))


def test_the_joined_index_holds_what_each_file_gives_by_itself(files, tiny_encoder, tmp_path):
    built = shards.index_files(tmp_path / "out", files, str(tiny_encoder), device="cpu")
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    parts = [
        build_index(tmp_path / f"alone-{n}", read_passages(file), encoder)
        for n, file in enumerate(files)
    ]
    assert built.ids == tuple(identifier for part in parts for identifier in part.ids)
    np.testing.assert_array_equal(built.vectors, np.concatenate([p.vectors for p in parts]))
    for part in parts:
        for identifier in part.ids[::7]:
            np.testing.assert_array_equal(
                built.passage_vectors(identifier), part.passage_vectors(identifier)
            )
    built.check_encoder(encoder)
    (query,) = encoder.encode_queries(["the salty sea"])
    assert built.search(query, top=1)[0][1] == pytest.approx(
        max(part.search(query, top=1)[0][1] for part in parts)
    )


def test_only_what_is_missing_changed_or_damaged_is_encoded(
    files, tiny_encoder, tmp_path, monkeypatch
):
    seen = []

    def spy(folder, *args, **kwargs):
        seen.append(folder.name.rsplit("-", 1)[0])
        return build_index(folder, *args, **kwargs)

    monkeypatch.setattr(shards, "build_index", spy)

    def run(given=files, **options):
        seen.clear()
        options = {"device": "cpu", **options}
        return shards.index_files(tmp_path / "out", given, str(tiny_encoder), **options)

    run(files[:2])
    assert seen == [file.name for file in files[:2]]
    assert len(run()) == 120
    assert seen == [files[2].name]
    stamp = (tmp_path / "out" / "index.json").stat().st_mtime_ns
    run()
    assert not seen
    assert (tmp_path / "out" / "index.json").stat().st_mtime_ns == stamp
    (damaged,) = (tmp_path / "out.shards").glob(f"{files[1].name}-*")
    (damaged / "vectors.f16").write_bytes(b"x")
    files[0].write_text(json.dumps({"_id": "new", "text": "moon"}) + "\n")
    assert len(run()) == 81
    assert seen == [file.name for file in files[:2]]
    run(batch_size=8)
    assert len(seen) == 3


def test_shards_that_do_not_belong_together_are_refused(files, tiny_encoder, tmp_path):
    with pytest.raises(InputError, match=r"'0-0' of part-0\.jsonl"):
        shards.index_files(tmp_path / "out", [files[0], files[0]], str(tiny_encoder), device="cpu")
    assert not (tmp_path / "out").exists()
    folders = list((tmp_path / "out.shards").iterdir())
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    folders.append(shards.index_shard(files[1], tmp_path / "out.shards", encoder))
    info = json.loads((folders[1] / "index.json").read_text())
    (folders[1] / "index.json").write_text(json.dumps({**info, "precision": "bf16"}))
    with pytest.raises(InputError, match="precision bf16, the shards before it with fp32"):
        shards.join_indexes(tmp_path / "out", folders)


def test_a_missing_extra_is_one_sentence(files, tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install .*\[ray\]"):
        shards.index_files(tmp_path / "out", files, str(tiny_encoder), ray="local")


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_makes_the_index_of_one_process(tiny_encoder, tmp_path):
    pytest.importorskip("ray", reason='needs pip install ".[ray]"')
    files = write_corpus(tmp_path / "corpus", files=4, passages=2000)
    killed = []

    def kill_one():
        """The name of what a process is writing says which process it is."""
        deadline = time.monotonic() + 240
        while not killed and time.monotonic() < deadline:
            for path in (tmp_path / "cluster.shards").glob(".*.new-*"):
                number = int(path.name.rsplit("-", 3)[1])
                os.kill(number, signal.SIGKILL)
                killed.append(number)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=kill_one)
    thread.start()
    options = {"device": "cpu"}
    made = shards.index_files(
        tmp_path / "cluster", files, str(tiny_encoder), ray="local", **options
    )
    thread.join()
    assert killed
    assert killed[0] != os.getpid()
    straight = shards.index_files(tmp_path / "one", files, str(tiny_encoder), **options)
    assert made.ids == straight.ids
    for name in FILES:
        one, two = (folder / name for folder in (tmp_path / "one", tmp_path / "cluster"))
        assert one.read_bytes() == two.read_bytes(), name
    one, two = (json.loads((index.folder / "index.json").read_text()) for index in (straight, made))
    assert one.pop("environment")["packages"] == two.pop("environment")["packages"]
    assert one == two
    assert not list((tmp_path / "cluster.shards").glob(".*"))
    assert len(TokenIndex.open(tmp_path / "cluster")) == 8000


@pytest.mark.slow
def test_a_cluster_passes_on_what_is_wrong_in_one_sentence(tiny_encoder, tmp_path):
    pytest.importorskip("ray", reason='needs pip install ".[ray]"')
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"_id": "a"}\n')
    with pytest.raises(InputError, match="line 1: no field 'text'"):
        shards.index_files(tmp_path / "out", [bad], str(tiny_encoder), ray="local", device="cpu")
    with pytest.raises(InputError, match=r"no Ray cluster at '127\.0\.0\.1:1'"):
        shards.index_files(tmp_path / "out", [bad], str(tiny_encoder), ray="127.0.0.1:1")
    with pytest.raises(InputError, match=r"no Ray cluster at 'ray://127\.0\.0\.1:99999'"):
        shards.index_files(tmp_path / "out", [bad], str(tiny_encoder), ray="ray://127.0.0.1:99999")


def test_compressed_shards_share_a_codec_and_are_joined_as_they_are(files, tiny_encoder, tmp_path):
    form, out = Compression(bits=4, pool=2), tmp_path / "out"
    built = shards.index_files(out, files, str(tiny_encoder), compression=form, device="cpu")
    assert built.compression == form
    parts = [TokenIndex.open(path) for path in sorted((tmp_path / "out.shards").glob("part-*"))]
    assert [name for part in parts for name in part.ids] == list(built.ids)
    for part in parts:
        assert part.vectors.codec.equals(built.vectors.codec)
        for name in part.ids[::10]:
            np.testing.assert_array_equal(part.passage_vectors(name), built.passage_vectors(name))
            np.testing.assert_array_equal(part.passage_tokens(name), built.passage_tokens(name))


def test_an_index_that_has_been_updated_is_not_written_over(files, tiny_encoder, tmp_path):
    out, encoder = tmp_path / "out", TokenEncoder.load(str(tiny_encoder), device="cpu")
    shards.index_files(out, files, str(tiny_encoder), device="cpu")
    update_index(out, [Passage("new", "", "moon")], encoder)
    with pytest.raises(InputError, match="has been updated, which indexing its files again"):
        shards.index_files(out, files[:2], str(tiny_encoder), device="cpu")
    assert "new" in LiveIndex(out).ids
