"""The guard that keeps evaluated collections out of training.

Training data that is part of an evaluated collection is refused, by the name of its source and by
exact normalised sentences (see `bitext.normalise`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from optical_core.data.bitext import Bitext, normalise
from optical_core.data.collection import Collection, installed_collections, open_collection
from optical_core.data.relevance import Relevance, split_limit
from optical_core.data.train_splits import form_and_path
from optical_core.data.words import words
from optical_core.errors import InputError
from optical_core.wording import listed

logger = logging.getLogger(__name__)

BENCHMARKS = tuple(
    "africlirmatrix afriqa belebele ciral flores miracl mkqa mldr mlqa neuclir ntrex xquad".split()
)
"""Names of public benchmarks. Training data whose path contains one is refused."""

_SENTENCE_END = re.compile(r"(?<=[.!?।])\s+|(?<=[。！？])")
MINIMUM_WORDS = 4
"""Shorter sentences may be shared by chance ("Thank you.") and don't count."""


def refuse_benchmarks(paths: Iterable[object]) -> None:
    """Refuse training data of a public evaluation benchmark.

    Raises:
        InputError: a path names a benchmark.
    """
    for path in paths:
        # The file and its folder: a home folder may be called anything.
        end = "/".join(Path(str(path)).parts[-2:]).lower()
        named = [name for name in BENCHMARKS if name in end]
        if named:
            raise InputError(
                f"{path} names the benchmark {named[0]}, which is for evaluation and never for "
                "training; use other bitext"
            )


def evaluated_collections(dev: str | None) -> list[Collection]:
    """Collections that training data must not be part of: all installed ones, and `dev`."""
    return [*installed_collections(), *([open_collection(dev)] if dev else [])]


def guard_overlap(
    bitext: Bitext, collections: Iterable[Collection], *, drop: bool = False
) -> Bitext:
    """Check that no sentence of the bitext is part of a collection.

    Args:
        bitext: the training data.
        collections: the evaluated collections.
        drop: leave shared pairs out and count them, instead of refusing the bitext?

    Returns:
        The bitext, without the pairs that were left out.

    Raises:
        InputError: a sentence is shared; the message has the first ones.
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
            raise _part_of(collection, "pairs", list(shared.values()))
        if shared:
            kept = tuple(pair for pair in bitext.pairs if pair not in shared)
            reason = f"part of {collection.name}"
            bitext = Bitext(kept, {**bitext.dropped, reason: len(bitext) - len(kept)})
    return bitext


def refuse_test_data(paths: Iterable[object]) -> None:
    """Refuse benchmarks, and data that is named as test data: `test-scifact`, `test.jsonl`.

    Raises:
        InputError: a path names a benchmark or test data.
    """
    named = [form_and_path(str(split_limit(str(path))[0])) for path in paths]
    files = [path for form, path in named if form is None]  # a form's training split is read
    refuse_benchmarks(files)
    for path in files:
        if re.match(r"test([-_.]|$)", path.name.lower()):
            raise InputError(
                f"{path} is named as test data, which is for evaluation and never for training; "
                "use other relevance data"
            )


def guard_relevance(
    relevance: Relevance, collections: Iterable[Collection], *, drop: bool = False
) -> Relevance:
    """Check that no query or relevant passage shares a sentence with a collection.

    Other passages that share one are removed, so none becomes a negative. The training split of a
    published set and a collection of the same set have their passages in common, as the set's
    authors meant it: there the queries alone are compared.

    Args:
        relevance: the training data.
        collections: the evaluated collections.
        drop: leave shared examples out and count them, instead of refusing the data?

    Returns:
        The relevance, without the examples and passages that were left out.

    Raises:
        InputError: a sentence is shared; the message has the first ones.
    """
    for collection in collections:
        evaluated = collection_sentences(collection)
        touched = {
            key: sentence
            for key, passage in relevance.passages.items()
            if relevance.published.get(key.partition("/")[0]) != collection.info.source
            and (sentence := _shared(evaluated, passage.title, passage.text))
        }
        shared: dict[int, str] = {}
        for number, example in enumerate(relevance.examples):
            relevant = next((touched[key] for key in example.positives if key in touched), "")
            if first := _shared(evaluated, example.query) or relevant:
                shared[number] = first
        if shared and not drop:
            raise _part_of(collection, "examples", list(shared.values()))
        kept = tuple(
            example.without(touched)
            for number, example in enumerate(relevance.examples)
            if number not in shared
        )
        passages = {key: p for key, p in relevance.passages.items() if key not in touched}
        dropped = dict(relevance.dropped)
        for reason, count in (("examples", len(shared)), ("passages", len(touched))):
            if count:
                dropped[f"{reason} that are part of {collection.name}"] = count
        left = replace(relevance, examples=kept, passages=passages, dropped=dropped)
        if gone := sorted(set(relevance.sources) - set(left.sources)):
            logger.warning(
                "nothing is left of %s without what is part of the collection %s; "
                "remove that collection to train on it",
                listed(gone),
                collection.name,
            )
        relevance = left
    return relevance


def _part_of(collection: Collection, kind: str, texts: Sequence[str]) -> InputError:
    """The error for shared training data, with the first shared sentences."""
    examples = "; ".join(f"“{text[:100]}”" for text in texts[:3])
    return InputError(
        f"training {kind} that are part of the evaluated collection {collection.name}: "
        f"{len(texts):,}, such as {examples}; take them out of the data (--set overlap=drop does), "
        "or evaluate on another collection"
    )


def _shared(evaluated: set[str], *texts: str) -> str:
    """The first evaluated sentence in the texts, normalised; empty without one."""
    sentences = (part for text in texts for part in (text, *_SENTENCE_END.split(text)))
    return next((sentence for part in sentences if (sentence := normalise(part)) in evaluated), "")


def collection_sentences(collection: Collection) -> set[str]:
    """Normalised queries (all languages) and passage sentences of at least four words."""
    texts = [text for code in collection.languages for text in collection.queries(code).values()]
    for passage in collection.passages():
        texts += [passage.title, passage.text, *_SENTENCE_END.split(passage.text)]
    normalised = (normalise(text) for text in texts)
    return {text for text in normalised if len(words(text)) >= MINIMUM_WORDS}
