"""TokenIndex: the passages' token vectors on disk, memory-mapped.

    index.json       format, encoder name and hash, dimension, counts, collection, checksums
    vectors.f16      (T, d) fp16, one passage's tokens after another's
    offsets.i64      (P + 1,) where each passage's tokens begin
    ids.json         passage ids, in order

An index is built in one pass in bounded memory and put in place in one step. It carries the hash
of the encoder that made it: another encoder's queries would be scored in another space.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import escape
from pathlib import Path

import numpy as np
import torch

from optical_core.checksums import check_files, checksums
from optical_core.data.collection import Collection, Passage
from optical_core.data.lines import read_json
from optical_core.data.records import environment
from optical_core.errors import InputError
from optical_core.models.precision import precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.storage import check_path, exclusive, home, replace_folder, tidy

logger = logging.getLogger(__name__)

FORMAT = 1
FILES = ("vectors.f16", "offsets.i64", "ids.json")
BLOCK_TOKENS = 8192
"""Tokens scored at a time: as many as stay in a core's cache, widened to fp32."""
GROUP_QUERIES = 64
"""Queries that share a pass over the index: reading and widening it costs more than scoring."""


@dataclass(frozen=True)
class TokenIndex:
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

    def search(self, query: np.ndarray, *, top: int = 10) -> list[tuple[str, float]]:
        """The best passages by exact MaxSim over the whole index: (id, score), best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        return self.search_many([query], top=top)[0]

    def search_many(
        self, queries: Sequence[np.ndarray], *, top: int = 10
    ) -> list[list[tuple[str, float]]]:
        """`search` for many queries, with one pass over the index for each group of them."""
        results: list[list[tuple[str, float]]] = [[] for _ in queries]
        wanted = [number for number, query in enumerate(queries) if len(query) and len(self)]
        for begin in range(0, len(wanted), GROUP_QUERIES):
            group = wanted[begin : begin + GROUP_QUERIES]
            scores = self._scores([queries[number] for number in group])
            for number, row in zip(group, scores, strict=True):
                results[number] = top_passages(row, self.ids, top)
        return results

    def score(self, query: np.ndarray, positions: np.ndarray) -> list[tuple[str, float]]:
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

    Passages without a scored token (empty texts) are kept with no vectors and counted. `watch`
    is told how many passages are encoded.
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
    """Add passages to an index, which is replaced in one step; ids that it has are refused."""
    # From the reading on: two that append at once must both be in the index.
    with exclusive(folder):
        index = TokenIndex.open(folder)
        index.check_encoder(encoder)
        ids, offsets = list(index.ids), index.offsets.tolist()
        with replace_folder(folder) as temporary:
            shutil.copyfile(folder / "vectors.f16", temporary / "vectors.f16")
            _write(temporary, passages, encoder, ids, offsets, batch_size, progress)
    return TokenIndex.open(folder)


def collection_indexes(collection: Collection) -> list[Path]:
    """Folders under indexes/ of the collection, one an encoder that has indexed it."""
    hashes = "[0-9a-f]" * 16
    found = home("indexes", "x").parent.glob(f"{escape(collection.name)}-{hashes}/index.json")
    return [path.parent for path in found]


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
    """The index of a collection under indexes/, built if this encoder hasn't yet.

    It is built again where the collection has changed, or the index is damaged or of an older
    format. Two processes that want the same one build it once. `watch` is told how many passages
    are encoded.
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
    """The index under indexes/ that this encoder has of the collection as it is now, if any."""
    return _usable(_folder(collection, encoder), collection)


def _folder(collection: Collection, encoder: TokenEncoder) -> Path:
    return home("indexes", f"{collection.name}-{encoder.hash}")


def _usable(folder: Path, collection: Collection) -> TokenIndex | None:
    """The index in a folder if it is whole and has the collection's passages as they are now."""
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

    # A watcher wants to hear something before a thousand passages are done.
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
    """Take a passage into the hash of an index's texts: changed passages need a new index."""
    digest.update(passage.full_text.encode() + b"\0")
