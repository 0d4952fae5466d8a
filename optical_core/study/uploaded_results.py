"""Uploaded evaluations: runs with judgements, or a zipped evaluation folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from optical_core.analysis.measure_names import measure_names
from optical_core.analysis.measurements import Measurements, Values
from optical_core.analysis.metrics import MEASURES, per_query_measures
from optical_core.data.allowance import step
from optical_core.data.archives import data_members, open_zip
from optical_core.data.lines import parse_json
from optical_core.data.trec import Qrels, Run
from optical_core.errors import InputError
from optical_core.study.results import assemble


def results_from_runs(
    name: str,
    runs: Mapping[tuple[str, str], Run],
    qrels: Mapping[str, Qrels],
    *,
    parallel: bool,
    measures: Sequence[str] = (),
) -> Measurements:
    """Measure runs.

    Args:
        name: of the collection.
        runs: by (model, language).
        qrels: judgements by language.
        parallel: whether the queries are the same information needs in every language.
        measures: names of measures besides `MEASURES`.

    Raises:
        InputError: a run's language has no judgements, a run has no judged query, or a measure is
            unknown.

    Examples:
        >>> runs = {("bm25", "so"): {"q1": {"d1": 2.0, "d2": 1.0}}}
        >>> results = results_from_runs("mine", runs, {"so": {"q1": {"d2": 1}}}, parallel=False)
        >>> results.columns["bm25", "so", "AP"].to_dict()
        {'q1': 0.5}
    """
    names = tuple(dict.fromkeys((*measure_names(measures), *MEASURES)))
    values: dict[tuple[str, str], Values] = {}
    for (model, code), run in runs.items():
        if code not in qrels:
            raise InputError(f"the run {model}, {code}: there are no judgements for this language")
        if not set(run) & set(qrels[code]):
            raise InputError(
                f"the run {model}, {code} has none of the judged queries: do run and qrels "
                "belong together?"
            )
        values[model, code] = per_query_measures(run, qrels[code], names)
    table = Measurements.rows(values)
    return Measurements(table, name, parallel, origin={model: "upload" for model, _ in values})


def read_results_zip(data: bytes) -> Measurements:
    """Read a zipped evaluation folder without unpacking it to disk.

    Args:
        data: of the zip file.

    Raises:
        InputError: as `open_zip`, or the file has no record.json, or a file in it is damaged.

    Examples:
        >>> import io, zipfile
        >>> file = io.BytesIO()
        >>> with zipfile.ZipFile(file, "w") as archive:
        ...     archive.writestr("out/record.json", '{"collection": {"name": "mine"}}')
        ...     archive.writestr("out/bm25/so.csv", "query,AP\\nq1,0.5\\n")
        >>> read_results_zip(file.getvalue()).collection
        'mine'
    """
    with open_zip(data) as archive:
        names = [member.filename for member in data_members(archive)]
        names = [name for name in names if name.endswith((".csv", ".jsonl", "record.json"))]
        texts = {}
        for number, name in enumerate(names, 1):
            step(f"file {number:,} of {len(names):,}")
            try:
                texts[name] = archive.read(name).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{name} in the zip file: not UTF-8 (byte {error.start + 1}); save it as UTF-8"
                ) from error
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
    return assemble(record, files, "the zip file", "upload")
