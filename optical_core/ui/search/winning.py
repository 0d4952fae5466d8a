"""Why one result wins against another: both scores, word by word."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd
import plotly.graph_objects as go

from optical_core.data.corpus import Passage
from optical_core.errors import InputError
from optical_core.figures.paired import paired_picture
from optical_core.models.tokens import visible
from optical_core.retrieval.explain import one_window
from optical_core.retrieval.model_names import label
from optical_core.retrieval.windows import Window
from optical_core.retrieval.word_shares import (
    PLACES,
    WordPair,
    WordShare,
    paired,
    part_shares,
    told_difference,
    word_shares,
)
from optical_core.ui.links import cut
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary
from optical_core.ui.search.view import Asked, shortened

Chosen = tuple[str, str]
"""A model and the id of one of its results."""


@dataclass(frozen=True)
class Scored:
    """A passage's score in a model.

    Attributes:
        model: Its name.
        passage: What is scored.
        rank: In the model's ranking; None if it isn't there.
        score: As the ranking has it; without a rank, the sum of the shares.
        words: The shares of the score.
        window: The part of the passage that has the score; None if all of it has.
    """

    model: str
    passage: Passage
    rank: int | None
    score: float
    words: tuple[WordShare, ...]
    window: Window | None = None

    @property
    def text(self) -> str:
        """The text that has the score."""
        full = self.passage.full_text
        return full[self.window.start : self.window.end] if self.window else full

    @property
    def spans(self) -> dict[tuple[int, int], float]:
        """(begin, end) of the words of `text` that are matched -> their part of the score."""
        first = self.window.start if self.window else 0
        spans: dict[tuple[int, int], float] = {}
        for each in self.words:
            for (start, end), part in each.matched.items():
                if end > start:
                    place = (start - first, end - first)
                    spans[place] = spans.get(place, 0.0) + part
        return spans

    def matched(self, places: Mapping[tuple[int, int], float], most: int = 3) -> str:
        """The passage's words at some places, the best first."""
        best = sorted(places.items(), key=lambda item: -item[1])[:most]
        texts = [visible(self.passage.full_text[start:end]) for (start, end), _ in best]
        return ", ".join(dict.fromkeys(texts))


def scored(asked: Asked, model: str, passage: Passage, ranking: Ranking) -> Scored:
    """A passage's score in a model, by word, or by model if it fuses others.

    Args:
        ranking: The model's answer to the query.

    Raises:
        InputError: The score isn't explained.
    """
    source, name = asked.source, asked.collection
    rank = ranking.ranks.get(passage.id)
    if source.explains(model):
        matches = source.explanation(model, name, asked.query, passage.id, asked.where)
        words = word_shares(asked.query, passage.full_text, matches, gloss=ranking.gloss)
        window = one_window(matches)
    else:
        shares = source.shares(model, name, asked.query, [passage.id], asked.where)
        words, window = part_shares(shares.get(passage.id, ())), None
    if not any(each.share for each in words):
        raise InputError(f"there is no explanation of {passage.id}'s score in {label(model)}")
    score = dict(ranking.hits).get(passage.id, sum(each.share for each in words))
    return Scored(model, passage, rank, score, tuple(words), window)


@dataclass(frozen=True)
class Contest:
    """Two scores of one query.

    Attributes:
        asked: The query.
        one: The first.
        other: The second.
        comparable: Are they on one scale?
    """

    asked: str
    one: Scored
    other: Scored
    comparable: bool
    pairs: Sequence[WordPair] = field(init=False)

    def __post_init__(self) -> None:
        pairs = paired(self.one.words, self.other.words, scores=(self.one.score, self.other.score))
        object.__setattr__(self, "pairs", pairs)

    @cached_property
    def names(self) -> tuple[str, str]:
        """What tells them apart: the models, the passages or both."""
        sides = (self.one, self.other)
        titles = [each.passage.title or each.passage.id for each in sides]
        if titles[0] == titles[1]:
            titles = [each.passage.id for each in sides]
        models = [label(each.model) for each in sides]
        if self.one.passage.id == self.other.passage.id:
            return models[0], models[1]
        if models[0] == models[1]:
            return titles[0], titles[1]
        return f"{models[0]}: {titles[0]}", f"{models[1]}: {titles[1]}"

    @property
    def title(self) -> str:
        """What is compared."""
        return f"“{self.asked}”: {self.names[0]} against {self.names[1]}"

    @property
    def told(self) -> str:
        """Which one is ahead, and by which words."""
        if not self.comparable:
            return (
                f"{self.names[0]} and {self.names[1]} score on different scales, so their numbers "
                "can't be compared: look which words make up each."
            )
        return told_difference(self.pairs, self.names)

    def table(self) -> pd.DataFrame:
        """One row a word: its shares, their difference and what it matches; then the sums."""
        columns: dict[str, list[object]] = {"word": [*(pair.name for pair in self.pairs), "sum"]}
        heads = self.names if self.names[0] != self.names[1] else ("first", "second")
        for side in (0, 1):
            shares = [pair.shares[side] for pair in self.pairs]
            columns[heads[side]] = [*shares, round(sum(shares), PLACES)]
        if self.comparable:
            differences = [pair.difference for pair in self.pairs]
            columns["difference"] = [*differences, round(sum(differences), PLACES)]
        for side, of in enumerate((self.one, self.other)):
            found = [of.matched(pair.matched[side]) for pair in self.pairs]
            columns[f"matched, {heads[side]}"] = [*found, ""]
        return pd.DataFrame(columns)

    def picture(self, *, dark: bool) -> go.Figure:
        """The pairs as bars."""
        sides = (self.one, self.other)
        hover = tuple(
            [
                f"{pair.name}: {pair.shares[side]:.{PLACES}f}"
                + (f" ({found})" if (found := of.matched(pair.matched[side])) else "")
                for pair in self.pairs
            ]
            for side, of in enumerate(sides)
        )
        named = [
            f"{name}: {each.score:.{PLACES}f}" for name, each in zip(self.names, sides, strict=True)
        ]
        return paired_picture(
            [cut(visible(pair.name)) for pair in self.pairs],
            (
                [pair.shares[0] for pair in self.pairs],
                [pair.shares[1] for pair in self.pairs],
            ),
            (named[0], named[1]),
            comparable=self.comparable,
            dark=dark,
            hover=(hover[0], hover[1]),
        )


@dataclass(frozen=True)
class Rivals:
    """Results of a query, of which two are compared.

    Attributes:
        asked: The query.
        rankings: Model -> its answer.
        passages: Ids of those that can be chosen, as far as a model finds them.
        first: The two that are compared at first: model and passage. By default they are the two
            best results of the first model.
    """

    asked: Asked
    rankings: Mapping[str, Ranking]
    passages: Collection[str]
    first: tuple[Chosen, Chosen] | None = None

    @cached_property
    def options(self) -> dict[str, Chosen]:
        """The results that can be chosen, by their names in an address."""
        source = self.asked.source
        return {
            named(model, passage): (model, passage)
            for model, ranking in self.rankings.items()
            if source.explains(model) or source.joins(model)
            for passage, _ in ranking.hits
            if passage in self.passages
        }

    def defaults(self, this: str | None = None) -> tuple[str, str]:
        """What is compared at first, where there are two options; `this` if it is chosen."""
        pair = [named(*chosen) for chosen in self.first or ()]
        if not pair or not self.options.keys() >= set(pair):
            pair = list(self.options)[:2]
        this = this or pair[0]
        return this, pair[1] if pair[1] != this else pair[0]

    def told(self, option: str) -> str:
        """An option in words."""
        model, passage = self.options[option]
        found = self.rankings[model]
        title = found.passages[passage].title or shortened(found.passages[passage].text, 60)
        return f"{label(model)} · rank {found.ranks[passage]} · {title}"

    def contest(self, this: str, other: str) -> Contest:
        """Set two options side by side.

        Raises:
            InputError: A score isn't explained, or one is made of words and the other of models.
        """
        one, another = (
            scored(self.asked, model, self.rankings[model].passages[passage], self.rankings[model])
            for model, passage in (self.options[this], self.options[other])
        )
        return contest(self.asked, one, another)


def named(model: str, passage: str) -> str:
    """A result in an address."""
    return f"{model}:{passage}"


def contest(asked: Asked, one: Scored, other: Scored) -> Contest:
    """Set two scores side by side.

    Raises:
        InputError: One is made of words and the other of models.
    """
    scales = [_scale(asked, each.model) for each in (one, other)]
    same = one.model == other.model or (bool(scales[0]) and scales[0] == scales[1])
    return Contest(asked.query, one, other, same)


def _scale(asked: Asked, model: str) -> str:
    source = asked.source
    if isinstance(source, ServedLibrary):
        return source.scale(model)
    return source.searcher(model, asked.collection).scale
