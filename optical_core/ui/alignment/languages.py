"""One query in many languages: its cost, fertility and AP in each, the cheapest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from optical_core.data.languages import find_language, language
from optical_core.data.words import has_unspaced, knows_words
from optical_core.errors import InputError
from optical_core.figures.by_language import Panel, language_picture
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.plans import plan_of_texts
from optical_core.ui.alignment.view import AlignmentView
from optical_core.ui.library import Library
from optical_core.ui.search.view import average_precision
from optical_core.wording import counted

COLLECTION = "demo"
DEPTH = 1000
MOST = 24
"""Most texts of one view."""


@dataclass(frozen=True)
class InLanguage:
    """The query in one language.

    Attributes:
        name: The language's; with a number if it has several texts.
        code: Of the language.
        text: What is asked.
        plans: Model -> the plan of its tokens.
        precision: Model -> average precision; empty if nothing is judged for the text.
    """

    name: str
    code: str
    text: str
    plans: Mapping[str, TransportPlan]
    precision: Mapping[str, float]

    @property
    def cost(self) -> float:
        """Of the last model's plan."""
        return list(self.plans.values())[-1].total_cost

    def fertility(self, model: str) -> float | None:
        """Tokens a word; None if the words can't be known."""
        if has_unspaced(self.text) and not knows_words():
            return None
        return fertility(self.plans[model])


def fertility(plan: TransportPlan) -> float | None:
    """Tokens a word of a plan's source; None if it has no words.

    >>> import numpy as np
    >>> even = np.full((3, 1), 1 / 3)
    >>> fertility(TransportPlan(even, even, ("ba", "hari", "[MASK]"), ("sea",), (0, 0, -1), (0,)))
    2.0
    """
    words = [word for word in plan.source_words if word >= 0]
    return len(words) / len(set(words)) if words else None


def typed_texts(typed: str) -> list[tuple[str, str]]:
    """Texts that were typed, one a line, each after its language: (code, text).

    >>> typed_texts("so: Badda\\n\\nsw: Bahari: nini?")
    [('so', 'Badda'), ('sw', 'Bahari: nini?')]

    Raises:
        InputError: A line without a language, or with an unknown one; too many lines.
    """
    texts = []
    for number, line in enumerate(typed.splitlines(), 1):
        if not line.strip():
            continue
        code, colon, text = line.partition(":")
        known = find_language(code.strip())
        if not colon or known is None or not text.strip():
            raise InputError(
                f"line {number} of the texts begins with {line.strip()[:20]!r}: give a language's "
                "code, a colon and the text, as in so: Badda"
            )
        texts.append((known.code, text.strip()))
    if len(texts) > MOST:
        raise InputError(f"there are {len(texts)} texts: give at most {MOST}")
    return texts


def asked_texts(
    library: Library, view: AlignmentView, codes: Iterable[str]
) -> list[tuple[str, str]]:
    """The texts of a view, (code, text): of each language those that were typed, else the demo's.

    Args:
        codes: Languages of the demo.
    """
    typed = [(view.language, view.foreign)] if view.left_typed else []
    typed += view.others
    known = {code for code, _ in typed}
    queries = {code: library.queries(COLLECTION, code).get(view.need) for code in codes}
    demo = [(code, text) for code, text in queries.items() if text and code not in known]
    return [*typed, *demo][:MOST]


def in_language(
    library: Library, view: AlignmentView, name: str, code: str, text: str
) -> InLanguage:
    """Solve the plans of one text, and rank the demo's passages for it.

    What is typed on the left counts as another wording of the demo's query. Nothing is judged for a
    text of one's own on the right.

    Raises:
        InputError: The text has no tokens.
    """
    plans = {
        model: plan_of_texts(library, model, text, view.english, view.transport)
        for model in view.models
    }
    grades = {} if view.right_typed else library.judged(COLLECTION, view.against, view.need)
    precision = {
        model: average_precision(view.need, library.rank(model, COLLECTION, text, DEPTH), grades)
        for model in (view.models if grades else ())
    }
    return InLanguage(name, code, text, plans, precision)


def by_cost(
    library: Library, view: AlignmentView, codes: Iterable[str]
) -> tuple[list[InLanguage], list[str]]:
    """The query in each language, the cheapest first.

    Returns:
        The rows, and what is wrong with texts that have none.
    """
    texts = asked_texts(library, view, codes)
    rows, faults = [], []
    for name, (code, text) in zip(names_of([code for code, _ in texts]), texts, strict=True):
        try:
            rows.append(in_language(library, view, name, code, text))
        except (InputError, ValueError) as error:
            faults.append(f"{name}: {error}")
    return sorted(rows, key=lambda row: row.cost), faults


def overview(view: AlignmentView, rows: Sequence[InLanguage], *, dark: bool) -> go.Figure:
    """Cost, AP and fertility of each language, in panels with the same rows."""
    last = view.models[-1]
    costs = [{model: row.plans[model].total_cost for model in view.models} for row in rows]
    judged = any(row.precision for row in rows)
    panels = [
        Panel("cost", costs, 0.45 if judged else 0.7),
        *([Panel("AP", [row.precision for row in rows], 0.3, (0.0, 1.0))] if judged else []),
        Panel("fertility", [{last: row.fertility(last)} for row in rows], 0.25 if judged else 0.3),
    ]
    return language_picture([row.name for row in rows], panels, dark=dark)


def overview_title(view: AlignmentView, rows: Sequence[InLanguage]) -> str:
    """What the overview shows."""
    return f"“{view.english}” in {counted(len(rows), 'language')}"


def names_of(codes: Sequence[str]) -> list[str]:
    """The languages' names; a number tells several texts of one language apart.

    >>> names_of(["so", "sw", "so"])
    ['Somali', 'Swahili', 'Somali 2']
    """
    seen: Counter[str] = Counter()
    names = []
    for code in codes:
        seen[code] += 1
        number = f" {seen[code]}" if seen[code] > 1 else ""
        names.append(f"{language(code).name}{number}")
    return names


def language_table(rows: Sequence[InLanguage]) -> pd.DataFrame:
    """One row a text: language, then of each model cost, fertility and AP; and the text.

    Encoders that cut the texts alike share a column of fertility.
    """
    models = list(rows[0].plans) if rows else []
    alike = all(len({row.fertility(model) for model in models}) <= 1 for row in rows)
    columns: dict[str, list[object]] = {"language": [row.code for row in rows]}
    for model in models:
        columns[f"cost {model}"] = [row.plans[model].total_cost for row in rows]
    for model in models[-1:] if alike else models:
        heading = "tokens a word" if alike else f"tokens a word {model}"
        columns[heading] = [row.fertility(model) for row in rows]
    if any(row.precision for row in rows):
        for model in models:
            columns[f"AP {model}"] = [row.precision.get(model) for row in rows]
    columns["text"] = [row.text for row in rows]
    numbers = {column: float for column in columns if column not in ("language", "text")}
    return pd.DataFrame(columns).astype(numbers)


def told(row: InLanguage) -> str:
    """Cost, fertility and AP of a text in a line; of several models from the first to the last."""
    models = list(row.plans)
    first, last = models[0], models[-1]

    def change(before: float, after: float) -> str:
        return f"{after:.3f}" if first == last else f"{before:.3f} → {after:.3f}"

    parts = [f"cost {change(row.plans[first].total_cost, row.plans[last].total_cost)}"]
    pieces = row.fertility(last)
    if pieces is not None:
        parts.append(f"{pieces:.1f} tokens a word")
    if row.precision:
        parts.append(f"AP {change(row.precision[first], row.precision[last])}")
    return " · ".join(parts)
