"""TokenIndex: token vectors of passages on disk, memory-mapped.

    index.json       format, encoder name and hash, dimension, counts, collection, checksums
    vectors.f16      (T, d) fp16, one passage's tokens after another's
    offsets.i64      (P + 1,) where each passage's tokens begin
    ids.json         passage ids, in order

`indexing` writes it. It records the hash of its encoder: queries of another encoder are in another
space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from optical_core.checksums import check_files
from optical_core.data.lines import read_json
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.retrieval.vector_store import VectorStore
from optical_core.storage import check_path, tidy

FORMAT = 1
FILES = ("vectors.f16", "offsets.i64", "ids.json")
BLOCK_TOKENS = 8192
"""Tokens scored at a time: widened to fp32, they still fit into a core's cache."""
GROUP_QUERIES = 64
"""Queries that share a pass over the index: reading and widening it costs more than scoring."""


@dataclass(frozen=True)
class TokenIndex(VectorStore):
    """An opened index folder. The vectors stay on disk until they are scored.

    Attributes:
        folder: where its files are.
        encoder: name of the encoder that made the vectors.
        encoder_hash: its hash.
        dimension: d, of the token vectors.
        ids: p passage ids, in order.
        offsets: (P + 1,) int64, where each passage's tokens begin.
        vectors: (T, d) fp16, one passage's tokens after another's.
        texts: hash of the passages that were indexed; None if it isn't known.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> from optical_core.data import Passage
        >>> from optical_core.retrieval.indexing import build_index
        >>> pair, passages = load_pair("embedded"), [Passage("p1", "", "The sea is salty.")]
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), passages, pair.teacher)
        ...     hits = index.search(pair.student.encode_queries(["chumvi"])[0])
        ...     len(index), [identifier for identifier, _ in hits]
        (1, ['p1'])
    """

    folder: Path
    encoder: str
    encoder_hash: str
    dimension: int
    ids: tuple[str, ...]
    offsets: np.ndarray
    vectors: np.ndarray
    texts: str | None = None

    @classmethod
    def open(cls, folder: Path | str) -> TokenIndex:
        """Open an index.

        Raises:
            InputError: the index is missing, damaged or in another format.
        """
        folder = Path(folder)
        check_path(folder)
        tidy(folder.parent)
        if not (folder / "index.json").is_file():
            raise InputError(f"no index in {folder}; build one with `optical index`")
        info = read_json(folder / "index.json")
        try:
            if info["format"] != FORMAT:
                raise InputError(
                    f"{folder} has index format {info['format']}, this version reads {FORMAT}; "
                    "build it again with `optical index`"
                )
            _check(folder, dict(info.get("files") or {}))
            names = str(info["encoder"]), str(info["encoder_hash"])
            ids = tuple(map(str, read_json(folder / "ids.json")))
            offsets = np.fromfile(folder / "offsets.i64", np.int64)
            shape = (int(info["tokens"]), int(info["dimension"]))
            size = (folder / "vectors.f16").stat().st_size
            if len(offsets) != len(ids) + 1 or size != 2 * shape[0] * shape[1] or shape[1] < 1:
                raise ValueError("its files do not fit together")
            if offsets[0] or offsets[-1] != shape[0] or (np.diff(offsets) < 0).any():
                raise ValueError("its passages do not follow one another")
            vectors = (
                np.memmap(folder / "vectors.f16", np.float16, "c", shape=shape)
                if size
                else np.zeros(shape, np.float16)
            )
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the index in {folder} is damaged ({error}); build it again with `optical index`"
            ) from error
        return cls(folder, *names, shape[1], ids, offsets, vectors, info.get("texts"))

    def __len__(self) -> int:
        return len(self.ids)

    def check_encoder(self, encoder: TokenEncoder) -> None:
        """Check that this encoder built the index.

        Raises:
            InputError: another one did.
        """
        if encoder.hash != self.encoder_hash:
            raise InputError(
                f"the index in {self.folder} was built by the encoder {self.encoder} "
                f"({self.encoder_hash}), not by {encoder.name} ({encoder.hash}); "
                "build one for it with `optical index`"
            )

    def passage_vectors(self, identifier: str) -> np.ndarray:
        """Vectors (tokens, d) of one passage, fp32."""
        position = self._positions[identifier]
        return np.asarray(
            self.vectors[self.offsets[position] : self.offsets[position + 1]], np.float32
        )

    def search(self, query: np.ndarray, *, top: int = 10) -> Hits:
        """Rank all passages by exact MaxSim.

        Args:
            query: (n, d) unit token vectors; a query without tokens has no hits.
            top: most hits.

        Returns:
            (passage id, score) of the best passages, best first.
        """
        return self.search_many([query], top=top)[0]

    def search_many(self, queries: Sequence[np.ndarray], *, top: int = 10) -> list[Hits]:
        """Search for many queries (n, d), with one pass over the index for each group."""
        results: list[Hits] = [[] for _ in queries]
        wanted = [number for number, query in enumerate(queries) if len(query) and len(self)]
        for begin in range(0, len(wanted), GROUP_QUERIES):
            group = wanted[begin : begin + GROUP_QUERIES]
            scores = self._scores([queries[number] for number in group])
            for number, row in zip(group, scores, strict=True):
                results[number] = top_passages(row, self.ids, top)
        return results

    def score(self, query: np.ndarray, positions: np.ndarray) -> Hits:
        """Rank the passages at some positions by exact MaxSim: (id, score), best first."""
        pieces = [self.vectors[self.offsets[p] : self.offsets[p + 1]] for p in positions]
        owners = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        (scores,) = maxsim_scores(
            [torch.from_numpy(np.asarray(query, np.float32))],
            torch.from_numpy(np.concatenate(pieces)).float(),
            torch.from_numpy(owners),
            len(pieces),
        )
        return top_passages(scores, [self.ids[position] for position in positions], len(pieces))

    def _scores(self, queries: Sequence[np.ndarray]) -> torch.Tensor:
        """MaxSim (Q, P) of every query with every passage."""
        vectors = [torch.from_numpy(np.asarray(query, np.float32)) for query in queries]
        blocks = []
        for tokens, owners, passages in self.blocks():
            blocks.append(maxsim_scores(vectors, tokens, owners, passages))
        return torch.cat(blocks, dim=1)

    def blocks(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        """Blocks of whole passages: tokens (T, d) fp32, owners (T,), number of passages."""
        first = 0
        while first < len(self):
            limit = self.offsets[first] + BLOCK_TOKENS
            last = max(first + 1, int(np.searchsorted(self.offsets, limit, "right")) - 1)
            last = min(last, len(self))
            begin, end = self.offsets[first], self.offsets[last]
            # torch widens fp16 many times faster than NumPy. It needs writable arrays, hence the
            # copy-on-write map.
            tokens = torch.from_numpy(self.vectors[begin:end]).float()
            lengths = torch.from_numpy(np.diff(self.offsets[first : last + 1]))
            owners = torch.repeat_interleave(torch.arange(last - first), lengths)
            yield tokens, owners, last - first
            first = last

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the encoder, the offsets and a sample of the vectors: derived files record it."""
        digest = hashlib.blake2b(self.encoder_hash.encode(), digest_size=8)
        digest.update(self.offsets.tobytes())
        sample = np.linspace(0, len(self.vectors) - 1, 256, dtype=np.int64)
        digest.update(self.vectors[sample].tobytes() if len(self.vectors) else b"")
        return digest.hexdigest()

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {identifier: position for position, identifier in enumerate(self.ids)}


def _check(folder: Path, noted: dict[str, str]) -> None:
    """Check the files against their checksums.

    Raises:
        ValueError: a file has changed.
    """
    try:
        check_files(folder, noted)
    except InputError as error:
        raise ValueError(str(error)) from error
