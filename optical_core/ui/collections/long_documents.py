"""Long passages on the collections page: what is cut off them, and windows instead."""

from __future__ import annotations

from itertools import islice

from optical_core.data.collection import Collection
from optical_core.models.embedded import is_converted
from optical_core.retrieval.windows import WHOLE, Windows, count_cuts
from optical_core.ui.library import Library
from optical_core.wording import counted

MOST = 10_000
"""Passages that are looked at: the page mustn't wait for millions."""


SCORES = {"max": "best window (MaxP)", "first": "first window (FirstP)", "sum": "sum (SumP)"}
"""Aggregate -> what the page calls it."""


def cut_off(library: Library, name: str) -> str:
    """What the embedded encoder cuts off a collection's passages, in a sentence; empty if nothing.

    Empty too as long as the encoder isn't converted: that takes longer than a page may.
    """
    if not is_converted():
        return ""

    def sentence() -> str:
        from optical_core.models.backbones import EMBEDDED

        collection = library.collection(name)
        teacher = library.pair(EMBEDDED).teacher
        with library.encoding:
            loss = count_cuts(islice(collection.passages(), MOST), teacher).loss()
        more = len(collection.by_id) > MOST
        first = f"Of the first {MOST:,} passages: " if more else ""
        return f"{first}{loss}, if passages are indexed whole." if loss else ""

    return library.keep("cut off", sentence, collection=name)


def windows_of(collection: Collection) -> Windows:
    """The windows that a collection is indexed in; whole passages if it has no index."""
    from optical_core.retrieval.indexing import collection_indexes
    from optical_core.retrieval.manifest import Manifest

    read = (Manifest.read(folder).windows for folder in collection_indexes(collection))
    return next((windows for windows in read if not windows.plain), WHOLE)


def windows_line(windows: Windows) -> str:
    """Say how a collection is indexed.

    >>> windows_line(Windows(180, 90))
    'Indexed in windows of 180 tokens, each 90 tokens after the one before. The best one counts.'
    """
    counts = {"max": "The best one counts", "first": "The first one counts", "sum": "All count"}
    return (
        f"Indexed in windows of {counted(windows.length, 'token')}, each "
        f"{counted(windows.stride, 'token')} after the one before. {counts[windows.aggregate]}."
    )
