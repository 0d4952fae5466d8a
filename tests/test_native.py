import shutil

import pytest

from optical_core import native

DECLARATION = "int answer(void);"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "number.h").write_text("#define NUMBER 42\n")
    source = tmp_path / "answer.c"
    source.write_text('#include "number.h"\nint answer(void) { return NUMBER; }\n')
    return source


@pytest.fixture
def opened(source):
    """The library, compiled now."""
    pytest.importorskip("cffi")
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler")
    return lambda: native.library.__wrapped__(source, DECLARATION)


def test_it_is_compiled_once_under_the_home(opened, home):
    assert opened()[1].answer() == 42
    (path,) = (home / "native").glob("*.so")
    stamp = path.stat().st_mtime_ns
    assert opened()[1].answer() == 42
    assert path.stat().st_mtime_ns == stamp


def test_another_header_is_another_library(opened, source):
    assert opened()[1].answer() == 42
    source.with_name("number.h").write_text("#define NUMBER 7\n")
    assert opened()[1].answer() == 7


@pytest.mark.parametrize(
    ("compiler", "message"), [("", "no C compiler"), ("false", "can't be compiled")]
)
def test_without_a_compiler_that_works_there_is_none(
    monkeypatch, caplog, home, source, compiler, message
):
    pytest.importorskip("cffi")
    caplog.set_level("INFO")
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert native.library.__wrapped__(source, DECLARATION) is None
    assert message in caplog.text
    assert not list((home / "native").glob("*.so"))
