"""Readers: published collection formats -> our collection folder. One file and one line each."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path

from optical_core.data.changes import was_changed
from optical_core.data.collection import Collection
from optical_core.data.collection_info import check_name
from optical_core.data.readers.africlirmatrix import import_africlirmatrix
from optical_core.data.readers.afriqa import import_afriqa
from optical_core.data.readers.beir import import_beir
from optical_core.data.readers.belebele import import_belebele
from optical_core.data.readers.ciral import import_ciral
from optical_core.data.readers.clef import import_clef
from optical_core.data.readers.clirmatrix import import_clirmatrix
from optical_core.data.readers.flores import import_flores
from optical_core.data.readers.irds import import_irds
from optical_core.data.readers.marco import import_mmarco, import_msmarco
from optical_core.data.readers.miracl import import_miracl
from optical_core.data.readers.mkqa import import_mkqa
from optical_core.data.readers.mrtydi import import_mrtydi
from optical_core.data.readers.mteb import import_mteb
from optical_core.data.readers.neuclir import import_neuclir
from optical_core.data.readers.neuclirbench import import_neuclirbench
from optical_core.data.readers.ntrex import import_ntrex
from optical_core.data.readers.trec import import_trec
from optical_core.data.readers.wikiclir import import_wikiclir
from optical_core.data.readers.wikidir import import_wikidir
from optical_core.data.readers.xor_tydi import import_xor_tydi
from optical_core.data.readers.xquad_r import import_mlqa_r, import_xquad_r
from optical_core.errors import InputError

READERS: dict[str, Callable[..., Collection]] = {
    "beir": import_beir,
    "trec": import_trec,
    "xquad_r": import_xquad_r,
    "mlqa_r": import_mlqa_r,
    "africlirmatrix": import_africlirmatrix,
    "afriqa": import_afriqa,
    "flores200": import_flores,
    "ntrex128": import_ntrex,
    "belebele": import_belebele,
    "ciral": import_ciral,
    "clef": import_clef,
    "clirmatrix": import_clirmatrix,
    "miracl": import_miracl,
    "mkqa": import_mkqa,
    "mmarco": import_mmarco,
    "mrtydi": import_mrtydi,
    "msmarco": import_msmarco,
    "mteb": import_mteb,
    "neuclir": import_neuclir,
    "neuclirbench": import_neuclirbench,
    "wikiclir": import_wikiclir,
    "wikidir": import_wikidir,
    "xor_tydi": import_xor_tydi,
}
"""Format -> its reader, which takes (source folder, target folder, *, name, unit)."""

CATALOGUES: dict[str, Callable[..., Collection]] = {"irds": import_irds}
"""Catalogue -> its reader, which takes a data set's id instead of a source folder."""


def import_collection(
    form: str,
    source: Path | str,
    target: Path,
    *,
    name: str | None = None,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Read `source` in the format `form` and write our collection folder to `target`.

    Args:
        form: a key of `READERS` or `CATALOGUES`.
        source: a folder, or the data set's id if `form` is a catalogue.
        target: the folder to write.
        name: the collection's name; the target's by default.
        unit: what a passage is, if the format leaves a choice (ntrex128: `sentence` or `article`);
            or the language to take, if there are several (miracl, mrtydi, ciral, mteb, …).
        split: `train`, `dev`, `test`, … as the publisher calls them; by default one for evaluation.

    Raises:
        InputError: the format or the folder is unknown, it has no such split, its files can't be
            read, or the target is a collection that has been updated.

    Examples:
        >>> from optical_core.storage import assets
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     demo = assets("demo", "collection")
        ...     copy = import_collection("beir", demo, Path(folder, "copy"))
        ...     copy.name, len(copy.by_id)
        ('copy', 420)
    """
    name = name or Path(os.path.realpath(target)).name
    check_name(name)
    if was_changed(Path(target)):
        raise InputError(
            f"{target} has been updated since it was imported, and would lose that: choose another "
            "name, or remove the folder first"
        )
    if form in CATALOGUES:
        return CATALOGUES[form](str(source), target, name=name, unit=unit)
    if form not in READERS:
        known = ", ".join([*READERS, *CATALOGUES])
        raise InputError(f"unknown format {form!r}: use one of {known}")
    source = Path(source)
    if not source.is_dir():
        raise InputError(f"no such folder: {source}")
    if source.resolve().is_relative_to(os.path.realpath(target)):
        raise InputError(f"{source} would be replaced by what is read: choose another folder")
    reader = READERS[form]
    if split is None:
        return reader(source, target, name=name, unit=unit)
    if "split" not in signature(reader).parameters:
        raise InputError(f"{form} isn't published in splits: leave the split {split!r} out")
    return reader(source, target, name=name, unit=unit, split=split)
