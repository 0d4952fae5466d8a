"""The wheel and the sdist: everything that the package needs at run time, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = ("demo", "encoder", "recipes", "results", "stories", "studies", "students", "teachers")
"""Folders of assets/ that `optical_core.storage.assets` finds in an installed package."""
APP = ("app.py", "pages", ".streamlit")
"""What `optical_core.storage.app_file` finds beside each other."""
UNWANTED = ("__pycache__", ".hypothesis", ".pytest_cache", "shared", "tests", "pictures", ".git")
BUILD = """
import os, sys
from hatchling import build
os.chdir(sys.argv[1])
print(build.build_sdist(sys.argv[2]), build.build_wheel(sys.argv[2]))
"""


def relative(path: Path) -> set[str]:
    """A file of the source, or those under a folder, as paths from the root, without caches."""
    return {
        file.relative_to(ROOT).as_posix()
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[set[str], set[str]]:
    """Names in the sdist (without its top folder) and in the wheel."""
    pytest.importorskip("hatchling", reason='needs pip install ".[test]"')
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT), str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    sdist, wheel = (out / name for name in done.stdout.split())
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as zipped:
        return source, set(zipped.namelist())


@pytest.mark.slow
def test_the_wheel_has_the_code_its_data_and_its_type_marker(built):
    _, wheel = built
    wanted = relative(ROOT / "optical_core")
    for name in SHIPPED:
        wanted |= {f"optical_core/{path}" for path in relative(ROOT / "assets" / name)}
    for name in APP:
        wanted |= {f"optical_core/app/{path}" for path in relative(ROOT / name)}
    assert "optical_core/py.typed" in wanted
    assert "optical_core/retrieval/maxsim.c" in wanted
    packed = {name for name in wheel if name.startswith("optical_core/")}
    assert packed == wanted


def test_beside_the_package_the_wheel_has_its_metadata_and_licences_alone(built):
    _, wheel = built
    rest = {name.partition("/")[2] for name in wheel if not name.startswith("optical_core/")}
    licences = {"licenses/LICENSE", "licenses/assets/docs/THIRD-PARTY.md"}
    assert rest == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", *licences}


def test_the_sdist_has_what_the_wheel_is_made_of(built):
    source, _ = built
    assert {"pyproject.toml", "README.md", "LICENSE", "assets/docs/THIRD-PARTY.md"} <= source
    for folder in ("optical_core", *APP, *(f"assets/{name}" for name in SHIPPED)):
        assert relative(ROOT / folder) <= source


@pytest.mark.parametrize("which", [0, 1], ids=["sdist", "wheel"])
def test_nothing_unwanted_is_packed(built, which):
    for name in built[which]:
        parts = Path(name).parts
        assert not set(parts) & set(UNWANTED), name
        assert not name.endswith((".pyc", ".so", ".o")), name
