"""The start page's query: in four languages, with where each model ranks its answer."""

from __future__ import annotations

from dataclasses import dataclass

from optical_core.ui.examples import first_encoders
from optical_core.ui.inspector.answers import Answer, answer
from optical_core.ui.library import Library

COLLECTION = "demo"
LANGUAGES = ("en", "sw", "so", "yo")


@dataclass(frozen=True)
class Shown:
    """The query in one language.

    Attributes:
        code: Of the language.
        text: As it is asked.
        answers: Model -> its answer.
    """

    code: str
    text: str
    answers: dict[str, Answer]

    def rank(self, model: str) -> str:
        """Where a model ranks the best relevant passage, in words."""
        best = next(iter(self.answers[model].ranks.values()), None)
        return "not found" if best is None else f"{best:,}"


def shown_queries(library: Library, need: str) -> list[Shown]:
    """A query in each of four languages, answered by each of `first_encoders`.

    Args:
        need: Its id; the first query of each language without it.
    """
    languages = library.languages(COLLECTION)
    codes = [code for code in LANGUAGES if code in languages] or list(languages)[:4]
    shown = []
    for code in codes:
        queries = library.queries(COLLECTION, code)
        query = need if need in queries else next(iter(queries))
        text, grades = queries[query], library.judged(COLLECTION, code, query)
        answers = {
            model: answer(library, model, COLLECTION, query, text, grades)
            for model in first_encoders(library)
        }
        shown.append(Shown(code, text, answers))
    return shown
