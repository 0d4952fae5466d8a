"""Formats of an index: their numbers, the names of their files, and whose vectors they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.codec import FILE as CODEC
from optical_core.retrieval.packed_vectors import FILE as PACKED
from optical_core.retrieval.vector_files import PLAIN, STANDING

INDEX_FILE = "index.json"
"""What every index has: folders with other files and without it are never replaced."""
FORMAT = 1
UPDATED = 2
"""Format of an index that has been updated; see `manifest`."""
COMPRESSED = 3
"""Format of an index whose vectors are compressed."""
FILES = (PLAIN, "offsets.i64", "ids.json")
HASHES = "texts.u64"
ALL_FILES = (*FILES, HASHES, PACKED, CODEC, STANDING)
"""Files that an index may have beside its index.json."""


def only_segment(folder: Path, info: dict[str, Any]) -> str:
    """The name of the segment of an updated index that has no other and no dead passages.

    Raises:
        InputError: it has.
    """
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
