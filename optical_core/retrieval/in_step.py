"""Notes of which state of a collection an index was last in step with.

With a note, opening an index needn't read the collection: at most its changes since.

    in_step/<hash of the index's path>.json   stamps of the corpus, its changes and the manifest
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from optical_core.data.changes import Changes, Stamp, corpus_stamp
from optical_core.data.corpus import Passage
from optical_core.data.records import read_record
from optical_core.errors import InputError
from optical_core.retrieval.manifest import manifest_stamp
from optical_core.storage import home, replace_file


def note(index: Path, stamp: Stamp, manifest: tuple[int, ...] | None) -> None:
    """Note that an index, with a manifest in this state, has the passages of a corpus in that one.

    Args:
        index: folder of the index.
        stamp: state of the corpus.
        manifest: state of the index's manifest.
    """
    with suppress(InputError, OSError):  # a home that can't be written
        path = _path(index)
        noted = json.dumps(_note(stamp, manifest)).encode()
        if not path.is_file() or path.read_bytes() != noted:
            with replace_file(path) as temporary:
                temporary.write_bytes(noted)


def is_in_step(index: Path, stamp: Stamp) -> bool:
    """Is it noted that the index as it is now has the passages of a corpus in this state?"""
    return _noted(index) == _note(stamp, manifest_stamp(index))


def since(index: Path, collection: Path) -> tuple[Mapping[str, Passage] | None, Set[str]]:
    """Passages put into a collection, and ids deleted, since it was noted with this index.

    None and no ids if that isn't known: the whole collection must be read.
    """
    noted, now = _noted(index), _note(corpus_stamp(collection), manifest_stamp(index))
    if noted == now:
        return {}, frozenset()
    if now["changes"] is None or any(noted.get(key) != now[key] for key in ("written", "index")):
        return None, frozenset()
    found = Changes.read(collection)
    return found.put, found.deleted


def _noted(index: Path) -> dict[str, Any]:
    try:
        return read_record(_path(index))
    except InputError:  # a home that can't be written
        return {}


def _note(stamp: Stamp, manifest: tuple[int, ...] | None) -> dict[str, list[int] | None]:
    states = {"written": stamp.written, "changes": stamp.changes, "index": manifest}
    return {name: None if state is None else list(state) for name, state in states.items()}


def _path(index: Path) -> Path:
    place = hashlib.blake2b(os.fsencode(index.resolve()), digest_size=8).hexdigest()
    return home("in_step", f"{place}.json")
