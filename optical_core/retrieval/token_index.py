"""TokenIndex: token vectors of passages on disk, memory-mapped.

    index.json       format, encoder name and hash, dimension, counts, collection, checksums
    vectors.f16      (T, d) fp16, one passage's tokens after another's
    offsets.i64      (P + 1,) where each passage's tokens begin
    ids.json         passage ids, in order
    texts.u64        (P,) hashes of the passages' texts; older indexes have none

`index_files` writes it. It records the hash of its encoder: queries of another encoder are in
another space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optical_core.checksums import check_files
from optical_core.data.lines import read_json
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.retrieval.vector_store import Segment
from optical_core.storage import check_path, tidy

FORMAT = 1
UPDATED = 2
"""Format of an index that has been updated; see `manifest`."""
FILES = ("vectors.f16", "offsets.i64", "ids.json")
HASHES = "texts.u64"
BLOCK_TOKENS = 8192
"""Tokens scored at a time: widened to fp32, they still fit into a core's cache."""
GROUP_QUERIES = 64
"""Queries that share a pass over the index: reading and widening it costs more than scoring."""


@dataclass(frozen=True)
class TokenIndex(Segment):
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
            if info["format"] == UPDATED:
                return cls.open(folder / "segments" / _only_segment(folder, info))
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

    @property
    def tokens(self) -> int:
        """Number of token vectors."""
        return len(self.vectors)

    @property
    def identifiers(self) -> Sequence[str]:
        return self.ids

    def check_encoder(self, encoder: TokenEncoder) -> None:
        """Check that this encoder built the index.

        Raises:
            InputError: another one did.
        """
        check_made_by(encoder, self.encoder, self.encoder_hash, self.folder)

    def passage_vectors(self, identifier: str) -> np.ndarray:
        """Vectors (tokens, d) of one passage, fp32."""
        return self.vectors_at(self._positions[identifier])

    def vectors_at(self, position: int) -> np.ndarray:
        """Vectors (tokens, d) of the passage at a position, fp32."""
        return np.asarray(
            self.vectors[self.offsets[position] : self.offsets[position + 1]], np.float32
        )

    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        """Rank by exact MaxSim, with one pass over the passages for each group of queries."""
        ids = self.ids if positions is None else [self.ids[position] for position in positions]
        results: list[Hits] = []
        for begin in range(0, len(queries), GROUP_QUERIES):
            scores = self._scores(queries[begin : begin + GROUP_QUERIES], positions)
            results += [top_passages(row, ids, top) for row in scores]
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

    def _scores(self, queries: Sequence[np.ndarray], positions: np.ndarray | None) -> torch.Tensor:
        """MaxSim (Q, P) of every query with every passage, or with those at `positions`."""
        vectors = [torch.from_numpy(np.asarray(query, np.float32)) for query in queries]
        # Reading a passage by itself costs more than reading on.
        few = positions is not None and 2 * len(positions) < len(self)
        blocks = []
        for tokens, owners, passages in self.blocks(positions if few else None):
            blocks.append(maxsim_scores(vectors, tokens, owners, passages))
        scores = torch.cat(blocks, dim=1)
        return scores if few or positions is None else scores[:, torch.from_numpy(positions)]

    def blocks(
        self, positions: np.ndarray | None = None
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
        """Blocks of whole passages: tokens (T, d) fp32, owners (T,), number of passages.

        Args:
            positions: of the passages, ascending; None for all.
        """
        begins, ends = self.offsets[:-1], self.offsets[1:]
        if positions is not None:
            begins, ends = begins[positions], ends[positions]
        lengths = ends - begins
        offsets = self.offsets if positions is None else np.concatenate([[0], np.cumsum(lengths)])
        vectors = np.asarray(self.vectors)  # slices of a memmap take ten times as long
        first = 0
        while first < len(lengths):
            limit = offsets[first] + BLOCK_TOKENS
            last = max(first + 1, int(np.searchsorted(offsets, limit, "right")) - 1)
            last = min(last, len(lengths))
            # torch widens fp16 many times faster than NumPy. It needs writable arrays, hence the
            # copy-on-write map.
            if positions is None:
                rows = vectors[begins[first] : ends[last - 1]]
            else:
                pieces = zip(begins[first:last], ends[first:last], strict=True)
                rows = np.concatenate([vectors[begin:end] for begin, end in pieces])
            owners = torch.repeat_interleave(
                torch.arange(last - first), torch.from_numpy(lengths[first:last])
            )
            yield torch.from_numpy(rows).float(), owners, last - first
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
    def text_hashes(self) -> list[str] | None:
        """`Passage.text_hash` of each passage; None if the index is older than these hashes."""
        path = self.folder / HASHES
        if not path.is_file():
            return None
        digits = path.read_bytes().hex()
        if len(digits) != 16 * len(self):
            raise InputError(f"{path} is damaged: it has not 8 bytes for each passage")
        return [digits[begin : begin + 16] for begin in range(0, len(digits), 16)]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {identifier: position for position, identifier in enumerate(self.ids)}


def _only_segment(folder: Path, info: dict[str, Any]) -> str:
    segments = [str(entry["name"]) for entry in info["segments"] if not entry["dead"]]
    if len(segments) != len(info["segments"]) or len(segments) != 1 or not segments[0].isalnum():
        raise InputError(
            f"the index in {folder} has been updated: `optical index update` adds to it, and "
            "`optical index compact` makes it one segment (in Python, LiveIndex opens it as it is)"
        )
    return segments[0]


def check_made_by(encoder: TokenEncoder, name: str, digest: str, folder: Path) -> None:
    """Check that an index's encoder, of this name and hash, is `encoder`.

    Raises:
        InputError: it is another one.
    """
    if encoder.hash != digest:
        raise InputError(
            f"the index in {folder} was built by the encoder {name} ({digest}), not by "
            f"{encoder.name} ({encoder.hash}); build one for it with `optical index`"
        )


def _check(folder: Path, noted: dict[str, str]) -> None:
    """Check the files against their checksums.

    Raises:
        ValueError: a file has changed.
    """
    try:
        check_files(folder, noted)
    except InputError as error:
        raise ValueError(str(error)) from error
