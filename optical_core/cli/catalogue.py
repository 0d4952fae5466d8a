"""Commands that list and check: models, collections, bitext."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from optical_core.cli.application import (
    Json,
    Languages,
    app,
    data_app,
    one_line,
    print_json,
    print_left_out,
)
from optical_core.errors import InputError
from optical_core.storage import home
from optical_core.wording import counted


@app.command(epilog="Example:  optical models --json")
def models(as_json: Json = False) -> None:
    """List the models known by name: encoders, students, baselines."""
    from optical_core.models.catalogue import list_models

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
        print_json(rows)
        return
    for row in rows:
        mark = "*" if row["default"] else " "
        print(f"{mark} {row['name']:28} {row['kind']:9} {' '.join(row['languages']) or 'any'}")


@app.command(epilog="Example:  optical collections --json")
def collections(as_json: Json = False) -> None:
    """List the collections: the demo, and those that were imported by name."""
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
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:20} {' '.join(row['languages'])}  ({row['licence']})")


@data_app.command(
    "import", epilog="Example:  optical data import ntrex128 ~/data/ntrex128 --out ntrex"
)
def import_data(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="beir, trec, xquad_r, …")],
    source: Annotated[str, typer.Argument(help="Folder in that format; an id for irds.")],
    out: Annotated[
        str, typer.Option(help="Name to install it under, or a folder (with a slash in it).")
    ],
    unit: Annotated[
        str | None,
        typer.Option(
            help="Kind of passage: article or sentence (ntrex128, flores200), with languages of "
            "passages article:en,sw; or the language to take (miracl, mteb, africlirmatrix, …), as "
            "the folder names it."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split to take: train, dev, …; by default one for tests.")
    ] = None,
) -> None:
    """Import a published collection into a collection folder.

    Formats: beir, trec, xquad_r, mlqa_r, africlirmatrix, afriqa, flores200, ntrex128, belebele,
    ciral, clef, clirmatrix, miracl, mkqa, mmarco, mrtydi, msmarco, mteb, neuclir (and HC4),
    neuclirbench, wikiclir, wikidir, xor_tydi; and irds, which takes an id from ir-datasets.com,
    such as msmarco-passage/dev/small (needs the package ir-datasets).
    """
    from optical_core.data.collection_info import check_name
    from optical_core.data.lines import read_lines
    from optical_core.data.readers import import_collection

    target = Path(os.path.realpath(out))
    if os.sep not in out:
        check_name(out)
        if out == "demo":
            raise InputError("demo is the shipped collection's name: choose another")
        target = home("collections", out)
    collection = import_collection(form, source, target, name=target.name, unit=unit, split=split)
    passages = sum(1 for _ in read_lines(collection.folder / "corpus.jsonl"))
    print(
        f"{collection.name}: {counted(passages, 'passage')}, "
        f"{counted(len(collection.languages), 'language')} -> {target}"
    )
    print_left_out(collection)


@data_app.command("bitext", epilog="Example:  optical data bitext train.sw.tsv --languages sw")
def show_bitext(
    path: Annotated[Path, typer.Argument(help="TSV, Moses, TMX, JSONL or datasets folder.")],
    languages: Languages = "",
) -> None:
    """Read and filter bitext, and report what was kept, what was dropped, and why."""
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
        print(one_line(problem))
    if problems:
        raise typer.Exit(1)
    print("no problems found")
