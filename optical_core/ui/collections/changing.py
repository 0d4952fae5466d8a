"""Add, replace and delete passages of an installed collection, from the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.data.allowance import UPLOADS, Tell, allowed
from optical_core.data.changes import change_corpus
from optical_core.data.collection import Collection, Passage
from optical_core.data.corpus import each_once
from optical_core.data.fields import identifier
from optical_core.data.passages import passage_files, read_passages
from optical_core.errors import InputError
from optical_core.retrieval.changing import check_own, delete_passages, update_collection
from optical_core.retrieval.indexing import has_index
from optical_core.ui.uploads import uploaded
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.ui.library import Library


def uploaded_passages(name: str, data: bytes, *, tell: Tell | None = None) -> list[Passage]:
    """Passages of an uploaded file, JSON Lines or Parquet.

    Raises:
        InputError: the file can't be read, is larger than an upload may be, or an id comes twice.
    """
    with allowed(UPLOADS, tell), uploaded([(name, data)]) as paths:
        files: list[Path] = passage_files(paths)
        return [p for file in files for p in each_once(read_passages(file), Path(name).name)]


def typed_passage(key: str, title: str, text: str) -> Passage:
    """A passage from the page's fields.

    Raises:
        InputError: it has no id or no text.
    """
    if not text.strip():
        raise InputError("give the passage a text")
    return Passage(identifier(key.strip(), "the passage"), title.strip(), text.strip())


def put_passages(library: Library, collection: Collection, passages: list[Passage]) -> str:
    """Add passages to a collection, and to its index if it has one; replace those with their ids.

    Returns:
        What was done, as a sentence.

    Raises:
        InputError: there are no passages, or the collection comes with the package.
    """
    check_own(collection)
    if not passages:
        raise InputError("the file has no passages")
    if not has_index(collection):
        known = collection.by_id.keys() & {passage.id for passage in passages}
        change_corpus(collection.folder, passages, ())
        added, replaced = len(passages) - len(known), len(known)
    else:
        teacher = library.pair(library.model_names(token_level=True)[0]).teacher
        with library.encoding:
            added, replaced, _ = update_collection(collection, passages, teacher)
    return f"{counted(added, 'passage')} added, {replaced:,} replaced."


def delete_typed(collection: Collection, typed: str) -> str:
    """Delete the passages whose ids were typed, with blanks or lines between them.

    Returns:
        What was done, as a sentence.

    Raises:
        InputError: the collection has none of them, or would have no passages left.
    """
    ids = typed.split()
    if not ids:
        raise InputError("type the ids of the passages to delete")
    gone = delete_passages(collection, ids)
    if not gone:
        raise InputError(f"{collection.name} has no passage {ids[0]!r:.80}")
    lacking = len(set(ids)) - gone
    rest = f"; {lacking:,} of the ids weren't there" if lacking else ""
    return f"{counted(gone, 'passage')} deleted{rest}."
