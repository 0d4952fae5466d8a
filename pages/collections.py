"""Collections: what is installed, what is in it, and bringing your own."""

from __future__ import annotations

import streamlit as st

from optical_core.data.collection import Collection, is_shipped
from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.retrieval.compression import PLAIN_BITS, Compression
from optical_core.retrieval.indexing import has_index
from optical_core.retrieval.windows import AGGREGATES, USUAL, WHOLE, Windows
from optical_core.ui.collections.changing import (
    delete_typed,
    put_passages,
    typed_passage,
    uploaded_passages,
)
from optical_core.ui.collections.index_size import BITS, POOLED, index_size
from optical_core.ui.collections.long_documents import (
    SCORES,
    cut_off,
    windows_line,
    windows_of,
)
from optical_core.ui.collections.view import (
    FORMATS,
    SAMPLE,
    import_folder,
    import_upload,
    remove_collection,
    samples,
    statistics,
)
from optical_core.ui.search.view import shortened
from optical_core.ui.token_html import plain
from optical_core.wording import counted
from pages.common import parts
from pages.common.address import bound
from pages.common.first_start import prepared
from pages.common.opened import library
from pages.common.reading import reading
from pages.common.typed import taken

READ = (
    "How to read this: a collection has passages (usually English), queries in one or more "
    "languages, and judgements of which passages answer which query. A parallel collection has the "
    "same queries in every language. Only there can you compare levels between languages."
)

SHOWN = "show"
"""Address parameter: the collection on display."""


def render() -> None:
    parts.header("Collections", READ)
    _bring()
    names = library().collection_names()
    name = bound(st.selectbox, "Installed", names, key=SHOWN, default=names[0])
    if not is_shipped(library().collection(name)):
        _change(library().collection(name))
    _show(library().collection(name))


def _change(collection: Collection) -> None:
    """Draw the forms that add, replace and delete passages, and do what they say."""
    with st.expander("Change passages"):
        st.caption(
            "A passage whose id is there already is replaced. Searches see a change at once; its "
            "text stays on the disk until `optical index compact`."
        )
        row = st.columns(2)
        with row[0].form("put", clear_on_submit=True):
            file = st.file_uploader("A file: JSON Lines or Parquet", type=["jsonl", "parquet"])
            key = st.text_input("or one passage: its id")
            title = st.text_input("Title (may be empty)")
            text = st.text_area("Text")
            put = st.form_submit_button("Add or replace", icon=":material/add:")
        with row[1].form("delete", clear_on_submit=True):
            typed = st.text_area("Ids of passages, with blanks between them")
            delete = st.form_submit_button("Delete", icon=":material/delete:")
        try:
            if put and file is not None:
                with reading() as tell:
                    passages = uploaded_passages(file.name, file.getvalue(), tell=tell)
            elif put:
                passages = [typed_passage(key, title, text)]
            if put:
                with st.spinner("Encoding…", show_time=True):
                    st.success(put_passages(library(), collection, passages))
            elif delete:
                st.success(delete_typed(collection, typed))
        except InputError as error:
            parts.fault(error)


def _show(collection: Collection) -> None:
    info = collection.info
    row = st.columns(4)
    row[0].metric("passages", f"{len(collection.by_id):,}")
    row[1].metric("languages", len(info.languages))
    row[2].metric("parallel", "yes" if info.parallel else "no")
    row[3].metric("indexed", "yes" if has_index(collection) else "not yet")
    st.text(info.description)
    if len(told := collection.corpus.languages) > 1:
        shares = ", ".join(f"{parts.language_name(c)} {count:,}" for c, count in told.items())
        st.text(f"Passages by language: {shares}")
    st.text(f"Licence: {info.licence}\nSource: {info.source}")
    with st.container(horizontal=True, vertical_alignment="center"):
        parts.link("search", "Search it", icon=":material/search:", **{"in": collection.name})
        parts.link("gaps", "Evaluate on it", icon=":material/bar_chart:", on=collection.name)
        parts.link(
            "train", "Train with it as dev", icon=":material/model_training:", dev=collection.name
        )
        wanted = not has_index(collection) and st.button(
            "Index now", icon=":material/database:", type="primary"
        )
        if wanted and prepared(collection.name):
            st.rerun()
        if not is_shipped(collection):
            _remove(collection)
    _long(collection)
    _size(collection)
    parts.uncounted_judgements(collection.name)
    st.dataframe(
        library().keep("statistics", lambda: statistics(collection), collection=collection.name),
        hide_index=True,
        column_config={
            "relevant per query": st.column_config.NumberColumn(format="%.1f"),
            "words per query": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    parts.section("Samples")
    code = parts.language_choice(
        st.selectbox, "Language", list(info.languages), key="lang", default=info.languages[0]
    )
    for query, english, title, text in samples(collection, code):
        with st.container(border=True):
            st.html(plain(query, bold=True))
            if english:
                st.html(plain(english, faint=True))
            st.html(plain(shortened(f"{title}. {text}" if title else text, SAMPLE)))


def _long(collection: Collection) -> None:
    """Say what is cut off long passages, and offer windows instead."""
    loss, windows = cut_off(library(), collection.name), windows_of(collection)
    if not loss and windows.plain:
        return
    with st.expander("Long passages", expanded=windows.plain):
        st.caption(loss if windows.plain else windows_line(windows))
        with st.form("windows", border=False):
            row = st.columns(3, vertical_alignment="bottom")
            length = row[0].number_input(
                "Window in tokens (0: whole passages)", 0, 10_000, windows.length or USUAL
            )
            stride = row[1].number_input("Stride", 1, 10_000, windows.stride or USUAL // 2)
            how = row[2].selectbox(
                "A passage's score",
                list(AGGREGATES),
                AGGREGATES.index(windows.aggregate),
                format_func=SCORES.get,
            )
            asked = st.form_submit_button("Index in windows", icon=":material/view_column:")
        if not asked:
            return
        try:
            wanted = Windows(int(length), int(stride), how) if length else WHOLE
        except InputError as error:
            parts.fault(error)
            return
        if prepared(collection.name, wanted):
            st.rerun()


def _size(collection: Collection) -> None:
    """Say what the index takes, and offer smaller forms."""
    size = index_size(library(), collection.name)
    if size is None:
        return
    with st.expander("Size of the index"):
        st.caption(size.line())
        with st.form("size", border=False):
            row = st.columns([1, 1, 1], vertical_alignment="bottom")
            bits = row[0].selectbox(
                "Bits a dimension",
                list(BITS),
                list(BITS).index(size.compression.bits),
                format_func=BITS.get,
            )
            pool = row[1].selectbox(
                "One vector for",
                list(POOLED),
                list(POOLED).index(min(size.compression.pool, max(POOLED))),
                format_func=POOLED.get,
            )
            asked = row[2].form_submit_button("Store it so", icon=":material/compress:")
        wanted = Compression(bits, size.compression.dims if bits < PLAIN_BITS else None, pool)
        if asked and wanted != size.compression and prepared(collection.name, None, wanted):
            st.rerun()


def _remove(collection: Collection) -> None:
    with st.popover("Remove", icon=":material/delete:"):
        st.markdown(
            f"Remove **{markdown_text(collection.name)}** with its indexes? This can't be undone."
        )
        if st.button("Yes, remove it", type="primary"):
            remove_collection(collection)
            st.rerun()


def _bring() -> None:
    with st.expander("Bring your own collection"):
        row = st.columns([2, 1, 1])
        form = row[0].selectbox("Format", list(FORMATS), format_func=FORMATS.get)
        part = row[1].text_input(
            "Part",
            placeholder="all, or the only one",
            help="Where a folder has several: the language to take (`sw`, `eng-deu`), or the kind "
            "of passage. The command calls it `--unit`.",
        )
        unit = taken(row[1], part.strip(), 60) or None
        name = taken(row[2], row[2].text_input("Name", placeholder="my-collection"), 60)
        row = st.columns(2)
        file = row[0].file_uploader("Zip file", type="zip")
        path = taken(row[1], row[1].text_input("or a folder on this machine"), 1000)
        if st.button("Import", icon=":material/upload:"):
            try:
                if file is None and not path.strip():
                    raise InputError("choose a zip file, or name a folder")
                with reading() as tell:
                    if file is None:
                        made = import_folder(path.strip(), form, name.strip(), unit=unit, tell=tell)
                    else:
                        made = import_upload(
                            file.getvalue(),
                            form,
                            name.strip(),
                            unit=unit,
                            file=file.name,
                            tell=tell,
                        )
            except InputError as error:
                parts.fault(error)
                return
            st.success(
                f"{markdown_text(made.name)}: {counted(len(made.by_id), 'passage')}, "
                f"{counted(len(made.languages), 'language')}. Next, press “Index now” below: then "
                "you can search it, evaluate models on it, or train with it as dev collection."
            )
            st.session_state[SHOWN] = made.name


if __name__ == "__main__":
    from pages.common.router import run

    run()
