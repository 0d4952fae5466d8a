"""Indexes with compressed vectors are built, searched, updated and merged like any other."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from optical_core.data.collection import Passage
from optical_core.errors import InputError
from optical_core.retrieval import vector_files
from optical_core.retrieval.codec import FILE as CODEC
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.indexing import append_to_index, build_index, compress_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.modes import MODES, open_mode
from optical_core.retrieval.packed_vectors import FILE as PACKED
from optical_core.retrieval.recall import queries_of, recall
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.updating import compact_index, delete_from_index, update_index
from optical_core.retrieval.vector_files import STANDING
from tests.encoders import RandomEncoder, vectors_of

FORMS = [
    Compression(bits=8),
    Compression(bits=4),
    Compression(bits=2, dims=12),
    Compression(bits=4, pool=2),
    Compression(pool=2),
]
QUERIES = [vectors_of(f"query {number}") for number in range(5)]


def passages(numbers, text="text"):
    return [Passage(f"p{number}", "", f"{text} {number}") for number in numbers]


@pytest.fixture
def encoder():
    return RandomEncoder()


@pytest.fixture(params=FORMS, ids=str)
def form(request):
    return request.param


@pytest.fixture
def folder(tmp_path, encoder, form):
    build_index(tmp_path / "index", passages(range(300)), encoder, compression=form)
    return tmp_path / "index"


def test_an_opened_index_has_its_form_and_its_recall(folder, form):
    index = TokenIndex.open(folder)
    assert index.compression == form
    assert index.dimension == 32
    assert 0.2 < index.kept <= 1
    assert not [
        path
        for path in folder.iterdir()
        if path.name.endswith((".f16",)) != (form.bits == 16)
        and path.name in ("vectors.f16", "waiting.f16", "original.f16")
    ]
    counts = [-(-len(vectors_of(f"text {n}")) // 1) for n in range(300)]
    assert index.offsets[-1] == (
        sum(counts) if form.pool == 1 else sum(max(c // 2, 1) for c in counts)
    )


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_ranks_by_the_stored_vectors(folder, mode):
    index = TokenIndex.open(folder)
    store = open_mode(index, mode)
    queries = queries_of(index, seed=3, count=10)
    assert recall(index, store, queries) > 0.95
    for query in queries[:3]:
        for identifier, score in store.search(query):
            vectors = store.passage_vectors(identifier)
            assert score == pytest.approx((query @ vectors.T).max(1).sum(), abs=1e-4)


def test_more_bits_keep_more(tmp_path, encoder):
    kept = []
    for bits in (2, 4, 8):
        index = build_index(
            tmp_path / str(bits), passages(range(300)), encoder, compression=Compression(bits=bits)
        )
        kept.append(index.kept)
        exact = np.concatenate([vectors_of(f"text {n}") for n in range(300)])
        assert (index.vectors[:] * exact).sum(1).mean() > {2: 0.9, 4: 0.98, 8: 0.999}[bits]
    assert kept == sorted(kept)
    assert kept[-1] > 0.97


@pytest.mark.parametrize("mode", ["exact", "int8"])
def test_updates_deletes_filters_and_merges(folder, encoder, form, mode):
    index = LiveIndex(folder, mode)
    delete_from_index(folder, [f"p{number}" for number in range(0, 60, 2)])
    update_index(folder, passages(range(250, 320), "new"), encoder)
    update_index(folder, passages([4], "newer"), encoder, removed=["p319"])
    assert index.compression == form
    assert len(index) == 300 - 30 + 19 + 1
    before = index.search_many(QUERIES, top=400)
    among = frozenset(["p1", "p4", "p251", "p318", "p0"])
    assert {name for name, _ in index.search(QUERIES[0], among=among)} == among - {"p0"}
    alive = np.array(index.passage_vectors("p251"))
    standing = index.passage_tokens("p251")
    compact_index(folder)
    assert index.search_many(QUERIES, top=400) == before
    np.testing.assert_array_equal(index.passage_vectors("p251"), alive)
    np.testing.assert_array_equal(index.passage_tokens("p251"), standing)
    merged = TokenIndex.open(folder)
    assert merged.compression == form
    assert len(merged.text_hashes) == len(merged)


def test_passages_can_be_appended(folder, encoder, form):
    before = TokenIndex.open(folder)
    vectors = before.passage_vectors("p7")
    grown = append_to_index(folder, passages(range(300, 320)), encoder)
    assert len(grown) == 320
    assert grown.compression == form
    np.testing.assert_array_equal(grown.passage_vectors("p7"), vectors)
    assert recall(before, before, [QUERIES[0]]) == 1


def test_an_index_is_compressed_without_its_encoder(tmp_path, encoder, form):
    build_index(tmp_path / "index", passages(range(300)), encoder)
    delete_from_index(tmp_path / "index", ["p3"])
    source = LiveIndex(tmp_path / "index")
    encoder.encoded.clear()
    made = compress_index(tmp_path / "small", source, form)
    assert made.ids == source.ids
    assert made.compression == form
    direct = build_index(
        tmp_path / "direct", passages(n for n in range(300) if n != 3), encoder, compression=form
    )
    assert made.text_hashes == direct.text_hashes
    np.testing.assert_array_equal(made.offsets, direct.offsets)
    with pytest.raises(InputError, match="is compressed already"):
        compress_index(tmp_path / "small", LiveIndex(tmp_path / "small"), form)


def test_an_emptied_index_keeps_its_form(folder, encoder, form):
    index = LiveIndex(folder)
    delete_from_index(folder, index.ids)
    compact_index(folder)
    update_index(folder, passages(range(9)), encoder)
    assert TokenIndex.open(folder).compression == form


def test_segments_of_other_codecs_are_merged_into_the_first_ones(folder, encoder, form):
    """As when two processes fill an empty index at once."""
    update_index(folder, passages(range(300, 400)), encoder)
    info = json.loads((folder / "index.json").read_text())
    last = folder / "segments" / info["segments"][-1]["name"]
    other = build_index(last.parent / "other", passages(range(300, 400)), encoder, compression=form)
    shutil.rmtree(last)
    other.folder.rename(last)
    before = dict(LiveIndex(folder).search(QUERIES[0]))
    compact_index(folder)
    found = dict(LiveIndex(folder).search(QUERIES[0]))
    assert len(before.keys() & found.keys()) >= 7


def test_the_codec_is_trained_on_the_first_vectors_and_the_rest_follow(
    tmp_path, encoder, monkeypatch
):
    monkeypatch.setattr(vector_files, "WAITING", 500)
    index = build_index(
        tmp_path / "index", passages(range(300)), encoder, compression=Compression(bits=8)
    )
    exact = np.concatenate([vectors_of(f"text {n}") for n in range(300)])
    assert (index.vectors[:] * exact).sum(1).min() > 0.98
    assert index.kept is not None


def test_empty_passages_are_kept(tmp_path, encoder, form):
    texts = [Passage("a", "", ""), *passages(range(20)), Passage("z", "", "")]
    index = build_index(tmp_path / "index", texts, encoder, compression=form)
    assert index.passage_vectors("a").shape == index.passage_vectors("z").shape == (0, 32)
    assert {"a", "z"} <= dict(index.search(QUERIES[0], top=30)).keys()
    only = build_index(tmp_path / "only", texts[:1], encoder, compression=form)
    assert only.search(QUERIES[0]) == [("a", 0.0)]


@pytest.mark.parametrize("name", [PACKED, CODEC, STANDING])
def test_damage_is_told(tmp_path, encoder, name):
    form = Compression(bits=2, pool=2)
    folder = build_index(tmp_path / "i", passages(range(30)), encoder, compression=form).folder
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-3])
    with pytest.raises(InputError, match="damaged"):
        TokenIndex.open(folder)
    info = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(info | {"files": {}}))
    with pytest.raises(InputError, match="damaged"):
        _ = TokenIndex.open(folder).standing


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bits": 3}, "can't have 3 bits a dimension: give 2, 4, 8, 16"),
        ({"pool": 0}, "0 tokens can't be pooled"),
        ({"dims": 64}, "fewer dimensions need fewer bits"),
        ({"bits": 2, "dims": 0}, "can't have 0 dimensions"),
    ],
)
def test_a_form_that_there_is_not_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Compression(**values)


def test_pooled_vectors_are_unit_means_and_name_a_token_of_theirs():
    vectors = vectors_of("a long passage of many words")
    vectors = np.concatenate([vectors, vectors_of("another")])
    means, tokens = Compression(pool=3).pooled(vectors)
    assert len(means) == len(tokens) == len(vectors) // 3
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1, atol=1e-6)
    assert sorted(tokens.tolist()) == tokens.tolist()
    np.testing.assert_array_equal((means @ vectors.T).argmax(1), tokens)
    assert dataclasses.replace(Compression(pool=3), pool=1).pooled(vectors)[0] is vectors
