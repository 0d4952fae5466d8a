"""Parts that several pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from optical_core.analysis.export import table_texts
from optical_core.data.languages import closest, language
from optical_core.escaping import markdown_text
from optical_core.figures.printed import Printed, picture_files
from optical_core.ui.examples import first_language, first_query
from optical_core.ui.tables import cell_formats, heading, is_p, worded
from optical_core.ui.texts import bringing
from optical_core.wording import listed
from pages.common import address
from pages.common.address import bound
from pages.common.fence import fragment
from pages.common.opened import library

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MOST_ROWS = 16
"""A table with more rows is scrolled."""


def is_dark() -> bool:
    """Does the reader's browser show the dark theme?"""
    return st.context.theme.type == "dark"


def language_name(code: str) -> str:
    return language(code).name


def language_choice(
    widget: Callable[..., Any], label: str, codes: Sequence[str], **settings: Any
) -> Any:
    """Draw a `bound` choice of languages. The address may have any form of a code (`swh`)."""

    def read(code: str) -> str:
        return closest(code, codes) or code

    return bound(widget, label, codes, read=read, format_func=language_name, **settings)


def example_language(widget: Callable[..., Any], label: str, codes: Sequence[str]) -> str:
    """Draw the choice of the language of a page's example; at first Somali, if it is there."""
    first = first_language(codes)
    chosen: str = language_choice(widget, label, codes, key="lang", default=first)
    return chosen


def example_query(widget: Callable[..., Any], label: str, queries: Mapping[str, str]) -> str:
    """Draw the choice of one of a collection's queries (id -> text). Returns its id.

    The demo begins with a query that shows what distillation is for.
    """
    chosen: str = bound(
        widget,
        label,
        list(queries),
        key="need",
        default=first_query(queries),
        format_func=queries.get,
    )
    return chosen


def header(title: str, how_to_read: str) -> None:
    """Draw a page's title and the lines that say how to read it."""
    st.title(title)
    st.caption(how_to_read)


def section(title: str) -> None:
    """Draw the title of a part of a page. The caller escapes names in it."""
    st.header(title, anchor=False)


def uncounted_judgements(collection: str) -> None:
    """Warn of judgements of an installed collection that no measure counts."""
    for sentence in library().left_out(collection):
        st.warning(f"{sentence}.")


def no_texts(collection: str) -> None:
    """Say that a collection's texts aren't here, and what brings them."""
    commands = bringing(collection)
    how = " These commands bring them:" if commands else ""
    st.caption(f"The queries' texts aren't here, so only their ids are shown.{how}")
    if commands:
        st.code("\n".join(commands), language="bash")


def left_out(codes: Sequence[str], chosen: Sequence[str]) -> None:
    """Name the languages that a choice leaves out."""
    names = [language_name(code) for code in codes if code not in chosen]
    if names:
        st.caption(f"Left out, in every figure and mean below: {listed(names)}.")


def fault(error: object) -> None:
    """Show an error. Its sentence is escaped, since it may quote names from files."""
    st.error(markdown_text(error))


def clicked(key: str) -> Any:
    """What belongs to the point of a chart that was just clicked; None if it was handled before.

    Read before the chart is drawn: what a click chooses can then be marked in it.
    """
    event = st.session_state.get(key)
    points = event["selection"]["points"] if event else []
    found = points[0].get("customdata") if points else None
    before = st.session_state.get(f"_clicked-{key}")
    st.session_state[f"_clicked-{key}"] = found
    return found if found != before else None


def opened(table: Any, *, key: str, **settings: Any) -> tuple[int, str] | None:
    """Draw a table whose rows are clicked. Returns the clicked row's number and column, once.

    A selection outlives its click, so it is told only when it changes.
    """
    event = st.dataframe(
        table, key=key, on_select="rerun", selection_mode="single-cell", **settings
    )
    cells = event.selection.cells
    found = (int(cells[0][0]), str(cells[0][1])) if cells else None
    before = st.session_state.get(f"_opened-{key}")
    st.session_state[f"_opened-{key}"] = found
    return found if before != found else None


def link(page: str, label: str, icon: str | None = None, **query: Any) -> None:
    """Draw a link to a page. `query` is the state that the page shows."""
    target = st.session_state["_pages"][page]
    st.page_link(target, label=label, icon=icon, query_params=_parameters(query))


def leave(page: str, **query: Any) -> None:
    """Go to a page, as a link does. Back leads to where the reader was."""
    address.commit()
    st.switch_page(st.session_state["_pages"][page], query_params=_parameters(query))


def _parameters(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (key, str(part))
        for key, value in query.items()
        for part in (value if isinstance(value, list | tuple) else [value])
        if part not in (None, "")
    ]


def chart(
    draw: Callable[..., go.Figure],
    *,
    key: str,
    name: str,
    title: str,
    select: bool = False,
    area: bool = False,
    saved: bool = True,
    alt: str = "",
) -> Any:
    """Draw a figure with its downloads: SVG, PDF and PNG in the light theme, under a title.

    Args:
        draw: Makes the figure for a theme; it is called with `dark`.
        name: Of the files.
        title: What the figure shows, of which models and languages. Readers who don't see the
            figure get it too.
        select: Can points be clicked? The selected ones are then returned.
        area: Can points also be selected by a box or a lasso?
        saved: Are there downloads? A page may have several figures in one file.
        alt: What readers who don't see the figure get instead of the title. Where it changes,
            Streamlit makes the figure anew, so it should stay the same from click to click.
    """
    config = {
        "displaylogo": False,
        "displayModeBar": "hover",
        "modeBarButtonsToRemove": [
            *([] if area else ["select2d", "lasso2d"]),
            "toImage",
            "zoom2d",
            "pan2d",
            "autoScale2d",
        ],
    }
    modes = ("points", "box", "lasso") if area else "points"
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": modes} if select else {}
    figure = draw(dark=is_dark())
    if select:
        # What Streamlit would set after it has drawn, which draws anew.
        boxed = figure.layout.dragmode in ("select", "lasso")
        figure.layout.clickmode = "event" if boxed else "event+select"
    event = st.plotly_chart(figure, key=key, theme=None, config=config, alt=alt or title, **options)
    if saved:
        files(lambda: picture_files(name, lambda: [Printed(draw(dark=False), title)]), key=key)
    return event.selection.points if select else None


def table(table: pd.DataFrame, name: str, *, places: int = 4, saved: bool = True) -> None:
    """Draw a table with its downloads. Formatted numbers still sort as numbers.

    Args:
        name: Of the files.
        saved: Are there downloads? A page may have several tables in one list of files.
    """
    shown = worded(table)
    formats = cell_formats(table, places=places)
    # Streamlit takes 5 ms for a styled table: only p values need one.
    ps = {column: formats[column] for column in formats if is_p(column)}
    columns: dict[str, Any] = {column: heading(column) for column in table}
    for column in shown.select_dtypes("float").columns.difference(list(ps)):
        columns[column] = st.column_config.NumberColumn(heading(column), format=f"%.{places}f")
    st.dataframe(
        shown.style.format(ps, na_rep="") if ps else shown,
        height="content" if len(table) <= MOST_ROWS else "auto",
        hide_index=True,
        column_config=columns,
        placeholder="",
    )
    if saved:
        downloads({name: table}, key=name)


def downloads(
    tables: Mapping[str, pd.DataFrame],
    *,
    key: str,
    others: Callable[[], Mapping[str, str]] = dict,
) -> None:
    """Draw the downloads of tables: CSV, JSON, Markdown and LaTeX.

    Args:
        tables: Name of the files -> table.
        others: Makes further files (name -> content), which stand first.
    """

    def made() -> dict[str, str]:
        texts = {
            f"{name}.{form}": text
            for name, table in tables.items()
            for form, text in table_texts(table).items()
        }
        return {**others(), **texts}

    files(made, key=key)


@fragment
def files(
    make: Callable[[], Mapping[str, str | Callable[[], bytes]]],
    *,
    key: str,
    label: str = "Download",
) -> None:
    """Draw a list of downloads.

    Args:
        make: Name -> content, or what makes the content when the file is asked for. It is called
            when the list is opened.
        label: What the list is called.
    """
    with st.popover(
        label, icon=":material/download:", key=f"files-{key}", on_change="rerun"
    ) as box:
        if not box.open:
            return
        for name, content in make().items():
            st.download_button(
                markdown_text(name),
                content,
                name,
                key=f"{key}-{name}",
                on_click="ignore",
                width="stretch",
            )
