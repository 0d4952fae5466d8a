"""Checksums of what decides a ranking: noted, checked, and looked up for large files."""

import os

import pytest

from optical_core import checksums
from optical_core.checksums import check_files, check_noted, checksum, replace_noted
from optical_core.errors import InputError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def inverted(path, place=0):
    """Invert eight bytes of a file."""
    data = bytearray(path.read_bytes())
    data[place : place + 8] = bytes(255 - byte for byte in data[place : place + 8])
    path.write_bytes(data)


def test_it_is_sha256(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"")
    assert checksums.checksums(tmp_path) == {"a/b": EMPTY}


@pytest.mark.parametrize("wanted", [{"a": EMPTY}, {"missing": EMPTY}, {"\0": EMPTY}, {"a": ""}])
def test_what_is_not_as_it_was_is_one_sentence(tmp_path, wanted):
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(InputError, match="can't be read") as caught:
        check_files(tmp_path, wanted)
    assert "\n" not in str(caught.value)


def test_a_large_file_is_read_again_when_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(checksums, "LARGE", 4)
    read = []
    whole = checksums._read
    monkeypatch.setattr(checksums, "_read", lambda path: read.append(path) or whole(path))
    path = tmp_path / "a"
    path.write_bytes(b"12345678")
    first = checksum(path)
    assert (checksum(path), len(read)) == (first, 1)
    moved = path.rename(tmp_path / "b")
    assert (checksum(moved), len(read)) == (first, 1)
    inverted(moved)
    os.utime(moved, ns=(1, 1))
    assert checksum(moved) != first
    assert len(read) == 2


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path, home, monkeypatch):
    monkeypatch.setattr(checksums, "LARGE", 0)
    home.write_text("a file")
    (tmp_path / "a").write_bytes(b"")
    assert checksum(tmp_path / "a") == EMPTY


def test_a_file_alone_has_its_checksum_beside_it(tmp_path):
    path = tmp_path / "sw.tsv"
    path.write_text("older")
    check_noted(path)
    with replace_noted(path) as temporary:
        temporary.write_text("bahari\tsea\t1\n")
    check_noted(path)
    told = (tmp_path / "sw.tsv.sha256").read_text()
    assert told == f"{checksum(path)}  sw.tsv\n"
    inverted(path)
    with pytest.raises(InputError, match=r"remove sw\.tsv\.sha256 if you changed it"):
        check_noted(path)
    (tmp_path / "sw.tsv.sha256").unlink()
    check_noted(path)
