"""The layers of the design: dependencies point downwards only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    "transport",
    "data",
    "analysis",
    "figures",
    "models",
    "retrieval",
    "distill",
    "study",
    "serve",
    "ui",
]
ALLOWED = {
    "transport": set(),
    "data": set(),
    "analysis": {"data"},
    "figures": {"data", "analysis"},
    "models": {"transport", "data"},
    "retrieval": {"models", "data"},
    "distill": {"retrieval", "models", "analysis", "data", "transport"},
    "study": {"distill", "retrieval", "models", "figures", "analysis", "data", "transport"},
    "serve": {"retrieval", "models", "data"},
    "ui": set(LAYERS) - {"ui"},
    "cli": set(LAYERS),
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_the_layers_below_it(layer):
    for path in (ROOT / "optical_core" / layer).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "optical_core" and len(parts) > 1 and parts[1] in LAYERS:
                assert parts[1] in {layer, *ALLOWED[layer]}, f"{path} imports {name}"


def test_the_core_knows_nothing_of_streamlit_or_the_pages():
    for path in (ROOT / "optical_core").rglob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in ("streamlit", "pages", "app"), f"{path}: {name}"


def test_pages_do_no_tensor_maths():
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]:
        for name in imports(path):
            assert name.split(".")[0] not in ("torch", "numpy", "ot", "transformers"), (
                f"{path}: {name}"
            )


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "transformers", "pandas", "scipy", "sentence_transformers", "numpy"}
    assert not heavy & loaded_by("import optical_core")


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["transport", "data", "analysis"])
def test_lower_layers_load_no_models_and_no_network(layer):
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "optical_core" / layer).rglob("*.py")
    ]
    modules = loaded_by("import " + ", ".join(n.removesuffix(".__init__") for n in names))
    assert not {"transformers", "sentence_transformers", "streamlit", "requests"} & modules


def test_the_help_loads_nothing_heavy():
    modules = loaded_by("import optical_core.cli")
    assert not {"torch", "transformers", "pandas", "numpy"} & modules


def test_the_list_of_models_opens_no_torch():
    modules = loaded_by("from optical_core.models import list_models; list_models()")
    assert not {"torch", "transformers", "pandas"} & modules


def test_the_top_level_holds_what_the_design_names():
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    allowed = {"pyproject.toml", "app.py", "optical_core", "pages", "assets", "tests", "README.md"}
    assert names <= allowed | {"LICENSE", "build", "dist", "__pycache__"}
