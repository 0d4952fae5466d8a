"""Commands that measure: evaluations, studies, alignment quality, benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import optical_core
from optical_core.cli.application import (
    Device,
    Json,
    Languages,
    app,
    default_student,
    print_json,
    print_left_out,
)
from optical_core.errors import InputError
from optical_core.process import cores
from optical_core.storage import home
from optical_core.wording import counted, split_names

if TYPE_CHECKING:
    import pandas as pd


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
            "the English queries, NAME@FOLDER the translations in FOLDER/<language>.jsonl. "
            "bm25-stem and bm25-stop count stems, or leave stop words out. "
            "bm25%100>>NAME, 0.9*A+0.1*B and rrf(A,B) join models; bm25+rm3 and NAME+prf expand "
            "queries."
        ),
    ] = "",
    languages: Languages = "",
    measures: Annotated[
        str,
        typer.Option(
            help="Measures besides the usual ones, in ir-measures' names, comma-separated: "
            "nDCG@20,R@1000,AP(rel=2). The tests compare by the first; without any, by AP (MAP)."
        ),
    ] = "",
    depth: Annotated[
        int | None,
        typer.Option(
            min=1, help="Passages ranked for each query; by default 1000, or what a measure needs."
        ),
    ] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Rank, measure and compare models: MAP, nDCG@10, R@100, P@10, MRR, language gaps, tests."""
    from optical_core.analysis.export import table_texts
    from optical_core.analysis.measure_names import measure_names, needed_depth
    from optical_core.analysis.tables import TABLES
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import language_codes
    from optical_core.study.evaluate import DEPTH
    from optical_core.study.evaluate import evaluate as run_evaluation

    asked = measure_names(split_names(measures))
    depth = depth or max(DEPTH, needed_depth(asked))
    names = split_names(models)
    opened = open_collection(collection)
    tables = run_evaluation(
        opened,
        names or ["embedded", default_student(), "bm25"],
        language_codes(languages),
        out,
        measures=asked,
        depth=depth,
        device=device,
        progress=True,
    )
    if as_json:
        found = {name: getattr(tables, name).to_dict("records") for name in TABLES}
        found["fairness"] = tables.measurements.fairness.to_dict("records")
        print_json(found)
        return
    judged = [name for name in tables.measurements.measures if name.startswith("Judged")]
    for name in dict.fromkeys((*(asked or ["AP"]), *judged)):
        _print_means(tables.measures, name, depth)
    for title, rows in (
        ("Gap between high- and low-resource languages:", tables.gaps),
        ("Gains against the first model, and their difference:", tables.changes),
    ):
        if len(rows):
            print(title)
            print(table_texts(rows)["md"])
    if not tables.measurements.fairness.empty:
        print("Fairness to the languages of the passages (PEER 1 is fair):")
        print(table_texts(tables.measurements.fairness)["md"])
    print_left_out(opened)
    print(f"runs, tables and record -> {out}")


def _print_means(means: pd.DataFrame, measure: str, depth: int) -> None:
    """Print a measure's means, a row a language and a column a model."""
    from optical_core.analysis.export import markdown
    from optical_core.analysis.measure_names import mean_name, needed_depth

    table = means.pivot(index="language", columns="model", values=measure)
    order = [list(dict.fromkeys(means[name])) for name in ("language", "model")]
    table = table.loc[order[0], order[1]].reset_index()
    whole = "" if needed_depth([measure]) else f" over the first {counted(depth, 'passage')}"
    print(f"{mean_name(measure)}{whole}:")
    print(markdown(table.map(lambda v: f"{v:.4f}" if isinstance(v, float) else v)))


@app.command(epilog="Example:  optical study demo\n\nExample:  optical study real --data ~/data")
def study(
    config: Annotated[str, typer.Argument(help="A YAML file, or a shipped study: demo, paper, …")],
    data: Annotated[
        Path | None, typer.Option(help="Folder that replaces {data} in the study's paths.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default one under OPTICAL_HOME.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the steps that are left, with rough times.")
    ] = False,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Run nothing; report the measurements so far.")
    ] = False,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Train every arm with every seed, measure, compare, report. Run it again to resume."""
    from optical_core.study.estimate import estimated_steps
    from optical_core.study.report import write_report
    from optical_core.study.run import run_study, steps, study_collections
    from optical_core.study.study_files import read_study
    from optical_core.study.summary import study_findings

    settings = read_study(config, data=data)
    folder = out or home("studies", settings.name)
    collections = study_collections(settings)
    if dry_run:
        plan = estimated_steps(steps(settings, collections, folder), device=device)
        if as_json:
            print_json([{"step": step.text, "seconds": seconds} for step, seconds in plan])
            return
        for step, seconds in plan:
            print(f"{seconds / 60:6.1f} min  {step.text}")
        print(
            f"{sum(s for _, s in plan) / 60:6.1f} min  {counted(len(plan), 'step')} left, roughly"
        )
        return
    if not report_only:
        run_study(
            settings,
            collections,
            folder,
            device=device,
            progress=True,
            watch=lambda done, total, text: print(f"[{done + 1}/{total}] {text}", file=sys.stderr),
        )
    findings = study_findings(settings, collections, folder)
    if not findings:
        raise InputError(f"nothing of the study is measured yet in {folder}")
    command = f"optical study {config}" + (" --data FOLDER" if data else "")
    page = write_report(settings, findings, folder, command)
    if as_json:
        print_json({"folder": str(folder), "report": str(page)})
        return
    print((folder / "report.md").read_text(encoding="utf-8").split("## Limits")[0].strip())
    print(f"report -> {page}")


def _whole_numbers(text: str, option: str) -> list[int]:
    """The whole numbers that commas separate.

    Raises:
        InputError: something else is there.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not (part.isascii() and part.isdecimal()):
            raise InputError(f"{option}: {part!r} is no whole number")
    return list(map(int, parts))


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
        int | None, typer.Option(min=10, help="Take only this many sentences of each file.")
    ] = None,
    device: Device = None,
) -> None:
    """Measure transport plans as word aligners (AER), beside argmax, itermax and softmax."""
    import pandas as pd

    from optical_core.analysis.export import markdown, write_table
    from optical_core.data.gold import dev_file, gold_name, read_gold
    from optical_core.data.records import file_hash, write_record
    from optical_core.models.pair_store import load_pair
    from optical_core.study.alignment_quality import DEV_EVERY, alignment_table
    from optical_core.study.word_vectors import PLANS

    tables, weights = [], {}
    try:
        numbers = _whole_numbers(layers, "--layers")
        pairs = {path: read_gold(path)[:limit] for path in gold}
        for name in split_names(encoders):
            encoder = load_pair(name, device=device).student
            weights[name] = encoder.hash
            for path in gold:
                print(f"{name}: {path}", file=sys.stderr)
                tuned = dev_file(path)
                tables.append(
                    alignment_table(
                        gold_name(path),
                        pairs[path],
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
        "epsilon": f"{PLANS.epsilon_share} of the standard deviation of the costs",
        "dev": {str(path): str(dev_file(path) or f"every {DEV_EVERY}th") for path in gold},
        "limit": limit,
    }
    write_record(out / "record.json", settings)
    best = table.loc[table.groupby(["gold", "encoder", "method"])["AER_dev"].idxmin()]
    print("Each method at its best layer on the dev part (all layers are in the table):")
    rows = best.astype(object).where(best.notna(), "")
    print(markdown(rows.map(lambda v: f"{v:.1f}" if isinstance(v, float) else v)))
    print(f"table and record -> {out}")


@app.command(
    "bench",
    epilog="Example:  optical bench transport analysis --quick --json figures.json",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def bench(
    context: typer.Context,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads; by default one for each core.")
    ] = None,
) -> None:
    """Time our hot paths beside other libraries' (in a checkout of the source)."""
    checkout = Path(optical_core.__file__).resolve().parents[1]
    places = [place for place in (Path.cwd(), checkout) if (place / "tests/benchmarks").is_dir()]
    if not places:
        raise InputError(
            "the benchmarks come with the source, not with the package: run this in a checkout"
        )
    # In another process: thread pools take their size when they are first imported.
    count = str(threads or cores())
    sizes = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), count)
    command = [sys.executable, "-m", "tests.benchmarks", *context.args]
    environment = {**os.environ, **sizes}
    done = subprocess.run(command, cwd=places[0], env=environment, check=False)  # noqa: S603
    raise typer.Exit(done.returncode)
