"""Join indexes of the same encoder and form into one, whose vectors are streamed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.precision import VARIABLE
from optical_core.retrieval.formats import HASHES, INDEX_FILE, UPDATED
from optical_core.retrieval.index_files import codec_of, write_facts
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.vector_files import VectorWriter
from optical_core.storage import exclusive, replace_folder


def join_indexes(out: Path, folders: Sequence[Path]) -> TokenIndex:
    """Join the indexes in some folders, in their order, into one in `out`; vectors are streamed.

    An index that was joined from the same folders stays.

    Raises:
        InputError: there are no folders, an id comes twice, or the indexes are of different
            encoders or precisions.
    """
    names = [folder.name for folder in folders]
    if not names:
        raise InputError("there are no files to index")
    with exclusive(out):
        if (out / INDEX_FILE).is_file() and read_json(out / INDEX_FILE).get("shards") == names:
            return TokenIndex.open(out)
        check_as_built(out)
        with replace_folder(out, [INDEX_FILE]) as temporary:
            _write_joined(temporary, folders, names)
    return TokenIndex.open(out)


def check_as_built(out: Path) -> None:
    """Check that there is no index in a folder, or one that hasn't been updated.

    Raises:
        InputError: its updates would be lost.
    """
    if (out / INDEX_FILE).is_file() and read_json(out / INDEX_FILE).get("format") == UPDATED:
        raise InputError(
            f"the index in {out} has been updated, which indexing its files again would undo: "
            "give another --out, or remove the folder first"
        )


def _write_joined(target: Path, folders: Sequence[Path], names: Sequence[str]) -> None:
    """Write the files of an index with the passages of others, which `names` are noted for."""
    info = read_json(folders[0] / INDEX_FILE)
    first = TokenIndex.open(folders[0])
    seen: set[str] = set()
    ids: list[str] = []
    offsets = [np.zeros(1, np.int64)]
    with VectorWriter(target, first.compression, first.dimension, codec_of(first)) as writer:
        for folder in folders:
            _check_alike(info, read_json(folder / INDEX_FILE), folder)
            part = TokenIndex.open(folder)
            if twice := seen.intersection(part.ids):
                raise InputError(f"the passage id {min(twice)!r} of {folder.name} came before")
            seen.update(part.ids)
            ids += part.ids
            offsets.append(part.offsets[1:] + offsets[-1][-1])
            writer.copy(part.vectors, 0, len(part.vectors), part.standing)
    if all((folder / HASHES).is_file() for folder in folders):
        hashes = b"".join((folder / HASHES).read_bytes() for folder in folders)
        (target / HASHES).write_bytes(hashes)
    facts = info | {"texts": None, "shards": names}
    write_facts(target, facts, ids, np.concatenate(offsets))


def _check_alike(first: dict[str, Any], other: dict[str, Any], folder: Path) -> None:
    for key in ("encoder_hash", "precision"):
        if first[key] != other[key]:
            raise InputError(
                f"{folder} was encoded with {key.replace('_', ' ')} {other[key]}, the shards "
                f"before it with {first[key]}: give all machines the same model, and set {VARIABLE}"
            )
