"""The guard that keeps evaluated collections out of training.

Training data that is part of an evaluated collection is refused: by its source's name, and by
exact normalised sentence (see `bitext.normalise`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from optical_core.data.bitext import Bitext, normalise
from optical_core.data.collection import Collection
from optical_core.errors import InputError

BENCHMARKS = ("ntrex", "flores", "xquad", "afriqa", "belebele", "miracl", "mldr", "ciral")
"""Names of public benchmarks: bitext whose path names one is refused as training data."""

_SENTENCE_END = re.compile(r"(?<=[.!?।])\s+")
MINIMUM_WORDS = 4
"""Shorter sentences are shared by chance ("Thank you.") and don't count."""


def refuse_benchmarks(paths: Iterable[object]) -> None:
    """Raise InputError if a training path names a public evaluation benchmark."""
    for path in paths:
        # The file and its folder: a home folder may be called anything.
        end = "/".join(Path(str(path)).parts[-2:]).lower()
        named = [name for name in BENCHMARKS if name in end]
        if named:
            raise InputError(
                f"{path} names the benchmark {named[0]}, which is for evaluation and never for "
                "training; use other bitext"
            )


def guard_overlap(
    bitext: Bitext, collections: Iterable[Collection], *, drop: bool = False
) -> Bitext:
    """The bitext, if no sentence of it is part of a collection.

    Raises InputError naming the first shared sentences, or with `drop` leaves their pairs out
    and counts them.
    """
    normalised = {
        text: normalise(text) for pair in bitext.pairs for text in (pair.foreign, pair.english)
    }
    for collection in collections:
        evaluated = collection_sentences(collection)
        shared = {
            pair: text
            for pair in bitext.pairs
            for text in (pair.foreign, pair.english)
            if normalised[text] in evaluated
        }
        if shared and not drop:
            examples = "; ".join(f"“{text[:100]}”" for text in list(shared.values())[:3])
            raise InputError(
                f"{len(shared)} training pairs are part of the evaluated collection "
                f"{collection.name}: {examples}; take them out of the bitext (--set overlap=drop "
                "does), or evaluate on another collection"
            )
        if shared:
            kept = tuple(pair for pair in bitext.pairs if pair not in shared)
            reason = f"part of {collection.name}"
            bitext = Bitext(kept, {**bitext.dropped, reason: len(bitext) - len(kept)})
    return bitext


def collection_sentences(collection: Collection) -> set[str]:
    """Normalised queries (all languages) and passage sentences of at least four words."""
    texts = [text for code in collection.languages for text in collection.queries(code).values()]
    for passage in collection.passages():
        texts += [passage.title, passage.text, *_SENTENCE_END.split(passage.text)]
    normalised = (normalise(text) for text in texts)
    return {text for text in normalised if len(text.split()) >= MINIMUM_WORDS}
