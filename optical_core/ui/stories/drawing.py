"""Stills as HTML that needs nothing else: pictures are SVG inside it, tables are tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_number

from optical_core.data.languages import language
from optical_core.escaping import html_text
from optical_core.figures.printed import Printed, printed
from optical_core.ui.library import Library
from optical_core.ui.still import Block, Columns, Flow, Html, Picture, Table
from optical_core.ui.tables import cell_formats, heading


def drawn(
    library: Library,
    stills: list[Columns],
    flows: list[Mapping[str, Any]],
    *,
    themes: Sequence[bool],
) -> str:
    """Draw the parts of a view, one below the other.

    Args:
        flows: Plans that the browser draws are added here. Their place has their number.
        themes: Is each dark? Pictures in both are seen in that of the reader's system.
    """
    html = ""
    for columns in stills:
        filled = [column for column in columns if column]
        inside = "".join(
            f"<div>{''.join(_block(library, block, flows, themes) for block in column)}</div>"
            for column in filled
        )
        html += f'<div class="columns of-{len(filled)}">{inside}</div>' if filled else ""
    return html


def _block(
    library: Library, block: Block, flows: list[Mapping[str, Any]], themes: Sequence[bool]
) -> str:
    if isinstance(block, Html):
        return block.text
    if isinstance(block, Table):
        return table_html(block)
    if isinstance(block, Flow):
        flows.append(block.data)
        return f'<div class="plan" data-flow="{len(flows) - 1}"></div>'
    return picture_html(block, {dark: _image(library, block, dark=dark) for dark in themes})


def _image(library: Library, picture: Picture, *, dark: bool) -> str:
    """A picture as an address with the SVG in it: what is in that touches nothing else."""
    figure = picture.draw(dark=dark)

    def draw() -> str:
        svg = printed([Printed(figure, picture.title)], "svg", dark=dark)
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"

    return library.keep("drawing", draw, key=(figure.to_json(), picture.title))


def picture_html(picture: Picture, images: Mapping[bool, str]) -> str:
    """A picture in one theme or in both.

    Args:
        images: Is it dark? -> the image's address.
    """
    alt, light = html_text(picture.alt or picture.title), images.get(False, images.get(True))
    image = f'<img alt="{alt}" src="{light}">'
    if len(images) > 1:
        media = "screen and (prefers-color-scheme: dark)"
        image = f'<picture><source media="{media}" srcset="{images[True]}">{image}</picture>'
    return _scrolled(image)


def table_html(table: Table) -> str:
    """A table with the pages' headings, digits and names of languages."""
    names = {code: language(code).name for code in table.languages}
    heads = [names.get(column) or heading(str(column)) for column in table.rows]
    head = "".join(f"<th>{html_text(text)}</th>" for text in heads)
    formats = cell_formats(table.rows) if table.formats is None else table.formats
    rows = "".join(
        f"<tr>{''.join(_cell(table, formats, column, value) for column, value in row.items())}</tr>"
        for row in table.rows.to_dict("records")
    )
    title = f"<caption>{html_text(table.title)}</caption>" if table.title else ""
    return _scrolled(f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _scrolled(inside: str) -> str:
    """What may be wider than a telephone: it scrolls, also by keyboard."""
    return f'<div class="scroll" role="group" tabindex="0">{inside}</div>'


def _cell(table: Table, formats: Mapping[str, Any], column: str, value: Any) -> str:
    style = table.style(column, value) if table.style else ""
    text = "–" if pd.isna(value) else str(formats.get(column, str)(value))
    marks = ' class="number"' if is_number(value) else ' dir="auto"'
    marks += f' style="{html_text(style)}"' if style else ""
    return f"<td{marks}>{html_text(text)}</td>"
