"""Commands that search: searches and alignments."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optical_core.cli.application import (
    Device,
    Engine,
    Json,
    Model,
    Uri,
    app,
    default_student,
    one_line,
    print_json,
)
from optical_core.errors import InputError
from optical_core.wording import counted, first_of, split_names

if TYPE_CHECKING:
    from optical_core.data.collection import Collection, Passage
    from optical_core.retrieval.searcher import Query, Searcher


@app.command(epilog='Example:  optical align "Why is the sea salty?" "Kwa nini bahari ina chumvi?"')
def align(
    english: Annotated[str, typer.Argument(help="Sentence for the teacher.")],
    foreign: Annotated[str, typer.Argument(help="Sentence for the student.")],
    model: Model = "",
    solver: Annotated[str, typer.Option(help="exact, sinkhorn, ipot or unbalanced.")] = "exact",
    epsilon: Annotated[
        float, typer.Option(help="Epsilon of the entropic solvers, in units of cost.")
    ] = 0.05,
    tokens: Annotated[bool, typer.Option(help="Show tokens, not words.")] = False,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Align two sentences by optimal transport and print the plan."""
    from optical_core.models.alignment import align_texts
    from optical_core.models.pair_store import load_pair
    from optical_core.transport import TransportSettings

    pair = load_pair(model or default_student(), device=device)
    try:
        plan = align_texts(pair, foreign, english, TransportSettings(solver, epsilon))
    except ValueError as error:
        raise InputError(str(error)) from error
    printed = plan if tokens else plan.words()
    if as_json:
        print_json(printed.to_dict())
        return
    print(f"{pair.name}, {solver}: cost {plan.total_cost:.4f}, entropy {plan.entropy:.3f}")
    shares = printed.row_normalised()
    for row, word in enumerate(printed.source):
        best = shares[row].argsort()[::-1][:3]
        parts = [
            f"{_token(printed.target[column])} {shares[row, column]:.0%}"
            for column in best
            if shares[row, column] >= 0.005
        ]
        print(f"{_token(word)}\t{'  '.join(parts)}")


@app.command(
    epilog='Example:  optical search demo "Samaki mkubwa zaidi ni yupi?" --explain\n\n'
    "Example:  optical search demo --queries topics.tsv --out mine.run"
)
def search(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    query: Annotated[str, typer.Argument(help="The query, in any language.")] = "",
    model: Model = "",
    top: Annotated[
        int | None,
        typer.Option("--top", "-k", min=1, help="Passages; by default 10, in a run 1000."),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help="Instead of a query, a file of topics: TSV, JSON Lines or TREC."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The TREC run to write for `--queries`.")] = None,
    fields: Annotated[
        str, typer.Option(help="Fields of TREC topics: title,description,narrative.")
    ] = "title",
    explain: Annotated[
        bool, typer.Option(help="Show which tokens, or which models, make up each score.")
    ] = False,
    mode: Annotated[
        str,
        typer.Option(help="exact, int8, candidates, lists: faster, with the same scores."),
    ] = "exact",
    index_folder: Annotated[
        Path | None,
        typer.Option("--index", help="Index to search; by default the collection's."),
    ] = None,
    where: Annotated[
        str,
        typer.Option(help='Only passages whose fields fulfil a condition: "year >= 2020".'),
    ] = "",
    passages: Annotated[
        str, typer.Option(help="Only passages that say they are in these languages: sw,so.")
    ] = "",
    engine: Engine = "local",
    uri: Uri = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Search a collection. It is indexed first if it has no index yet."""
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import language_codes
    from optical_core.data.lines import check_characters
    from optical_core.models.pair_store import load_pair
    from optical_core.retrieval.searchers import open_searcher
    from optical_core.retrieval.vector_stores import LOCAL

    check_characters(query, "the query")
    topics = _topics(query, queries, out, fields, explain)
    opened = open_collection(collection)
    among = opened.corpus.among(where, language_codes(passages))
    name = model or default_student()
    if index_folder is not None:
        if engine != LOCAL:
            raise InputError("--index belongs to the engine local; other engines take --uri")
        uri = str(index_folder)
    load = partial(load_pair, device=device)
    searcher = open_searcher(
        name, opened, mode=mode, engine=engine, uri=uri, progress=True, load=load, device=device
    )
    _check_needs(searcher, explain, mode, engine != LOCAL or uri is not None)
    if out is not None:
        _write_run(searcher, topics, out, top or 1000, among)
        print_json({"run": str(out)}) if as_json else print(f"run -> {out}")
        return
    (asked,) = searcher.expanded(searcher.encode([query]), among=among)
    rows = _results(searcher, opened, asked, top or 10, explain, among)
    added = [asdict(entry) for entry in asked.added]
    if as_json:
        print_json({"model": searcher.name, "query": query, "added": added, "results": rows})
        return
    _print_results(rows, added)


def _token(text: str) -> str:
    from optical_core.models.tokens import visible

    return one_line(visible(text))


def _print_results(rows: list[dict[str, Any]], added: list[dict[str, Any]]) -> None:
    from optical_core.retrieval.explain import Share

    if added:
        terms = "  ".join(f"{_token(term['text'])} {term['weight']:.3f}" for term in added)
        print(f"added to the query:  {terms}")
    for row in rows:
        part = row["window"] if row.get("window", {"of": 1})["of"] > 1 else row
        code = f"[{row['language']}]  " if row["language"] else ""
        title = one_line(row["title"])
        print(f"{row['rank']:2}  {row['score']:.4f}  {code}{part['id']}  {title}")
        print(f"    {one_line(part['text'])[:100]}")
        for share in (Share(**values) for values in row.get("shares", ())):
            standing = f" ({share.standing})" if share.standing else ""
            print(f"    {share.share:9.4f}  {one_line(share.name + standing)}")
        if row.get("matches"):
            parts = [
                f"{_token(m['query'])}→{_token(m['passage'])} {m['contribution']:.3f}"
                for m in row["matches"]
            ]
            print(f"    {'  '.join(parts)}")
    if not rows:
        print("no passage found", file=sys.stderr)


def _check_needs(searcher: Searcher, explain: bool, mode: str, stored: bool) -> None:
    """Refuse what the searcher can't do.

    Raises:
        InputError: it has no explanation, no modes or no index.
    """
    needs = {
        "explanation of its scores": (explain, searcher.explains or searcher.fuses),
        f"mode {mode!r}": (mode != "exact", searcher.weights),
        "index of token vectors": (stored, searcher.weights),
    }
    lacking = [thing for thing, (asked, able) in needs.items() if asked and not able]
    if lacking:
        raise InputError(f"{searcher.name} has no {lacking[0]}; use a token-level model")


def _topics(
    query: str, file: Path | None, out: Path | None, fields: str, explain: bool
) -> dict[str, str]:
    """The queries of a file by id; empty if one query is given.

    Raises:
        InputError: neither or both are given, or the file can't be read.
    """
    from optical_core.data.lines import is_blank
    from optical_core.data.readers.topics import read_topics
    from optical_core.paths import check_apart

    if file is None and out is None:
        if is_blank(query):
            raise InputError("the query is empty: type at least one word, or give --queries FILE")
        return {}
    if file is None or out is None or query or explain:
        raise InputError("a run needs --queries FILE and --out RUN, and no query or --explain")
    check_apart(out, [file])
    return read_topics(file, split_names(fields))


def _write_run(
    searcher: Searcher,
    topics: dict[str, str],
    out: Path,
    top: int,
    among: frozenset[str] | None,
) -> None:
    from optical_core.data.trec import write_run
    from optical_core.study.evaluate import label

    run = searcher.run(topics, top=top, among=among)
    write_run(out, run, name=label(searcher.name))
    if missed := [query for query in topics if not run.get(query)]:
        named = first_of(missed, 5)
        of = f"{len(missed):,} of {counted(len(topics), 'topic')}"
        print(f"no passage found for {of}: {named}", file=sys.stderr)


def _passage(collection: Collection, identifier: str) -> Passage:
    """A passage that was found.

    Raises:
        InputError: the collection lacks it, so that its index is not of this collection.
    """
    passage = collection.by_id.get(identifier)
    if passage is None:
        raise InputError(
            f"the index has a passage {identifier!r} that {collection.name} lacks: index the "
            "collection again, or `optical index delete --index` what is gone from it"
        )
    return passage


def _results(
    searcher: Searcher,
    collection: Collection,
    asked: Query,
    top: int,
    explain: bool,
    among: frozenset[str] | None,
) -> list[dict[str, Any]]:
    """A row for each hit, with its token matches and each part's share if they are asked for."""
    (hits,) = searcher.rank([asked], top=top, among=among)
    passages = [_passage(collection, identifier) for identifier, _ in hits]
    rows: list[dict[str, Any]] = [
        {
            "rank": rank,
            "id": passage.id,
            "score": score,
            "title": passage.title,
            "text": passage.text,
            "language": passage.language,
            "fields": dict(passage.fields),
        }
        for rank, (passage, (_, score)) in enumerate(zip(passages, hits, strict=True), 1)
    ]
    for row, passage in zip(rows, passages, strict=True):
        if window := searcher.window(asked, passage):
            text = passage.full_text[window.start : window.end]
            row["window"] = {"id": window.name, "of": window.count, "text": text}
    if explain and searcher.fuses:
        shares = searcher.shares(asked, passages, among=among)
        for row, of_one in zip(rows, shares, strict=True):
            row["shares"] = [asdict(share) for share in of_one]
    if explain and searcher.explains:
        for row, matches in zip(rows, searcher.explain(asked, passages), strict=True):
            row["matches"] = [
                {
                    "query": match.query.piece,
                    "passage": match.passage.piece,
                    "contribution": match.contribution,
                }
                for match in matches
            ]
    return rows
