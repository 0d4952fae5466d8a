import os
import stat

import pytest

from optical_core.errors import InputError
from optical_core.storage import assets, home, replace_file, replace_folder


def test_home_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTICAL_HOME", str(tmp_path / "here"))
    assert home("runs", "x") == tmp_path / "here" / "runs" / "x"
    assert (tmp_path / "here" / "runs").is_dir()
    assert not (tmp_path / "here" / "runs" / "x").exists()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "x.txt"
    with replace_file(target) as temporary:
        temporary.write_text("one")
        assert not target.exists()
    with pytest.raises(RuntimeError), replace_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "one"
    assert os.listdir(tmp_path) == ["x.txt"]
    assert stat.S_IMODE(target.stat().st_mode) & 0o444 == 0o444


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder"
    for content in ("one", "two"):
        with replace_folder(target) as temporary:
            (temporary / "a").write_text(content)
    with pytest.raises(RuntimeError), replace_folder(target) as temporary:
        (temporary / "a").write_text("half")
        raise RuntimeError
    assert (target / "a").read_text() == "two"
    assert os.listdir(tmp_path) == ["folder"]


def test_an_unwritable_place_is_one_sentence():
    with pytest.raises(InputError, match="cannot write"), replace_file("/proc/nowhere/x"):
        pass


def test_assets_are_found():
    assert (assets("encoder", "embedded.safetensors")).is_file()
