"""TokenIndex: token vectors of passages on disk, memory-mapped.

    index.json       format, encoder name and hash, dimension, counts, collection, checksums
    vectors.f16      (T, d) fp16, one passage's tokens after another's; or as of `vector_files`
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

import numpy as np
import torch

from optical_core.checksums import check_files
from optical_core.data.lines import read_json
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.paths import check_path
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.formats import (
    COMPRESSED,
    FORMAT,
    HASHES,
    INDEX_FILE,
    UPDATED,
    check_made_by,
    only_segment,
)
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.vector_files import STANDING, open_vectors, rows_of
from optical_core.retrieval.vector_store import Segment
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.storage import tidy

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
        vectors: (T, d), one passage's tokens after another's: fp16, or packed by a codec.
        texts: hash of the passages that were indexed; None if it isn't known.
        compression: the form of the vectors.
        kept: share of the exact top ten that this form keeps, measured when the index was built on
            queries made from passages; None if it is plain, or made by an update.
        windows: how passages are cut. Each window has a row with its passage's id, which
            `LiveIndex` ranks once.
        precision: in which the passages were encoded, `fp32` or `bf16`; empty if it isn't known.

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
    vectors: np.ndarray | PackedVectors
    texts: str | None = None
    compression: Compression = UNCOMPRESSED
    kept: float | None = None
    windows: Windows = WHOLE
    precision: str = ""

    @classmethod
    def open(cls, folder: Path | str) -> TokenIndex:
        """Open an index.

        Raises:
            InputError: the index is missing, damaged or in another format.
        """
        folder = Path(folder)
        check_path(folder)
        tidy(folder.parent)
        if not (folder / INDEX_FILE).is_file():
            raise InputError(f"no index in {folder}; build one with `optical index`")
        info = read_json(folder / INDEX_FILE)
        try:
            if info["format"] == UPDATED:
                return cls.open(folder / "segments" / only_segment(folder, info))
            if info["format"] not in (FORMAT, COMPRESSED):
                raise InputError(
                    f"{folder} has index format {info['format']}, this version reads {FORMAT} to "
                    f"{COMPRESSED}; build it again with `optical index`"
                )
            _check(folder, dict(info.get("files") or {}))
            names = str(info["encoder"]), str(info["encoder_hash"])
            ids = tuple(map(str, read_json(folder / "ids.json")))
            offsets = np.fromfile(folder / "offsets.i64", np.int64)
            shape = (int(info["tokens"]), int(info["dimension"]))
            if len(offsets) != len(ids) + 1:
                raise ValueError("its files do not fit together")
            if offsets[0] or offsets[-1] != shape[0] or (np.diff(offsets) < 0).any():
                raise ValueError("its passages do not follow one another")
            compression = Compression.from_dict(info.get("compression"))
            vectors = open_vectors(folder, shape, compression)
            windows = Windows.from_dict(info.get("windows"))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the index in {folder} is damaged ({error}); build it again with `optical index`"
            ) from error
        return cls(
            folder,
            *names,
            shape[1],
            ids,
            offsets,
            vectors,
            texts=info.get("texts"),
            compression=compression,
            kept=info.get("kept"),
            windows=windows,
            precision=str(info.get("precision") or ""),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def rows(self) -> int:
        """Number of windows; of passages, if they are indexed whole."""
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

    def passage_tokens(self, identifier: str) -> np.ndarray | None:
        return self.tokens_at(self._positions[identifier])

    def tokens_at(self, position: int) -> np.ndarray | None:
        """Numbers of the tokens that stand for a passage's vectors; None if all have their own."""
        if self.standing is None:
            return None
        return self.standing[self.offsets[position] : self.offsets[position + 1]]

    @cached_property
    def standing(self) -> np.ndarray | None:
        """Numbers (T,) of the tokens that stand for the vectors; None if all have their own."""
        if self.compression.pool == 1:
            return None
        path = self.folder / STANDING
        numbers = np.fromfile(path, np.uint16)
        if len(numbers) != len(self.vectors):
            raise InputError(f"{path} is damaged: it has not 2 bytes for each vector")
        return numbers

    def ranked(
        self, queries: Sequence[np.ndarray], top: int, positions: np.ndarray | None
    ) -> list[Hits]:
        """Rank by exact MaxSim, with one pass over the passages for each group of queries."""
        ids = self.ids if positions is None else [self.ids[position] for position in positions]
        results: list[Hits] = []
        for begin in range(0, len(queries), GROUP_QUERIES):
            scores = self.scores(queries[begin : begin + GROUP_QUERIES], positions)
            results += [top_passages(row, ids, top) for row in scores]
        return results

    def score(self, query: np.ndarray, positions: np.ndarray) -> Hits:
        """Rank the passages at some positions by exact MaxSim: (id, score), best first."""
        begins, ends = self.offsets[positions], self.offsets[positions + 1]
        owners = np.repeat(np.arange(len(positions)), ends - begins)
        (scores,) = maxsim_scores(
            [torch.from_numpy(np.asarray(query, np.float32))],
            torch.from_numpy(rows_of(self.vectors, begins, ends)).float(),
            torch.from_numpy(owners),
            len(positions),
        )
        return top_passages(scores, [self.ids[place] for place in positions], len(positions))

    def scores(self, queries: Sequence[np.ndarray], positions: np.ndarray | None) -> torch.Tensor:
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
        first = 0
        while first < len(lengths):
            limit = offsets[first] + BLOCK_TOKENS
            last = max(first + 1, int(np.searchsorted(offsets, limit, "right")) - 1)
            last = min(last, len(lengths))
            # torch widens fp16 many times faster than NumPy. It needs writable arrays, hence the
            # copy-on-write map.
            if positions is None:
                rows = np.asarray(self.vectors[begins[first] : ends[last - 1]])
            else:
                rows = rows_of(self.vectors, begins[first:last], ends[first:last])
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
        if len(self.vectors):
            vectors = self.vectors
            read = vectors.records if isinstance(vectors, PackedVectors) else vectors.__getitem__
            digest.update(read(sample).tobytes())
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


def _check(folder: Path, noted: dict[str, str]) -> None:
    """Check the files against their checksums.

    Raises:
        ValueError: a file has changed.
    """
    try:
        check_files(folder, noted)
    except InputError as error:
        raise ValueError(str(error)) from error
