"""The growth of a long-lived process: `python -m tests.benchmarks.long_run`.

One process searches the demo with each model, mode and language, and reruns the app's pages with
changing values in their controls. Every model is loaded first. The first fifth of the searches and
reruns is warm-up, in which pages open their data and caches fill. The exit code is 1 if memory then
grows by 5 % or more, or files stay open.
It uses the user's own home, where the encoder is converted and the demo indexed.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from streamlit.runtime.state.common import TESTING_KEY
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import (
    ButtonGroup,
    Checkbox,
    Multiselect,
    Radio,
    Selectbox,
    Toggle,
)

from optical_core.data.collection import Collection, open_collection
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.searchers import open_searcher
from optical_core.storage import replace_file
from optical_core.ui.library import Library
from tests.benchmarks.timing import machine

PAGES = ("alignment", "gaps", "search", "inspector", "collections", "train")
MODES = ("exact", "int8", "candidates")
WARM_UP = 5
"""One step in so many is warm-up."""
MOST_GROWTH = 5.0
"""Per cent of the memory after warm-up."""
_PAGE = """
import streamlit as st
import pages.{0} as page
from optical_core.errors import InputError
from pages.common import address, router
st.navigation(list(router.pages().values()))
address.start()
try:
    page.render()
except InputError as error:
    st.error(str(error))
address.commit()
"""


@dataclass(frozen=True)
class State:
    """The process's memory (in MiB), open files and threads."""

    memory: float
    files: int
    threads: int


def state() -> State:
    gc.collect()
    process = psutil.Process()
    memory = process.memory_info().rss / 2**20
    return State(round(memory, 1), len(process.open_files()), threading.active_count())


def searches(
    collection: Collection, searchers: list[Searcher], draw: random.Random
) -> Iterator[None]:
    """Search endlessly for queries of any language, each less one word; explain every fourth."""
    texts = [text for code in collection.languages for text in collection.queries(code).values()]
    number = 0
    while True:
        searcher = searchers[number % len(searchers)]
        words = draw.choice(texts).split()
        if len(words) > 1:
            words.pop(draw.randrange(len(words)))
        query = " ".join(words)
        hits = searcher.search(query, top=10)
        if draw.random() < 0.25 and searcher.explains:
            searcher.explain(searcher.encode([query])[0], [collection.by_id[hits[0][0]]])
        number += 1
        yield


def reruns(draw: random.Random, pages: tuple[str, ...] = PAGES) -> Iterator[None]:
    """Rerun each page in turn, endlessly, in one session a page, with a new value in one control.

    Buttons aren't pressed: they train, measure and install.
    """
    sessions = {
        name: AppTest.from_string(_PAGE.format(name), default_timeout=300) for name in pages
    }
    for name, app in sessions.items():
        _run(name, app)
    while True:
        for name, app in sessions.items():
            _change(app, draw)
            _run(name, app)
            yield


def _shown(control: Any) -> Callable[[Any], Any]:
    """Format a choice as AppTest does, unless it already has the form of an option."""
    formatted = control.root.session_state[TESTING_KEY][control.id]
    return lambda value: value if value in control.options else formatted(value)


for _kind in (Selectbox, Radio, Multiselect, ButtonGroup):
    _kind.format_func = property(_shown)


def _run(name: str, app: AppTest) -> None:
    app.run()
    if app.exception:
        raise RuntimeError(f"page {name}: {app.exception[0].message}")


def _change(app: AppTest, draw: random.Random) -> None:
    """Give one control another value."""
    choices = [*app.selectbox, *app.radio, *app.multiselect, *app.button_group]
    controls = [control for control in choices if control.options]
    control = draw.choice([*controls, *app.toggle, *app.checkbox])
    if isinstance(control, Toggle | Checkbox):
        control.set_value(not control.value)
        return
    option = draw.choice(control.options)
    several = isinstance(control, Multiselect) or (
        isinstance(control, ButtonGroup) and not control._is_single_select
    )
    control.set_value([option] if several else option)


def measured(steps: list[tuple[Iterator[None], int]]) -> State:
    """Take some steps of each iterator, and return the state."""
    for iterator, count in steps:
        for _ in islice(iterator, count):
            pass
    return state()


@dataclass(frozen=True)
class Report:
    """The state after warm-up and at the end, and the seconds between them."""

    searches: int
    reruns: int
    warm: State
    end: State
    seconds: float

    @property
    def growth(self) -> float:
        """Per cent of the memory after warm-up."""
        return 100 * (self.end.memory / self.warm.memory - 1)

    @property
    def grew(self) -> bool:
        return self.growth >= MOST_GROWTH or self.end.files > self.warm.files


def long_run(
    searching: Iterator[None], rerunning: Iterator[None], counts: tuple[int, int]
) -> Report:
    """Take a fifth of the steps as warm-up, then the others."""
    early = [count // WARM_UP for count in counts]
    iterators = (searching, rerunning)
    warm = measured(list(zip(iterators, early, strict=True)))
    begin = time.perf_counter()
    late = [count - first for count, first in zip(counts, early, strict=True)]
    end = measured(list(zip(iterators, late, strict=True)))
    return Report(*counts, warm, end, round(time.perf_counter() - begin, 1))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.long_run")
    parser.add_argument("--searches", type=int, default=2000)
    parser.add_argument("--reruns", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    collection = open_collection("demo")
    library = Library()
    names = library.model_names()
    searchers = [
        *(library.searcher(name, "demo") for name in names),
        *(open_searcher(names[0], collection, mode=mode) for mode in MODES),
    ]
    draw = random.Random(0)
    report = long_run(
        searches(collection, searchers, draw),
        reruns(draw),
        (arguments.searches, arguments.reruns),
    )
    for label, now in (("after warm-up", report.warm), ("at the end", report.end)):
        print(f"{label}: {now.memory} MiB, {now.files} open files, {now.threads} threads")
    early = report.searches // WARM_UP, report.reruns // WARM_UP
    print(f"warm-up: {early[0]} searches, {early[1]} reruns")
    print(
        f"{report.searches} searches, {report.reruns} reruns: memory grew by {report.growth:.1f} % "
        f"in {report.seconds} s"
    )
    if arguments.json:
        figures = asdict(report) | {"growth_percent": round(report.growth, 2)} | machine()
        with replace_file(arguments.json) as part:
            part.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    sys.exit(report.grew)


if __name__ == "__main__":
    main()
