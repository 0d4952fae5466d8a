"""The files of an index's vectors, plain or compressed: written in bounded memory, and opened.

    vectors.f16       (T, d) fp16, one passage's tokens after another's; or
    vectors.packed    the same in a codec's form, with codec.safetensors
    tokens.u16        (T,) numbers of the tokens that stand for pooled vectors, if they are pooled

A codec is trained on the first million vectors or two, which wait in a file; then these and all
others are encoded. The first passages also tell how much of the exact top ten the form keeps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from optical_core.retrieval.centroids import sample_for
from optical_core.retrieval.codec import BITS, Codec
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.int8_kernel import TOKENS
from optical_core.retrieval.packed_vectors import FILE as PACKED
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.residual_kernel import to_blocks

PLAIN, STANDING = "vectors.f16", "tokens.u16"
WAITING = 1 << 20
"""Fewest vectors that wait for a codec, if so many come."""
_WAITING, _ORIGINAL = "waiting.f16", "original.f16"
_ENCODED = 16 * 1024
"""Vectors that are encoded at a time."""


class VectorWriter:
    """Writes a folder's vectors. It is to be closed, which `with` does.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with VectorWriter(Path(folder), Compression(), 4) as writer:
        ...         stored = writer.add(np.eye(4, dtype=np.float32)[:3])
        ...     stored, Path(folder, PLAIN).stat().st_size
        (3, 24)
    """

    def __init__(
        self,
        folder: Path,
        compression: Compression,
        dimension: int,
        codec: Codec | None = None,
        *,
        passages: int = 0,
    ) -> None:
        """Begin to write.

        Args:
            folder: is there.
            compression: the form to write.
            dimension: d, of the vectors.
            codec: to encode with, if there is one already.
            passages: number of passages that will come, if it is known: the more vectors they
                have, the more centroids.
        """
        self._folder, self._compression, self._dimension = folder, compression, dimension
        self._passages = passages
        self._codec, self._packs = codec, compression.bits in BITS
        self._parts: list[np.ndarray] = []
        self._gathered = 0
        self._records: np.ndarray | None = None
        self._file = (folder / (PACKED if self._packs else PLAIN)).open("wb")
        self._standing = (folder / STANDING).open("wb") if compression.pool > 1 else None
        self._lengths: list[int] = []
        self._came = self._waited = self._added = 0
        self._waiting = self._original = None
        if codec is None and not compression.plain:
            self._original = (folder / _ORIGINAL).open("wb")
            self._waiting = (folder / _WAITING).open("wb") if self._packs else None
        if codec is not None:
            codec.save(folder)

    def __enter__(self) -> VectorWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            for file in (self._file, self._standing, self._waiting, self._original):
                if file:
                    file.close()
            for name in (_WAITING, _ORIGINAL):
                (self._folder / name).unlink(missing_ok=True)

    def finish(self) -> None:
        """Write what has been gathered; nothing may be added then."""
        self._drain()
        self._encode()
        self._write(whole=True)
        self._records = None
        self._file.flush()

    def originals(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (T, d) fp16 of the first passages, as they came, and their offsets (P + 1,).

        They are there between `finish` and the end. A codec that was given leaves none.
        """
        offsets = np.concatenate([[0], np.cumsum(self._lengths, dtype=np.int64)])
        shape = (int(offsets[-1]), self._dimension)
        if self._original is None or not shape[0]:
            return np.zeros((0, self._dimension), np.float16), offsets[:1]
        self._original.flush()
        return np.memmap(self._folder / _ORIGINAL, np.float16, "c", shape=shape), offsets

    def add(self, vectors: np.ndarray) -> int:
        """Write a passage's vectors (m, d) fp32; returns the number that is stored."""
        kept, tokens = self._compression.pooled(vectors)
        self._added += 1
        if self._original and self._came < WAITING:
            self._original.write(vectors.astype(np.float16).tobytes())
            self._lengths.append(len(vectors))
            self._came += len(vectors)
        if self._standing:
            self._standing.write(tokens.astype(np.uint16).tobytes())
        if not self._packs:
            self._file.write(kept.astype(np.float16).tobytes())
        elif self._waiting:
            self._waiting.write(kept.astype(np.float16).tobytes())
            self._waited += len(kept)
            if self._waited >= WAITING and self._waited >= sample_for(self._total()):
                self._drain()
        else:
            self._gather(kept)
        return len(kept)

    def copy(
        self, vectors: np.ndarray | PackedVectors, begin: int, end: int, tokens: np.ndarray | None
    ) -> None:
        """Write vectors that another index has stored, from `begin` to before `end`.

        Args:
            vectors: of an index of the same compression.
            begin: the first one.
            end: the one after the last.
            tokens: that stand for its vectors, if they are pooled.
        """
        if self._standing and tokens is not None:
            self._standing.write(tokens[begin:end].tobytes())
        if not isinstance(vectors, PackedVectors):
            vectors[begin:end].tofile(self._file)
            return
        for at in range(begin, end, _ENCODED):
            rows = slice(at, min(end, at + _ENCODED))
            if self._codec is not None and self._codec.equals(vectors.codec):
                self._encode()
                self._keep(vectors.records(rows))
            else:
                self._gather(vectors[rows])

    def _gather(self, vectors: np.ndarray) -> None:
        self._parts.append(vectors)
        self._gathered += len(vectors)
        if self._gathered >= _ENCODED:
            self._encode()

    def _encode(self) -> None:
        if self._parts and self._codec is not None:
            vectors = np.concatenate(self._parts)
            self._parts, self._gathered = [], 0
            self._keep(self._codec.encode(torch.from_numpy(vectors)))

    def _keep(self, records: np.ndarray) -> None:
        rest = [] if self._records is None else [self._records]
        self._records = np.concatenate([*rest, records])
        self._write(whole=False)

    def _write(self, *, whole: bool) -> None:
        """Write the gathered records as far as they fill blocks; `whole`: all of them."""
        if self._records is None:
            return
        split = len(self._records) if whole else len(self._records) // TOKENS * TOKENS
        blocks = to_blocks(self._records[:split], self._compression.bits)
        self._file.write(blocks.tobytes())
        self._records = self._records[split:].copy()

    def _total(self) -> int:
        """How many vectors there will be, by those that have come so far."""
        if self._passages:
            return self._waited * max(self._passages, self._added) // max(1, self._added)
        # Without a number, as many again are expected as have come, three times over.
        return 4 * self._waited if self._waited >= WAITING else 0

    def _drain(self) -> None:
        """Train the codec on the vectors that wait, and encode them."""
        if self._waiting is None:
            return
        self._waiting.flush()
        shape = (self._waited, self._dimension)
        path = self._folder / _WAITING
        rows = (
            np.memmap(path, np.float16, "r", shape=shape)
            if self._waited
            else np.zeros(shape, np.float16)
        )
        # Drawn, not taken in their order: FAISS trains on what comes, too.
        order = np.random.default_rng(0).permutation(len(rows))
        order = order[: sample_for(max(self._total(), len(rows)))]
        self._codec = Codec.train(
            torch.from_numpy(rows[order]),
            bits=self._compression.bits,
            directions=self._compression.dims,
            total=self._total(),
        )
        self._codec.save(self._folder)
        self._waiting.close()
        self._waiting = None
        for begin in range(0, len(rows), _ENCODED):
            self._gather(rows[begin : begin + _ENCODED].astype(np.float32))


def open_vectors(
    folder: Path, shape: tuple[int, int], compression: Compression
) -> np.ndarray | PackedVectors:
    """Open the vectors in a folder.

    Args:
        folder: of the index.
        shape: (T, d).
        compression: their form.

    Raises:
        InputError: the codec is damaged.
        ValueError: the files have other vectors.
    """
    if compression.bits in BITS:
        return PackedVectors.open(folder, *shape)
    size = (folder / PLAIN).stat().st_size
    if size != 2 * shape[0] * shape[1] or shape[1] < 1:
        raise ValueError("its files do not fit together")
    if not size:
        return np.zeros(shape, np.float16)
    return np.memmap(folder / PLAIN, np.float16, "c", shape=shape)


def rows_of(
    vectors: np.ndarray | PackedVectors, begins: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """The rows from begins[i] to before ends[i] of all i, one after another."""
    if isinstance(vectors, PackedVectors):
        lengths = ends - begins
        starts = np.cumsum(lengths) - lengths
        return vectors[np.arange(lengths.sum()) + np.repeat(begins - starts, lengths)]
    whole = np.asarray(vectors)  # slices of a memmap take ten times as long
    pieces = zip(begins, ends, strict=True)
    return np.concatenate([whole[begin:end] for begin, end in pieces])
