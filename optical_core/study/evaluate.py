"""Evaluate models on a collection: runs, measures, gaps, significance, as files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import optical_core
from optical_core.analysis.export import write_table
from optical_core.analysis.measure_names import check_depth, is_measure, mean_name, measure_names
from optical_core.analysis.measurements import Comparison, Measurements, Values
from optical_core.analysis.metrics import MEASURES, per_query_measures
from optical_core.analysis.tables import TABLES, Tables
from optical_core.data.collection import Collection
from optical_core.data.languages import language
from optical_core.data.lexicons import has_lexicons, lexicon_of, likeliest
from optical_core.data.lines import read_text
from optical_core.data.records import read_record
from optical_core.data.trec import Qrels, read_run, write_run
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.paths import check_apart
from optical_core.retrieval.expanding import check_expansions
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import Name, Node, names
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.model_names import expanded, folder_name, label, model_and_source
from optical_core.retrieval.pipelines import assembled
from optical_core.retrieval.searcher import Searcher
from optical_core.retrieval.searchers import check_models, open_searcher
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.terms import terms_named
from optical_core.storage import replace_file, writable
from optical_core.study.fairness import write_fairness
from optical_core.study.query_texts import write_texts
from optical_core.study.results import read_values, write_results_record, write_values
from optical_core.study.run_metadata import run_metadata, write_run_metadata
from optical_core.study.translations import HUMAN, Translated, asked_queries

logger = logging.getLogger(__name__)

DEPTH = 1000
MEASURED = "measured.json"


def measure(
    spec: str,
    collection: Collection,
    languages: Sequence[str],
    out: Path,
    *,
    measures: Sequence[str] = (),
    depth: int = DEPTH,
    device: str | None = None,
    progress: bool = False,
    watch: Callable[[str], None] | None = None,
) -> dict[tuple[str, str], Values]:
    """Rank the judged queries of each language with one model, and measure the rankings.

    It writes `OUT/<language>.run` (TREC) and its metadata (see `run_metadata`),
    `OUT/<language>.csv` (measures of each query) and OUT/measured.json, a hash a language of what
    these were made from. A language that was measured before with the same model, passages, queries
    and judgements is not ranked again: measures that its table lacks are computed from its run.

    Args:
        spec: a model's name, `NAME@SOURCE` (see `translations`), or `psq@FOLDER` or `NAME@FOLDER`
            with lexicons in FOLDER (see `lexicon`).
        collection: passages, queries and judgements.
        languages: of the queries.
        out: the folder to write.
        measures: names, from `measure_names`, of measures besides `MEASURES`.
        depth: passages ranked for each query.
        device: None for the best there is.
        progress: whether to show a bar.
        watch: called with each language before it is measured.

    Returns:
        The values by (model's label, language).

    Raises:
        InputError: as `evaluate`.
    """
    searchers = searchers_by_language(spec, collection, languages, device=device, progress=progress)
    known = read_record(out / MEASURED)
    name = label(spec)
    wanted = tuple(dict.fromkeys((*measures, *MEASURES)))
    precision = next((searcher.precision for searcher, _ in searchers.values()), "")
    metadata = run_metadata(name, collection, depth=depth, measures=wanted, precision=precision)
    values: dict[tuple[str, str], Values] = {}
    for code in languages:
        if watch:
            watch(code)
        table, run = out / f"{code}.csv", out / f"{code}.run"
        (searcher, asked), qrels = searchers[code], collection.qrels(code)
        origin = _digest(searcher.identity, collection.fingerprint, asked, depth)
        if known.get(code) == origin and table.is_file() and run.is_file():
            _complete(table, run, qrels, wanted)
        else:
            ranking = searcher.run({q: t for q, t in asked.items() if q in qrels}, top=depth)
            write_run(run, ranking, name=name)
            write_run_metadata(run, metadata, language=code)
            write_values(table, per_query_measures(ranking, qrels, wanted))
            known[code] = origin
            with replace_file(out / MEASURED) as temporary:
                temporary.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        values[name, code] = read_values(read_text(table), str(table))
        topics = values[name, code][wanted[0]].values()
        mean = sum(topics) / max(len(topics), 1)
        logger.info("%s %s: %s %.4f", name, code, mean_name(wanted[0]), mean)
    return values


def _complete(table: Path, run: Path, qrels: Qrels, wanted: Sequence[str]) -> None:
    """Compute the measures that a table lacks from its run."""
    known = read_values(read_text(table), str(table))
    if not set(wanted) <= set(known):
        names = tuple(dict.fromkeys((*wanted, *filter(is_measure, known))))
        write_values(table, per_query_measures(read_run(run), qrels, names))


def searchers_by_language(
    spec: str,
    collection: Collection,
    languages: Sequence[str],
    *,
    device: str | None,
    progress: bool,
) -> dict[str, tuple[Searcher, dict[str, str]]]:
    """Open each language's searcher; with it, the queries (id -> text) as they are asked."""
    node = expanded(parse(spec))
    check_expansions(node)
    if not isinstance(node, Name):
        options: dict[str, Any] = {"device": device, "progress": progress}
        opened = {
            name: searchers_by_language(name, collection, languages, **options)
            for name in dict.fromkeys(names(node))
        }
        return {code: _joined(node, collection, code, opened) for code in languages}
    name, source = model_and_source(node.name)
    terms = terms_named(name, StructuredQueries.family, collection.info.passage_language)
    if terms is not None and source:
        lexicons = {code: lexicon_of(Path(source), code) for code in languages}
        psq = StructuredQueries(collection.passages(), {}, terms)
        return {
            code: (psq.asked_by(lexicon), collection.queries(code))
            for code, lexicon in lexicons.items()
        }
    load = partial(load_pair, device=device)
    searcher = open_searcher(
        name, collection, progress=progress, load=load, glossed=not source, device=device
    )
    if source and source != HUMAN and has_lexicons(Path(source), languages):
        glosses = {
            code: Glosses({code: likeliest(lexicon_of(Path(source), code))}, language=code)
            for code in languages
        }
        return {
            code: (Glossed(searcher, glosses[code]), collection.queries(code)) for code in languages
        }
    return {code: (searcher, asked_queries(collection, code, source)) for code in languages}


def _joined(
    node: Node,
    collection: Collection,
    code: str,
    opened: Mapping[str, Mapping[str, tuple[Searcher, dict[str, str]]]],
) -> tuple[Searcher, dict[str, str]]:
    """An expression's searcher in one language; its parts ask translations where they have some."""
    queries = collection.queries(code)

    def single(name: str) -> Searcher:
        searcher, asked = opened[name][code]
        if asked == queries:
            return searcher
        # Of equal queries with unlike translations, the last id's counts in any order of lines.
        return Translated(searcher, {queries[query]: asked[query] for query in sorted(asked)})

    return assembled(node, single, collection), queries


def _digest(*parts: object) -> str:
    """Hash plain values and the package's version: a new version measures again."""
    text = json.dumps([optical_core.__version__, *parts], ensure_ascii=False, default=dict)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _judged(collection: Collection, languages: Sequence[str]) -> list[str]:
    """Return the languages with a judged query; warn of the others.

    Raises:
        InputError: there is none.
    """
    judged = [code for code in languages if collection.qrels(code)]
    if not judged:
        raise InputError(f"{collection.name} has no judged query in {', '.join(languages)}")
    if others := [code for code in languages if code not in judged]:
        logger.warning(
            "%s: left out, without a judged query: %s", collection.name, ", ".join(others)
        )
    return judged


def _check_names(models: Sequence[str]) -> None:
    if not models:
        raise InputError("no models to evaluate: name at least one, such as --models embedded,bm25")
    for spec in models:
        check_models(spec)
        folders = [folder_name(label(other)) for other in models]
        if folders.count(folder_name(label(spec))) > 1:
            raise InputError(f"two models would both be called {label(spec)!r} in the tables")


def evaluate(
    collection: Collection,
    models: Sequence[str],
    languages: Sequence[str],
    out: Path,
    *,
    measures: Sequence[str] = (),
    depth: int = DEPTH,
    device: str | None = None,
    progress: bool = False,
    watch: Callable[[float, str], None] | None = None,
) -> Tables:
    """Rank every language's queries with every model, and measure the rankings.

    It writes `OUT/<model>/<language>.run` (TREC), `OUT/<model>/<language>.csv` (measures of each
    query), `OUT/<table>.*` (CSV, JSON, Markdown, LaTeX; see `TABLES`), the queries' texts,
    record.json, and, if the passages are in several languages, how fair the rankings are to them
    (see `fairness`). Every judged query counts. Values that are there already aren't measured again
    (see `measure`).

    Args:
        collection: passages, queries and judgements.
        models: as `measure` takes them; the first is the baseline of the comparisons.
        languages: of the queries; all of the collection if empty. Those without a judged query are
            left out.
        out: the folder to write.
        measures: names of measures besides `MEASURES`; the models are compared by the first, by AP
            if there is none.
        depth: passages ranked for each query.
        device: None for the best there is.
        progress: whether to show bars.
        watch: called with the share done and the present work.

    Raises:
        InputError: a model or measure is unknown, a measure needs a larger depth, the collection
            lacks a language or has no judged query, or OUT can't be written.

    Examples:
        >>> from optical_core.data.collection import open_collection
        >>> demo = open_collection("demo")
        >>> tables = evaluate(demo, ["bm25"], ["sw"], Path("out"))  # doctest: +SKIP
        >>> tables.measures[["model", "language", "AP"]]  # doctest: +SKIP
    """
    _check_names(models)
    measures = measure_names(measures)
    check_depth(measures, depth)
    languages = _judged(collection, collection.select_or_all(languages))
    check_apart(out, [collection.folder])
    with writable(out):
        out.mkdir(parents=True, exist_ok=True)
    values: dict[tuple[str, str], Values] = {}
    done, total = 0, len(models) * len(languages)
    for spec in models:

        def tell(code: str, spec: str = spec) -> None:
            nonlocal done
            if watch:
                watch(done / total, f"{label(spec)}: {language(code).name}")
            done += 1

        if watch:
            watch(done / total, f"{label(spec)}: opening the model and the index")
        values |= measure(
            spec,
            collection,
            languages,
            out / folder_name(label(spec)),
            measures=measures,
            depth=depth,
            device=device,
            progress=progress,
            watch=tell,
        )
    measurements = Measurements.of(collection, values)
    labels = [label(spec) for spec in models]
    fairness, shares = write_fairness(out, collection, labels, languages)
    measurements = replace(measurements, fairness=fairness, shares=shares)
    compared = measures[0] if measures else MEASURES[0]
    tables = Tables(measurements, Comparison.of(measurements, measure=compared))
    for name in TABLES:
        write_table(getattr(tables, name), out, name)
    write_texts(out, collection, languages)
    write_results_record(out, measurements, collection.info, depth=depth, device=device)
    return tables
