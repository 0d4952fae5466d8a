"""Why one result wins against another, word by word: part of the search page and the inspector."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.retrieval.model_names import label
from optical_core.retrieval.word_shares import PLACES
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.view import Asked
from optical_core.ui.search.winning import Chosen, Contest, Rivals, Scored, named
from optical_core.ui.token_html import heat_strip, plain
from pages.common import parts
from pages.common.address import bound

READ = (
    "How to read this: each row is a word of the query with what it adds to both scores; together "
    "the rows add up to them. On the right is the difference: the words with long bars decide. The "
    "texts below are shaded by the words that are matched."
)
SEPARATE = (
    "How to read this: each row is a word of the query with what it adds to each score, on the "
    "score's own scale; together the rows add up to it. The texts below are shaded by the words "
    "that are matched."
)
GLOSSED = " Words in parentheses are those of the query's gloss."


def _choose(one: Chosen, other: Chosen) -> None:
    """Compare two results: the callback of a button."""
    st.session_state.update({"compare": True, "win": named(*one), "over": named(*other)})


def winning(rivals: Rivals) -> None:
    """Draw the switch, and if it is on the choice of two results and their scores side by side."""
    options = list(rivals.options)
    if len(options) < 2 or not bound(
        st.toggle,
        "Why did this one win? Set two results side by side, word by word",
        key="compare",
        default=False,
        read=lambda text: text == "True",
    ):
        return
    row, settings = st.columns(2), {"format_func": rivals.told}
    default, _ = rivals.defaults()
    this = bound(row[0].selectbox, "This one", options, key="win", default=default, **settings)
    _, default = rivals.defaults(this)
    other = bound(row[1].selectbox, "Against", options, key="over", default=default, **settings)
    if this == other:
        st.info("Choose two different results.")
        return
    try:
        _draw(rivals.contest(this, other))
    except InputError as error:
        parts.fault(error)


def offer(asked: Asked, model: str, ranking: Ranking, rank: int, models: Sequence[str]) -> None:
    """Draw buttons that set a result against its neighbour, and against itself elsewhere."""
    this, neighbour = (model, ranking.hits[rank - 1][0]), 2 if rank == 1 else 1
    offers = {}
    if len(ranking.hits) >= neighbour:
        offers[f"Compare with rank {neighbour}"] = (model, ranking.hits[neighbour - 1][0])
    for other in [m for m in models if m != model and asked.source.explains(m)][:1]:
        offers[f"Compare with {markdown_text(label(other))}"] = (other, this[1])
    with st.container(horizontal=True):
        for text, against in offers.items():
            key = f"compare-{model}-{this[1]}-{against[0]}-{against[1]}"
            st.button(text, key=key, on_click=_choose, args=(this, against))


def _draw(found: Contest) -> None:
    st.markdown(f"**{markdown_text(found.told)}**")
    st.caption(
        (READ if found.comparable else SEPARATE)
        + (GLOSSED if any(pair.gloss for pair in found.pairs) else "")
    )
    spoken = "; ".join(
        f"{pair.name} {pair.shares[0]:.3f} against {pair.shares[1]:.3f}" for pair in found.pairs
    )
    parts.chart(
        found.picture,
        key="winning-picture",
        name="why",
        title=found.title,
        alt=f"{found.title}. {found.told} {spoken}",
    )
    for place, side in zip(st.columns(2, gap="large"), (found.one, found.other), strict=True):
        with place:
            _text(side)
    parts.table(found.table(), "why-words", places=PLACES)


def _text(side: Scored) -> None:
    """Draw the text of one side, its matched words shaded."""
    rank = "" if side.rank is None else f" · rank {side.rank}"
    st.caption(f"{markdown_text(label(side.model))}{rank} · {side.score:.4f}")
    st.html(plain(side.passage.title or side.passage.id, bold=True))
    if side.window and side.window.count > 1:
        st.caption(
            f"Window {side.window.number} of {side.window.count}: {markdown_text(side.window.name)}"
        )
    st.html(heat_strip(side.text, side.spans))
