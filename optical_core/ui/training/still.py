"""The comparison of trainings on the page Train as a still."""

from __future__ import annotations

from functools import partial

from optical_core.distill.runs import list_runs
from optical_core.errors import InputError
from optical_core.ui.address import Parameters
from optical_core.ui.library import Library
from optical_core.ui.still import Block, Columns, Parts, Picture, Table, line
from optical_core.ui.training.figures import curves_told, overlay_figure, overlay_titles
from optical_core.ui.training.view import MOST_RUNS, RUNS, overlaid, settings_table


def parts(library: Library, given: Parameters) -> Parts:
    """`curves` of the compared trainings, and the `settings` in which they differ."""
    runs = {run.name: run for run in list_runs()}
    names = given.many(RUNS, list(runs), [], most=MOST_RUNS)
    if not names:
        raise InputError("this view compares no trainings: choose some on the page")
    chosen = [run for name, run in runs.items() if name in names]

    def curves() -> Columns:
        columns: list[list[Block]] = [[], []]
        logs = overlaid(chosen)
        for number, title in enumerate(overlay_titles(logs)):
            draw = partial(overlay_figure, logs, title)
            told = curves_told(title, draw(dark=False))
            columns[number % 2].append(Picture(draw, title, told))
        return columns

    def settings() -> Columns:
        table = settings_table(chosen)
        if table.empty:
            return [[line("Their settings are the same.")]]
        return [[Table(table, "Settings that differ")]]

    return {"curves": curves, "settings": settings}
