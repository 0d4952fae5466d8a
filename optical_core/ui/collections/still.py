"""The page Collections as a still."""

from __future__ import annotations

from optical_core.ui.address import Parameters
from optical_core.ui.collections.view import SAMPLE, samples, statistics
from optical_core.ui.library import Library
from optical_core.ui.search.view import shortened
from optical_core.ui.still import Block, Columns, Html, Parts, Table, heading, line
from optical_core.ui.token_html import plain
from optical_core.wording import counted

_MEANS = ("relevant per query", "words per query")
"""Columns of the statistics that are means."""


def parts(library: Library, given: Parameters) -> Parts:
    """`numbers` of a collection, and `samples` of it in a language."""
    names = library.collection_names()
    name = given.one("show", names, names[0])
    collection = library.collection(name)
    code = given.language("lang", list(collection.languages), collection.languages[0])

    def numbers() -> Columns:
        info, passages = collection.info, counted(len(collection.by_id), "passage")
        about = f"{passages}, {'parallel' if info.parallel else 'not parallel'}"
        table = library.keep("statistics", lambda: statistics(collection), collection=name)
        said = [heading(name), line(info.description), line(f"{about}. Licence: {info.licence}")]
        return [[*said, Table(table, formats=dict.fromkeys(_MEANS, "{:.1f}".format))]]

    def shown() -> Columns:
        cards: list[Block] = []
        for query, english, title, text in samples(collection, code):
            whole = f"{title}. {text}" if title else text
            inside = plain(query, bold=True) + (plain(english, faint=True) if english else "")
            inside += plain(shortened(whole, SAMPLE))
            cards.append(Html(f'<div class="card">{inside}</div>'))
        return [cards]

    return {"numbers": numbers, "samples": shown}
