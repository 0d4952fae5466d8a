"""Commands that train: distillation, teachers, translations, exports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from optical_core.cli.application import (
    Device,
    Json,
    Languages,
    Student,
    app,
    export_app,
    print_json,
)

Trainable = Annotated[str, typer.Option(help="lora, encoder or full.")]
Steps = Annotated[int | None, typer.Option(min=1)]
ConfigFile = Annotated[
    Path | None, typer.Option(help="JSON file with settings; options here override it.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another setting, as key=value; may be repeated."),
]
Dev = Annotated[str | None, typer.Option(help="Collection whose MAP chooses the best step.")]


@app.command(
    epilog="Example:  optical distill --demo\n\nExample:  optical distill --bitext tico19 "
    "--languages so,sw --name so-sw --steps 500"
)
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
    trainable: Trainable = "lora",
    steps: Steps = None,
    config: ConfigFile = None,
    option: Settings = None,
    sides: Annotated[
        str,
        typer.Option(help="What the student encodes: queries, or both queries and passages."),
    ] = "queries",
    dev: Dev = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Teach a query encoder other languages from bitext. To resume, run the command again."""
    from optical_core.distill.settings import resolve_config

    options = {
        "name": name,
        "bitext": bitext,
        "languages": languages,
        "teacher": teacher,
        "objective": objective,
        "marginals": marginals,
        "solver": solver,
        "trainable": trainable,
        "steps": steps,
        "sides": sides,
        "dev": dev,
    }
    resolved = resolve_config(_typed(context, options), config, option or [], demo=demo)
    # Only now, since it takes ten seconds: a mistyped setting is told at once.
    from optical_core.distill import ranks
    from optical_core.distill.trainer import distill as train

    folder = train(resolved, device=device)
    first = ranks.rank() == 0
    ranks.leave()
    if not first:
        return
    report: dict[str, Any] = {"name": resolved.name, "folder": str(folder)}
    if demo:
        from optical_core.study.demo import demo_gain

        report["demo_map"] = demo_gain(resolved.name, device=device)
    if as_json:
        print_json(report)
        return
    print(f"student {resolved.name} -> {folder}")
    for code, (before, after) in report.get("demo_map", {}).items():
        print(f"{code}  MAP {before:.4f} -> {after:.4f}  ({after - before:+.4f})")


@app.command(
    epilog="Example:  optical teach --relevance nq --relevance medquad:5000 --name my-teacher   "
    "and then   optical distill --teacher my-teacher --bitext tico19 --name my-student"
)
def teach(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the teacher.")] = "",
    relevance: Annotated[
        list[str] | None,
        typer.Option(
            help="BEIR folder, collection, MS MARCO's triples, ColBERTv2's or PyLate's scored "
            "examples, or a published set's training split (mmarco=PATH); PATH:5000 takes at most "
            "5,000 queries. May be repeated."
        ),
    ] = None,
    languages: Languages = "en",
    encoder: Annotated[
        str, typer.Option(help="Encoder to train: `embedded`, a teacher, a folder or a hub name.")
    ] = "embedded",
    objective: Annotated[str, typer.Option(help="contrastive, margin-mse or kl.")] = "contrastive",
    dimension: Annotated[
        int, typer.Option(min=2, help="Dimension of the token vectors: 128, 96, 64, …")
    ] = 128,
    negatives: Annotated[
        int, typer.Option(min=0, help="Hard negatives of each query, besides the batch's passages.")
    ] = 1,
    rounds: Annotated[
        int, typer.Option(min=1, help="Rounds of mining negatives: by BM25, then by the model.")
    ] = 1,
    trainable: Trainable = "lora",
    steps: Steps = None,
    config: ConfigFile = None,
    option: Settings = None,
    dev: Dev = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Train a teacher on relevance. After an interruption, run the same command again."""
    from optical_core.distill.settings import resolve_teaching

    options = {
        "name": name,
        "relevance": relevance,
        "languages": languages,
        "encoder": encoder,
        "objective": objective,
        "dimension": dimension,
        "negatives": negatives,
        "rounds": rounds,
        "trainable": trainable,
        "steps": steps,
        "dev": dev,
    }
    resolved = resolve_teaching(_typed(context, options), config, option or [])
    # Only now, since it takes ten seconds: a mistyped setting is told at once.
    from optical_core.distill import ranks
    from optical_core.distill.teach import teach as train

    folder = train(resolved, device=device)
    first = ranks.rank() == 0
    ranks.leave()
    if not first:
        return
    if as_json:
        print_json({"name": resolved.name, "folder": str(folder)})
    else:
        print(f"teacher {resolved.name} -> {folder}")


@app.command(
    epilog="Example:  optical soup seed-1 seed-2 seed-3 --name all-seeds   "
    "and then   optical evaluate demo --models seed-1,all-seeds --out r"
)
def soup(
    models: Annotated[
        list[str],
        typer.Argument(help="Students of one teacher, or teachers that went on from one."),
    ],
    name: Annotated[str, typer.Option(help="Name of the new model.")],
    strength: Annotated[
        float, typer.Option(help="0.7 goes three tenths of the way back to the encoder.")
    ] = 1.0,
    licence: Annotated[str, typer.Option(help="By default the models' own, joined.")] = "",
) -> None:
    """Save the mean weights of several trainings as a model of its own (a model soup)."""
    from optical_core.models.soups import soup as save
    from optical_core.retrieval.model_names import new_model_folder

    folder = new_model_folder(name)
    save(models, folder, strength=strength, licence=licence)
    print(f"{name}, the mean of {', '.join(models)} -> {folder}")


def _typed(context: typer.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Only the options that were typed: defaults must not override --config and --demo."""
    return {
        key: value
        for key, value in options.items()
        if (source := context.get_parameter_source(key)) and source.name != "DEFAULT"
    }


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
    """Translate a collection's queries into English, for translate-then-retrieve."""
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import is_english, language_codes
    from optical_core.models.translator import Translator
    from optical_core.study.translations import translate_queries

    opened = open_collection(collection)
    codes = language_codes(languages) or [code for code in opened.languages if not is_english(code)]
    for path in translate_queries(opened, Translator.load(model, device=device), codes, out):
        print(path)


ExportFolder = Annotated[Path, typer.Option("--out", help="Folder to write.")]


@export_app.command("hub", epilog="Example:  optical export hub optical-lowres --out for-the-hub")
def export_hub(student: Student, out: ExportFolder) -> None:
    """Write the pair (queries: student, passages: teacher) for plain sentence-transformers."""
    from optical_core.models.export import export_hub as write
    from optical_core.models.pair_store import load_pair
    from optical_core.paths import check_apart

    check_apart(out, [student])
    write(load_pair(student, device="cpu"), out)
    print(f"{student} -> {out}")


@export_app.command("onnx", epilog="Example:  optical export onnx optical-lowres --int8 --out onnx")
def export_onnx(
    student: Student,
    out: ExportFolder,
    int8: Annotated[bool, typer.Option("--int8", help="8-bit weights and products.")] = False,
) -> None:
    """Write the query encoder with its transformer as ONNX (needs the extra onnx)."""
    from optical_core.models.export import export_onnx as write
    from optical_core.models.pair_store import load_pair
    from optical_core.paths import check_apart

    check_apart(out, [student])
    write(load_pair(student, device="cpu"), out, int8=int8)
    print(f"{student} -> {out}")
