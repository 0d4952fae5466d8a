"""Run a study: train and measure what is missing, and list the steps that are left.

    OUT/study.json                          the resolved configuration
    OUT/cells/<collection>/<model>/         measures of one model, one student a seed:
        cell.json, <language>.csv, .run     what they were made from, values, rankings
    OUT/results/<collection>/               means over seeds, as `optical evaluate` writes them
    OUT/tables/, report.md, report.html     see `report`

Students are models of this machine like any other. Every file is written completely or not at all,
and a training resumes at its last checkpoint. So a study may be killed at any moment: the same
command does the rest and reaches the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from optical_core.analysis.measurements import Values
from optical_core.data.collection import Collection, installed_collections, open_collection
from optical_core.data.languages import matching
from optical_core.data.lines import read_text
from optical_core.data.readers import import_collection
from optical_core.data.records import read_record
from optical_core.distill.config import DistillConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.errors import InputError
from optical_core.retrieval.model_names import folder_name
from optical_core.storage import home, replace_file
from optical_core.study.config import CollectionSource, StudyConfig
from optical_core.study.evaluate import label, measure
from optical_core.study.results import read_values

Watch = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all, and the present step in words."""


@dataclass(frozen=True)
class Column:
    """A column of the study, measured on every collection: a model, or one that it trains."""

    name: str
    """In tables: the model's label, or the arm or taught model."""
    model: str
    """Its name for `optical evaluate`."""
    seed: int | None = None
    training: DistillConfig | TeachConfig | None = None

    @property
    def folder(self) -> str:
        return folder_name(self.title)

    @property
    def title(self) -> str:
        return self.name if self.seed is None else f"{self.name}.s{self.seed}"

    @property
    def trained(self) -> bool:
        """Whether nothing needs training, or a model was trained with these settings."""
        if self.training is None:
            return True
        saved = read_record(home("models", self.training.name) / "record.json")
        return self.training.is_saved_as(saved.get("config"))


def columns(config: StudyConfig) -> list[Column]:
    """List the columns in the order of work: models, then what is trained, seed by seed."""
    listed = [Column(label(spec), spec) for spec in config.models]
    for seed in config.seeds:
        for name in config.trained:
            training = config.settings_of(name, seed)
            listed.append(Column(name, training.name, seed, training))
    return listed


def study_collections(config: StudyConfig) -> list[Collection]:
    """Open the study's collections; import those that aren't installed yet.

    Raises:
        InputError: there is no such collection or folder, a collection lacks all languages, or
            collections that are pooled share one.

    Examples:
        >>> from optical_core.study import read_study
        >>> [collection.name for collection in study_collections(read_study("demo"))]
        ['demo']
    """
    opened = []
    installed = {collection.name for collection in installed_collections()}
    for source in config.collections:
        if isinstance(source, CollectionSource):
            if source.name not in installed:
                target = home("collections", source.name)
                import_collection(
                    source.form, Path(source.path), target, name=source.name, unit=source.unit
                )
            opened.append(open_collection(source.name))
        else:
            opened.append(open_collection(source))
    for collection in opened:
        if not languages_of(config, collection):
            raise InputError(
                f"{collection.name} has queries in none of the study's languages "
                f"({', '.join(config.languages)})"
            )
    if config.pooled:
        _refuse_shared_languages(config, opened)
    return opened


def _refuse_shared_languages(config: StudyConfig, collections: Sequence[Collection]) -> None:
    owner: dict[str, str] = {}
    for collection in collections:
        for code in languages_of(config, collection):
            if code in owner:
                raise InputError(
                    f"the study {config.name} pools its collections, but {owner[code]} and "
                    f"{collection.name} both have queries in {code}: name each one's languages"
                )
            owner[code] = collection.name


def languages_of(config: StudyConfig, collection: Collection) -> list[str]:
    """List the study's languages, or those named for this collection, that the collection has."""
    named = next((s.languages for s in config.sources if s.name == collection.name), ())
    wanted = named or config.languages or collection.languages
    chosen = [code for asked in wanted for code in matching(asked, collection.languages)]
    return list(dict.fromkeys(chosen))


class Cells:
    """The measured values of one study folder, and what they were made from."""

    def __init__(self, config: StudyConfig, out: Path) -> None:
        self.config, self.out = config, out

    def missing(self, column: Column, collection: Collection) -> list[str]:
        """List the languages still to measure; all if settings or collection have changed."""
        codes = languages_of(self.config, collection)
        folder = self._folder(column, collection)
        if not self._is_of(folder / "cell.json", column, collection):
            return codes
        return [code for code in codes if self._lacks_measures(folder / f"{code}.csv")]

    def measure(
        self, column: Column, collection: Collection, *, device: str | None, progress: bool
    ) -> None:
        """Measure the missing languages of one column on one collection."""
        codes = self.missing(column, collection)
        if not codes:
            return
        folder = self._folder(column, collection)
        if not self._is_of(folder / "cell.json", column, collection):
            for stale in folder.glob("*.csv"):
                stale.unlink()
            with replace_file(folder / "cell.json") as temporary:
                text = json.dumps(self._origin(column, collection), indent=2, ensure_ascii=False)
                temporary.write_text(text + "\n", encoding="utf-8")
        measure(
            column.model,
            collection,
            codes,
            folder,
            measures=self.config.measures,
            depth=self.config.depth,
            device=device,
            progress=progress,
        )

    def values(
        self, column: Column, collection: Collection
    ) -> dict[tuple[str, str], Values] | None:
        """Read a finished column by (its title, language); None if a language is missing."""
        if self.missing(column, collection):
            return None
        tables = {
            code: self._folder(column, collection) / f"{code}.csv"
            for code in languages_of(self.config, collection)
        }
        return {
            (column.title, code): read_values(read_text(table), str(table))
            for code, table in tables.items()
        }

    def _lacks_measures(self, table: Path) -> bool:
        """Whether a table is missing, or was made before the study named a measure."""
        if not table.is_file():
            return True
        header = read_text(table).partition("\n")[0]
        return not set(self.config.measures) <= set(read_values(header, str(table)))

    def _folder(self, column: Column, collection: Collection) -> Path:
        return self.out / "cells" / collection.name / column.folder

    def _is_of(self, path: Path, column: Column, collection: Collection) -> bool:
        """Tell whether a cell was made from this model, collection and depth."""
        saved, wanted = read_record(path), self._origin(column, collection)
        training = saved.pop("training", None), wanted.pop("training")
        same = column.training.is_saved_as(training[0]) if column.training else training[0] is None
        return same and saved == wanted

    def _origin(self, column: Column, collection: Collection) -> dict[str, Any]:
        training = column.training.model_dump(mode="json") if column.training else None
        return {
            "model": column.model,
            "training": training,
            "fingerprint": collection.fingerprint,
            "depth": self.config.depth,
        }


@dataclass(frozen=True)
class Step:
    """A step that is left: a training (no collection), or a measurement."""

    column: Column
    collection: Collection | None
    languages: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The step in words."""
        if self.collection is None:
            return f"train {self.column.model}"
        return f"measure {self.column.folder} on {self.collection.name}"


def steps(config: StudyConfig, collections: Sequence[Collection], out: Path) -> Iterator[Step]:
    """List the steps that are left, in order."""
    cells = Cells(config, out)
    for column in columns(config):
        if not column.trained:
            yield Step(column, None)
        for collection in collections:
            codes = cells.missing(column, collection)
            if codes:
                yield Step(column, collection, tuple(codes))


def run_study(
    config: StudyConfig,
    collections: Sequence[Collection],
    out: Path,
    *,
    device: str | None = None,
    progress: bool = False,
    watch: Watch | None = None,
) -> None:
    """Do the steps that are left of a study.

    Args:
        config: of the study.
        collections: from `study_collections`.
        out: the study's folder.
        device: None for the best there is.
        progress: whether to show bars.
        watch: called before each step.

    Raises:
        InputError: another process is running the study, OUT can't be written, or a training or an
            evaluation fails.

    Examples:
        >>> from optical_core.study import read_study
        >>> config = read_study("demo")
        >>> run_study(config, study_collections(config), Path("out"))  # doctest: +SKIP
    """
    with replace_file(out / "study.json") as temporary:
        text = json.dumps(config.model_dump(mode="json"), indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    try:
        with FileLock(out / ".lock", timeout=0):
            left = list(steps(config, collections, out))
            cells = Cells(config, out)
            for number, step in enumerate(left):
                if watch:
                    watch(number, len(left), step.text)
                if step.collection is None:
                    _train(step.column, device=device, progress=progress)
                else:
                    cells.measure(step.column, step.collection, device=device, progress=progress)
    except Timeout as error:
        raise InputError(f"another process is running the study in {out}") from error


def _train(column: Column, *, device: str | None, progress: bool) -> None:
    from optical_core.distill.teach import teach
    from optical_core.distill.trainer import distill

    if isinstance(column.training, DistillConfig):
        distill(column.training, device=device, progress=progress)
    elif isinstance(column.training, TeachConfig):
        teach(column.training, device=device, progress=progress)
