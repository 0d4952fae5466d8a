"""Relevance: queries with passages that answer them, and passages that don't.

An encoder learns retrieval from it. Passages have keys `source/id`, so several sources can be
joined.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from optical_core.data.bitext import normalise
from optical_core.data.collection import Passage, open_collection
from optical_core.data.examples import Example
from optical_core.data.relevance_files import read_examples
from optical_core.data.train_splits import form_and_path, train_collections
from optical_core.errors import InputError
from optical_core.wording import counted


@dataclass(frozen=True)
class Relevance:
    """Examples that passed the filters, with their passages.

    Attributes:
        examples: queries with keys of passages.
        passages: key -> passage; the whole corpus of a source that has one.
        dropped: reason -> number of examples or passages that were dropped for it.
        published: source -> the set whose training split it is, as its collections name it.
    """

    examples: tuple[Example, ...]
    passages: Mapping[str, Passage]
    dropped: dict[str, int] = field(default_factory=dict)
    published: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def sources(self) -> dict[str, int]:
        """Number of queries of each source."""
        return dict(Counter(example.source for example in self.examples))

    @property
    def languages(self) -> dict[str, int]:
        """Number of queries in each language."""
        return dict(Counter(example.language for example in self.examples))

    @property
    def scored(self) -> bool:
        """Does every example have a teacher's scores?"""
        return bool(self.examples) and all(example.scores for example in self.examples)

    @property
    def hash(self) -> str:
        """BLAKE2b of the examples in their order, with their texts: tells versions apart."""
        digest = hashlib.blake2b(digest_size=8)
        for example in self.examples:
            texts = (self.passages[key].full_text for key in example.keys)
            digest.update("\0".join((example.query, *texts, repr(example.scores), "")).encode())
        return digest.hexdigest()

    def report(self) -> str:
        """One line: what was kept, what was dropped and why."""
        kept = ", ".join(f"{name} {count:,}" for name, count in sorted(self.sources.items()))
        dropped = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.items())
        return (
            f"{counted(len(self), 'query', 'queries')} kept ({kept or 'none'}), "
            f"{counted(len(self.passages), 'passage')}; "
            f"dropped: {dropped or 'none'}"
        )


def read_relevance(
    paths: Iterable[str | Path],
    languages: Iterable[str] = ("en",),
    *,
    pairs: int | None = None,
    seed: int = 1,
) -> Relevance:
    """Read, filter and join relevance of any known form; see `relevance_files` for the forms.

    Args:
        paths: files or folders; `FORM=PATH` is the training split of a published set (see
            `train_splits`). `PATH:5000` takes at most that many queries. They are drawn by the
            seed; from files that may not fit into memory the first ones are taken.
        languages: languages of the queries; a source without any of them is refused.
        pairs: most queries of a source without a limit of its own.
        seed: of the draw.

    Raises:
        InputError: there is nothing readable, or no query is left.

    Examples:
        >>> from optical_core.storage import assets
        >>> relevance = read_relevance([assets("demo", "collection")], ["sw"], pairs=5)
        >>> relevance.languages, relevance.scored
        ({'sw': 5}, False)
    """
    wanted = tuple(languages)
    examples: list[Example] = []
    passages: dict[str, Passage] = {}
    dropped: Counter[str] = Counter()
    names: Counter[str] = Counter()
    published: dict[str, str] = {}
    for path, form, most in _opened(paths, wanted):
        name = form or (path.name if path.is_dir() else path.name.partition(".")[0])
        names[name] += 1
        source = name if names[name] == 1 else f"{name}-{names[name]}"
        read = read_examples(path, source, wanted, most=most or pairs)
        part = filter_relevance(Relevance(tuple(read.examples), read.passages, read.dropped))
        if not part.examples:
            raise InputError(f"{path}: no query with a relevant passage ({part.report()})")
        examples += draw(part.examples, most or pairs, seed=seed)
        passages |= part.passages
        dropped.update(part.dropped)
        if form:
            published[source] = open_collection(path).info.source
    return Relevance(tuple(examples), passages, dict(dropped), published)


def _opened(
    paths: Iterable[str | Path], languages: Sequence[str]
) -> Iterator[tuple[Path, str | None, int | None]]:
    """Each file or folder with its form, if it is a training split, and its limit."""
    for entry in paths:
        named, most = split_limit(str(entry))
        form, path = form_and_path(str(named))
        real = Path(os.path.realpath(path))  # `resolve` fails where links lead in a circle
        folders = train_collections(form, path, languages) if form else [real]
        for folder in folders:
            yield folder, form, most


def split_limit(text: str) -> tuple[Path, int | None]:
    """Split `PATH` or `PATH:MOST` into the path and the most queries.

    Raises:
        InputError: `MOST` is 0.

    Examples:
        >>> split_limit("data/medquad:5000")
        (PosixPath('data/medquad'), 5000)
    """
    path, colon, most = text.rpartition(":")
    if colon and path and most.isdecimal() and not Path(text).exists():
        if not int(most):
            raise InputError(f"{text}: at least 1 query must be taken")
        return Path(path), int(most)
    return Path(text), None


def draw(examples: tuple[Example, ...], most: int | None, *, seed: int) -> tuple[Example, ...]:
    """Draw at most `most` examples by the seed; a smaller draw is part of a larger one."""
    if most is None or most >= len(examples):
        return examples
    order = list(examples)
    random.Random(seed).shuffle(order)
    return tuple(order[:most])


def filter_relevance(relevance: Relevance) -> Relevance:
    """Drop what teaches nothing or something wrong, and count each reason.

    The reasons: empty query, empty passage, passage unknown (not in the corpus), passage says the
    query (word for word), negative is relevant (has the text of a relevant passage), nothing
    relevant (is left), duplicate (the query came before with the same passages).
    """
    dropped = Counter(relevance.dropped)
    texts = {key: normalise(passage.full_text) for key, passage in relevance.passages.items()}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    kept = []
    for example in relevance.examples:
        query = normalise(example.query)
        if not query:
            dropped["empty query"] += 1
            continue
        same = {texts[key] for key in example.positives if key in texts}
        wrong: set[str] = set()
        for key in example.keys:
            if key not in texts:
                dropped["passage unknown"] += 1
            elif not texts[key]:
                dropped["empty passage"] += 1
            elif texts[key] == query:
                dropped["passage says the query"] += 1
            elif key not in example.positives and texts[key] in same:
                dropped["negative is relevant"] += 1
            else:
                continue
            wrong.add(key)
        clean = example.without(wrong)
        identity = (query, clean.keys)
        if not clean.positives:
            dropped["nothing relevant"] += 1
        elif identity in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(identity)
            kept.append(clean)
    return replace(relevance, examples=tuple(kept), dropped=dict(dropped))
