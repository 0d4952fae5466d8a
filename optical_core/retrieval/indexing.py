"""Write token indexes: in one pass, in bounded memory, put in place in one step."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from glob import escape
from pathlib import Path

import numpy as np

from optical_core.checksums import checksums
from optical_core.data.collection import Collection, Passage
from optical_core.data.records import environment
from optical_core.errors import InputError
from optical_core.models.precision import precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.token_index import FILES, FORMAT, TokenIndex
from optical_core.storage import exclusive, home, replace_folder

logger = logging.getLogger(__name__)


def build_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> TokenIndex:
    """Encode passages and write their index, whole or not at all.

    Passages without a scored token (empty texts) are kept without vectors, and counted.

    Args:
        folder: the index; an existing one is replaced.
        passages: may be streamed.
        encoder: the teacher.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded passages.

    Raises:
        InputError: an id comes twice, there are no passages, or the folder can't be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> teacher = load_pair("embedded").teacher
        >>> passages = [Passage("p1", "", "The sea is salty.")]
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), passages, teacher)
        ...     index.ids, index.passage_vectors("p1").shape == (5, teacher.dimension)
        (('p1',), True)
    """
    with exclusive(folder), replace_folder(folder) as temporary:
        _write(temporary, passages, encoder, [], [0], batch_size, progress, watch)
    return TokenIndex.open(folder)


def append_to_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
) -> TokenIndex:
    """Add passages to an index, which is replaced in one step.

    Raises:
        InputError: the index has one of the ids already, or another encoder's vectors.
    """
    # The lock begins before reading: if two processes append at once, both must get in.
    with exclusive(folder):
        index = TokenIndex.open(folder)
        index.check_encoder(encoder)
        ids, offsets = list(index.ids), index.offsets.tolist()
        with replace_folder(folder) as temporary:
            shutil.copyfile(folder / "vectors.f16", temporary / "vectors.f16")
            _write(temporary, passages, encoder, ids, offsets, batch_size, progress)
    return TokenIndex.open(folder)


def collection_indexes(collection: Collection) -> list[Path]:
    """The collection's folders under indexes/, one for each encoder that has indexed it."""
    hashes = "[0-9a-f]" * 16
    files = home("indexes", "x").parent.glob(f"{escape(collection.name)}-{hashes}/index.json")
    return [path.parent for path in files]


def has_index(collection: Collection) -> bool:
    """Has any encoder indexed the collection under indexes/?"""
    return bool(collection_indexes(collection))


def collection_index(
    collection: Collection,
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> TokenIndex:
    """The index of a collection under indexes/, built if this encoder has none yet.

    It is built again if the collection has changed, or the index is damaged or in an older format.
    If two processes want the same index, one builds it.

    Args:
        collection: its passages are indexed.
        encoder: the teacher.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded passages.

    Raises:
        InputError: the collection can't be read, or the index can't be written.
    """
    if index := existing_index(collection, encoder):
        return index
    folder = _folder(collection, encoder)
    with exclusive(folder):
        if index := _usable(folder, collection):
            return index
        with replace_folder(folder) as temporary:
            _write(temporary, collection.passages(), encoder, [], [0], batch_size, progress, watch)
    return TokenIndex.open(folder)


def existing_index(collection: Collection, encoder: TokenEncoder) -> TokenIndex | None:
    """This encoder's index of the present collection under indexes/; None without one."""
    return _usable(_folder(collection, encoder), collection)


def _folder(collection: Collection, encoder: TokenEncoder) -> Path:
    return home("indexes", f"{collection.name}-{encoder.hash}")


def _usable(folder: Path, collection: Collection) -> TokenIndex | None:
    """The index in a folder, if it is whole and has the collection's present passages."""
    if not (folder / "index.json").is_file():
        return None
    try:
        index = TokenIndex.open(folder)
    except InputError as error:
        logger.warning("%s; it is not used", error)
        return None
    ids, digest = [], hashlib.blake2b(digest_size=8)
    for passage in collection.passages():
        ids.append(passage.id)
        _add_text(digest, passage)
    if list(index.ids) == ids and index.texts in (None, digest.hexdigest()):
        return index
    logger.warning("the collection %s has changed: its old index is not used", collection.name)
    return None


def _write(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    ids: list[str],
    offsets: list[int],
    batch_size: int,
    progress: bool,
    watch: Callable[[int], None] | None = None,
) -> None:
    seen = set(ids)
    empty = 0
    digest = None if ids else hashlib.blake2b(digest_size=8)

    def texts() -> Iterator[str]:
        for passage in passages:
            if passage.id in seen:
                raise InputError(f"the passage id {passage.id!r} comes twice")
            seen.add(passage.id)
            ids.append(passage.id)
            if digest:
                _add_text(digest, passage)
            yield passage.full_text

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
    np.asarray(offsets, np.int64).tofile(folder / "offsets.i64")
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    info = {
        "format": FORMAT,
        "encoder": encoder.name,
        "encoder_hash": encoder.hash,
        "dimension": encoder.dimension,
        "passages": len(ids),
        "tokens": offsets[-1],
        "texts": digest.hexdigest() if digest else None,
        "files": checksums(folder, FILES),
        "precision": precision(encoder.model.device),
        "environment": environment(),
    }
    (folder / "index.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _add_text(digest: hashlib.blake2b, passage: Passage) -> None:
    """Add a passage to the hash of an index's texts: changed passages need a new index."""
    digest.update(passage.full_text.encode() + b"\0")
