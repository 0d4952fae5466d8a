"""What can happen to a file, as hypothesis strategies, and the one law that all readers keep.

The law: damaged input is read as something valid, or refused with one sentence (InputError). It
never hangs, never takes memory without bound, and never raises anything else.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from optical_core.errors import InputError
from tests.samples import Files, Sample, write_files

SECONDS = 20
"""Of the processor, more than any small input needs: longer is a hang."""
MEGABYTES = 400
"""Growth of the process that an input of a few hundred bytes may not cause."""

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["../../x", "sw_/../x", "a\tb", "a\nb", "", "\0", "en", "=1+1", 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
_SCRAPS = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b"\t",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{}",
    b"[]",
    b"null",
    b"nan",
    b"-1",
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b"[" * 20_000,
    b"<",
    b"</",
    b"&x;",
    b"<top>",
    b"<DOC>",
    "\u2028".encode(),
    "\u202e".encode(),
    b"\x1f\x8b\x08\0",
    b"PK\x03\x04",
    b"*a",
    b"&a ",
    b"!!python/object/apply:os.system [x]",
    b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
    b"2020-99-99",
]


@st.composite
def damaged_bytes(draw: Any, data: bytes) -> bytes:
    """Other bytes, or these cut short, with bits flipped, or with a piece put in or repeated."""
    kind = draw(st.sampled_from(["cut", "flip", "insert", "other", "repeat", "drop", "json"]))
    place = draw(st.integers(0, len(data)))
    if kind == "cut":
        return data[:place]
    if kind == "flip":
        found = bytearray(data)
        for bit in draw(st.lists(st.integers(0, max(8 * len(data) - 1, 0)), max_size=8)):
            if found:
                found[bit // 8] ^= 1 << bit % 8
        return bytes(found)
    if kind == "other":
        return draw(st.binary(max_size=200) | st.sampled_from(_SCRAPS))
    if kind == "insert":
        piece = draw(st.sampled_from(_SCRAPS) | st.binary(max_size=8))
        return data[:place] + piece + data[place:]
    if kind == "json":
        return _other_value(draw, data)
    end = draw(st.integers(place, len(data)))
    return data[:end] + data[place:] if kind == "repeat" else data[:place] + data[end:]


def _other_value(draw: Any, data: bytes) -> bytes:
    """One value anywhere in a line of JSON replaced by another; bytes of no JSON stay."""
    try:
        rows = [json.loads(line) for line in data.splitlines()]
    except (ValueError, RecursionError):
        return data
    row = draw(st.integers(0, len(rows) - 1)) if rows else 0
    places = list(_places(rows[row])) if rows else []
    if not places:
        return json.dumps(draw(_JSON)).encode()
    holder, key = draw(st.sampled_from(places))
    holder[key] = draw(_JSON)
    return "\n".join(json.dumps(row) for row in rows).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        yield from _places(value[key])


@st.composite
def damaged_files(draw: Any, files: Files) -> Files:
    """The files with one or two of them damaged, or one missing."""
    found = dict(files)
    for name in draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=2)):
        if draw(st.integers(0, 19)) == 0:
            found.pop(name, None)
        elif name in found:
            found[name] = draw(damaged_bytes(found[name]))
    return found


def read_or_refused(sample: Sample, files: Files) -> bool:
    """Read the files by the law above; True if they were read, False if refused."""
    folder = Path(tempfile.mkdtemp())
    try:
        write_files(folder, files)
        return allowed(lambda: sample.read(folder))
    finally:
        shutil.rmtree(folder)


def allowed(call: Callable[[], Any]) -> bool:
    """Hold a call to the law: True if it returned, False if it refused."""
    before = _peak()
    try:
        with _limited():
            call()
        complaint = None
    except InputError as error:
        complaint = str(error).strip()
    grown = _peak() - before
    assert grown < MEGABYTES, f"grew by {grown} MB"
    assert complaint != "", "an empty complaint"
    assert "\n" not in (complaint or ""), f"more than one line: {complaint}"
    return complaint is None


@contextmanager
def _limited() -> Iterator[None]:
    def late(*_: Any) -> None:
        raise TimeoutError(f"still at it after {SECONDS} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
