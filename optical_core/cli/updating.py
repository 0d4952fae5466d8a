"""Commands that change an index: `optical index update`, `delete` and `compact`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optical_core.cli.application import Device, Engine, Model, Uri, default_student
from optical_core.cli.indexing import index_app
from optical_core.errors import InputError
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.data.collection import Collection
    from optical_core.models.token_encoder import TokenEncoder

_Indexed = Annotated[
    str,
    typer.Argument(
        metavar="INDEX",
        help="A collection, which is changed with its index; or the folder of an index alone.",
    ),
]
_Folder = Annotated[
    Path | None,
    typer.Option("--index", help="Folder of the collection's index, if it was made with --out."),
]


@index_app.command(
    epilog="Example:  optical index update mine new.jsonl\n\n"
    "Example:  optical index update big new.jsonl   (big: the folder of an index alone)"
)
def update(
    index: _Indexed,
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON Lines or Parquet (_id, text, title, others), or folders."),
    ],
    model: Model = "",
    index_folder: _Folder = None,
    engine: Engine = "local",
    uri: Uri = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Device = None,
) -> None:
    """Add passages; one whose id is there is replaced. Searches see it at once and never wait."""
    from optical_core.data.changes import change_corpus
    from optical_core.data.passages import passage_files, read_passages
    from optical_core.retrieval.changing import check_own, update_collection
    from optical_core.retrieval.updating import update_index
    from optical_core.retrieval.vector_stores import LOCAL

    teacher = _teacher(model, device)
    passages = [passage for file in passage_files(files) for passage in read_passages(file)]
    options: dict[str, Any] = {"batch_size": batch_size, "progress": True}
    collection = _collection(index, index_folder, engine, uri)
    if collection is None:
        replaced = update_index(Path(index), passages, teacher, **options)
        added = len(passages) - replaced
        print(f"{counted(added, 'passage')} added, {replaced:,} replaced -> {index}")
    elif engine == LOCAL:
        done = update_collection(collection, passages, teacher, index=index_folder, **options)
        new = counted(done.added, "passage")
        print(f"{new} added, {done.replaced:,} replaced, {done.encoded:,} encoded -> {index}")
    else:
        check_own(collection)
        change_corpus(collection.folder, passages, ())
        _fill(collection, engine, uri, teacher, options)


@index_app.command(
    epilog="Example:  optical index delete mine p17 p18\n\n"
    "Example:  optical index delete mine --ids gone.txt"
)
def delete(
    index: _Indexed,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of passages.")] = None,
    ids_file: Annotated[
        Path | None, typer.Option("--ids", help="A file with an id on each line.")
    ] = None,
    index_folder: _Folder = None,
    engine: Engine = "local",
    uri: Uri = None,
    model: Model = "",
    device: Device = None,
) -> None:
    """Delete passages by id. Their texts and vectors stay on the disk until `compact`."""
    from optical_core.data.fields import identifier
    from optical_core.data.lines import read_lines
    from optical_core.retrieval.changing import delete_passages
    from optical_core.retrieval.updating import delete_from_index
    from optical_core.retrieval.vector_stores import LOCAL

    named = list(ids or ())
    if ids_file is not None:
        named += [
            identifier(line.strip(), f"{ids_file}, line {number}")
            for number, line in read_lines(ids_file)
            if line.strip()
        ]
    if not named:
        raise InputError("name the passages to delete: by their ids, or --ids FILE")
    collection = _collection(index, index_folder, engine, uri)
    if collection is None:
        gone = delete_from_index(Path(index), named)
    else:
        gone = delete_passages(collection, named, index=index_folder)
    wanted = len(set(named))
    if not gone:
        raise InputError(f"{index} has none of the {counted(wanted, 'passage')} named")
    if collection is not None and engine != LOCAL:
        _fill(collection, engine, uri, _teacher(model, device), {"progress": True})
    rest = f", {wanted - gone:,} weren't there" if wanted > gone else ""
    print(f"{counted(gone, 'passage')} deleted{rest} -> {index}")


@index_app.command(epilog="Example:  optical index compact mine")
def compact(index: _Indexed, index_folder: _Folder = None) -> None:
    """Merge the segments of an index, and drop what was deleted from the disk."""
    from optical_core.retrieval.changing import compact_collection
    from optical_core.retrieval.updating import compact_index
    from optical_core.retrieval.vector_stores import LOCAL

    collection = _collection(index, index_folder, LOCAL, None)
    if collection is None:
        compact_index(Path(index))
    else:
        compact_collection(collection, index=index_folder)
    print(f"{index} is compact")


def _collection(
    name: str, index_folder: Path | None, engine: str, uri: str | None
) -> Collection | None:
    """The collection of this name; None if it is the folder of an index alone."""
    from optical_core.data.collection import open_collection
    from optical_core.retrieval.formats import INDEX_FILE
    from optical_core.retrieval.vector_stores import LOCAL

    folder = Path(name)
    alone = (folder / INDEX_FILE).is_file() and not (folder / "collection.json").is_file()
    if alone and (index_folder or engine != LOCAL):
        raise InputError(f"{name} is an index alone: --index and --engine belong to a collection")
    if engine == LOCAL and uri:
        raise InputError("--uri belongs to other engines; the engine local takes --index")
    if engine != LOCAL and index_folder:
        raise InputError("--index belongs to the engine local; other engines take --uri")
    return None if alone else open_collection(name)


def _teacher(model: str, device: str | None) -> TokenEncoder:
    from optical_core.models.pair_store import load_pair

    return load_pair(model or default_student(), device=device).teacher


def _fill(
    collection: Collection,
    engine: str,
    uri: str | None,
    teacher: TokenEncoder,
    options: dict[str, Any],
) -> None:
    from optical_core.retrieval.vector_stores import fill_store

    written = fill_store(engine, uri, collection, teacher, **options)
    print(f"{counted(written, 'passage')} written -> {engine} at {uri}")
