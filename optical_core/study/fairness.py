"""Files of an evaluation on passages in several languages: fairness.*, passage-languages.*"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from optical_core.analysis.export import write_table
from optical_core.analysis.fairness import fairness_table, share_table
from optical_core.data.collection import Collection
from optical_core.data.trec import read_run
from optical_core.errors import InputError
from optical_core.retrieval.model_names import folder_name

FAIRNESS, SHARES = "fairness", "passage-languages"
FILES = (f"{FAIRNESS}.csv", f"{SHARES}.csv")
_COLUMNS = {
    FAIRNESS: {"model", "language", "topics", "own_language", "by_chance"},
    SHARES: {"model", "language", "first", "passages", "share", "collection"},
}


def write_fairness(
    folder: Path, collection: Collection, models: Sequence[str], languages: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure an evaluation's runs by the languages of the passages that they found.

    Args:
        folder: of the evaluation, which has the runs.
        collection: that was measured.
        models: labels.
        languages: of the queries.

    Returns:
        `fairness_table` and `share_table`; empty, and nothing is written, if the passages don't say
        two languages.
    """
    known = collection.corpus.language_of(collection.info.passage_language)
    if not known:
        return pd.DataFrame(), pd.DataFrame()
    runs = {
        (model, code): read_run(folder / folder_name(model) / f"{code}.run")
        for model in models
        for code in languages
    }
    qrels = {code: collection.qrels(code) for code in languages}
    tables = fairness_table(runs, qrels, known), share_table(runs, qrels, known)
    for table, name in zip(tables, (FAIRNESS, SHARES), strict=True):
        write_table(table, folder, name)
    return tables


def read_fairness(files: Mapping[str, str], where: str) -> dict[str, pd.DataFrame]:
    """Read the tables among an evaluation's files.

    Args:
        files: path in the folder -> content.
        where: names the evaluation in messages.

    Returns:
        `fairness` and `shares`, those that are there.

    Raises:
        InputError: a table is damaged.
    """
    found = {}
    for key, name in (("fairness", FAIRNESS), ("shares", SHARES)):
        text = files.get(f"{name}.csv")
        if text is None:
            continue
        try:
            # Model names may begin with an apostrophe that spreadsheets need; "NA" is no model.
            table = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
        except (ValueError, pd.errors.ParserError) as error:
            raise InputError(f"{where}: {name}.csv is no table ({error})") from error
        if missing := _COLUMNS[name] - set(table):
            raise InputError(f"{where}: {name}.csv has no column {sorted(missing)[0]!r}")
        numbers = table.columns.drop(["model", "language", "passages"], errors="ignore")
        if not all(pd.api.types.is_numeric_dtype(table[column]) for column in numbers):
            raise InputError(f"{where}: {name}.csv has a text where a number was expected")
        found[key] = table
    return found
