"""Saved evaluations: what `optical evaluate` wrote, shipped measurements, uploaded runs.

An evaluation folder is OUT/record.json and `OUT/<model>/<language>.csv` (a row a query, a column
a measure). Runs and tables beside them are for other programs.
"""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from optical_core.analysis.metrics import per_query_measures
from optical_core.analysis.report import Results
from optical_core.data.allowance import step
from optical_core.data.archives import data_members, open_zip
from optical_core.data.folders import is_data
from optical_core.data.language_files import say_left_out
from optical_core.data.languages import find_language
from optical_core.data.lines import parse_json, read_json, read_text
from optical_core.data.trec import Qrels, Run
from optical_core.errors import InputError
from optical_core.storage import assets, home, replace_file
from optical_core.validation import first_problem

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedResults:
    """Measurements of several models on one collection.

    Attributes:
        values: model -> language -> measure -> query -> value.
        fingerprint: of the collection's files; results of different ones are never mixed.
        origin: model -> where its numbers come from, for people.
        study: name of the study that measured it, if one did.
        students: arm of the study -> a model of this machine that stands for it.
    """

    collection: str
    parallel: bool
    values: Results
    fingerprint: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    study: str | None = None
    students: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        return list(self.values)

    @property
    def languages(self) -> list[str]:
        return list(dict.fromkeys(code for found in self.values.values() for code in found))

    def select(self, models: Iterable[str], languages: Iterable[str]) -> Results:
        """The part that is asked for; models without any of the languages are left out."""
        codes = list(languages)
        chosen = {
            model: {code: self.values[model][code] for code in codes if code in self.values[model]}
            for model in models
            if model in self.values
        }
        return {model: found for model, found in chosen.items() if found}


def write_values(path: Path, values: Mapping[str, Mapping[str, float]]) -> None:
    """Write measure -> query -> value as a table: a row a query, 6 decimals."""
    names = list(values)
    queries = list(dict.fromkeys(query for found in values.values() for query in found))
    with replace_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["query", *names])
        for query in queries:
            writer.writerow([query, *(f"{values[name][query]:.6g}" for name in names)])


def read_values(text: str, where: str) -> dict[str, dict[str, float]]:
    """Read such a table: measure -> query -> value. Raises InputError that names the line."""
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
            try:
                value = float(cell)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise InputError(f"{where}, line {number}: {cell!r} is not a number")
            if row[0] in values[name]:
                raise InputError(f"{where}, line {number}: the query {row[0]!r} comes twice")
            values[name][row[0]] = value
    return values


def read_results(folder: Path, *, origin: str = "") -> SavedResults:
    """Read an evaluation folder.

    Raises InputError if it has no record.json, or a file in it is damaged.
    """
    if not (folder / "record.json").is_file():
        raise InputError(f"{folder} is no evaluation folder: it has no record.json")
    files = {
        path.relative_to(folder).as_posix(): read_text(path)
        for path in sorted(folder.glob("*/*.csv"))
        if is_data(path.relative_to(folder).as_posix())
    }
    return _assemble(read_json(folder / "record.json"), files, str(folder), origin or str(folder))


def record_files() -> list[tuple[Path, str]]:
    """record.json of each saved evaluation, shipped ones first, and where it comes from."""
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


def find_results() -> list[SavedResults]:
    """Shipped measurements and those of this machine, one entry a collection.

    A model measured here replaces the shipped one of its name. Measurements of another version
    of a collection (another fingerprint) get an entry of their own, and so do a study's.
    """
    found: dict[tuple[str, str | None, str | None], SavedResults] = {}
    for record, origin in record_files():
        try:
            results = read_results(record.parent, origin=origin)
        except InputError as error:
            logger.warning("left out: %s", error)
            continue
        key = (results.collection, results.fingerprint, results.study)
        found[key] = merge(found[key], results) if key in found else results
    order = sorted(found, key=lambda key: (key[2] or "", key[0] != "demo", key[0]))
    return [found[key] for key in order]


def study_label(collection: str, study: str) -> str:
    """What a study's results on a collection are called in the app.

    Examples:
        >>> study_label("ntrex128", "real")
        'ntrex128 (study real)'
    """
    return f"{collection} (study {study})"


def merge(first: SavedResults, second: SavedResults) -> SavedResults:
    """Both, where `second` wins for a model and language that both have."""
    values = {model: dict(languages) for model, languages in first.values.items()}
    for model, languages in second.values.items():
        values[model] = {**values.get(model, {}), **languages}
    return replace(first, values=values, origin={**first.origin, **second.origin})


def results_from_runs(
    name: str, runs: Mapping[tuple[str, str], Run], qrels: Mapping[str, Qrels], *, parallel: bool
) -> SavedResults:
    """Measure runs, keyed by (model, language), with judgements by language.

    Raises InputError for a run in a language without judgements, or of no judged query.
    """
    values: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for (model, code), run in runs.items():
        if code not in qrels:
            raise InputError(f"the run {model}, {code}: there are no judgements for this language")
        if not set(run) & set(qrels[code]):
            raise InputError(
                f"the run {model}, {code} has none of the judged queries: do run and qrels "
                "belong together?"
            )
        values.setdefault(model, {})[code] = per_query_measures(run, qrels[code])
    return SavedResults(name, parallel, values, origin=dict.fromkeys(values, "upload"))


def read_results_zip(data: bytes) -> SavedResults:
    """Read a zipped evaluation folder without unpacking it to disk.

    Raises InputError: as `open_zip` does, no record.json in it, or damage in a file.
    """
    with open_zip(data) as archive:
        names = [member.filename for member in data_members(archive)]
        names = [name for name in names if name.endswith((".csv", "record.json"))]
        texts = {}
        for number, name in enumerate(names, 1):
            step(f"file {number:,} of {len(names):,}")
            texts[name] = archive.read(name).decode("utf-8-sig")
    records = [name for name in texts if PurePosixPath(name).name == "record.json"]
    if not records:
        raise InputError("the zip file holds no record.json: zip a folder of `optical evaluate`")
    records.sort(key=lambda name: (len(PurePosixPath(name).parts), name))
    if len({len(PurePosixPath(name).parts) for name in records[:2]}) < len(records[:2]):
        raise InputError(
            f"the zip file holds several evaluations, {records[0]} and {records[1]}: zip one folder"
        )
    root = PurePosixPath(records[0]).parent
    files = {
        PurePosixPath(name).relative_to(root).as_posix(): text
        for name, text in texts.items()
        if PurePosixPath(name).is_relative_to(root)
    }
    record = parse_json(texts[records[0]], "record.json in the zip file")
    return _assemble(record, files, "the zip file", "upload")


class _RecordCollection(BaseModel):
    name: str = "unnamed"


class _Record(BaseModel):
    """What is read of a record.json; the rest is for people."""

    collection: _RecordCollection
    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    parallel: bool = False
    fingerprint: str | None = None
    study: str | None = None
    students: dict[str, str] | None = None


def _assemble(record: Any, files: Mapping[str, str], where: str, origin: str) -> SavedResults:
    values: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    unknown = []
    for name, text in files.items():
        parts = PurePosixPath(name)
        if len(parts.parts) != 2 or parts.suffix != ".csv":
            continue
        known = find_language(parts.stem)
        if known is None:
            unknown.append(name)
            continue
        own = values.setdefault(parts.parts[0], {})
        if known.code in own:
            raise InputError(f"{where}: {name} is {known.name}, which another table is of")
        own[known.code] = read_values(text, f"{where}: {name}")
    say_left_out(unknown, where)
    if not values:
        raise InputError(f"{where} is no evaluation: its tables are missing")
    try:
        told = _Record.model_validate(record)
    except ValidationError as error:
        raise InputError(f"{where}: record.json: {first_problem(error)}") from error
    codes = [found.code for code in told.languages if (found := find_language(code))]
    order = [model for model in told.models if model in values]
    order += [model for model in values if model not in order]
    return SavedResults(
        collection=told.collection.name,
        parallel=told.parallel,
        values={
            model: {
                c: values[model][c]
                for c in dict.fromkeys([*codes, *values[model]])
                if c in values[model]
            }
            for model in order
        },
        fingerprint=told.fingerprint,
        origin=dict.fromkeys(order, origin),
        study=told.study,
        students=told.students or {},
    )
