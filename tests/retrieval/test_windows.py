"""Long passages in windows: how they are cut, ranked whole, changed and explained."""

import logging
from itertools import pairwise

import numpy as np
import pytest

from optical_core.data.collection import Passage
from optical_core.data.trec import best_first
from optical_core.errors import InputError
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.indexing import (
    append_to_index,
    build_index,
    collection_index,
    compress_index,
)
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.updating import (
    compact_index,
    delete_from_index,
    set_aggregate,
    update_index,
)
from optical_core.retrieval.windows import WHOLE, Cuts, Windows

WORDS = "the sea is salty water moon small cold star fish in river bird old tree big city".split()
CUT = Windows(16, 8)
QUERIES = ("salty sea", "the moon and a star", "fish", "old tree in the city")


def article(seed, words):
    return " ".join(np.random.default_rng(seed).choice(WORDS, words))


PASSAGES = [
    Passage(f"d{n:02}", "Title" if n % 2 else "", article(n, 5 + 11 * (n % 7))) for n in range(24)
]


@pytest.fixture(scope="module")
def pair(tiny_encoder):
    return EncoderPair.undistilled(TokenEncoder.load(str(tiny_encoder), device="cpu"))


@pytest.fixture(scope="module")
def encoder(pair):
    return pair.teacher


def naive(encoder, query, passages, windows, top):
    """MaxSim of every window, one by one."""
    scores = {}
    for passage in passages:
        texts = windows.texts(encoder, passage)
        vectors = [v.astype(np.float16).astype(np.float32) for v in encoder.encode_passages(texts)]
        of_windows = [float((query @ v.T).max(1).sum()) if len(v) else 0.0 for v in vectors]
        how = {"max": max, "sum": sum, "first": lambda found: found[0]}[windows.aggregate]
        scores[passage.id] = round(how(of_windows), 4)
    return best_first(scores.items(), top)


def alike(found, wanted):
    assert [score for _, score in found] == pytest.approx([s for _, s in wanted], abs=3e-4)
    assert dict(found) == pytest.approx(dict(wanted), abs=3e-4)


def test_windows_overlap_begin_with_words_and_leave_nothing_out(encoder):
    text = article(3, 200)
    for windows in (CUT, Windows(20, 20), Windows(16, 1)):
        spans = windows.spans(encoder, text)
        assert (spans[0][0], spans[-1][1]) == (0, len(text))
        assert len(spans) > 5
        for (begin, end), (after, last) in pairwise(spans):
            assert begin < after <= end < last
            assert text[after - 1] == " "
        most = max(len(encoder.scored_tokens(text[a:b], "passage")) for a, b in spans)
        assert windows.length - 8 <= most <= windows.length + 8
        if windows.stride == windows.length:
            assert "".join(text[a:b] for a, b in spans) == text


def test_a_short_text_is_one_window_and_a_word_without_end_is_cut(encoder):
    assert CUT.spans(encoder, "the sea") == [(0, 7)]
    assert CUT.spans(encoder, "") == [(0, 0)]
    endless = "seamoon" * 60
    spans = CUT.spans(encoder, endless)
    assert (spans[0][0], spans[-1][1]) == (0, len(endless))
    assert all(a < b for a, b in spans)
    assert WHOLE.spans(encoder, endless) == [(0, len(endless))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((8, 4), "at least 16 tokens, not 8"),
        ((20, 0), "stride of windows of 20 tokens is 1 to 20, not 0"),
        ((20, 21), "not 21: no token may be left out"),
        ((20, 10, "mean"), "by 'mean': give max, first, sum"),
    ],
)
def test_windows_that_can_not_be_are_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        Windows(*arguments)


def test_windows_longer_than_the_encoder_reads_are_refused(encoder, tmp_path):
    with pytest.raises(InputError, match=r"too long for the encoder .*: give [0-9]+ or less"):
        build_index(tmp_path / "index", PASSAGES, encoder, windows=Windows(10_000, 100))
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("aggregate", ["max", "first", "sum"])
@pytest.mark.parametrize("mode", ["exact", "int8"])
def test_passages_are_ranked_whole_by_their_windows(encoder, tmp_path, aggregate, mode):
    windows = Windows(16, 8, aggregate)
    build_index(tmp_path / "index", PASSAGES, encoder, windows=windows)
    index = LiveIndex(tmp_path / "index", mode)
    assert len(index) == len(PASSAGES) < index.rows
    assert index.ids == tuple(passage.id for passage in PASSAGES)
    asked = encoder.encode_queries(list(QUERIES))
    for top in (1, 5, 100):
        for query, found in zip(asked, index.search_many(asked, top=top), strict=True):
            alike(found, naive(encoder, query, PASSAGES, windows, top))
    some = frozenset({"d03", "d06", "d13", "gone"})
    kept = [passage for passage in PASSAGES if passage.id in some]
    alike(index.search(asked[0], among=some), naive(encoder, asked[0], kept, windows, 9))
    assert index.search(np.zeros((0, encoder.dimension), np.float32)) == []
    assert index.search(asked[0], among=frozenset()) == []


@pytest.mark.parametrize("aggregate", ["max", "first", "sum"])
def test_changes_are_by_passage(encoder, tmp_path, aggregate):
    windows = Windows(16, 8, aggregate)
    build_index(tmp_path / "index", PASSAGES, encoder, windows=windows)
    index = LiveIndex(tmp_path / "index")
    changed = [Passage("d05", "", article(77, 90)), Passage("new", "", article(78, 60))]
    assert update_index(index.folder, changed, encoder) > 1
    delete_from_index(index.folder, ["d06"])
    left = [p for p in PASSAGES if p.id not in ("d05", "d06")] + changed
    hashes = {passage.id: passage.text_hash for passage in left}
    for step in (lambda folder: None, compact_index):
        step(index.folder)
        assert index.text_hashes() == hashes
        assert set(index.ids) == set(hashes)
        assert len(index) == len(left)
        for query in encoder.encode_queries(list(QUERIES)):
            alike(index.search(query, top=30), naive(encoder, query, left, windows, 30))
    assert index.windows == windows


def test_the_aggregate_is_changed_without_encoding(encoder, tmp_path):
    build_index(tmp_path / "index", PASSAGES, encoder, windows=CUT)
    index = LiveIndex(tmp_path / "index")
    (query,) = encoder.encode_queries(["salty sea"])
    before = index.fingerprint
    for how in ("sum", "first", "max"):
        set_aggregate(index.folder, how)
        wanted = naive(encoder, query, PASSAGES, Windows(16, 8, how), 30)
        alike(index.search(query, top=30), wanted)
        assert (index.fingerprint == before) == (how == "max")
    with pytest.raises(InputError, match="by 'mean'"):
        set_aggregate(index.folder, "mean")


def test_what_is_added_or_compressed_keeps_the_windows(encoder, tmp_path):
    build_index(tmp_path / "index", PASSAGES[:20], encoder, windows=CUT)
    append_to_index(tmp_path / "index", PASSAGES[20:], encoder)
    whole = LiveIndex(tmp_path / "index")
    (query,) = encoder.encode_queries(["salty sea"])
    alike(whole.search(query, top=30), naive(encoder, query, PASSAGES, CUT, 30))
    small = compress_index(tmp_path / "small", whole, Compression(bits=8))
    assert (small.windows, small.rows) == (CUT, whole.rows)
    found, exact = LiveIndex(small.folder).search(query, top=30), whole.search(query, top=30)
    assert dict(found) == pytest.approx(dict(exact), abs=0.1)
    assert LiveIndex(small.folder).text_hashes() == whole.text_hashes()


@pytest.mark.parametrize("aggregate", ["max", "first", "sum"])
def test_explanations_are_of_the_windows_that_make_up_the_score(pair, tmp_path, aggregate):
    windows = Windows(16, 8, aggregate)
    build_index(tmp_path / "index", PASSAGES, pair.teacher, windows=windows)
    plain = LateInteraction(pair, LiveIndex(tmp_path / "index"))
    glossed = Glossed(plain, Glosses({"sw": {"bahari": {"sea": 1.0}, "mwezi": {"moon": 1.0}}}))
    by_id = {passage.id: passage for passage in PASSAGES}
    for searcher, text in ((plain, "salty sea"), (glossed, "bahari mwezi")):
        assert searcher.windowed
        (query,) = searcher.encode([text])
        (hits,) = searcher.rank([query], top=24)
        passages = [by_id[identifier] for identifier, _ in hits]
        for (name, score), passage, matches in zip(
            hits, passages, searcher.explain(query, passages), strict=True
        ):
            assert sum(m.contribution for m in matches) == pytest.approx(score, abs=3e-3)
            named = {match.window for match in matches}
            best = searcher.window(query, passage)
            assert (aggregate == "sum") or named == {best}
            spans = windows.spans(pair.teacher, passage.full_text)
            for match in matches:
                window, token = match.window, match.passage
                assert window.name == f"{name}#{window.number}"
                assert spans[window.number - 1] == (window.start, window.end)
                assert passage.full_text[token.start : token.end] == token.piece
                assert window.start <= token.start <= token.end <= window.end
            if aggregate == "first":
                assert best.number == 1


def test_a_passage_that_has_changed_meanwhile_is_one_sentence(pair, tmp_path):
    build_index(tmp_path / "index", PASSAGES, pair.teacher, windows=CUT)
    searcher = LateInteraction(pair, LiveIndex(tmp_path / "index"))
    (query,) = searcher.encode(["sea"])
    with pytest.raises(InputError, match="d06 has changed since it was indexed"):
        searcher.explain(query, [Passage("d06", "", "the sea")])


def test_a_collections_index_follows_with_its_windows(encoder, collection, monkeypatch):
    assert collection_index(collection, encoder).windows.plain
    cut = collection_index(collection, encoder, windows=Windows(16, 8))
    assert cut.windows == collection_index(collection, encoder).windows == Windows(16, 8)
    monkeypatch.setattr(TokenEncoder, "encode", None)
    by_sum = collection_index(collection, encoder, windows=Windows(16, 8, "sum"))
    assert by_sum.windows.aggregate == "sum"
    monkeypatch.undo()
    assert collection_index(collection, encoder, windows=WHOLE).windows.plain


def test_what_would_be_cut_off_is_said_in_one_sentence(encoder, tmp_path, caplog):
    long = Passage("long", "", article(1, 2 * encoder.max_tokens))
    cuts = Cuts(encoder)
    cuts.add(long.full_text)
    lost = encoder.truncated(long.full_text, "passage")
    assert (cuts.passages, cuts.tokens, cuts.seen) == (1, lost, 1)
    read = len(encoder.scored_tokens(long.full_text, "passage"))
    assert encoder.room("passage") == pytest.approx(read, abs=2)
    with caplog.at_level(logging.WARNING):
        build_index(tmp_path / "whole", [*PASSAGES[:3], long], encoder)
    (record,) = [r for r in caplog.records if "cut off" in r.message]
    assert f"1 of 4 passages is longer than the {encoder.room('passage')} tokens" in record.message
    assert f"{lost:,} of its tokens" in record.message
    assert "--window" in record.message
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        build_index(tmp_path / "cut", [*PASSAGES[:3], long], encoder, windows=CUT)
        build_index(tmp_path / "short", PASSAGES[:3], encoder)
    assert not caplog.records
