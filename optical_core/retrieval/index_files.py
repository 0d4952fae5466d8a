"""Write the files of a token index, in one pass and in bounded memory."""

from __future__ import annotations

import hashlib
import json
import logging
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from optical_core.checksums import checksums
from optical_core.data.corpus import Passage
from optical_core.data.lines import read_json
from optical_core.data.records import environment
from optical_core.errors import InputError
from optical_core.models.precision import precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.codec import Codec
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.formats import ALL_FILES, COMPRESSED, FORMAT, HASHES, INDEX_FILE
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.packed_vectors import PackedVectors
from optical_core.retrieval.recall import measured_recall
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_files import VectorWriter, open_vectors
from optical_core.retrieval.windows import WHOLE, Cuts, Windows
from optical_core.wording import counted

logger = logging.getLogger(__name__)

_IDS_OF_A_LINE = 1000


class _Texts:
    """The texts to encode, and what an index has beside their vectors.

    Attributes:
        ids: of the passages, one for each window.
        hashes: of the windows' texts; None if those of `kept` are unknown.
        digest: of all texts; None if there were passages before.
        cuts: the passages that the encoder doesn't read whole.
    """

    def __init__(
        self,
        passages: Iterable[Passage],
        encoder: TokenEncoder,
        windows: Windows,
        kept: TokenIndex | None,
    ) -> None:
        self._passages, self._encoder, self._windows = passages, encoder, windows
        known = kept.text_hashes if kept else []
        self.ids: list[str] = list(kept.ids) if kept else []
        self.hashes = None if known is None else bytearray.fromhex("".join(known))
        self.digest = None if kept else hashlib.blake2b(digest_size=8)
        self.cuts = Cuts(encoder)

    def __iter__(self) -> Iterator[str]:
        """Read the passages.

        Raises:
            InputError: an id comes twice.
        """
        seen = set(self.ids)
        for passage in self._passages:
            if passage.id in seen:
                raise InputError(f"the passage id {passage.id!r} comes twice")
            seen.add(passage.id)
            if self.digest:
                add_text(self.digest, passage)
            if self._windows.plain:
                self.cuts.add(passage.full_text)
            for text in self._windows.texts(self._encoder, passage):
                self.ids.append(passage.id)
                if self.hashes is not None:
                    self.hashes.extend(bytes.fromhex(passage.text_hash))
                yield text


def encode_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    kept: TokenIndex | None = None,
    compression: Compression = UNCOMPRESSED,
    codec: Codec | None = None,
    windows: Windows = WHOLE,
    count: int = 0,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Encode passages into the files of an index.

    Args:
        folder: of the index; is there.
        passages: may be streamed.
        encoder: the teacher.
        kept: an index whose passages come first, in its compression and windows.
        compression: the form of the vectors, without `kept`.
        codec: to compress them with; None to train one.
        windows: how passages are cut, without `kept`; each window is a row with its passage's id.
        count: number of passages, if it is known: a large index then gets the centroids that it
            needs.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded windows.

    Raises:
        InputError: an id comes twice, there are no passages, or the windows are too long.
    """
    if kept:
        compression, codec, windows = kept.compression, codec_of(kept), kept.windows
    windows.check(encoder)
    texts = _Texts(passages, encoder, windows, kept)
    offsets = array("q", kept.offsets.tolist() if kept else [0])
    empty = 0
    # With a watcher, report before a thousand passages are done.
    chunk = 2 * batch_size if watch else 1024
    stream = encoder.encode(
        iter(texts), "passage", batch_size=batch_size, chunk=chunk, progress=progress
    )
    with VectorWriter(folder, compression, encoder.dimension, codec, passages=count) as writer:
        if kept:
            writer.copy(kept.vectors, 0, len(kept.vectors), kept.standing)
        for vectors in stream:
            empty += not len(vectors)
            offsets.append(offsets[-1] + writer.add(vectors))
            if watch:
                watch(len(offsets) - 1)
        if not texts.ids:
            raise InputError("there are no passages to index")
        writer.finish()
        share = _kept(folder, writer, offsets, compression)
    if sentence := texts.cuts.sentence():
        logger.warning("%s", sentence)
    if empty:
        logger.warning("%s no text to index", counted(empty, "passage has", "passages have"))
    if texts.hashes is not None:
        (folder / HASHES).write_bytes(texts.hashes)
    facts = {
        "encoder": encoder.name,
        "encoder_hash": encoder.hash,
        "dimension": encoder.dimension,
        "texts": texts.digest.hexdigest() if texts.digest else None,
        "precision": precision(encoder.model.device),
    }
    write_facts(folder, facts | form_facts(compression, share, windows), texts.ids, offsets)


def rewrite_index(folder: Path, source: LiveIndex, compression: Compression) -> None:
    """Write the files of an index that has a source's passages in another form.

    Raises:
        InputError: the source is compressed, or empty.
    """
    if not source.compression.plain:
        raise InputError(f"the index in {source.folder} is compressed already: build it anew")
    ids, offsets = [], array("q", [0])
    if not len(source):
        raise InputError(f"the index in {source.folder} has no passages")
    opened = source.snapshot()
    (first, *_) = opened.indexes
    with VectorWriter(folder, compression, first.dimension, passages=source.rows) as writer:
        for name, index, position in opened.rows():
            vectors = index.vectors_at(position)
            ids.append(name)
            offsets.append(offsets[-1] + writer.add(vectors))
        writer.finish()
        share = _kept(folder, writer, offsets, compression)
    hashes = source.text_hashes()
    if hashes is not None:
        (folder / HASHES).write_bytes(bytes.fromhex("".join(hashes[name] for name in ids)))
    info = read_json(first.folder / INDEX_FILE)
    kept = {key: info[key] for key in ("encoder", "encoder_hash", "dimension", "precision")}
    form = form_facts(compression, share, source.windows)
    write_facts(folder, kept | {"texts": None} | form, ids, offsets)


def form_facts(
    compression: Compression, kept: float | None = None, windows: Windows = WHOLE
) -> dict[str, Any]:
    """What index.json says of the form of an index; nothing if its vectors are plain.

    Args:
        compression: the form of the vectors.
        kept: share of the exact top ten of the vectors as they came that it keeps, if known.
        windows: how passages are cut.
    """
    facts: dict[str, Any] = {} if windows.plain else {"windows": windows.to_dict()}
    if not compression.plain:
        facts |= {"format": COMPRESSED, "compression": compression.to_dict(), "kept": kept}
    return facts


def codec_of(index: TokenIndex) -> Codec | None:
    """The codec of an index's vectors, if they have one."""
    return index.vectors.codec if isinstance(index.vectors, PackedVectors) else None


def _kept(
    folder: Path, writer: VectorWriter, offsets: Sequence[int], compression: Compression
) -> float | None:
    """Share of the exact top ten that a form keeps, among the first passages; None if unknown."""
    vectors, whole = writer.originals()
    if not len(vectors):
        return None
    ids = tuple(map(str, range(len(whole) - 1)))
    stored = np.asarray(offsets[: len(whole)], np.int64)
    dimension = vectors.shape[1]
    opened = open_vectors(folder, (offsets[-1], dimension), compression)
    exact = TokenIndex(folder, "", "", dimension, ids, whole, vectors)
    return round(measured_recall(exact, replace(exact, offsets=stored, vectors=opened)), 4)


def write_facts(
    folder: Path, facts: Mapping[str, Any], ids: Sequence[str], offsets: Sequence[int] | np.ndarray
) -> None:
    """Write what an index has beside its vectors; index.json last, with the checksums."""
    np.asarray(offsets, np.int64).tofile(folder / "offsets.i64")
    (folder / "ids.json").write_text(_array(ids), encoding="utf-8")
    files = [name for name in ALL_FILES if (folder / name).is_file()]
    info = {
        "format": FORMAT,
        **facts,
        "passages": len(ids),
        "tokens": int(offsets[-1]),
        "files": checksums(folder, files),
        "environment": environment(),
    }
    (folder / INDEX_FILE).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _array(ids: Sequence[str]) -> str:
    """A JSON array of ids in lines of a thousand: the ids of a large index are too long for one.

    Examples:
        >>> _array(["a", "é"]), _array([])
        ('["a", "é"]', '[]')
    """
    parts = (ids[at : at + _IDS_OF_A_LINE] for at in range(0, len(ids), _IDS_OF_A_LINE))
    return "[" + ",\n".join(json.dumps(part, ensure_ascii=False)[1:-1] for part in parts) + "]"


def add_text(digest: hashlib.blake2b, passage: Passage) -> None:
    """Add a passage to the hash of an index's texts: changed passages need a new index."""
    digest.update(passage.full_text.encode() + b"\0")
