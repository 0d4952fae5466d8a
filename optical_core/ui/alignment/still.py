"""The alignment page as a still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from optical_core.errors import InputError
from optical_core.transport import TransportPlan, TransportSettings
from optical_core.transport.marginals import MARGINALS
from optical_core.ui.address import Parameters
from optical_core.ui.alignment.figures import plan_heatmap, word_chips
from optical_core.ui.alignment.flows import (
    change_flow,
    change_text,
    cost_range,
    flow_data,
    plan_flow,
    plan_text,
)
from optical_core.ui.alignment.languages import (
    MOST,
    InLanguage,
    by_cost,
    language_table,
    overview,
    overview_title,
    told,
    typed_texts,
)
from optical_core.ui.alignment.plans import plan_of_texts
from optical_core.ui.alignment.printing import plan_title
from optical_core.ui.alignment.view import (
    EPSILON,
    EPSILONS,
    LONGEST,
    MOST_MODELS,
    PICTURES,
    SOLVERS,
    THRESHOLDS,
    UNITS,
    VIEWS,
    AlignmentView,
    gold_line,
    pin_from,
    report_lines,
)
from optical_core.ui.examples import first_encoders, first_language, first_query
from optical_core.ui.library import Library
from optical_core.ui.still import Block, Columns, Flow, Html, Parts, Picture, Table, heading, line
from optical_core.ui.token_html import plain

ACROSS = 4
"""Most languages side by side."""
Plans = Sequence[tuple[str, AlignmentView, TransportPlan, TransportPlan | None]]
"""(what stands above it, texts and settings, plan, the first model's plan for a change)."""


def parts(library: Library, given: Parameters) -> Parts:
    """`texts` and `plans`, a column a model; or of many languages `overview` and `languages`."""
    many = given.one("view", list(VIEWS), "one") == "many"
    view = _view(library, given, many)
    right = Html(plain(view.english, faint=not many, bold=many))
    if many:
        codes = [code for code in library.languages("demo") if code != view.against]
        chosen = given.languages("many", codes, codes, MOST)
        return {
            "texts": lambda: [[right]],
            "overview": lambda: _overview(_rows(library, view, chosen), view),
            "languages": lambda: _languages(_rows(library, view, chosen), view),
        }
    pin = pin_from(given.text("pin", 20))
    return {
        "texts": lambda: [[Html(plain(view.foreign, bold=True)), right]],
        "plans": lambda: _columns(_models(library, view), view, pin),
    }


def _view(library: Library, given: Parameters, many: bool) -> AlignmentView:
    """The view that the page's controls would make of the address."""
    codes = list(library.collection("demo").languages)
    others = [code for code in codes if code != "en"]
    code = given.language("lang", others, first_language(others))
    against = given.language("other", codes, "en")
    texts, right = library.queries("demo", code), library.queries("demo", against)
    need = given.one("need", list(right), first_query(right))
    typed = given.text("a", LONGEST), given.text("b", LONGEST)
    foreign, english = typed[0] or texts[need], typed[1]
    further = tuple(typed_texts(given.text("texts", 10 * LONGEST))) if many else ()
    gold, path, number = None, given.text("gold", 1000), given.number("sentence", 1)
    if path and not many:
        pairs = library.gold_pairs(path)
        gold = pairs[min(number, len(pairs)) - 1]
        foreign, english = gold.foreign, gold.english
    names = library.model_names(token_level=True)
    return AlignmentView(
        foreign=foreign,
        english=english or right[need],
        need=need,
        models=tuple(given.many("model", names, first_encoders(library), most=MOST_MODELS)),
        unit=given.one("unit", UNITS, "word"),
        kind=given.one("show", list(PICTURES), "ribbons"),
        transport=TransportSettings(
            given.one("solver", SOLVERS, "exact"),
            given.one("eps", EPSILONS, EPSILON, float),
            marginals=given.one("marginals", list(MARGINALS), MARGINALS[0]),
        ),
        normalise=given.one("norm", (False, True), False, lambda text: text == "True"),
        threshold=given.one("min", THRESHOLDS, 0.0, float),
        gold=gold,
        language=code,
        against=against,
        left_typed=typed[0] not in ("", texts[need]),
        right_typed=typed[1] not in ("", right[need]),
        others=further,
    )


def _models(library: Library, view: AlignmentView) -> Plans:
    plans: list[tuple[str, AlignmentView, TransportPlan, TransportPlan | None]] = []
    for model in view.models:
        before = plans[0][2] if plans else None
        plans.append((model, view, _plan(library, model, view), before))
    return plans


def _rows(library: Library, view: AlignmentView, codes: Sequence[str]) -> list[InLanguage]:
    rows, faults = by_cost(library, view, codes)
    if faults:
        raise InputError(faults[0])
    return rows


def _overview(rows: list[InLanguage], view: AlignmentView) -> Columns:
    title = overview_title(view, rows)
    return [[Picture(partial(overview, view, rows), title), Table(language_table(rows))]]


def _languages(rows: list[InLanguage], view: AlignmentView) -> Columns:
    """The last model's plan of each language, in columns from left to right, the cheapest first."""
    change = view.kind == "change" and len(view.models) > 1
    plans = [
        (
            row.name,
            replace(view, foreign=row.text, language=row.code),
            row.plans[view.models[-1]],
            row.plans[view.models[0]] if change else None,
        )
        for row in rows
    ]
    drawn = _columns(plans, view, None)
    for row, column in zip(rows, drawn, strict=True):
        column.insert(1, line(told(row)))
    return [
        [block for column in drawn[start::ACROSS] for block in column]
        for start in range(min(ACROSS, len(drawn)))
    ]


def _plan(library: Library, model: str, view: AlignmentView) -> TransportPlan:
    spaces = view.gold is not None
    return plan_of_texts(library, model, view.foreign, view.english, view.transport, spaces=spaces)


def _columns(plans: Plans, view: AlignmentView, pin: tuple[str, int] | None) -> list[list[Block]]:
    """Each plan in the chosen form, under its texts. All have one scale of colours."""
    flows = [plan_flow(plan, view.unit, **_mass(view)) for _, _, plan, _ in plans]
    change = [view.kind == "change" and before is not None for *_, before in plans]
    costs = cost_range([flow for flow, changed in zip(flows, change, strict=True) if not changed])
    columns: list[list[Block]] = []
    for (name, one, plan, before), flow in zip(plans, flows, strict=True):
        shown = plan.words() if view.unit == "word" else plan
        column: list[Block] = [heading(name)]
        if one is not view:
            column.append(Html(plain(one.foreign)))
        label = f"Transport plan of {name}. {plan_text(shown)}"
        if view.kind == "chips":
            column.append(Html(word_chips(shown, smallest=max(view.threshold, 0.05))))
        elif view.kind == "change" and before is not None:
            column += _change(name, one, plan, before, pin)
        elif view.kind == "heatmap":
            gold = sorted(view.gold.possible) if view.gold and view.unit == "word" else ()
            drawn = partial(plan_heatmap, shown, pinned=pin, gold=gold, **_mass(view))
            column.append(Picture(drawn, "", plan_title(name, one)))
        else:
            languages = (one.language, one.against)
            column.append(Flow(flow_data(flow, costs, label, languages=languages, pinned=pin)))
        column += [line(each) for each in report_lines(plan)]
        if view.gold:
            column.append(line(gold_line(plan, view.gold)))
        columns.append(column)
    return columns


def _mass(view: AlignmentView) -> dict[str, Any]:
    return {"row_normalised": view.normalise, "threshold": view.threshold}


def _change(
    name: str,
    view: AlignmentView,
    plan: TransportPlan,
    before: TransportPlan,
    pin: tuple[str, int] | None,
) -> list[Block]:
    """What a plan gained and lost against the first model's."""
    flow = change_flow(plan, before, view.unit)
    if flow is None:
        return [line("These encoders cut the texts differently: choose the unit word.")]
    text = change_text(flow, plan.total_cost - before.total_cost)
    data = flow_data(
        flow,
        (0.0, 1.0),
        f"{name} minus {view.models[0]}: {text}",
        languages=(view.language, view.against),
        pinned=pin,
    )
    return [line(f"Minus {view.models[0]}: {text}"), Flow(data)]
