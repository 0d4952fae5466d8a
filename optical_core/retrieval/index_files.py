"""Write the files of a token index, in one pass and in bounded memory."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optical_core.checksums import checksums
from optical_core.data.corpus import Passage
from optical_core.data.records import environment
from optical_core.errors import InputError
from optical_core.models.precision import precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.token_index import FILES, FORMAT, HASHES

logger = logging.getLogger(__name__)


def encode_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    ids: list[str] | None = None,
    offsets: list[int] | None = None,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Encode passages into the files of an index.

    Args:
        folder: of the index. With `ids`, it has vectors (and perhaps text hashes) that are added
            to.
        passages: may be streamed.
        encoder: the teacher.
        ids: of the passages that are there; the new ones are added.
        offsets: of the passages that are there; likewise.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded passages.

    Raises:
        InputError: an id comes twice, or there are no passages.
    """
    ids, offsets = ids or [], offsets or [0]
    seen = set(ids)
    empty = 0
    digest = None if ids else hashlib.blake2b(digest_size=8)
    hashes = bytearray()

    def texts() -> Iterator[str]:
        for passage in passages:
            if passage.id in seen:
                raise InputError(f"the passage id {passage.id!r} comes twice")
            seen.add(passage.id)
            ids.append(passage.id)
            hashes.extend(bytes.fromhex(passage.text_hash))
            if digest:
                add_text(digest, passage)
            yield passage.full_text

    hashed = not ids or (folder / HASHES).is_file()
    # With a watcher, report before a thousand passages are done.
    chunk = 2 * batch_size if watch else 1024
    stream = encoder.encode(
        texts(), "passage", batch_size=batch_size, chunk=chunk, progress=progress
    )
    with (folder / "vectors.f16").open("ab") as file:
        for vectors in stream:
            empty += not len(vectors)
            file.write(vectors.astype(np.float16).tobytes())
            offsets.append(offsets[-1] + len(vectors))
            if watch:
                watch(len(offsets) - 1)
    if not ids:
        raise InputError("there are no passages to index")
    if empty:
        logger.warning("%d passages have no text to index", empty)
    if hashed:
        with (folder / HASHES).open("ab") as file:
            file.write(hashes)
    facts = {
        "encoder": encoder.name,
        "encoder_hash": encoder.hash,
        "dimension": encoder.dimension,
        "texts": digest.hexdigest() if digest else None,
        "precision": precision(encoder.model.device),
    }
    write_facts(folder, facts, ids, offsets)


def write_facts(
    folder: Path, facts: Mapping[str, Any], ids: Sequence[str], offsets: Sequence[int] | np.ndarray
) -> None:
    """Write what an index has beside its vectors; index.json last, with the checksums."""
    np.asarray(offsets, np.int64).tofile(folder / "offsets.i64")
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    files = (*FILES, HASHES) if (folder / HASHES).is_file() else FILES
    info = {
        "format": FORMAT,
        **facts,
        "passages": len(ids),
        "tokens": int(offsets[-1]),
        "files": checksums(folder, files),
        "environment": environment(),
    }
    (folder / "index.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def add_text(digest: hashlib.blake2b, passage: Passage) -> None:
    """Add a passage to the hash of an index's texts: changed passages need a new index."""
    digest.update(passage.full_text.encode() + b"\0")
