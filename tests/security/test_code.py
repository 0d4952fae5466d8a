"""What the code never does, read from its syntax; `ruff`'s S rules look at more."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "optical_core").rglob("*.py")]
)
SCRIPTS = sorted((ROOT / "optical_core" / "ui" / "browser").glob("*.*s"))
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "torch.load",
    "torch.save",
    "np.load",
    "numpy.load",
    "yaml.load",
    "yaml.unsafe_load",
    "pd.read_pickle",
    "joblib.load",
    "allow_pickle",
}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "pty"}
"""Modules that run what they read."""
SHOWN = {"plain", "word_chips", "contribution_chips", "heat_strip"}
"""Functions that make HTML: all escape what they are given (see tests/ui/test_views.py)."""


def described(path):
    """The one call that gives a script of its own to the browser: it has the page's description."""
    if path.relative_to(ROOT).as_posix() != "pages/common/router.py":
        return ""
    told = [call for name, call in calls(path) if name == "_describe"]
    assert [ast.unparse(call.args[0]) for call in told] == ["PAGES[page.url_path or 'start'][2]"]
    whole = next(n for n in tree(path).body if getattr(n, "name", "") == "_describe")
    (shown,) = (node for node in ast.walk(whole) if isinstance(node, ast.Call) and node.keywords)
    values = [node for node in ast.walk(shown) if isinstance(node, ast.FormattedValue)]
    assert [ast.unparse(node.value) for node in values] == ["json.dumps(text)"]
    return ast.unparse(shown)


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_what_it_reads(path):
    for name in imported(path):
        assert name.split(".")[0] not in MODULES, f"{path} imports {name}"
    for name, call in calls(path):
        assert name not in CALLS, f"{path}, line {call.lineno}: {name}"
        for keyword in call.keywords:
            told = keyword.arg, ast.unparse(keyword.value)
            assert told not in (("shell", "True"), ("allow_pickle", "True")), f"{path}: {told}"
            assert keyword.arg != "unsafe_allow_html", f"{path}: {told}"
            assert keyword.arg != "trust_remote_code" or told[1] == "False", f"{path}: {told}"
            if told == ("unsafe_allow_javascript", "True"):
                assert ast.unparse(call) == described(path), f"{path}: {told}"


MARKUP = re.compile(r"(inner|outer)HTML|insertAdjacent|document\.write|srcdoc|on\w+=|\beval\b")
MADE = {"mount_story.js": "root.innerHTML = data.html;"}
"""Script -> its one place for markup; tests/ui/test_stories.py asks how `ui.stories` makes that."""
OUTSIDE = re.compile(r"\bfetch\b|XMLHttpRequest|WebSocket|\bimport\b|https?:(?!//www\.w3\.org/)")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_text_not_markup_and_asks_no_other_machine(path):
    script = path.read_text(encoding="utf-8")
    assert not MARKUP.search(script.replace(MADE.get(path.name, ""), "", 1))
    assert not OUTSIDE.search(script)


def test_weights_are_read_from_safetensors_alone():
    for path in SOURCES:
        for name, call in calls(path):
            told = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if name.startswith("Auto") and name.endswith(".from_pretrained"):
                # Not said, it would be asked of whoever sits at the terminal.
                assert told.get("trust_remote_code") == "False", f"{path}: {name}"
            if name.startswith("AutoModel"):
                assert told.get("use_safetensors") == "True", f"{path}: {name}"
            if name in ("Transformer", "MultiVectorEncoder") and "modules" not in told:
                assert told["model_kwargs"] == "{'use_safetensors': True}", f"{path}: {name}"


def test_html_is_escaped_in_one_place():
    for path in SOURCES:
        for name in imported(path):
            if name.startswith("html.") or name == "html":
                place = path.relative_to(ROOT).as_posix()
                # Readers take entities out, they put none in.
                allowed = (
                    "optical_core/escaping.py",
                    "optical_core/data/readers/sgml.py",
                    "optical_core/data/sentence_pairs.py",
                )
                assert place in allowed, f"{path} imports {name}"


def test_pages_show_no_html_but_what_was_made_by_those_who_escape():
    for path in SOURCES:
        for name, call in calls(path):
            if name.endswith((".html", "components.v1.html")) and name.startswith("st"):
                if ast.unparse(call) == described(path):
                    continue
                shown = ast.unparse(call.args[0])
                assert shown.split("(")[0] in SHOWN or shown == "f'<style>{STYLE}</style>'", (
                    f"{path}, line {call.lineno}: {shown}"
                )


STATE = {
    "os.umask",
    "os.chdir",
    "os.nice",
    "os.putenv",
    "os.environ.update",
    "os.environ.setdefault",
    "os.environ.pop",
    "torch.set_num_threads",
    "torch.set_num_interop_threads",
    "torch.set_grad_enabled",
    "torch.set_default_dtype",
    "torch.use_deterministic_algorithms",
    "torch.manual_seed",
    "random.seed",
    "np.random.seed",
    "locale.setlocale",
    "signal.signal",
    "sys.setrecursionlimit",
    "csv.field_size_limit",
    "warnings.catch_warnings",
    "warnings.filterwarnings",
    "warnings.simplefilter",
    "logging.basicConfig",
    "logging.disable",
    "gc.freeze",
    "mpl.rc_context",
    "mpl.use",
    "pd.set_option",
    "faiss.omp_set_num_threads",
}
"""Calls that change what all threads of a process share; `setLevel` does, too."""
ENTRIES = {
    "optical_core/process.py",
    "optical_core/cli/__init__.py",
    "optical_core/distill/worker.py",
    "optical_core/serve/command.py",
    "pages/common/router.py",
}
"""Where a process begins."""
ALONE = {
    ("optical_core/retrieval/bm25.py", "setLevel"),  # once, when the module is loaded
    ("optical_core/distill/ranks.py", "setLevel"),  # in a process that a launcher has started
    ("optical_core/distill/trainer.py", "torch.manual_seed"),  # in `own_random_numbers`
    ("optical_core/distill/teach.py", "torch.manual_seed"),
}


def borrowed(node) -> set:
    """The nodes in `with BORROWING`."""
    held = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.With)
        and any(ast.unparse(item.context_expr) == "BORROWING" for item in each.items)
    ]
    return {inner for each in held for inner in ast.walk(each)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_threads_share_is_changed_where_a_process_begins_or_under_the_one_lock(path):
    place = path.relative_to(ROOT).as_posix()
    if place in ENTRIES:
        return
    whole = tree(path)
    safe = borrowed(whole)
    for node in ast.walk(whole):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            name = "setLevel" if name.endswith(".setLevel") else name
            changes = name in STATE or name == "setLevel"
        elif isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
            changes = name.startswith(("sys.modules[", "os.environ[", "torch.backends."))
        else:
            continue
        assert not changes or node in safe or (place, name) in ALONE, (
            f"{place}, line {node.lineno}: {name}"
        )


def test_the_server_is_this_machines_alone():
    import tomllib

    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["address"] == "127.0.0.1"
    assert set(settings["server"]["allowedHosts"]) == {"localhost", "127.0.0.1", "::1"}
    assert settings["server"].get("enableXsrfProtection", True)
    assert settings["server"].get("enableCORS", True)
    assert settings["browser"]["gatherUsageStats"] is False
