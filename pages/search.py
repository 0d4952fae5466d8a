"""Live search: one query, up to four models side by side, and why each passage has its rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from optical_core.data.where import LONGEST, in_languages
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.retrieval.explain import Share
from optical_core.retrieval.model_names import folder_name, label
from optical_core.ui.address import AGAIN
from optical_core.ui.examples import AHEAD, BEHIND
from optical_core.ui.library import Library
from optical_core.ui.search.joined import added_line, share_line, typed_model
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.served import ServedLibrary
from optical_core.ui.search.view import (
    DEPTH,
    LONGEST_QUERY,
    MOST_MODELS,
    TOP,
    Asked,
    ask,
    english_of,
    language_hint,
    moves,
    other_languages,
    passage_languages,
    quality,
    results_table,
)
from optical_core.ui.search.winning import Rivals
from optical_core.ui.token_html import plain
from pages.common import parts
from pages.common.address import bound, refuse_undrawn
from pages.common.first_start import prepared
from pages.common.opened import library
from pages.common.typed import text_input
from pages.common.winning import winning
from pages.search_results import Column, draw_badges, draw_passage

READ = (
    "How to read this: each column is one model's ranking of the same passages. ▲ and ▼ "
    "show how many places a passage moved compared with the first column. Green marks a passage "
    "that was judged relevant. Open a result to see which query tokens matched which of its tokens."
)


def render() -> None:
    parts.header("Live search", READ)
    source = library().searched()
    names = source.collection_names()
    row = st.columns([1, 1, 2])
    name = bound(row[0].selectbox, "Collection", names, key="in", default=names[0])
    if not (source.is_prepared(name) or prepared(name)):
        return
    codes = list(source.languages(name))
    code = parts.example_language(row[1].selectbox, "Example language", codes)
    examples = source.queries(name, code)
    need = parts.example_query(row[2].selectbox, "Example query", examples)
    typed = text_input(
        st,
        "Your query, in any language",
        key="q",
        longest=LONGEST_QUERY,
        placeholder=examples[need],
        help="If this is empty, the example query is used.",
    )
    row, further = st.columns([4, 1]), st.columns(2)
    joined = _joined(source, further[0])
    models = bound(
        row[0].multiselect,
        "Models (up to four; the others are compared with the first)",
        source.model_names(),
        key="model",
        default=source.default_models(),
        max_selections=MOST_MODELS - 1 if joined else MOST_MODELS,
    )
    models = list(dict.fromkeys([*models, *joined]))
    top = bound(row[1].selectbox, "Results", list(TOP), key="top", default=5, read=int)
    where = text_input(
        further[1] if isinstance(source, Library) else st,
        "Only passages where…",
        key="where",
        longest=LONGEST,
        placeholder="year >= 2020 and source = 'bbc'",
        help="A condition in SQL on the passages' fields: _id, title, and all others of their "
        "corpus.jsonl. If this is empty, all passages are searched.",
    )
    chosen = _passage_languages(source, name)
    if not models:
        st.info("Choose at least one model.")
        return
    condition = in_languages(chosen, where.strip())
    asked = ask(source, name, typed.strip() or examples[need], condition)
    st.html(plain(asked.query, bold=True))
    if english := english_of(asked):
        st.html(plain(english, faint=True))
    _elsewhere(asked, models, {"top": top, "where": where.strip(), "within": chosen})
    above = st.container()
    rankings = _columns(asked, models, top)
    refuse_undrawn("Why", key="why")
    shown = {passage for ranking in rankings.values() for passage, _ in ranking.hits[:top]}
    with above:
        winning(Rivals(asked, rankings, shown))


def _passage_languages(source: Library | ServedLibrary, name: str) -> list[str]:
    """Draw the choice of the passages' languages, if there are several. None chosen means all."""
    codes = passage_languages(source, name)
    if len(codes) < 2:
        return []
    chosen: list[str] = bound(
        st.pills,
        "Languages of the passages",
        list(codes),
        key="within",
        default=[],
        format_func=parts.language_name,
        selection_mode="multi",
        help="If none is chosen, passages in all languages are searched.",
    )
    return chosen


def _joined(source: Library | ServedLibrary, place: Any) -> list[str]:
    """Draw the field for models to join. Returns the joined model, if one is typed.

    A server answers only for the models that it was started with.
    """
    if not isinstance(source, Library):
        return []
    text = text_input(
        place,
        "Join models, or expand queries, for one more column",
        key="join",
        longest=1000,
        placeholder="bm25%100>>optical-lowres",
        help="`A%100>>B`: B ranks the first 100 passages of A again. `0.9*A+0.1*B`: a weighted sum "
        "of scores, each query's scaled from 0 to 1. `rrf(A,B)`: reciprocal rank fusion. "
        "`bm25+rm3`, `A+prf`: the first passages expand the query.",
    )
    if not text.strip():
        return []
    try:
        return [typed_model(text, source.model_names())]
    except InputError as error:
        parts.fault(error)
        return []


def _elsewhere(asked: Asked, models: list[str], kept: Mapping[str, Any]) -> None:
    """Draw links to the query in other languages and its alignment, or a hint at its language."""
    if not asked.known:
        if hint := language_hint(asked.query, asked.source.languages(asked.collection)):
            st.caption(hint)
        return
    code, need = asked.known
    name = asked.collection
    with st.container(horizontal=True):
        for other in other_languages(asked):
            parts.link(
                "search",
                parts.language_name(other),
                lang=other,
                need=need,
                model=models,
                **{"in": name, **kept},
                **AGAIN,
            )
        if name == "demo" and code != "en":
            parts.link(
                "alignment", "Alignment", icon=":material/compare_arrows:", lang=code, need=need
            )
        if name == "demo" and need == AHEAD:
            label = "A query that distillation made worse"
            parts.link("search", label, lang="so", need=BEHIND, model=models, **AGAIN)


def _columns(asked: Asked, models: list[str], top: int) -> dict[str, Ranking]:
    """Draw a ranking a model. Returns them."""
    rankings: dict[str, Ranking] = {}
    for column, model in zip(st.columns(len(models), gap="medium"), models, strict=True):
        with column:
            parts.section(markdown_text(label(model)))
            try:
                with st.spinner("Searching (the first search with a model takes longer)…"):
                    ranking = asked.source.rank(
                        model, asked.collection, asked.query, DEPTH, asked.where
                    )
            except InputError as error:
                parts.fault(error)
                continue
            line = f"{asked.source.description(model)} · {1000 * ranking.seconds:.0f} ms"
            if ranking.kept:
                line += " (from an earlier search)"
            if asked.known and asked.grades:
                line += f" · {quality(asked.known[1], ranking, asked.grades)}"
            st.caption(line)
            if ranking.gloss:
                st.caption(f"Asked with its gloss too: {markdown_text(ranking.gloss)}")
            if ranking.added:
                st.caption(f"Added to the query: {markdown_text(added_line(ranking.added))}")
            if not ranking.hits:
                st.warning(
                    "No passage found: the query has no word that this model can match"
                    + (", or none fulfils the condition." if asked.where else ".")
                )
            rankings[model] = ranking
            first = next(iter(rankings.values())).ranks
            best = [identifier for identifier, _ in ranking.hits[:top]]
            shares = _shares(asked, model, best)
            column = Column(asked, model, ranking, models)
            for rank, (identifier, score) in enumerate(ranking.hits[:top], 1):
                with st.container(border=True):
                    move = moves(first, identifier, rank)
                    code = ranking.passages[identifier].language
                    draw_badges(rank, score, move, asked.grades.get(identifier), code)
                    if shares.get(identifier):
                        st.caption(markdown_text(share_line(shares[identifier])))
                    draw_passage(column, identifier)
            name = f"ranking-{folder_name(label(model))}"
            parts.downloads({name: results_table(ranking)}, key=model)
    return rankings


def _shares(asked: Asked, model: str, passages: list[str]) -> Mapping[str, Sequence[Share]]:
    """Each part's share of the scores of a joined model."""
    source = asked.source
    if not passages or not source.joins(model):
        return {}
    return source.shares(model, asked.collection, asked.query, passages, asked.where)


if __name__ == "__main__":
    from pages.common.router import run

    run()
