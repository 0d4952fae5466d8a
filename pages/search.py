"""Live search: one query, one model, the best passages."""

from __future__ import annotations

import streamlit as st

from optical_core.errors import InputError
from optical_core.ui.loaders import collection_names, load_searcher, model_names, sample_queries


def render() -> None:
    st.title("Search English passages in your language")
    st.caption(
        "Queries are encoded by a student that learnt their language by optimal transport; "
        "passages stay English."
    )
    columns = st.columns([1, 1, 1])
    name = columns[0].selectbox("Collection", collection_names())
    model = columns[1].selectbox("Model", model_names())
    samples = sample_queries(name)
    code = columns[2].selectbox("Example language", list(samples))
    example = st.selectbox("Example", ["", *samples[code]], help="Or type your own below.")
    query = st.text_input("Query", value=example, max_chars=1000)
    if not query.strip():
        st.info("Type a query, or choose an example.")
        return
    try:
        with st.spinner("Loading the model and the index (a minute on the first start ever)…"):
            searcher, collection = load_searcher(model, name)
        results = searcher.search(query, top=10)
    except InputError as error:
        st.error(str(error))
        return
    if not results:
        st.warning("No passage found: the query has no word that this model can match.")
    for rank, (identifier, score) in enumerate(results, 1):
        passage = collection.by_id[identifier]
        with st.container(border=True):
            left, right = st.columns([6, 1])
            # As text, not Markdown: passages are shown as they are.
            left.text(f"{rank}. {passage.title or identifier}")
            left.text(passage.text)
            right.metric("score", f"{score:.2f}")


if __name__ == "__main__":
    from pages.common.router import run

    run()
