"""Joined models on the search page: what may be typed, and each part's share of a score."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from optical_core.errors import InputError
from optical_core.retrieval.expansions import Prf, Rm3
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import Chain, Cut, Expanded, Name, Node, names
from optical_core.retrieval.model_names import expanded, model_and_source
from optical_core.ui.paths import typed_path
from optical_core.wording import listed

if TYPE_CHECKING:
    from optical_core.retrieval.explain import Added, Share
    from optical_core.ui.library import Library

BM25 = "bm25"
_LEXICAL = (BM25, "psq")


def typed_model(text: str, models: Collection[str]) -> str:
    """The model that was typed, in one form. Its parts are known, or where the browser may read.

    Args:
        models: Names of the known models.

    Raises:
        InputError: If it can't be read, or a part is neither.
    """
    from optical_core.retrieval.cross_encoder import is_cross_encoder

    node = parse(text.strip())
    for name in names(node):
        model, source = model_and_source(name)
        known = model in models or model.split("-")[0] in _LEXICAL
        if source is not None and known:
            typed_path(source)
        elif not known and not is_cross_encoder(str(typed_path(name))):
            raise InputError(f"there is no model {name!r:.80} here; there is {listed([*models])}")
    return str(node)


def is_known(model: str, models: Collection[str]) -> bool:
    """Can a model that an evaluation names be opened from the browser?"""
    try:
        typed_model(model, models)
    except InputError:
        return False
    return True


def is_joined(model: str) -> bool:
    """Is a score made of shares, of models that are joined or of an expanded query's words?"""
    node = expanded(parse(model))
    by_tokens = isinstance(node, Expanded) and isinstance(node.way, Prf)
    return not (by_tokens or isinstance(node, Name))


def kind_of(model: str) -> str:
    """What an expression is: a `fusion` or an `expansion`; empty for a single model."""
    node = expanded(parse(model))
    if isinstance(node, Name):
        return ""
    return "expansion" if isinstance(node, Expanded) else "fusion"


def written_out(model: str) -> str:
    """A model with the stored fusions in it written out."""
    return str(expanded(parse(model)))


def members(model: str) -> set[str]:
    """Names of the single models in a model, without their sources."""
    return {model_and_source(name)[0] for name in names(expanded(parse(model)))}


def explainer(model: str) -> str:
    """The single model whose matches explain a model's scores; empty for a fusion and for RM3."""
    node: Node = expanded(parse(model))
    while isinstance(node, Cut | Expanded | Chain):
        if isinstance(node, Expanded) and isinstance(node.way, Rm3):
            return ""
        node = node.stages[-1] if isinstance(node, Chain) else node.part
    return model_and_source(node.name)[0] if isinstance(node, Name) else ""


def explains(model: str, token_level: Collection[str]) -> bool:
    """Does a model say which tokens, or which words, make up its scores?

    Args:
        token_level: Names of the single models that have token vectors.

    >>> explains("bm25-stem", []), explains("psq", []), explains("bm25+rm3", [])
    (True, False, False)
    """
    name = explainer(model)
    return name in token_level or name.split("-")[0] == BM25


def shares_of(
    library: Library, model: str, collection: str, query: str, passages: Sequence[str], where: str
) -> Mapping[str, Sequence[Share]]:
    """Passage id -> each part's share of its score. Kept, since every part ranks again."""

    def found() -> dict[str, list[Share]]:
        searcher, opened = library.searcher(model, collection), library.collection(collection)
        among = opened.corpus.matching(where) if where else None
        present = [opened.by_id[passage] for passage in passages if passage in opened.by_id]
        with library.encoding:
            (asked,) = searcher.expanded(searcher.encode([query]), among=among)
            shares = searcher.shares(asked, present, among=among)
        return {passage.id: of_one for passage, of_one in zip(present, shares, strict=True)}

    key = (query, tuple(passages), where)
    return library.keep("shares", found, model=model, collection=collection, key=key)


def share_line(shares: Sequence[Share]) -> str:
    """Each part's share, and the passage's rank in it, in a line.

    >>> from optical_core.retrieval.explain import Share
    >>> share_line([Share("bm25%100", 14, 8.5, 0.0), Share("embedded", 1, 4.2, 4.2)])
    'bm25%100: rank 14 → embedded: 4.20 (rank 1)'
    >>> share_line([Share("bm25", None, None, 0.0), Share("embedded", 2, 4.2, 87.5)])
    'bm25: not found + embedded: 87.50 (rank 2)'
    >>> share_line([Share("0.500 × sea", None, 3.2, 1.6), Share("0.250 × salt", None, 2.0, 0.5)])
    '0.500 × sea: 1.60 + 0.250 × salt: 0.50'
    """
    line = ""
    for number, share in enumerate(shares):
        chooses = number == 0 and share.share == 0 and share.rank is not None
        standing = f" ({share.standing})" if share.standing else ""
        alone = share.score is None or chooses
        line += f"{share.name}: {share.standing if alone else f'{share.share:.2f}{standing}'}"
        line += "" if number == len(shares) - 1 else " → " if chooses else " + "
    return line


def added_line(added: Sequence[Added]) -> str:
    """What feedback added to a query, with weights, in a line.

    >>> from optical_core.retrieval.explain import Added
    >>> added_line([Added("salt", 0.25), Added("water", 0.1)])
    'salt 0.25, water 0.10'
    """
    return ", ".join(f"{entry.text} {entry.weight:.2f}" for entry in added)
