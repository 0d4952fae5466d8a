"""Write token indexes: in one pass, in bounded memory, put in place in one step."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Set
from glob import escape
from pathlib import Path
from typing import Any, NamedTuple

from optical_core.data.changes import corpus_stamp
from optical_core.data.collection import Collection, Passage
from optical_core.errors import InputError
from optical_core.models.precision import VARIABLE, asked_precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.codec import BITS, Codec
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.formats import INDEX_FILE
from optical_core.retrieval.in_step import note, since
from optical_core.retrieval.index_files import add_text, encode_index, rewrite_index
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.updating import delete_from_index, set_aggregate, update_index
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.storage import exclusive, home, replace_folder

logger = logging.getLogger(__name__)


def build_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    compression: Compression = UNCOMPRESSED,
    codec: Codec | None = None,
    windows: Windows = WHOLE,
    count: int = 0,
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
        compression: the form of the vectors.
        codec: to compress them with; None to train one.
        windows: how passages are cut; `LiveIndex` then ranks whole passages.
        count: number of passages, if it is known: a large compressed index then gets the centroids
            that it needs.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded windows.

    Raises:
        InputError: an id comes twice, there are no passages, the windows are too long for the
            encoder, or the folder can't be written.

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
    with exclusive(folder), replace_folder(folder, [INDEX_FILE]) as temporary:
        encode_index(
            temporary,
            passages,
            encoder,
            compression=compression,
            codec=codec,
            windows=windows,
            count=count,
            batch_size=batch_size,
            progress=progress,
            watch=watch,
        )
    return TokenIndex.open(folder)


def compress_index(folder: Path, source: LiveIndex, compression: Compression) -> TokenIndex:
    """Write an index of the same passages in a smaller form, whole or not at all.

    Args:
        folder: of the new index; it may be the source's, which is then replaced.
        source: its vectors aren't compressed.
        compression: the form of the vectors.

    Raises:
        InputError: the source is compressed or empty, or the folder can't be written.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from optical_core import load_pair
        >>> teacher = load_pair("embedded").teacher
        >>> passages = [Passage(f"p{n}", "", f"The sea has {n} ships.") for n in range(9)]
        >>> with TemporaryDirectory() as folder:
        ...     index = build_index(Path(folder, "index"), passages, teacher)
        ...     small = compress_index(index.folder, LiveIndex(index.folder), Compression(bits=4))
        ...     small.compression.bits, len(small)
        (4, 9)
    """
    with exclusive(folder), replace_folder(folder, [INDEX_FILE]) as temporary:
        rewrite_index(temporary, source, compression)
    return TokenIndex.open(folder)


def append_to_index(
    folder: Path,
    passages: Iterable[Passage],
    encoder: TokenEncoder,
    *,
    batch_size: int = 32,
    progress: bool = False,
) -> TokenIndex:
    """Add passages to an index, which is replaced in one step; see also `updating.update_index`.

    Raises:
        InputError: the index has one of the ids already, has another encoder's vectors, or has been
            updated.
    """
    # The lock begins before reading: if two processes append at once, both must get in.
    with exclusive(folder):
        index = TokenIndex.open(folder)
        index.check_encoder(encoder)
        with replace_folder(folder, [INDEX_FILE]) as temporary:
            encode_index(
                temporary,
                passages,
                encoder,
                kept=index,
                batch_size=batch_size,
                progress=progress,
            )
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
    compression: Compression | None = None,
    windows: Windows | None = None,
    batch_size: int = 32,
    progress: bool = False,
    watch: Callable[[int], None] | None = None,
) -> LiveIndex:
    """The index of a collection under indexes/, built if this encoder has none yet.

    If the collection has changed, what is new in it is encoded, and what is gone is deleted. The
    index is built again if it is damaged or in an older format. If two processes want the same
    index, one builds it.

    Args:
        collection: its passages are indexed.
        encoder: the teacher.
        compression: the form of its vectors; an index in another form is written anew. None: the
            form that it has.
        windows: how passages are cut; an index with other windows is built again. None: as it has
            them, or whole.
        batch_size: passages encoded together.
        progress: show a progress bar?
        watch: called with the number of encoded windows.

    Raises:
        InputError: the collection can't be read, or the index can't be written.
    """
    index = existing_index(collection, encoder)
    if index and compression in (None, index.compression) and windows in (None, index.windows):
        return index
    folder = _folder(collection, encoder)
    options: dict[str, Any] = {"batch_size": batch_size, "progress": progress, "watch": watch}
    with exclusive(folder / "following"):
        index = _opened(folder)
        found = _difference(index, collection) if index else None
        if index and windows and not windows.same_cut(index.windows):
            found = None
        elif index and windows and windows != index.windows:
            set_aggregate(folder, windows.aggregate)
            index = LiveIndex(folder)
        if index and compression not in (None, index.compression):
            if index.compression.plain and found == Difference(set(), set()):
                compress_index(folder, index, compression)
                return LiveIndex(folder)
            found = None
        if index is None or found is None:
            options["compression"] = compression or (index.compression if index else UNCOMPRESSED)
            options["windows"] = windows or (index.windows if index else WHOLE)
            if options["compression"].bits in BITS:
                options["count"] = sum(1 for _ in collection.passages())
            build_index(folder, collection.passages(), encoder, **options)
        elif found.missing:
            wanted = (p for p in collection.passages() if p.id in found.missing)
            update_index(folder, wanted, encoder, removed=found.gone, **options)
        elif found.gone:
            delete_from_index(folder, found.gone)
    return LiveIndex(folder)


def existing_index(collection: Collection, encoder: TokenEncoder) -> LiveIndex | None:
    """This encoder's index of the present collection under indexes/; None without one."""
    index = _opened(_folder(collection, encoder))
    if index is None:
        return None
    stamp = corpus_stamp(collection.folder)
    found = _difference(index, collection)
    if found and not found.missing and not found.gone:
        note(index.folder, stamp, index.stamp)
        _check_precision(index)
        return index
    logger.warning("the collection %s has changed since it was indexed", collection.name)
    return None


def _check_precision(index: LiveIndex) -> None:
    """Warn if passages were encoded in another precision than is asked for."""
    asked = asked_precision()
    if asked and index.precision and index.precision != asked:
        logger.warning(
            "the passages in %s were encoded in %s, and %s=%s doesn't change that; remove the "
            "folder to have them encoded anew",
            index.folder,
            index.precision,
            VARIABLE,
            asked,
        )


class Difference(NamedTuple):
    """What an index lacks of a collection: ids to encode, and ids to delete."""

    missing: Set[str]
    gone: Set[str]


def _difference(index: LiveIndex, collection: Collection) -> Difference | None:
    """How an index differs from a collection; None if all that is known is that it differs."""
    put, deleted = since(index.folder, collection.folder)
    if put is not None:
        hashes = index.text_hashes(put.keys() | deleted) or {}
        changed = {name for name, passage in put.items() if hashes.get(name) != passage.text_hash}
        return Difference(changed, index.present(deleted))
    present: dict[str, str] = {}
    digest = hashlib.blake2b(digest_size=8)
    for passage in collection.passages():
        present[passage.id] = passage.text_hash
        add_text(digest, passage)
    known = index.text_hashes()
    if known is None:  # an older index
        (first, *rest) = index.snapshot().indexes
        same = not rest and first.ids == tuple(present)
        unchanged = same and first.texts in (None, digest.hexdigest())
        return Difference(frozenset(), frozenset()) if unchanged else None
    missing = {name for name, text in present.items() if known.get(name) != text}
    return Difference(missing, known.keys() - present.keys())


def _folder(collection: Collection, encoder: TokenEncoder) -> Path:
    return home("indexes", f"{collection.name}-{encoder.hash}")


def _opened(folder: Path) -> LiveIndex | None:
    """The index in a folder, if it is there and whole."""
    if not (folder / INDEX_FILE).is_file():
        return None
    try:
        return LiveIndex(folder)
    except InputError as error:
        logger.warning("%s; it is not used", error)
        return None
