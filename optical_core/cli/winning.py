"""The command that says why one result wins against another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optical_core.cli.application import Device, Json, app, default_student, one_line, print_json
from optical_core.errors import InputError
from optical_core.wording import split_names

if TYPE_CHECKING:
    from optical_core.data.collection import Collection, Passage
    from optical_core.data.trec import Hits
    from optical_core.retrieval.searcher import Query, Searcher
    from optical_core.retrieval.word_shares import WordPair, WordShare

DEPTH = 1000


@dataclass(frozen=True)
class _Scored:
    """A passage's score in a model, by word of the query."""

    model: str
    name: str
    passage: Passage
    rank: int | None
    score: float
    words: Sequence[WordShare]


@dataclass(frozen=True)
class _Answer:
    """A model's ranking."""

    searcher: Searcher
    asked: Query
    hits: Hits

    def scored(self, query: str, passage: Passage, name: str) -> _Scored:
        """A passage's score by word, or by model if this one fuses others.

        Raises:
            InputError: the model doesn't explain its scores.
        """
        from optical_core.retrieval.word_shares import part_shares, word_shares

        searcher, text = self.searcher, passage.full_text
        if searcher.explains:
            (matches,) = searcher.explain(self.asked, [passage])
            words = word_shares(query, text, matches, gloss=self.asked.gloss)
        elif searcher.fuses:
            words = part_shares(searcher.shares(self.asked, [passage])[0])
        else:
            raise InputError(f"{searcher.name} has no explanation of its scores")
        ranks = {identifier: rank for rank, (identifier, _) in enumerate(self.hits, 1)}
        score = dict(self.hits).get(passage.id, sum(each.share for each in words))
        return _Scored(searcher.name, name, passage, ranks.get(passage.id), score, words)


@app.command(
    epilog='Example:  optical why demo "Samaki mkubwa zaidi ni yupi?"\n\n'
    'Example:  optical why demo "Samaki mkubwa zaidi ni yupi?" --models optical-lowres,embedded'
)
def why(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    query: Annotated[str, typer.Argument(help="The query, in any language.")],
    models: Annotated[
        str,
        typer.Option("--models", "-m", help="One model, or two that score one passage."),
    ] = "",
    passages: Annotated[
        str,
        typer.Option(
            "--passages",
            "-p",
            help="Ids of two passages, or of one for two models; by default the best.",
        ),
    ] = "",
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Say why one result wins: what each word of the query adds to both scores.

    Two passages in one model, or one passage in two models.
    """
    from optical_core.data.collection import open_collection
    from optical_core.data.lines import check_characters
    from optical_core.models.pair_store import load_pair
    from optical_core.retrieval.searchers import open_searcher
    from optical_core.retrieval.word_shares import paired, told_difference

    check_characters(query, "the query")
    names = split_names(models) or [default_student()]
    wanted = split_names(passages)
    if len(names) > 2 or len(wanted) > (2 if len(names) == 1 else 1):
        raise InputError("give two passages for one model, or one passage for two models")
    if len(set(wanted)) < len(wanted) or len(set(names)) < len(names):
        raise InputError("name two different passages or models: one is compared with the other")
    opened = open_collection(collection)
    load = cache(partial(load_pair, device=device))
    searchers = [
        open_searcher(name, opened, progress=True, load=load, device=device) for name in names
    ]
    sides = _sides(searchers, opened, query, wanted)
    pairs = paired(sides[0].words, sides[1].words, scores=(sides[0].score, sides[1].score))
    scale = searchers[0].scale
    comparable = len(names) == 1 or (bool(scale) and scale == searchers[1].scale)
    told = told_difference(pairs, (sides[0].name, sides[1].name)) if comparable else ""
    if as_json:
        print_json(_facts(query, sides, pairs, told))
        return
    _print(sides, pairs, told)


def _sides(
    searchers: Sequence[Searcher], collection: Collection, query: str, wanted: Sequence[str]
) -> list[_Scored]:
    """Both scores: of two passages in one model, or of one in two.

    Raises:
        InputError: there is no such passage, or nothing to compare it with.
    """
    answers = []
    for searcher in searchers:
        (asked,) = searcher.expanded(searcher.encode([query]))
        answers.append(_Answer(searcher, asked, searcher.rank([asked], top=DEPTH)[0]))
    best = [identifier for identifier, _ in answers[0].hits if identifier not in wanted]
    wanted = [*wanted, *best][: 3 - len(answers)]
    if len(answers) * len(wanted) != 2:
        raise InputError(f"{searchers[0].name} finds too few passages for this query to compare")
    unknown = [identifier for identifier in wanted if identifier not in collection.by_id]
    if unknown:
        raise InputError(f"{collection.name} has no passage {unknown[0]!r}")
    chosen = [collection.by_id[identifier] for identifier in wanted]
    if len(answers) == 1:
        return [answers[0].scored(query, passage, passage.id) for passage in chosen]
    return [answer.scored(query, chosen[0], answer.searcher.name) for answer in answers]


def _print(sides: Sequence[_Scored], pairs: Sequence[WordPair], told: str) -> None:
    for side in sides:
        rank = "not found" if side.rank is None else f"rank {side.rank}"
        title = one_line(side.passage.title)
        print(f"{side.model}, {rank}: {side.score:.4f}  {side.passage.id}  {title}")
    print("\t".join(["word", *(side.name for side in sides), *(["difference"] if told else [])]))
    for pair in pairs:
        numbers = [f"{share:.3f}" for share in pair.shares]
        print(
            "\t".join(
                [one_line(pair.name), *numbers, *([f"{pair.difference:+.3f}"] if told else [])]
            )
        )
    sums = [sum(pair.shares[side] for pair in pairs) for side in (0, 1)]
    ends = [f"{sums[0] - sums[1]:+.3f}"] if told else []
    print("\t".join(["sum", *(f"{total:.3f}" for total in sums), *ends]))
    print(told or "These scores are on different scales: their numbers can't be compared.")


def _facts(
    query: str, sides: Sequence[_Scored], pairs: Sequence[WordPair], told: str
) -> dict[str, Any]:
    """Everything that is printed, for programs, and the passages' words that are matched."""

    def matched(number: int, pair: WordPair) -> list[dict[str, Any]]:
        text = sides[number].passage.full_text
        return [
            {"word": text[start:end], "share": part, "span": [start, end]}
            for (start, end), part in pair.matched[number].items()
        ]

    return {
        "query": query,
        "scores": [
            {
                "model": side.model,
                "passage": side.passage.id,
                "rank": side.rank,
                "score": side.score,
            }
            for side in sides
        ],
        "words": [
            {
                "word": pair.word,
                "gloss": pair.gloss,
                "shares": list(pair.shares),
                "matched": [matched(number, pair) for number in (0, 1)],
            }
            for pair in pairs
        ],
        "told": told,
    }
