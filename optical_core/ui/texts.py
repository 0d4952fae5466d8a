"""Texts of measured queries: of the installed collection, else those beside the results; and what
brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optical_core.analysis.measurements import Measurements
from optical_core.data.languages import is_english
from optical_core.data.readers import READERS
from optical_core.ui.library import Library


def query_texts(library: Library, measurements: Measurements) -> dict[str, Mapping[str, str]]:
    """Language -> query -> text, of the measured languages and of English, as far as known."""
    name = measurements.collection
    if name not in library.collection_names():
        return dict(measurements.texts)
    codes = {*measurements.languages, *filter(is_english, library.languages(name))}
    return {code: library.queries(name, code) for code in library.languages(name) if code in codes}


def bringing(collection: str) -> Sequence[str]:
    """The commands that bring a published collection to this machine; none if it isn't known."""
    if collection not in READERS:
        return ()
    return (
        f"optical data import {collection} path/to/{collection} --out {collection}",
        f"optical index {collection}",
    )
