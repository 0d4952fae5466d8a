"""One query in the inspector: both models' rankings, and from there its alignment."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from optical_core.analysis.measurements import Comparison, Measurements, Samples
from optical_core.data.languages import is_english
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.ui.inspector.answers import (
    Answer,
    answer,
    passage_titles,
    rank_table,
    rivals_of,
)
from optical_core.ui.inspector.view import SHOWN, languages_of
from optical_core.ui.search.joined import is_known
from optical_core.ui.search.view import Asked, moves, shortened
from optical_core.ui.texts import bringing, query_texts
from optical_core.ui.token_html import plain
from optical_core.wording import listed
from pages.common import parts
from pages.common.opened import library
from pages.common.winning import winning


def render(results: Measurements, comparison: Comparison, query: str) -> None:
    """Draw the open query.

    Args:
        comparison: Its first model is compared with its baseline.
    """
    texts = query_texts(library(), results)
    english = next((texts[c].get(query, "") for c in texts if is_english(c)), "")
    samples = results.samples(comparison)
    codes = languages_of(results, comparison, query)
    with st.container(border=True):
        row = st.columns([6, 1])
        row[1].button("Close", icon=":material/close:", on_click=_close)
        if not codes:
            return
        code = parts.language_choice(
            row[0].pills, "The query in", codes, key="at", default=codes[0], required=True
        )
        text = texts.get(code, {}).get(query, "")
        st.html(plain(text or query, bold=True))
        if english not in ("", text):
            st.html(plain(english, faint=True))
        _values(samples, comparison, code, query)
        _rankings(results, comparison, code, query, text, english)


def _values(samples: Samples, comparison: Comparison, code: str, query: str) -> None:
    """Say how both models were measured on the query."""
    told = [
        f"{markdown_text(model)} **{samples[model][code][query]:.3f}**"
        for model in dict.fromkeys((comparison.baseline, *comparison.models))
        if query in samples.get(model, {}).get(code, ())
    ]
    st.markdown(f"Measured {comparison.measure}: {' → '.join(told)}")


def _rankings(
    results: Measurements,
    comparison: Comparison,
    code: str,
    query: str,
    text: str,
    english: str,
) -> None:
    """Draw both rankings, the ranks of the relevant passages, and the links that lead on."""
    name = results.collection
    names = dict.fromkeys((comparison.baseline, *comparison.models))
    models = [results.students.get(model, model) for model in names]
    if name not in library().collection_names():
        _missing(name)
        return
    if not text:
        st.caption("The installed collection has no such query.")
        return
    known = [model for model in models if is_known(model, library().model_names())]
    absent = [model for model in models if model not in known]
    if absent:
        st.caption(f"Not installed here, so without a ranking: {markdown_text(listed(absent))}.")
    grades = library().judged(name, code, query)
    answers: dict[str, Answer] = {}
    for column, model in zip(st.columns(max(len(known), 1), gap="medium"), known, strict=False):
        with column:
            parts.section(markdown_text(model))
            try:
                with st.spinner("Searching (the first search with a model takes longer)…"):
                    answers[model] = answer(library(), model, name, query, text, grades)
            except InputError as error:
                parts.fault(error)
                continue
            found = answers[model]
            st.caption(f"AP {found.precision:.3f} · {found.told}")
            _passages(found, next(iter(answers.values())), grades)
    _relevant(answers)
    if answers:
        winning(rivals_of(Asked(library(), name, text, (code, query), grades), answers))
    _links(name, code, query, text, english, known)


def _passages(found: Answer, first: Answer, grades: dict[str, int]) -> None:
    """Draw the beginning of a ranking."""
    for rank, (identifier, score) in enumerate(found.ranking.hits[:SHOWN], 1):
        passage = found.ranking.passages[identifier]
        badges = [f":gray-badge[{score:.2f}]"]
        if move := moves(first.ranking.ranks, identifier, rank):
            badges.append(f":blue-badge[{move}]")
        if grade := grades.get(identifier):
            badges.append(f":green-badge[relevant {grade}]")
        with st.container(border=True):
            st.markdown(f"**{rank}** {' '.join(badges)}")
            st.html(plain(passage.title or passage.id, bold=True))
            st.html(plain(shortened(passage.text, 160)))


def _relevant(answers: dict[str, Answer]) -> None:
    """Draw the ranks of the relevant passages, which may be far below those shown."""
    if not answers:
        return
    table = rank_table(answers, passage_titles(answers))
    if not table.empty:
        st.caption("Ranks of the relevant passages:")
        st.dataframe(table, hide_index=True, placeholder="–")


def _links(
    name: str, code: str, query: str, text: str, english: str, models: Sequence[str]
) -> None:
    language, listed_here = parts.language_name(code), library().model_names()
    joined = [model for model in models if model not in listed_here]
    with st.container(horizontal=True):
        parts.link(
            "search",
            f"Search in {language}",
            icon=":material/search:",
            **{"in": name},
            lang=code,
            need=query,
            model=[model for model in models if model in listed_here],
            join=joined[:1],
        )
        if is_english(code) or not english:
            return
        encoders = [m for m in models if m in library().model_names(token_level=True)]
        typed = {"lang": code, "need": query} if name == "demo" else {"a": text, "b": english}
        parts.link(
            "alignment",
            f"Align the {language}",
            icon=":material/compare_arrows:",
            model=encoders,
            **typed,
        )


def _missing(name: str) -> None:
    """Say what brings a collection that isn't installed."""
    commands = bringing(name)
    if not commands:
        st.caption("Install the collection to see both rankings and the alignment.")
        return
    st.caption(
        "Install the collection to see both rankings and the alignment: download it from its "
        "publisher (see the page Collections), then"
    )
    st.code("\n".join(commands), language="bash")


def _close() -> None:
    st.session_state["query"] = None
