import os
import shutil
import subprocess
import sys

import pytest
import torch

from optical_core import native
from optical_core.errors import InputError
from optical_core.models import precision

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


@pytest.mark.parametrize(
    ("most", "solver", "search"),
    [
        ("", "avx512", "vnni"),
        ("avx512", "avx512", "vnni"),
        ("avx2", "avx2", "avx2"),
        ("neon", "avx2", "avx2"),
        ("portable", "portable", "portable"),
    ],
)
def test_the_variable_holds_every_kernel_to_older_processors(monkeypatch, most, solver, search):
    monkeypatch.setenv("OPTICAL_CPU", most)
    assert native.chosen(None, ("portable", "avx2", "avx512")) == solver
    assert native.chosen(None, ("portable", "avx2", "vnni")) == search
    assert native.chosen(None, ("portable",)) == "portable"
    assert native.chosen("avx512", ("portable", "avx2", "avx512")) == "avx512"


def test_a_processor_held_to_avx2_has_no_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.delenv("OPTICAL_PRECISION", raising=False)
    assert precision.precision("cpu") == "bf16"
    monkeypatch.setenv("OPTICAL_CPU", "avx2")
    assert precision.precision("cpu") == "fp32"


def test_an_unknown_kind_of_processor_is_one_sentence(monkeypatch):
    monkeypatch.setenv("OPTICAL_CPU", "sse9")
    with pytest.raises(InputError, match="OPTICAL_CPU must be portable, neon, avx2, avx512, got"):
        native.chosen(None, ("portable",))


@pytest.mark.slow
def test_torch_is_held_to_the_same_instructions():
    """In a new process, because torch reads the variable when it is loaded."""
    code = (
        "from optical_core.process import prepare; prepare(); import torch;"
        "print(torch.backends.cpu.get_cpu_capability())"
    )
    for most, capability in (("avx2", {"AVX2", "DEFAULT"}), ("portable", {"DEFAULT"})):
        environment = {k: v for k, v in os.environ.items() if k != "ATEN_CPU_CAPABILITY"}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {"OPTICAL_CPU": most},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() in capability
