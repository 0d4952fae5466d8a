"""The page Start as a still."""

from __future__ import annotations

from optical_core.data.languages import language
from optical_core.ui.address import Parameters
from optical_core.ui.alignment.plans import plan_of_texts
from optical_core.ui.examples import AHEAD
from optical_core.ui.library import Library
from optical_core.ui.start.view import (
    TOP,
    Shown,
    closer_language,
    english_of,
    plan_flows,
    shown_languages,
    shown_queries,
)
from optical_core.ui.still import Block, Columns, Flow, Html, Parts, card, heading, line
from optical_core.ui.token_html import plain


def parts(library: Library, given: Parameters) -> Parts:
    """The `question` in its languages; for one of them the `answers`, and the `plans`."""
    codes = shown_languages(library)
    code = given.language("lang", codes, closer_language(codes))

    def queries() -> tuple[list[Shown], Shown]:
        shown = shown_queries(library, AHEAD)
        return shown, next(one for one in shown if one.code == code)

    return {
        "question": lambda: [_asked(one) for one in queries()[0]],
        "answers": lambda: _answers(library, *queries()),
        "plans": lambda: _plans(library, *queries()),
    }


def _asked(one: Shown) -> list[Block]:
    ranks = f"rank {' → '.join(one.ranks)}"
    return [heading(language(one.code).name), line(ranks), Html(plain(one.text))]


def _answers(library: Library, shown: list[Shown], one: Shown) -> Columns:
    english = english_of(one, shown)
    columns: list[list[Block]] = []
    for model, found in one.answers.items():
        about = f"{library.description(model)} · AP {found.precision:.3f}"
        column: list[Block] = [heading(model), line(about), Html(plain(one.text, bold=True))]
        if english:
            column.append(Html(plain(english, faint=True)))
        for rank, (identifier, _) in enumerate(found.ranking.hits[:TOP], 1):
            passage = found.ranking.passages[identifier]
            good = [("relevant", "good")] if identifier in found.ranks else []
            column.append(card(rank, good, plain(passage.title or passage.id)))
        columns.append(column)
    return columns


def _plans(library: Library, shown: list[Shown], one: Shown) -> Columns:
    english = english_of(one, shown)
    if not english:
        return [[line("The question is English: there is no translation to align it to.")]]
    plans = {model: plan_of_texts(library, model, one.text, english) for model in one.answers}
    flows = plan_flows(plans, one.code)
    return [
        [heading(model), line(f"Transport cost {plan.total_cost:.3f}"), Flow(flows[model])]
        for model, plan in plans.items()
    ]
