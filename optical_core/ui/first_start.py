"""Prepare a collection for its first use: convert the embedded encoder, index the passages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from optical_core.retrieval.windows import Windows
from optical_core.ui.library import Library
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.retrieval.compression import Compression


def prepare(
    library: Library,
    collection: str,
    watch: Callable[[float, str], None],
    *,
    windows: Windows | None = None,
    compression: Compression | None = None,
) -> None:
    """Convert the encoder and index the collection. Both are done once and take about a minute.

    Args:
        watch: Called with the share done and a sentence on what is being done.
        windows: Cut passages so, also if they are indexed otherwise; None: as they are, or whole.
        compression: Of the vectors, also if they are kept otherwise; None: as they are, or none.
    """
    from optical_core.models.backbones import EMBEDDED
    from optical_core.retrieval.indexing import collection_index

    watch(0.02, "Converting the embedded encoder (once)…")
    teacher, opened = library.pair(EMBEDDED).teacher, library.collection(collection)
    total = max(len(opened.by_id), 1)
    passages = counted(total, "passage")
    watch(0.2, f"Indexing {passages} (once)…")

    def tell(done: int) -> None:
        text = f"{done:,} of {passages}" if windows is None else counted(done, "window")
        watch(min(0.2 + 0.8 * done / total, 1.0), text)

    collection_index(
        opened,
        teacher,
        windows=windows,
        compression=compression,
        watch=tell,
    )
