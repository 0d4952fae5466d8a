"""Judge: grade what models find in a collection of your own, by keyboard."""

from __future__ import annotations

import streamlit as st

from optical_core.data.collection import Collection
from optical_core.data.judging import (
    GRADES,
    Item,
    has_pool,
    judges,
    read_grades,
    read_pool,
    write_judgements,
)
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.study.pooling import DEPTH, make_pool
from optical_core.ui.judge.view import (
    LONGEST_NAME,
    agreement_table,
    choice_of_language,
    done_line,
    first_language,
    give,
    judged_here,
    pool_line,
    shown,
    take_back,
    to_judge,
)
from optical_core.ui.token_html import plain
from optical_core.wording import counted
from pages.common import parts
from pages.common.address import bound, held, hold
from pages.common.fence import fragment
from pages.common.opened import library

READ = (
    "How to read this: nothing can be measured without judgements of which passages answer which "
    "query. Pool the best passages of several models, then grade them one by one. You aren't told "
    "which model found a passage. Keys: 0, 1 and 2 give the grades, L puts a passage off, B takes "
    "the last grade back. You can stop at any time and go on later."
)
JUDGE = "judge"
"""Address parameter: the judge's name."""
_LATER = "judge-later"
"""Session key: items that are put off."""


def render() -> None:
    parts.header("Judge", READ)
    names = judged_here(library())
    if not names:
        st.info("The demo is judged already. Bring a collection of your own first.")
        parts.link("collections", "Collections", icon=":material/library_books:")
        return
    row = st.columns(2)
    name = bound(row[0].selectbox, "Collection", names, key="in", default=names[0])
    collection = library().collection(name)
    _make_pool(collection)
    if not has_pool(name):
        return
    with row[1]:
        judge = _name()
    if judge:
        _judge(collection, judge)
    else:
        st.info("Give your name to begin: each judge's grades are kept apart.")
        _finish(collection)


def _name() -> str | None:
    """Draw the field for the judge's name or, once it is given, the name.

    A field that stayed would keep the focus, and the keys for grades would be written into it.
    """
    judge = held(JUDGE)
    if judge is None:
        name = st.text_input("Your name, as judge", key="judge-name", placeholder="ann").strip()
        if len(name) > LONGEST_NAME:
            st.warning(f"A judge's name has at most {LONGEST_NAME} characters.")
        elif name:
            hold(JUDGE, name)
            st.rerun()
        return None
    judge = judge[:LONGEST_NAME]
    with st.container(horizontal=True, vertical_alignment="center", height="stretch"):
        st.markdown(f"Judge: **{markdown_text(judge)}**", width="content")
        if st.button("Another judge", icon=":material/person:"):
            hold(JUDGE, None)
            st.rerun()
    return judge


def _make_pool(collection: Collection) -> None:
    """Draw the form that makes a pool, or lets it grow."""
    made = has_pool(collection.name)
    with st.expander("Pool", expanded=not made):
        if made:
            pool = read_pool(collection.name)
            st.text(f"{pool_line(pool)} Pooling again adds what is new.")
        with st.form("pool", border=False):
            row = st.columns([3, 3, 1], vertical_alignment="bottom")
            usual = library().default_models()
            models = row[0].multiselect("Models", library().model_names(), default=usual)
            languages = row[1].multiselect(
                "Query languages",
                collection.languages,
                default=collection.languages,
                format_func=parts.language_name,
            )
            depth = row[2].number_input("Best of each", 1, 100, DEPTH)
            wanted = st.form_submit_button("Pool", icon=":material/layers:")
        if not wanted:
            return
        bar = st.progress(0.0)
        with library().encoding:
            make_pool(
                collection,
                models,
                languages,
                depth=int(depth),
                watch=lambda share, text: bar.progress(share, text=markdown_text(text)),
            )
    st.rerun()


@fragment
def _judge(collection: Collection, judge: str) -> None:
    """Draw the next passage with its query, the grades to choose from, and what was judged."""
    pool = read_pool(collection.name)
    grades = read_grades(collection.name, judge)
    later = st.session_state.setdefault(_LATER, set())
    done = sum(item in grades for item in pool.items)
    st.progress(done / len(pool.items), done_line(pool, grades))
    language = ""
    if choice_of_language(collection):
        first, codes = first_language(collection), collection.languages
        language = parts.language_choice(
            st.selectbox, "Read the queries in", codes, key="lang", default=first
        )
    item = to_judge(collection, pool, grades, later)
    if item is None:
        st.success("All passages of the pool are judged. Write the judgements below.")
    else:
        _item(collection, item, language or collection.languages[0])
    with st.container(horizontal=True):
        if item is not None:
            for value, meaning in GRADES.items():
                st.button(
                    f"{value} {meaning}",
                    key=f"grade-{value}",
                    shortcut=str(value),
                    on_click=give,
                    args=(collection.name, judge, item, value),
                )
            st.button(
                "Later", icon=":material/schedule:", shortcut="l", on_click=later.add, args=(item,)
            )
        st.button(
            "Back",
            icon=":material/undo:",
            shortcut="b",
            disabled=not grades,
            on_click=take_back,
            args=(collection.name, judge),
        )
    _finish(collection)


def _item(collection: Collection, item: Item, language: str) -> None:
    texts = shown(collection, item, language)
    st.html(plain(texts.query, bold=True))
    if texts.english:
        st.html(plain(texts.english, faint=True))
    with st.container(border=True):
        if texts.title:
            st.html(plain(texts.title, bold=True))
        st.html(plain(texts.text))


def _finish(collection: Collection) -> None:
    """Draw how far judges agree, and the form that puts their judgements into the collection."""
    names = judges(collection.name)
    if not names:
        return
    parts.section("Judgements")
    table = agreement_table(collection.name)
    if not table.empty:
        st.dataframe(
            table,
            hide_index=True,
            column_config={
                "equal": st.column_config.NumberColumn(format="percent"),
                "kappa": st.column_config.NumberColumn(format="%.2f"),
                "kappa of relevant or not": st.column_config.NumberColumn(format="%.2f"),
            },
        )
    with st.form("write", border=False):
        chosen = st.multiselect("Judges whose grades count", names, default=names)
        st.caption("Where judges differ, the lowest grade counts. Other judgements stay.")
        wanted = st.form_submit_button("Write the judgements", icon=":material/save:")
    if not wanted:
        return
    try:
        count = write_judgements(collection, chosen)
    except InputError as error:
        parts.fault(error)
        return
    st.success(
        f"{counted(count, 'judgement')} written to {markdown_text(collection.name)}. Next, measure "
        "models on it: Language gaps, “Evaluate models on this machine”."
    )
    parts.link("gaps", "Language gaps", icon=":material/bar_chart:")


if __name__ == "__main__":
    from pages.common.router import run

    run()
