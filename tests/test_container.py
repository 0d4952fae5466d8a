"""The container files, as far as they can be held to the code without an engine to run them."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from optical_core.ui.search.served import SERVER
from tests.docs.blocks import parse

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / ".docker/Dockerfile"
SERVICES = yaml.safe_load((ROOT / ".docker/compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def instructions():
    """(instruction, arguments) of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def test_hadolint_has_no_complaint():
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(["hadolint", str(DOCKERFILE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_copied_is_there_and_not_ignored(instructions):
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    for instruction, arguments in instructions:
        if instruction == "COPY":
            for source in arguments.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in kept


def test_what_the_wheel_is_made_of_is_copied_before_it_is_installed(instructions):
    with (ROOT / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    parts = {name.partition("/")[0] for name in wheel["force-include"]} | set(wheel["packages"])
    (install,) = (n for n, (_, rest) in enumerate(instructions) if 'install ".[' in rest)
    copied = {name for _, rest in instructions[:install] for name in rest.split()[:-1]}
    assert parts <= copied


def test_the_extras_exist(instructions):
    (extras,) = (rest for name, rest in instructions if name == "ARG" and rest.startswith("EXTRAS"))
    with (ROOT / "pyproject.toml").open("rb") as file:
        known = tomllib.load(file)["project"]["optional-dependencies"]
    assert set(extras.partition("=")[2].split(",")) <= set(known)


def test_nothing_runs_as_root(instructions):
    names = [name for name, _ in instructions]
    user = names.index("USER")
    assert instructions[user][1] not in ("root", "0")
    assert user < names.index("CMD")
    assert "USER" not in names[user + 1 :]


def test_its_commands_are_ours(instructions):
    (warm,) = (rest for name, rest in instructions if name == "RUN" and rest.startswith("optical"))
    parse(warm.split()[1:])
    program, *words = SERVICES["server"]["command"]
    assert program == "optical"
    parse(words)


def test_services_ask_each_other_and_are_published_on_this_machine_alone():
    assert SERVICES["app"]["environment"] == {SERVER: "http://server:8601"}
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    (minor,) = re.fullmatch(
        r"qdrant/qdrant:v1\.(\d+)\.\d+-unprivileged", SERVICES["qdrant"]["image"]
    ).groups()
    assert int(minor) >= 16, "older servers keep no metadata of a collection"
