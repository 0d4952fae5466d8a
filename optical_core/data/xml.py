"""Foreign XML, streamed in memory that doesn't grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse
from xml.parsers import expat

from optical_core.errors import InputError

_BLOCK = 1 << 16
DEEPEST = 100
"""Elements that may be nested in one another."""
LARGEST = 10_000
"""Elements that may be inside a requested element."""


def xml_elements(file: IO[bytes], tag: str, where: str) -> Iterator[Element]:
    """Yield every outermost element `tag` of a file, in any namespace.

    Asking for the next one empties it.

    Entities that a file declares for itself are refused: they can grow without bound (`billion
    laughs`) or name other files.

    Args:
        file: must be seekable.
        tag: name of the elements.
        where: the file, with which every error begins.

    Raises:
        InputError: the XML isn't well-formed, is nested too deep, or declares entities.
    """
    try:
        _refuse_entities(file, where)
        above: list[Element] = []
        inside = held = 0
        for event, element in iterparse(file, ("start", "end")):  # noqa: S314 entities are refused above
            if event == "start":
                above.append(element)
                inside += local_name(element) == tag
                held += inside > 0
                if len(above) > DEEPEST or held > LARGEST:
                    raise InputError(f"{where}: elements nested too deep, or too many in one {tag}")
                continue
            above.pop()
            inside -= local_name(element) == tag
            if inside:
                continue
            held = 0
            if local_name(element) == tag:
                yield element
            # The element around it must not keep it.
            element.clear()
            if above:
                above[-1].remove(element)
    except (ParseError, expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: not well-formed XML ({error})") from error


def local_name(element: Element) -> str:
    """An element's name without its namespace; empty for comments and instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _refuse_entities(file: IO[bytes], where: str) -> None:
    """Read up to the first element and rewind: entities can only be declared before it."""
    parser = expat.ParserCreate()
    begun = False

    def declared(name: str, *_: object) -> None:
        raise InputError(f"{where}: it declares the entity {name!r}, which is refused")

    def begin(*_: object) -> None:
        nonlocal begun
        begun = True

    parser.EntityDeclHandler = declared
    parser.StartElementHandler = begin
    while not begun and (block := file.read(_BLOCK)):
        parser.Parse(block)
    file.seek(0)
