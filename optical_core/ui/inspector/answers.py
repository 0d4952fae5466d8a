"""How one query is answered: both models' rankings, and the ranks of its relevant passages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from optical_core.ui.inspector.view import SHOWN
from optical_core.ui.library import Library
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.view import Asked, average_precision, shortened
from optical_core.ui.search.winning import Rivals
from optical_core.wording import first_of

DEPTH = 1000


@dataclass(frozen=True)
class Answer:
    """One model's answer to a query of a collection.

    Attributes:
        ranking: Up to `DEPTH` passages.
        precision: Its average precision.
        ranks: Relevant passage -> its rank; None if it isn't among them. The best first.
    """

    ranking: Ranking
    precision: float
    ranks: Mapping[str, int | None]

    @property
    def told(self) -> str:
        """The ranks in words.

        Rank 1 is the best.
        """
        found = [rank for rank in self.ranks.values() if rank is not None]
        missing = len(self.ranks) - len(found)
        shown = first_of(found, 12)
        words = f"relevant at rank {shown}" if found else "no relevant passage found"
        return f"{words}; {missing} not among the first {DEPTH:,}" if found and missing else words


def answer(
    library: Library, model: str, collection: str, query: str, text: str, grades: Mapping[str, int]
) -> Answer:
    """Rank a collection's passages for a query.

    Args:
        query: Its id.
        text: What is asked.
        grades: Passage -> grade.

    Raises:
        InputError: The model or the collection isn't installed.
    """
    ranking = library.rank(model, collection, text, DEPTH)
    places = ranking.ranks
    relevant = [passage for passage, grade in grades.items() if grade > 0]
    relevant.sort(key=lambda passage: places.get(passage, DEPTH + 1))
    return Answer(
        ranking,
        average_precision(query, ranking, grades),
        {passage: places.get(passage) for passage in relevant},
    )


def passage_titles(answers: Mapping[str, Answer]) -> dict[str, str]:
    """Relevant passage -> its title, or the beginning of its text.

    Args:
        answers: Model -> its answer to the same query.
    """
    passages = next(iter(answers.values())).ranking.passages
    return {
        identifier: passages[identifier].title or shortened(passages[identifier].text, 80)
        for found in answers.values()
        for identifier in found.ranks
        if identifier in passages
    }


def rank_table(answers: Mapping[str, Answer], titles: Mapping[str, str]) -> pd.DataFrame:
    """The relevant passages, one a row: its rank in each model, missing if not found, and title.

    Args:
        answers: Model -> its answer to the same query.
        titles: Passage -> what it is called.
    """
    passages = dict.fromkeys(p for found in answers.values() for p in found.ranks)
    rows = [
        {model: found.ranks.get(passage) for model, found in answers.items()}
        | {"passage": titles.get(passage, passage)}
        for passage in passages
    ]
    columns = [*answers, "passage"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(answers, "Int64"))


def rivals_of(asked: Asked, answers: Mapping[str, Answer]) -> Rivals:
    """The results of both models that can be compared: those shown, and the relevant passages.

    At first the last model's best relevant passage is compared with itself in the other model.
    """
    rankings = {model: found.ranking for model, found in answers.items()}
    passages = {hit for ranking in rankings.values() for hit, _ in ranking.hits[:SHOWN]}
    passages |= {passage for found in answers.values() for passage in found.ranks}
    models = list(answers)[::-1][:2]
    best, rank = next(iter(answers[models[0]].ranks.items()), ("", None))
    first = None
    if rank is not None and len(models) == 2:
        first = (models[0], best), (models[1], best)
    return Rivals(asked, rankings, passages, first)
