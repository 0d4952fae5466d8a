"""One passage of a ranking on the search page, and why it has its rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import streamlit as st

from optical_core.data.collection import Passage
from optical_core.escaping import markdown_text
from optical_core.retrieval.explain import one_window
from optical_core.retrieval.windows import Window
from optical_core.ui.search.figures import match_figure
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.view import (
    Asked,
    explained,
    match_title,
    shortened,
    tells_windows,
    window_of,
    within,
)
from optical_core.ui.token_html import contribution_chips, heat_strip, plain
from pages.common import parts
from pages.common.address import switch
from pages.common.winning import offer


@dataclass(frozen=True)
class Column:
    """A model's ranking on the page, beside those of other models.

    What is the same for all its passages is looked up once.
    """

    asked: Asked
    model: str
    ranking: Ranking
    models: Sequence[str]

    @cached_property
    def explains(self) -> bool:
        return self.asked.source.explains(self.model)

    @cached_property
    def tells_windows(self) -> bool:
        return tells_windows(self.asked, self.model)


def draw_badges(rank: int, score: float, move: str, grade: int | None, code: str | None) -> None:
    """Draw what stands above a passage: rank, score, move, grade, and the passage's language."""
    badges = [f":gray-badge[{score:.2f}]"]
    if move:
        badges.append(f":blue-badge[{move}]")
    if grade:
        badges.append(f":green-badge[relevant {grade}]")
    if code:
        badges.append(f":violet-badge[{markdown_text(parts.language_name(code))}]")
    st.markdown(f"**{rank}** {' '.join(badges)}")


def draw_passage(column: Column, identifier: str) -> None:
    """Draw the beginning of a passage, or all of it with the matches that make up its score."""
    asked, model, ranking = column.asked, column.model, column.ranking
    found, rank = ranking.passages[identifier], ranking.ranks[identifier]
    st.html(plain(found.title or found.id, bold=True))
    if not (
        column.explains
        and switch(st.toggle, f"Why rank {rank}?", key="why", value=f"{model}:{found.id}")
    ):
        window = window_of(asked, model, found.id) if column.tells_windows else None
        st.html(plain(shortened(_text_of(found, window) if window else found.text)))
        return
    matches = asked.source.explanation(model, asked.collection, asked.query, found.id, asked.where)
    result, window = explained(matches), one_window(matches)
    st.html(contribution_chips(result.tokens, result.contributions))
    if window:
        result = within(window, result)
    st.html(heat_strip(_text_of(found, window) if window else found.full_text, result.spans))
    parts.chart(
        partial(match_figure, result),
        key=f"links-{model}-{found.id}",
        name="matches",
        title=match_title(asked, model, found),
    )
    score = ranking.hits[rank - 1][1]
    st.caption(f"The contributions add up to {result.total:.4f}; the score is {score:.4f}.")
    offer(asked, model, ranking, rank, column.models)


def _text_of(passage: Passage, window: Window) -> str:
    """The text of the window that has a passage's score; which one is said above it."""
    if window.count > 1:
        st.caption(f"Window {window.number} of {window.count}: {markdown_text(window.name)}")
    return passage.full_text[window.start : window.end]
