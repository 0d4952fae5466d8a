"""Saved evaluations: shipped, or written by `optical evaluate` and studies.

An evaluation folder has OUT/record.json, `OUT/<model>/<language>.csv` (a row a query, a column a
measure) and the texts of the queries. Runs and tables in the same folder are for other programs.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from optical_core.analysis.measurements import Measurements, Values
from optical_core.data.collection_info import CollectionInfo
from optical_core.data.fields import identifier, number_of
from optical_core.data.folders import is_data
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language
from optical_core.data.lines import read_json, read_text
from optical_core.data.records import write_record
from optical_core.errors import InputError
from optical_core.retrieval.model_names import folder_name
from optical_core.storage import assets, home, replace_file
from optical_core.study.fairness import FILES as FAIRNESS_FILES
from optical_core.study.fairness import read_fairness
from optical_core.study.query_texts import FOLDER as TEXTS
from optical_core.study.query_texts import read_texts
from optical_core.validation import first_problem

logger = logging.getLogger(__name__)


def write_values(path: Path, values: Values) -> None:
    """Write measure -> query -> value as a table: a row a query, 6 decimals."""
    names = list(values)
    queries = list(dict.fromkeys(query for column in values.values() for query in column))
    with replace_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["query", *names])
        for query in queries:
            writer.writerow([query, *(f"{values[name][query]:.6g}" for name in names)])


def read_values(text: str, where: str) -> dict[str, dict[str, float]]:
    """Read a table as `write_values` writes it.

    Returns:
        Measure -> query -> value.

    Raises:
        InputError: the table is wrong; the message names the line.
    """
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise InputError(f"{where}: no table ({error})") from error
    if not rows or rows[0][:1] != ["query"] or len(rows[0]) < 2:
        raise InputError(f"{where}: a first line 'query,AP,…' was expected")
    names = rows[0][1:]
    if len(set(names)) < len(names):
        raise InputError(f"{where}: its first line has a measure twice")
    values: dict[str, dict[str, float]] = {name: {} for name in names}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            raise InputError(f"{where}, line {number}: {len(rows[0])} columns were expected")
        for name, cell in zip(names, row[1:], strict=True):
            value = number_of(cell, f"{where}, line {number}")
            if identifier(row[0], f"{where}, line {number}") in values[name]:
                raise InputError(f"{where}, line {number}: the query {row[0]!r} comes twice")
            values[name][row[0]] = value
    return values


def write_tables(folder: Path, measurements: Measurements) -> None:
    """Write the values of each model and language, `FOLDER/<model>/<language>.csv`."""
    for (model, code), rows in measurements.table.groupby(["model", "language"], sort=False):
        values = {
            measure: dict(zip(column["query"], column["value"], strict=True))
            for measure, column in rows.groupby("measure", sort=False)
        }
        write_values(folder / folder_name(model) / f"{code}.csv", values)


def write_results_record(
    folder: Path,
    measurements: Measurements,
    info: CollectionInfo,
    *,
    depth: int,
    device: str | None = None,
) -> None:
    """Write the record.json of an evaluation folder; its tables are written by `write_tables`.

    Args:
        folder: of the evaluation.
        measurements: of the collection.
        info: of the collection.
        depth: passages ranked for each query.
        device: where the models ran; None for the best there is.
    """
    # Imported here because it needs torch, which reading doesn't.
    from optical_core.models.precision import precision, query_precision

    record = {
        "collection": info.model_dump(),
        "fingerprint": measurements.fingerprint,
        "models": measurements.models,
        "languages": measurements.languages,
        "depth": depth,
        "precision": precision(device),
        "query_precision": query_precision(device),
        "parallel": measurements.parallel,
    }
    named = {folder_name(model): model for model in measurements.models}
    if folders := {folder: model for folder, model in named.items() if folder != model}:
        record["folders"] = folders
    if measurements.study:
        record |= {"study": measurements.study, "students": dict(measurements.students)}
    write_record(folder / "record.json", record)


def read_results(folder: Path, *, origin: str = "") -> Measurements:
    """Read an evaluation folder.

    Args:
        folder: with record.json.
        origin: where the numbers come from, for people; by default the folder.

    Raises:
        InputError: the folder has no record.json, or a file in it is damaged.

    Examples:
        >>> from optical_core.storage import assets
        >>> read_results(assets("results", "demo")).collection
        'demo'
    """
    if not (folder / "record.json").is_file():
        raise InputError(f"{folder} is no evaluation folder: it has no record.json")
    files = {
        path.relative_to(folder).as_posix(): read_text(path)
        for path in sorted(
            [
                *folder.glob("*/*.csv"),
                *folder.glob(f"{TEXTS}/*.jsonl"),
                *(folder / name for name in FAIRNESS_FILES if (folder / name).is_file()),
            ]
        )
        if is_data(path.relative_to(folder).as_posix())
    }
    return assemble(read_json(folder / "record.json"), files, str(folder), origin or str(folder))


def record_files() -> list[tuple[Path, str]]:
    """List the record.json of each saved evaluation, shipped ones first, with its origin."""
    here, studies = home("results", "x").parent, home("studies", "x").parent
    return [
        (record, origin)
        for root, pattern, origin in (
            (assets("results"), "[!.]*/record.json", "shipped"),
            (here, "[!.]*/record.json", "this machine"),
            (studies, "[!.]*/results/[!.]*/record.json", "a study on this machine"),
        )
        for record in sorted(root.glob(pattern))
    ]


def find_results() -> list[Measurements]:
    """Read the shipped measurements and those of this machine, one entry a collection.

    A model measured here replaces the shipped one with its name. Measurements of another version of
    a collection (another fingerprint) have a separate entry, as have those of each study. Damaged
    ones are left out, with a warning.

    Examples:
        >>> "demo" in {measurements.collection for measurements in find_results()}
        True
    """
    entries: dict[tuple[str, str | None, str | None], Measurements] = {}
    for record, origin in record_files():
        try:
            read = read_results(record.parent, origin=origin)
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        key = (read.collection, read.fingerprint, read.study)
        entries[key] = entries[key].joined(read) if key in entries else read
    order = sorted(entries, key=lambda key: (key[2] or "", key[0] != "demo", key[0]))
    return [entries[key] for key in order]


def study_label(collection: str, study: str) -> str:
    """Name a study's results on a collection, as the app does.

    Examples:
        >>> study_label("ntrex128", "real")
        'ntrex128 (study real)'
    """
    return f"{collection} (study {study})"


class _RecordCollection(BaseModel):
    name: str = "unnamed"


class _Record(BaseModel):
    """The part of a record.json that is read; the rest is for people."""

    collection: _RecordCollection
    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    parallel: bool = False
    fingerprint: str | None = None
    study: str | None = None
    students: dict[str, str] | None = None
    depth: int | None = None
    folders: dict[str, str] = {}
    """Folder -> model, where the model's name can't be a folder's."""


def assemble(record: Any, files: Mapping[str, str], where: str, origin: str) -> Measurements:
    """Put an evaluation together from its files.

    Args:
        record: the content of record.json.
        files: `<model>/<language>.csv` and `queries/<language>.jsonl` -> text.
        where: names the evaluation in messages.
        origin: where the numbers come from, for people.

    Raises:
        InputError: a file is damaged, or the tables are missing.
    """
    try:
        checked = _Record.model_validate(record)
    except ValidationError as error:
        raise InputError(f"{where}: record.json: {first_problem(error)}") from error
    values: dict[tuple[str, str], Values] = {}
    unknown = []
    for name, text in files.items():
        parts = PurePosixPath(name)
        if len(parts.parts) != 2 or parts.suffix != ".csv":
            continue
        known = find_language(parts.stem)
        if known is None:
            unknown.append(name)
            continue
        folder = parts.parts[0]
        key = (checked.folders.get(folder, folder), known.code)
        if key in values:
            raise InputError(f"{where}: {name} is {known.name}, which another table is of")
        values[key] = read_values(text, f"{where}: {name}")
    say_left_out(unknown, where)
    if not any(queries for measures in values.values() for queries in measures.values()):
        raise InputError(f"{where} is no evaluation: its tables are missing")
    codes = [known.code for code in checked.languages if (known := find_language(code))]
    models = [*checked.models, *(model for model, _ in values)]
    codes += [code for _, code in values]
    order = sorted(values, key=lambda key: (models.index(key[0]), codes.index(key[1])))
    measurements = Measurements(
        Measurements.rows({key: values[key] for key in order}),
        collection=checked.collection.name,
        parallel=checked.parallel,
        fingerprint=checked.fingerprint,
        origin={model: origin for model, _ in order},
        study=checked.study,
        students=checked.students or {},
        texts=read_texts(files, where),
        depth=checked.depth,
        **read_fairness(files, where),
    )
    if not measurements.measures:
        raise InputError(f"{where} is no evaluation: its tables have no measure of ir-measures")
    return measurements
