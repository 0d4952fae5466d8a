"""The start page's query: in four languages, where each model ranks its answer, and its plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optical_core.transport.plan import TransportPlan
from optical_core.ui.alignment.flows import cost_range, flow_data, plan_flow, plan_text
from optical_core.ui.examples import first_encoders
from optical_core.ui.inspector.answers import Answer, answer
from optical_core.ui.library import Library

COLLECTION = "demo"
LANGUAGES = ("en", "sw", "so", "yo")
TOP = 3
"""Passages shown of each ranking."""


@dataclass(frozen=True)
class Shown:
    """The query in one language.

    Attributes:
        code: Of the language.
        text: As it is asked.
        answers: Model -> its answer.
    """

    code: str
    text: str
    answers: dict[str, Answer]

    def rank(self, model: str) -> str:
        """Where a model ranks the best relevant passage, in words."""
        best = next(iter(self.answers[model].ranks.values()), None)
        return "not found" if best is None else f"{best:,}"

    @property
    def ranks(self) -> list[str]:
        """Its rank by each model."""
        return [self.rank(model) for model in self.answers]


def shown_languages(library: Library) -> list[str]:
    """The languages that the query is shown in."""
    languages = library.languages(COLLECTION)
    return [code for code in LANGUAGES if code in languages] or list(languages)[:4]


def closer_language(codes: Sequence[str]) -> str:
    """The language that is looked at closer at first."""
    return "so" if "so" in codes else codes[-1]


def english_of(one: Shown, shown: Sequence[Shown]) -> str:
    """The English text of a query; empty if it is English itself."""
    english = next((other.text for other in shown if other.code == "en"), "")
    return "" if english == one.text else english


def plan_flows(plans: Mapping[str, TransportPlan], code: str) -> dict[str, dict[str, Any]]:
    """Each model's plan to the English text as the browser draws it, all on one scale of costs.

    Args:
        plans: Model -> its plan.
        code: The language of the query.
    """
    flows = {model: plan_flow(plan, "word") for model, plan in plans.items()}
    costs = cost_range(list(flows.values()))
    return {
        model: flow_data(
            flows[model],
            costs,
            f"Transport plan of {model}. {plan_text(plan.words())}",
            languages=(code, "en"),
        )
        for model, plan in plans.items()
    }


def shown_queries(library: Library, need: str) -> list[Shown]:
    """A query in each of four languages, answered by each of `first_encoders`.

    Args:
        need: Its id; the first query of each language without it.
    """
    shown = []
    for code in shown_languages(library):
        queries = library.queries(COLLECTION, code)
        query = need if need in queries else next(iter(queries))
        text, grades = queries[query], library.judged(COLLECTION, code, query)
        answers = {
            model: answer(library, model, COLLECTION, query, text, grades)
            for model in first_encoders(library)
        }
        shown.append(Shown(code, text, answers))
    return shown
