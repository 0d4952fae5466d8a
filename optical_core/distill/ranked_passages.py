"""Real passages that the teacher ranks best for the English sentences: harder than a batch's own.

A batch's English sentences are about different things, so their scores teach little about a
ranking. Here the teacher searches a real collection for each English sentence, once, and the
student then learns the teacher's scores of what it found.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from optical_core.data.collection import open_collection
from optical_core.data.lines import read_json
from optical_core.data.sentence_pairs import SentencePair
from optical_core.distill import ranks
from optical_core.distill.token_batch import TokenBatch
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.storage import home, replace_file

logger = logging.getLogger(__name__)

_TOGETHER = 256
"""Sentences that are searched for at a time."""
LONGEST = 128
"""Tokens of a passage that are learned from: its first ones."""


@dataclass(frozen=True, eq=False)
class RankedPassages:
    """What the teacher found for each of S sentences.

    Attributes:
        index: holds the passages' vectors.
        found: (S, k) ids of the passages, best first.
    """

    index: LiveIndex
    found: np.ndarray

    def batch(self, rows: Tensor, device: torch.device) -> TokenBatch:
        """Return the passages of B sentences: vectors (B * k, m, d), those of a sentence together.

        Args:
            rows: (B,) numbers of the sentences.
            device: of the result.
        """
        ids = self.found[rows.cpu().numpy()].ravel()
        vectors = [
            torch.from_numpy(np.array(self.index.passage_vectors(name)[:LONGEST])) for name in ids
        ]
        mask = [torch.ones(len(each), dtype=torch.bool) for each in vectors]
        padded = pad_sequence(vectors, batch_first=True).float().to(device)
        present = pad_sequence(mask, batch_first=True).to(device)
        return TokenBatch(padded, present, torch.zeros_like(present))


def english_sentences(pairs: Iterable[SentencePair]) -> dict[str, int]:
    """Number the English sentences of pairs, each once, in their order."""
    return {text: number for number, text in enumerate(dict.fromkeys(p.english for p in pairs))}


def rank_passages(
    corpus: str, sentences: Sequence[str], teacher: TokenEncoder, *, count: int
) -> RankedPassages:
    """Let the teacher rank a collection's passages for sentences; the result is kept on the disk.

    Args:
        corpus: a collection of English passages; it is indexed if it isn't yet.
        sentences: English ones, each once.
        teacher: ranks the passages.
        count: k, how many of the best are kept.

    Raises:
        InputError: there is no such collection, or it has fewer passages than `count`.
    """
    collection = open_collection(corpus)
    index = ranks.once(lambda: collection_index(collection, teacher, progress=True).folder)
    store = LiveIndex(index, "candidates")
    if len(store) < count:
        raise InputError(
            f"corpus: {collection.name} has {len(store):,} passages, fewer than the {count} that "
            "are ranked for each sentence (`ranked`)"
        )
    path = _kept(store, sentences, count)
    ranks.once(partial(_search, store, sentences, teacher, count, path))
    return RankedPassages(store, np.array(read_json(path)["ids"]))


def _kept(store: LiveIndex, sentences: Sequence[str], count: int) -> Path:
    digest = hashlib.blake2b(f"{store.fingerprint} {count}".encode(), digest_size=8)
    for sentence in sentences:
        digest.update(f"\0{sentence}".encode())
    return home("training", f"ranked-{digest.hexdigest()}.json")


def _search(
    store: LiveIndex, sentences: Sequence[str], teacher: TokenEncoder, count: int, path: Path
) -> None:
    """Search and write the results to `path`, unless an earlier training did."""
    if path.is_file():
        return
    ids, scores = [], []
    for begin in range(0, len(sentences), _TOGETHER):
        queries = teacher.encode_queries(sentences[begin : begin + _TOGETHER])
        for hits in store.search_many(queries, top=count):
            ids.append([name for name, _ in hits])
            scores.append([score for _, score in hits])
        if begin // _TOGETHER % 20 == 0:
            logger.info("ranked passages for %s of %s sentences", f"{len(ids):,}", len(sentences))
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps({"ids": ids, "scores": scores}), encoding="utf-8")
