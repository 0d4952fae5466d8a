"""The `optical` command: one function a command; results on stdout, progress on stderr."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from optical_core.errors import InputError
from optical_core.storage import home

app = typer.Typer(
    name="optical",
    help="Cross-lingual retrieval for low-resource languages by optimal transport distillation.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(
    help="Import collections and look at bitext.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")
export_app = typer.Typer(
    help="Write a student in a form that other software opens.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
app.add_typer(export_app, name="export")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Model = Annotated[
    str, typer.Option("--model", "-m", help="A name of `optical models`, or a folder.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, …; the best there is.")]
Languages = Annotated[str, typer.Option("--languages", "-l", help="Codes, comma-separated.")]


def main() -> None:
    """Run the command; bad input gives one sentence on stderr and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # What a library will change in its next version is no news for who runs a command.
    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("optical_core").setLevel(os.environ.get("OPTICAL_LOG", "INFO"))
    try:
        app()
    except InputError as error:
        sys.exit(_fail(str(error)))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        where = f" {error.filename}" if error.filename else ""
        sys.exit(_fail(f"cannot write{where}: {(error.strerror or '').lower()}"))


def _fail(message: str) -> int:
    print(f"optical: {message}", file=sys.stderr)
    return 2


def _default_student() -> str:
    from optical_core.models.retriever import list_models

    entries = list_models()
    return next((entry.name for entry in entries if entry.default), entries[0].name)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@app.command(epilog="Example:  optical models --json")
def models(as_json: Json = False) -> None:
    """List the models known by name: encoders, students, baselines."""
    from optical_core.models.retriever import list_models

    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "languages": list(entry.languages),
            "default": entry.default,
        }
        for entry in list_models()
    ]
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        mark = "*" if row["default"] else " "
        print(f"{mark} {row['name']:28} {row['kind']:9} {' '.join(row['languages']) or 'any'}")


@app.command(epilog="Example:  optical collections --json")
def collections(as_json: Json = False) -> None:
    """List the collections: the demo, and what was imported by name."""
    from optical_core.data.collection import installed_collections

    rows: list[dict[str, Any]] = [
        {
            "name": collection.name,
            "languages": list(collection.languages),
            "parallel": collection.info.parallel,
            "licence": collection.info.licence,
            "folder": str(collection.folder),
        }
        for collection in installed_collections()
    ]
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:20} {' '.join(row['languages'])}  ({row['licence']})")


@data_app.command(
    "import", epilog="Example:  optical data import ntrex128 ~/data/ntrex128 --out ntrex"
)
def import_data(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="beir, trec, xquad_r, …")],
    source: Annotated[str, typer.Argument(help="Folder in that format; for irds, an id.")],
    out: Annotated[
        str, typer.Option(help="Name to install it under, or a folder (with a slash in it).")
    ],
    unit: Annotated[
        str | None,
        typer.Option(
            help="What a passage is: article or sentence (ntrex128, flores200); which language "
            "(miracl, mrtydi, ciral, neuclir) or split (msmarco, mmarco)."
        ),
    ] = None,
) -> None:
    """Turn a published collection into a collection folder of ours.

    Formats: beir, trec, xquad_r, afriqa, flores200, ntrex128, belebele, ciral, clef, clirmatrix,
    miracl, mmarco, mrtydi, msmarco, neuclir (and HC4), wikiclir; and irds, which takes an id of
    ir-datasets.com, such as msmarco-passage/dev/small (needs the package ir-datasets).
    """
    from optical_core.data.lines import read_lines
    from optical_core.data.readers import import_collection
    from optical_core.storage import home

    target = Path(out) if os.sep in out else home("collections", out)
    collection = import_collection(form, source, target, name=target.name, unit=unit)
    passages = sum(1 for _ in read_lines(collection.folder / "corpus.jsonl"))
    print(
        f"{collection.name}: {passages:,} passages, "
        f"{len(collection.languages)} languages -> {target}"
    )


@data_app.command("bitext", epilog="Example:  optical data bitext train.sw.tsv --languages sw")
def show_bitext(
    path: Annotated[Path, typer.Argument(help="TSV, Moses, TMX, JSONL or datasets folder.")],
    languages: Languages = "",
) -> None:
    """Read bitext, apply the filters, and report what was kept and what was dropped and why."""
    from optical_core.data.bitext import read_bitext
    from optical_core.data.languages import language_codes

    print(read_bitext(path, language_codes(languages) or None).report())


@data_app.command("check", epilog="Example:  optical data check demo")
def check(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
) -> None:
    """Look for duplicates, untranslated queries, wrong scripts and missing judgements."""
    from optical_core.data.collection import open_collection
    from optical_core.data.quality import check_collection

    problems = check_collection(open_collection(collection))
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    print("no problems found")


@app.command(epilog='Example:  optical align "Why is the sea salty?" "Kwa nini bahari ina chumvi?"')
def align(
    english: Annotated[str, typer.Argument(help="The teacher's side.")],
    foreign: Annotated[str, typer.Argument(help="The student's side.")],
    model: Model = "",
    solver: Annotated[str, typer.Option(help="exact, sinkhorn, ipot or unbalanced.")] = "exact",
    epsilon: Annotated[
        float, typer.Option(help="Of the entropic solvers, in units of cost.")
    ] = 0.05,
    tokens: Annotated[bool, typer.Option(help="Show tokens, not words.")] = False,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Align two sentences by optimal transport and print the plan."""
    from optical_core.models.alignment import align_texts
    from optical_core.models.retriever import load_retriever

    retriever = load_retriever(model or _default_student(), device=device)
    try:
        plan = align_texts(retriever, foreign, english, method=solver, epsilon=epsilon)
    except ValueError as error:
        raise InputError(str(error)) from error
    shown = plan if tokens else plan.words()
    if as_json:
        _print_json(shown.to_dict())
        return
    print(f"{retriever.name}, {solver}: cost {plan.total_cost:.4f}, entropy {plan.entropy:.3f}")
    shares = shown.row_normalised()
    for row, word in enumerate(shown.source):
        best = shares[row].argsort()[::-1][:3]
        parts = [f"{shown.target[column]} {shares[row, column]:.0%}" for column in best
                 if shares[row, column] >= 0.005]  # fmt: skip
        print(f"{word}\t{'  '.join(parts)}")


@app.command(epilog="Example:  optical index demo")
def index(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    model: Model = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the index; the cache by default.")
    ] = None,
    append: Annotated[bool, typer.Option(help="Add the passages to the index in --out.")] = False,
    approximate: Annotated[
        bool, typer.Option(help="Also make the files of `search --mode` and measure their recall.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Device = None,
) -> None:
    """Encode a collection's passages with a model's teacher and write the token index."""
    from optical_core.data.collection import open_collection
    from optical_core.models.retriever import load_retriever
    from optical_core.retrieval import token_index as indexes

    opened = open_collection(collection)
    if append and out is None:
        raise InputError("--append needs --out, the folder of the index to add to")
    retriever = load_retriever(model or _default_student(), device=device)
    teacher = retriever.teacher
    options: dict[str, Any] = {"batch_size": batch_size, "progress": True}
    if out is None:
        built = indexes.collection_index(opened, teacher, **options)
    elif append:
        built = indexes.append_to_index(out, opened.passages(), teacher, **options)
    else:
        built = indexes.build_index(out, opened.passages(), teacher, **options)
    print(f"{len(built):,} passages, {len(built.vectors):,} tokens -> {built.folder}")
    if approximate:
        from optical_core.retrieval.modes import open_mode
        from optical_core.retrieval.recall import recall

        texts = [q for code in opened.languages for q in opened.queries(code).values()]
        sample = texts[:: max(1, len(texts) // 100)]
        queries = retriever.student.encode_queries(sample)
        for mode in ("int8", "candidates", "lists"):
            share = recall(built, open_mode(built, mode), queries)
            print(f"{mode}: keeps {share:.1%} of the exact top 10 ({len(sample)} queries)")


@app.command(epilog='Example:  optical search demo "Samaki mkubwa zaidi ni yupi?" --explain')
def search(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    query: Annotated[str, typer.Argument(help="The query, in any language.")],
    model: Model = "",
    top: Annotated[int, typer.Option("--top", "-k", min=1)] = 10,
    explain: Annotated[bool, typer.Option(help="Show which tokens make up each score.")] = False,
    mode: Annotated[
        str,
        typer.Option(help="exact, int8, candidates, lists: faster ways to the same scores."),
    ] = "exact",
    index_folder: Annotated[
        Path | None,
        typer.Option("--index", help="Index to search; the collection's own by default."),
    ] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Search a collection; it is indexed first if that hasn't been done."""
    from optical_core.data.collection import open_collection
    from optical_core.models.retriever import load_retriever
    from optical_core.retrieval.searcher import LateInteraction, open_searcher
    from optical_core.retrieval.token_index import TokenIndex

    if not query.strip():
        raise InputError("the query is empty: type at least one word")
    opened = open_collection(collection)
    name = model or _default_student()
    if index_folder is None:
        searcher = open_searcher(name, opened, mode=mode, device=device, progress=True)
    else:
        retriever = load_retriever(name, device=device)
        searcher = LateInteraction(retriever, TokenIndex.open(index_folder), mode=mode)
    if (explain or mode != "exact") and not isinstance(searcher, LateInteraction):
        what = "token matches to explain" if explain else f"mode {mode!r}"
        raise InputError(f"{searcher.name} has no {what}; use a token-level model")
    rows = []
    for rank, (identifier, score) in enumerate(searcher.search(query, top=top), 1):
        passage = opened.by_id[identifier]
        row: dict[str, Any] = {
            "rank": rank,
            "id": identifier,
            "score": score,
            "title": passage.title,
            "text": passage.text,
        }
        if explain:
            assert isinstance(searcher, LateInteraction)
            row["matches"] = [
                {
                    "query": match.query.piece,
                    "passage": match.passage.piece,
                    "contribution": match.contribution,
                }
                for match in searcher.explain(query, identifier, passage.full_text)
            ]
        rows.append(row)
    if as_json:
        _print_json({"model": searcher.name, "query": query, "results": rows})
        return
    for row in rows:
        print(f"{row['rank']:2}  {row['score']:.4f}  {row['id']}  {row['title']}")
        print(f"    {row['text'][:100]}")
        if explain:
            parts = [f"{m['query']}→{m['passage']} {m['contribution']:.3f}" for m in row["matches"]]
            print(f"    {'  '.join(parts)}")
    if not rows:
        print("no passage found", file=sys.stderr)


@app.command(
    epilog="Example:  optical serve --collections demo --models optical-lowres,embedded,bm25"
)
def serve(
    collections: Annotated[str, typer.Option(help="What may be searched, comma-separated.")],
    models: Annotated[str, typer.Option(help="What may be asked, comma-separated.")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8601,
    mode: Annotated[str, typer.Option(help="How indexes are searched, see `search`.")] = "exact",
    longest_query: Annotated[int, typer.Option(help="Characters of a query.")] = 1000,
    largest_body: Annotated[int, typer.Option(help="Bytes of a request's body.")] = 65_536,
    most_results: Annotated[int, typer.Option(help="Passages of an answer.")] = 1000,
    most_searches: Annotated[
        int, typer.Option(help="Searches at once, waiting ones included; more get 503.")
    ] = 256,
    batch_size: Annotated[int, typer.Option(help="Queries encoded together.")] = 32,
    rate: Annotated[
        float, typer.Option(help="Searches a second of one client; 0: any number.")
    ] = 0.0,
    device: Device = None,
) -> None:
    """Answer searches over HTTP: POST /search; its documentation is at /docs."""
    from optical_core.serve.command import serve as run_server
    from optical_core.serve.limits import Limits

    names = [
        [part.strip() for part in text.split(",") if part.strip()]
        for text in (collections, models or _default_student())
    ]
    limits = Limits(
        query=longest_query,
        body=largest_body,
        top=most_results,
        searches=most_searches,
        batch=batch_size,
        rate=rate,
    )
    run_server(*names, host=host, port=port, limits=limits, mode=mode, device=device)


@app.command(
    epilog="Example:  optical evaluate demo --models embedded,bm25 --languages en,so --out results"
)
def evaluate(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for runs and tables.")],
    models: Annotated[
        str,
        typer.Option(
            help="Names, comma-separated; the first is the baseline of the tests. NAME@human asks "
            "the English queries, NAME@FOLDER the translations in FOLDER/<language>.jsonl."
        ),
    ] = "",
    languages: Languages = "",
    depth: Annotated[int, typer.Option(min=1, help="Passages ranked for each query.")] = 1000,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Rank, measure and compare models: MAP, nDCG@10, R@100, P@10, MRR, language gaps, tests."""
    from optical_core.analysis.export import markdown
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import language_codes
    from optical_core.study.evaluate import TABLES
    from optical_core.study.evaluate import evaluate as run_evaluation

    names = [name.strip() for name in models.split(",") if name.strip()]
    found = run_evaluation(
        open_collection(collection),
        names or ["embedded", _default_student(), "bm25"],
        language_codes(languages),
        out,
        depth=depth,
        device=device,
        progress=True,
    )
    if as_json:
        _print_json({
            name: getattr(found, name).to_dict("records") for name in TABLES
        })  # fmt: skip
        return
    table = found.measures.pivot(index="language", columns="model", values="AP")
    table = table.loc[
        list(dict.fromkeys(found.measures["language"])),
        list(dict.fromkeys(found.measures["model"])),
    ].reset_index()
    print(f"MAP over the first {depth} passages:")
    print(markdown(table.map(lambda v: f"{v:.4f}" if isinstance(v, float) else v)))
    for title, rows in (
        ("Gap between high- and low-resource languages:", found.gaps),
        ("Gains against the first model, and their difference:", found.changes),
    ):
        if len(rows):
            print(title)
            print(markdown(rows.map(lambda v: f"{v:.4f}" if isinstance(v, float) else v)))
    print(f"runs, tables and record -> {out}")


@app.command(epilog="Example:  optical distill --demo\n\nExample:  optical distill --bitext tico19 "
             "--languages so,sw --name so-sw --steps 500")  # fmt: skip
def distill(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the student.")] = "",
    bitext: Annotated[
        list[str] | None, typer.Option(help="File or folder; may be repeated.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Train on the shipped demo bitext and show the gain.")
    ] = False,
    languages: Languages = "",
    teacher: Annotated[str, typer.Option(help="`embedded`, a folder or a hub name.")] = "embedded",
    objective: Annotated[
        str,
        typer.Option(
            help="optical, optical-unbalanced, greedy, mean-pool, maxsim-kd, translate-train, or "
            "continued pre-training: mlm, tlm."
        ),
    ] = "optical",
    marginals: Annotated[str, typer.Option(help="real-tokens or mask-augmented.")] = "real-tokens",
    solver: Annotated[str, typer.Option(help="exact, sinkhorn or ipot.")] = "exact",
    trainable: Annotated[str, typer.Option(help="lora, encoder or full.")] = "lora",
    steps: Annotated[int | None, typer.Option(min=1)] = None,
    config: Annotated[
        Path | None, typer.Option(help="JSON file of settings; options given here win.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other setting, as key=value; may be repeated."),
    ] = None,
    dev: Annotated[
        str | None, typer.Option(help="Collection whose MAP picks the best step.")
    ] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Teach a query encoder other languages from bitext. Interrupted, the same command goes on."""
    from optical_core.distill.settings import resolve_config
    from optical_core.distill.trainer import distill as train

    given = {
        "name": name,
        "bitext": bitext,
        "languages": languages,
        "teacher": teacher,
        "objective": objective,
        "marginals": marginals,
        "solver": solver,
        "trainable": trainable,
        "steps": steps,
        "dev": dev,
    }
    # What wasn't typed must not win over the settings of --config and --demo.
    explicit = {
        key: value
        for key, value in given.items()
        if (source := context.get_parameter_source(key)) and source.name != "DEFAULT"
    }
    resolved = resolve_config(explicit, config, option or [], demo=demo)
    folder = train(resolved, device=device)
    report: dict[str, Any] = {"name": resolved.name, "folder": str(folder)}
    if demo:
        from optical_core.study.demo import demo_gain

        report["demo_map"] = demo_gain(resolved.name, device=device)
    if as_json:
        _print_json(report)
        return
    print(f"student {resolved.name} -> {folder}")
    for code, (before, after) in report.get("demo_map", {}).items():
        print(f"{code}  MAP {before:.4f} -> {after:.4f}  ({after - before:+.4f})")


@app.command(
    epilog="Example:  optical translate demo --model facebook/nllb-200-distilled-600M "
    "--languages so,sw --out nllb   and then   optical evaluate demo --models bm25@nllb --out r"
)
def translate(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    model: Annotated[str, typer.Option(help="Sequence-to-sequence model: folder or hub name.")],
    out: Annotated[Path, typer.Option(help="Folder for <language>.jsonl files.")],
    languages: Languages = "",
    device: Device = None,
) -> None:
    """Translate a collection's queries to English, for translate-then-retrieve."""
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import language_codes
    from optical_core.models.translator import Translator
    from optical_core.study.translations import translate_queries

    opened = open_collection(collection)
    codes = language_codes(languages) or [code for code in opened.languages if code != "en"]
    for path in translate_queries(opened, Translator.load(model, device=device), codes, out):
        print(path)


@app.command(
    epilog="Example:  optical lexicon tico19 --languages so,sw --out lexicon   and then   "
    "optical evaluate demo --models psq@lexicon --languages so,sw --out r"
)
def lexicon(
    bitext: Annotated[list[Path], typer.Argument(help="Bitext files or folders.")],
    out: Annotated[Path, typer.Option(help="Folder for <language>.tsv files.")],
    aligner: Annotated[
        str, typer.Option(help="eflomal (an extra), or ot: an encoder's transport plans.")
    ] = "eflomal",
    encoder: Annotated[str, typer.Option(help="Of the aligner ot: a model.")] = "embedded",
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Most sentence pairs of each language.")
    ] = None,
    languages: Languages = "",
    device: Device = None,
) -> None:
    """Learn translation probabilities from bitext, for probabilistic structured queries."""
    from optical_core.data.bitext import read_bitext
    from optical_core.data.languages import language_codes
    from optical_core.data.records import write_record
    from optical_core.distill.sampling import first_pairs
    from optical_core.models.retriever import load_retriever
    from optical_core.study import lexicon as lexicons

    if aligner not in ("eflomal", "ot"):
        raise InputError(f"the aligner must be eflomal or ot, got {aligner!r}")
    wanted = language_codes(languages) or None
    read = [pair for path in bitext for pair in read_bitext(path, wanted).pairs]
    if pairs:
        read = list(first_pairs(read, pairs, seed=1))
    align = (
        lexicons.eflomal_aligner()
        if aligner == "eflomal"
        else lexicons.ot_aligner(load_retriever(encoder, device=device).student)
    )
    sizes = {}
    for code in sorted({pair.language for pair in read}):
        cut = lexicons.sentence_words((p.foreign, p.english) for p in read if p.language == code)
        made = lexicons.build_lexicon(cut, align)
        lexicons.write_lexicon(out / f"{code}.tsv", made)
        sizes[code] = {"pairs": len(cut), "words": len(made)}
        print(f"{code}: {len(made):,} words from {len(cut):,} pairs -> {out / f'{code}.tsv'}")
    settings = {"bitext": list(map(str, bitext)), "aligner": aligner, "most pairs": pairs,
                "encoder": encoder if aligner == "ot" else None, "languages": sizes}  # fmt: skip
    write_record(out / "record.json", settings)


@app.command(epilog="Example:  optical study demo\n\nExample:  optical study real --data ~/data")
def study(
    config: Annotated[str, typer.Argument(help="A YAML file, or a shipped study: demo, real.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder that {data} in the study's paths stands for.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default one under OPTICAL_HOME.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is left to do, and about how long it takes.")
    ] = False,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Run nothing: report on what is measured so far.")
    ] = False,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Train every arm with every seed, measure, compare, report. Interrupted, it goes on."""
    from optical_core.study.config import read_study
    from optical_core.study.estimate import estimated_steps
    from optical_core.study.run import run_study, steps, study_collections
    from optical_core.study.summary import findings
    from optical_core.ui.study_report import write_report

    settings = read_study(config, data=data)
    folder = out or home("studies", settings.name)
    collections = study_collections(settings)
    if dry_run:
        plan = estimated_steps(steps(settings, collections, folder), device=device)
        if as_json:
            _print_json([{"step": step.text, "seconds": seconds} for step, seconds in plan])
            return
        for step, seconds in plan:
            print(f"{seconds / 60:6.1f} min  {step.text}")
        print(f"{sum(s for _, s in plan) / 60:6.1f} min  {len(plan)} steps left, roughly")
        return
    if not report_only:
        run_study(
            settings, collections, folder, device=device, progress=True,
            watch=lambda done, total, text: print(f"[{done + 1}/{total}] {text}", file=sys.stderr),
        )  # fmt: skip
    found = findings(settings, collections, folder)
    if not found:
        raise InputError(f"nothing of the study is measured yet in {folder}")
    command = f"optical study {config}" + (" --data FOLDER" if data else "")
    page = write_report(settings, found, folder, command)
    if as_json:
        _print_json({"folder": str(folder), "report": str(page)})
        return
    print((folder / "report.md").read_text(encoding="utf-8").split("## Limits")[0].strip())
    print(f"report -> {page}")


Student = Annotated[str, typer.Argument(help="A name of `optical models`, or a folder.")]
ExportFolder = Annotated[Path, typer.Option("--out", help="Folder to write.")]


@export_app.command("hub", epilog="Example:  optical export hub optical-lowres --out for-the-hub")
def export_hub(student: Student, out: ExportFolder) -> None:
    """Write the pair (queries: student, passages: teacher) for plain sentence-transformers."""
    from optical_core.models.export import export_hub as write
    from optical_core.models.retriever import load_retriever

    write(load_retriever(student, device="cpu"), out)
    print(f"{student} -> {out}")


@export_app.command("onnx", epilog="Example:  optical export onnx optical-lowres --int8 --out onnx")
def export_onnx(
    student: Student,
    out: ExportFolder,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit weights and products.")] = False,
) -> None:
    """Write the query encoder with its transformer as ONNX (needs the extra onnx)."""
    from optical_core.models.export import export_onnx as write
    from optical_core.models.retriever import load_retriever

    write(load_retriever(student, device="cpu"), out, int8=int8)
    print(f"{student} -> {out}")


@app.command("align-quality", epilog="Example:  optical align-quality roen.src-tgt --out aer")
def align_quality(
    gold: Annotated[
        list[Path], typer.Argument(help="NAME.src-tgt beside NAME.gold, or an XL-WA TSV.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the table and its record.")],
    encoders: Annotated[str, typer.Option(help="Models, comma-separated.")] = "embedded",
    layers: Annotated[
        str, typer.Option(help="Layers, comma-separated, 0 for embeddings; all by default.")
    ] = "",
    solvers: Annotated[str, typer.Option(help="Solvers, comma-separated.")] = "exact,sinkhorn",
    limit: Annotated[
        int | None, typer.Option(min=10, help="Take the first so many sentences of each file.")
    ] = None,
    device: Device = None,
) -> None:
    """Measure transport plans as word aligners (AER), beside argmax, itermax and softmax."""
    import pandas as pd

    from optical_core.analysis.export import markdown, write_table
    from optical_core.data.gold import dev_file, gold_name, read_gold
    from optical_core.data.records import file_hash, write_record
    from optical_core.models.retriever import load_retriever
    from optical_core.study.alignment_quality import DEV_EVERY, alignment_table
    from optical_core.study.word_vectors import EPSILON

    tables, weights = [], {}
    try:
        numbers = [int(part) for part in layers.split(",") if part.strip()]
        for name in (part.strip() for part in encoders.split(",")):
            encoder = load_retriever(name, device=device).student
            weights[name] = encoder.hash
            for path in gold:
                print(f"{name}: {path}", file=sys.stderr)
                tuned = dev_file(path)
                tables.append(
                    alignment_table(
                        gold_name(path),
                        read_gold(path)[:limit],
                        encoder,
                        dev=read_gold(tuned)[:limit] if tuned else (),
                        layers=numbers,
                        solvers=solvers.split(","),
                    )
                )
    except ValueError as error:
        raise InputError(str(error)) from error
    table = pd.concat(tables, ignore_index=True)
    write_table(table, out, "alignment")
    settings = {
        "gold": {str(path): file_hash(path) for path in gold},
        "encoders": weights,
        "layers": numbers or "all",
        "solvers": solvers.split(","),
        "epsilon": f"{EPSILON} of the standard deviation of the costs",
        "dev": {str(path): str(dev_file(path) or f"every {DEV_EVERY}th") for path in gold},
        "limit": limit,
    }
    write_record(out / "record.json", settings)
    best = table.loc[table.groupby(["gold", "encoder", "method"])["AER_dev"].idxmin()]
    print("Each method at its best layer on the dev part (all layers are in the table):")
    shown = best.astype(object).where(best.notna(), "")
    print(markdown(shown.map(lambda v: f"{v:.1f}" if isinstance(v, float) else v)))
    print(f"table and record -> {out}")


@app.command(
    "bench",
    epilog="Example:  optical bench transport analysis --quick --json figures.json",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(
    context: typer.Context,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores.")] = None,
) -> None:
    """Time our hot paths beside their peers' (run it in a checkout of the source)."""
    checkout = Path(__file__).resolve().parents[1]
    places = [place for place in (Path.cwd(), checkout) if (place / "tests/benchmarks").is_dir()]
    if not places:
        raise InputError(
            "the benchmarks come with the source, not with the package: run this in a checkout"
        )
    # A process of its own: thread pools take their size when they are first imported.
    count = str(threads or os.cpu_count() or 1)
    sizes = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), count)
    command = [sys.executable, "-m", "tests.benchmarks", *context.args]
    environment = {**os.environ, **sizes}
    done = subprocess.run(command, cwd=places[0], env=environment, check=False)  # noqa: S603
    raise typer.Exit(done.returncode)
