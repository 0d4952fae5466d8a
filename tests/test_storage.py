import os
import stat
import threading

import pytest

from optical_core.errors import InputError
from optical_core.storage import assets, exclusive, home, is_held, replace_file, replace_folder


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


def test_a_folder_comes_back_where_its_successor_cannot_take_its_name(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    with replace_folder(target) as temporary:
        (temporary / "a").write_text("one")
    real, moved = os.replace, []

    def fails_once(source, place):
        moved.append(place)
        if len(moved) == 2:
            raise OSError(5, "Input/output error")
        real(source, place)

    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(InputError, match="input/output error"), replace_folder(target) as temporary:
        (temporary / "a").write_text("two")
    assert (target / "a").read_text() == "one"
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.slow
def test_who_comes_second_waits_for_the_lock(tmp_path, caplog):
    caplog.set_level("INFO")
    order = []

    def second():
        with exclusive(tmp_path / "index"):
            order.append("second")

    with exclusive(tmp_path / "index"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(1.5)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
    assert "waiting for another process" in caplog.text


def test_an_unwritable_place_is_one_sentence():
    with pytest.raises(InputError, match="cannot write"), replace_file("/proc/nowhere/x"):
        pass


def test_assets_are_found():
    assert (assets("encoder", "embedded.safetensors")).is_file()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks Linux what a handle is of")
def test_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    done = []
    sync, rename = os.fsync, os.replace

    def noted_sync(handle):
        done.append(("disk", os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))))
        sync(handle)

    def noted_rename(source, target):
        done.append(("name", os.path.basename(target)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_rename)
    with replace_folder(tmp_path / "folder") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "text").write_text("kept")
        inside = folder.name
    with replace_file(tmp_path / "file") as file:
        file.write_text("kept")
        alone = file.name
    begin, end = done.index(("name", "folder")), done.index(("name", "file"))
    assert set(done[:begin]) == {("disk", name) for name in ("text", "inner", inside)}
    assert ("disk", tmp_path.name) in done[begin:end]
    assert ("disk", alone) in done[begin:end]
    assert done[-1] == ("disk", tmp_path.name)


@pytest.mark.parametrize("part", ["", ".", "..", "../x", "a/b", "/etc"])
def test_no_name_leads_out_of_its_folder(part):
    with pytest.raises(InputError, match="can't be the name of a file or folder"):
        home("collections", part)


def test_folders_of_weights_have_names_in_utf8(tmp_path, monkeypatch):
    odd = tmp_path / os.fsdecode(b"bad\xff")
    with pytest.raises(InputError, match="isn't UTF-8: rename it"), replace_folder(odd):
        pass
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}
    monkeypatch.setenv("OPTICAL_HOME", str(odd))
    with pytest.raises(InputError, match="isn't UTF-8: rename it"):
        home("models", "x")


def test_files_of_any_name_have_a_lock_links_in_a_circle_too(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "loop/x", os.fsdecode(b"bad\xff")):
        with exclusive(tmp_path / name):
            assert is_held(tmp_path / name)


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "notes.txt", tmp_path / "link"):
        if target.name == "link":
            target.symlink_to(tmp_path)
        with pytest.raises(InputError), replace_folder(target, ["index.json"]):
            pass
        assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_link_stays_and_its_folder_is_replaced(tmp_path):
    (tmp_path / "large-disk").mkdir()
    (tmp_path / "index").symlink_to("large-disk")
    for text in ("one", "two"):
        with replace_folder(tmp_path / "index", ["index.json"]) as temporary:
            (temporary / "index.json").write_text(text)
        assert (tmp_path / "large-disk" / "index.json").read_text() == text
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"index", "large-disk"}


def test_several_may_replace_one_folder_at_once(tmp_path):
    target, failures = tmp_path / "folder", []

    def replace_it(number):
        try:
            for _ in range(30):
                with replace_folder(target) as temporary:
                    (temporary / "a").write_text(f"{number}")
        except InputError as error:
            failures.append(error)

    threads = [threading.Thread(target=replace_it, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (target / "a").read_text() in "01234"
    assert {path.name for path in tmp_path.iterdir()} <= {"folder", "home"}
