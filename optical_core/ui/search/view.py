"""How the search page shows a ranking and a result's explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from optical_core.analysis.metrics import per_query_measures
from optical_core.data.corpus import Passage
from optical_core.data.languages import LANGUAGES, is_english, main_script
from optical_core.retrieval.explain import TokenMatch, one_window
from optical_core.retrieval.windows import Window
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary
from optical_core.wording import listed

if TYPE_CHECKING:
    from optical_core.ui.library import Library

TOP = (5, 10, 20)
"""Results that can be shown of each ranking."""
DEPTH = 1000
"""Results that are ranked."""
MOST_MODELS, LONGEST_QUERY = 4, 1000


@dataclass(frozen=True)
class Explained:
    """A result's token matches, laid out for drawing.

    Attributes:
        tokens: The query's tokens, in order.
        contributions: The share of the score of each query token. They add up to `total`.
        targets: The matched passage tokens, each once, in the passage's order.
        links: For each query token, the position of its match in `targets`.
        spans: (start, end) in the passage -> summed contribution.
    """

    tokens: tuple[str, ...]
    contributions: tuple[float, ...]
    targets: tuple[str, ...]
    links: tuple[int, ...]
    spans: Mapping[tuple[int, int], float]

    @property
    def total(self) -> float:
        return sum(self.contributions)


def explained(matches: Sequence[TokenMatch]) -> Explained:
    """Lay matches out. A repeated passage token is kept apart by its place in the text."""
    places = sorted({(m.passage.start, m.passage.end, m.passage.piece) for m in matches})
    spans: dict[tuple[int, int], float] = {}
    for match in matches:
        span = (match.passage.start, match.passage.end)
        spans[span] = spans.get(span, 0.0) + match.contribution
    return Explained(
        tokens=tuple(match.query.piece for match in matches),
        contributions=tuple(match.contribution for match in matches),
        targets=tuple(piece for _, _, piece in places),
        links=tuple(
            places.index((m.passage.start, m.passage.end, m.passage.piece)) for m in matches
        ),
        spans=spans,
    )


@dataclass(frozen=True)
class Asked:
    """A query to a collection of a library.

    Attributes:
        known: (language, query id) if the query is one of the collection's.
        grades: Passage id -> grade of the passages judged for it.
        where: A condition on the passages' fields; empty for all passages.
    """

    source: Library | ServedLibrary
    collection: str
    query: str
    known: tuple[str, str] | None
    grades: Mapping[str, int]
    where: str = ""


@dataclass(frozen=True)
class Needs:
    """A collection's queries, looked up by what a page knows of one.

    Attributes:
        by_text: Text -> (language, query id).
        languages: Query id -> the languages that have it.
    """

    by_text: Mapping[str, tuple[str, str]]
    languages: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, source: Library | ServedLibrary, collection: str) -> Needs:
        """Those of a collection. A library keeps them."""

        def look_up() -> Needs:
            by_text: dict[str, tuple[str, str]] = {}
            languages: dict[str, list[str]] = {}
            for code in source.languages(collection):
                for identifier, text in source.queries(collection, code).items():
                    by_text.setdefault(text, (code, identifier))
                    languages.setdefault(identifier, []).append(code)
            return cls(by_text, languages)

        if isinstance(source, ServedLibrary):
            return look_up()
        return source.keep("needs", look_up, collection=collection)


def ask(source: Library | ServedLibrary, collection: str, query: str, where: str = "") -> Asked:
    """Look up whether a query is one of the collection's, and its judgements."""
    known = Needs.of(source, collection).by_text.get(query.strip())
    grades = source.judged(collection, *known) if known else {}
    return Asked(source, collection, query, known, grades, where)


def other_languages(asked: Asked) -> list[str]:
    """The other languages that have a query of the collection's, in the collection's order."""
    if not asked.known:
        return []
    code, need = asked.known
    found = Needs.of(asked.source, asked.collection).languages[need]
    return [other for other in found if other != code]


def english_of(asked: Asked) -> str:
    """The English text of a collection's query in another language; empty if there is none."""
    if not asked.known or is_english(asked.known[0]):
        return ""
    source, name = asked.source, asked.collection
    for code in filter(is_english, source.languages(name)):
        return source.queries(name, code).get(asked.known[1], "")
    return ""


def tells_windows(asked: Asked, model: str) -> bool:
    """Can `window_of` tell a result's window? A server tells it only with an explanation."""
    source = asked.source
    return (
        not isinstance(source, ServedLibrary)
        and source.explains(model)
        and source.searcher(model, asked.collection).windowed
    )


def window_of(asked: Asked, model: str, identifier: str) -> Window | None:
    """The window of a result that has its score, if the model `tells_windows`.

    None if all of the passage has it.
    """
    return one_window(
        asked.source.explanation(model, asked.collection, asked.query, identifier, asked.where)
    )


def match_title(asked: Asked, model: str, passage: Passage) -> str:
    """The title of a picture of a result's matches."""
    return (
        f"{model}: tokens of “{asked.query}” and their matches in “{passage.title or passage.id}”"
    )


def passage_languages(source: Library | ServedLibrary, collection: str) -> Sequence[str]:
    """Codes of the languages that a collection's passages say, most passages first."""
    if isinstance(source, ServedLibrary):
        return source.passage_languages(collection)
    return list(source.collection(collection).corpus.languages)


def within(window: Window, result: Explained) -> Explained:
    """An explanation with its spans counted from the beginning of a window."""
    spans = {(a - window.start, b - window.start): share for (a, b), share in result.spans.items()}
    return replace(result, spans=spans)


def moves(first: Mapping[str, int], identifier: str, rank: int) -> str:
    """How far a passage moved from its rank in the first column: `▲ 3`, `▼ 2`, `new`, or empty.

    >>> moves({"a": 4, "b": 1}, "a", 1), moves({"a": 4, "b": 1}, "b", 1), moves({}, "c", 2)
    ('▲ 3', '', 'new')
    """
    before = first.get(identifier)
    if before is None:
        return "new"
    if before == rank:
        return ""
    return f"▲ {before - rank}" if before > rank else f"▼ {rank - before}"


def average_precision(query: str, ranking: Ranking, grades: Mapping[str, int]) -> float:
    """Average precision of one ranking, by ir-measures."""
    return _measured(query, ranking, grades, "AP")


def quality(query: str, ranking: Ranking, grades: Mapping[str, int]) -> str:
    """Average precision of one ranking, and the share of its first ten that is judged."""
    judged = _measured(query, ranking, grades, "Judged@10")
    return f"AP {average_precision(query, ranking, grades):.3f} · Judged@10 {judged:.2f}"


def _measured(query: str, ranking: Ranking, grades: Mapping[str, int], measure: str) -> float:
    run, qrels = {query: dict(ranking.hits)}, {query: dict(grades)}
    return per_query_measures(run, qrels, [measure])[measure][query]


def shortened(text: str, length: int = 260) -> str:
    """The beginning of a passage, cut between words.

    >>> shortened("one two three", 9)
    'one two …'
    """
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0] + " …"


def language_hint(text: str, first: Sequence[str] = ()) -> str:
    """A hint at the text's language: which known languages use its script.

    Those with a code in `first` come first, then those with codes of two letters. Empty for Latin
    letters, since most languages use them.
    """
    script = main_script(text)
    if script is None or script == "LATIN":
        return ""
    known = [entry for entry in LANGUAGES.values() if entry.script == script]
    known.sort(key=lambda entry: (entry.code not in first, len(entry.code)))
    names = [entry.name for entry in known]
    if not names:
        return ""
    return f"In the script of {listed([*names[:4], 'others'] if len(names) > 4 else names)}."


def results_table(ranking: Ranking, *, top: int = 100) -> pd.DataFrame:
    """The best passages, one per row: rank, id, score, title, and language if they say one."""
    rows = [
        {
            "rank": rank,
            "id": identifier,
            "language": ranking.passages[identifier].language or "",
            "score": score,
            "title": ranking.passages[identifier].title,
        }
        for rank, (identifier, score) in enumerate(ranking.hits[:top], 1)
    ]
    table = pd.DataFrame(rows, columns=["rank", "id", "language", "score", "title"])
    return table if table["language"].any() else table.drop(columns="language")
