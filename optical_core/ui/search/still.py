"""The page Live search as a still."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from optical_core.data.languages import language
from optical_core.data.where import LONGEST, in_languages
from optical_core.errors import InputError
from optical_core.retrieval.explain import one_window
from optical_core.retrieval.model_names import label
from optical_core.ui.address import Parameters
from optical_core.ui.examples import first_language, first_query
from optical_core.ui.library import Library
from optical_core.ui.search.figures import match_figure
from optical_core.ui.search.joined import added_line, typed_model
from optical_core.ui.search.ranking import Ranking
from optical_core.ui.search.view import (
    DEPTH,
    LONGEST_QUERY,
    MOST_MODELS,
    TOP,
    Asked,
    ask,
    english_of,
    explained,
    match_title,
    moves,
    passage_languages,
    quality,
    shortened,
    within,
)
from optical_core.ui.search.winning import Rivals
from optical_core.ui.search.winning_still import winning_part
from optical_core.ui.still import Block, Columns, Html, Parts, Picture, card, heading, line
from optical_core.ui.token_html import contribution_chips, heat_strip, plain


def parts(library: Library, given: Parameters) -> Parts:
    """`query`; `rankings`, a column a model; `why`, the explanations that are open; `winning`, two
    results that are compared.
    """
    names = library.collection_names()
    name = given.one("in", names, names[0])
    codes = list(library.languages(name))
    code = given.language("lang", codes, first_language(codes))
    examples = library.queries(name, code)
    need = given.one("need", list(examples), first_query(examples))
    typed = given.text("q", LONGEST_QUERY)
    models = given.many("model", library.model_names(), library.default_models(), most=MOST_MODELS)
    if joined := given.text("join", 1000):
        models = list(dict.fromkeys([*models[: MOST_MODELS - 1], _joined(library, joined)]))
    chosen = given.many("within", passage_languages(library, name), [])
    condition = in_languages(chosen, given.text("where", LONGEST))
    asked = ask(library, name, typed or examples[need], condition)
    top, why = given.one("top", TOP, TOP[0], int), given.given("why")
    texts = [Html(plain(asked.query, bold=True))]
    if english := english_of(asked):
        texts.append(Html(plain(english, faint=True)))
    found: dict[str, Callable[[], Columns]] = {
        "query": lambda: [texts],
        "rankings": partial(_rankings, library, asked, models, top),
    }
    if why:
        found["why"] = partial(_reasons, library, asked, models, top, why)
    if winning := winning_part(given):
        found["winning"] = lambda: winning(_rivals(library, asked, models, top))
    return found


def _rivals(library: Library, asked: Asked, models: list[str], top: int) -> Rivals:
    rankings = {model: _ranked(library, asked, model) for model in models}
    shown = {hit for ranking in rankings.values() for hit, _ in ranking.hits[:top]}
    return Rivals(asked, rankings, shown)


def _joined(library: Library, text: str) -> str:
    return typed_model(text, library.model_names())


def _rankings(library: Library, asked: Asked, models: list[str], top: int) -> Columns:
    first: Mapping[str, int] | None = None
    columns: list[list[Block]] = []
    for model in models:
        ranking = _ranked(library, asked, model)
        first = ranking.ranks if first is None else first
        told = library.description(model)
        if asked.known and asked.grades:
            told += f" · {quality(asked.known[1], ranking, asked.grades)}"
        column: list[Block] = [heading(label(model)), line(told)]
        if ranking.gloss:
            column.append(line(f"Asked with its gloss too: {ranking.gloss}"))
        if ranking.added:
            column.append(line(f"Added to the query: {added_line(ranking.added)}"))
        for rank, (identifier, _) in enumerate(ranking.hits[:top], 1):
            move, passage = moves(first, identifier, rank), ranking.passages[identifier]
            column.append(_card(asked, ranking, rank, move, plain(shortened(passage.text))))
        columns.append(column if ranking.hits else [*column, line("No passage found.")])
    return columns


def _reasons(
    library: Library, asked: Asked, models: list[str], top: int, why: list[str]
) -> Columns:
    """Each explained passage with its matches, and a picture of these beside it."""
    shown = {
        f"{model}:{identifier}": (model, identifier)
        for model in models
        for identifier, _ in _ranked(library, asked, model).hits[:top]
    }
    left: list[Block] = []
    right: list[Block] = []
    for each in why:
        if each not in shown:
            raise InputError(f"why: {each!r:.80} isn't among the passages that are shown")
        model, identifier = shown[each]
        if not library.explains(model):
            raise InputError(f"why: {model} can't explain its scores")
        ranking = _ranked(library, asked, model)
        passage, rank = ranking.passages[identifier], ranking.ranks[identifier]
        matches = library.explanation(model, asked.collection, asked.query, identifier, asked.where)
        result, window, text = explained(matches), one_window(matches), passage.full_text
        if window:
            result, text = within(window, result), text[window.start : window.end]
        chips = contribution_chips(result.tokens, result.contributions)
        strip = heat_strip(text, result.spans)
        left += [heading(label(model)), _card(asked, ranking, rank, "", chips, strip)]
        right.append(Picture(partial(match_figure, result), match_title(asked, model, passage)))
    return [left, right]


def _ranked(library: Library, asked: Asked, model: str) -> Ranking:
    return library.rank(model, asked.collection, asked.query, DEPTH, asked.where)


def _card(asked: Asked, ranking: Ranking, rank: int, move: str, *inside: str) -> Html:
    identifier, score = ranking.hits[rank - 1]
    badges = [(f"{score:.2f}", "plain")]
    if move:
        badges.append((move, "moved"))
    if grade := asked.grades.get(identifier):
        badges.append((f"relevant {grade}", "good"))
    passage = ranking.passages[identifier]
    if passage.language:
        badges.append((language(passage.language).name, "plain"))
    return card(rank, badges, plain(passage.title or passage.id, bold=True), *inside)
