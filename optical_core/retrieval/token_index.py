"""TokenIndex: the passages' token vectors on disk, memory-mapped.

    index.json       format, encoder name and hash, dimension, counts, collection, checksums
    vectors.f16      (T, d) fp16, one passage's tokens after another's
    offsets.i64      (P + 1,) where each passage's tokens begin
    ids.json         passage ids, in order

`indexing` writes it. It carries the hash of the encoder that made it: another encoder's queries
would be scored in another space.
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
"""Tokens scored at a time: as many as stay in a core's cache, widened to fp32."""
GROUP_QUERIES = 64
"""Queries that share a pass over the index: reading and widening it costs more than scoring."""


@dataclass(frozen=True)
class TokenIndex(VectorStore):
    """An index folder, opened; the vectors stay on disk until they are scored."""

    folder: Path
    encoder: str
    encoder_hash: str
    dimension: int
    ids: tuple[str, ...]
    offsets: np.ndarray
    vectors: np.ndarray
    texts: str | None = None
    """Hash of the passages that were indexed, where it is known."""

    @classmethod
    def open(cls, folder: Path | str) -> TokenIndex:
        """Open an index; a missing, damaged or newer one is refused with a sentence."""
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
        """Raise InputError if another encoder built this index."""
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
        """The best passages by exact MaxSim over the whole index: (id, score), best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        return self.search_many([query], top=top)[0]

    def search_many(self, queries: Sequence[np.ndarray], *, top: int = 10) -> list[Hits]:
        """`search` for many queries, with one pass over the index for each group of them."""
        results: list[Hits] = [[] for _ in queries]
        wanted = [number for number, query in enumerate(queries) if len(query) and len(self)]
        for begin in range(0, len(wanted), GROUP_QUERIES):
            group = wanted[begin : begin + GROUP_QUERIES]
            scores = self._scores([queries[number] for number in group])
            for number, row in zip(group, scores, strict=True):
                results[number] = top_passages(row, self.ids, top)
        return results

    def score(self, query: np.ndarray, positions: np.ndarray) -> Hits:
        """Exact MaxSim with the passages at some positions: (id, score), best first."""
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
        """MaxSim of every query with every passage, (Q, P)."""
        vectors = [torch.from_numpy(np.asarray(query, np.float32)) for query in queries]
        blocks = []
        for tokens, owners, passages in self.blocks():
            blocks.append(maxsim_scores(vectors, tokens, owners, passages))
        return torch.cat(blocks, dim=1)

    def blocks(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        """Stretches of whole passages: tokens (T, d) fp32, owners (T,), number of passages."""
        first = 0
        while first < len(self):
            limit = self.offsets[first] + BLOCK_TOKENS
            last = max(first + 1, int(np.searchsorted(self.offsets, limit, "right")) - 1)
            last = min(last, len(self))
            begin, end = self.offsets[first], self.offsets[last]
            # torch widens fp16 many times faster than NumPy does; it takes writable arrays only,
            # hence the map that copies on write.
            tokens = torch.from_numpy(self.vectors[begin:end]).float()
            lengths = torch.from_numpy(np.diff(self.offsets[first : last + 1]))
            owners = torch.repeat_interleave(torch.arange(last - first), lengths)
            yield tokens, owners, last - first
            first = last

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the encoder, the offsets and a sample of the vectors: tells whether a file
        that was derived from the vectors is of these."""
        digest = hashlib.blake2b(self.encoder_hash.encode(), digest_size=8)
        digest.update(self.offsets.tobytes())
        sample = np.linspace(0, len(self.vectors) - 1, 256, dtype=np.int64)
        digest.update(self.vectors[sample].tobytes() if len(self.vectors) else b"")
        return digest.hexdigest()

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {identifier: position for position, identifier in enumerate(self.ids)}


def _check(folder: Path, noted: dict[str, str]) -> None:
    """Raise ValueError for a file that isn't as it was written."""
    try:
        check_files(folder, noted)
    except InputError as error:
        raise ValueError(str(error)) from error
