"""What the README and the how-tos tell a reader to type works."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from tests.docs.blocks import PAGES, ROOT, blocks, commands, parse

HOWTOS = sorted(path.name for path in (PAGES / "howto").glob("*.md"))
SMALLER = {
    "new-language.md": {
        "--steps 60": "--steps 10 --teacher TINY --set lora_rank=4 --set batch_size=4",
        "dev_every=20": "dev_every=5",
        "embedded,": "TINY,",
        "--dev demo": "--dev COLLECTION",
        "evaluate demo": "evaluate COLLECTION",
        "search demo": "search COLLECTION",
    },
    "compare-trainings.md": {
        "--steps 60": "--steps 10 --teacher TINY --set lora_rank=4 --set batch_size=4",
    },
    "own-collection.md": {"embedded": "TINY"},
    "judging.md": {"bm25,embedded": "bm25"},
    "living-index.md": {"embedded": "TINY"},
    "runs.md": {"optical-lowres": "TINY", "search demo": "search COLLECTION"},
    "pipelines.md": {
        "optical-lowres": "TINY",
        "evaluate demo": "evaluate COLLECTION",
        "--on demo": "--on COLLECTION --folds 2",
        "search demo": "search COLLECTION",
    },
    "expansion.md": {
        "optical-lowres": "TINY",
        "evaluate demo": "evaluate COLLECTION",
        "search demo": "search COLLECTION",
    },
    "languages.md": {"embedded": "TINY"},
    "small-index.md": {
        "index demo": "index COLLECTION -m TINY",
        "search demo": "search COLLECTION -m TINY",
    },
    "alignment.md": {
        "optical align": "optical align --model TINY",
        "--model embedded": "",
        "optical-lowres": "TINY",
    },
    "dictionary.md": {
        "--steps 60": "--steps 10 --teacher TINY --set lora_rank=4 --set batch_size=4",
        "embedded,": "TINY,",
        "evaluate demo": "evaluate COLLECTION",
    },
    "stories.md": {},
    "words.md": {"demo": "COLLECTION"},
    "why.md": {
        "--models optical-lowres,embedded --passages earth-11b": "--models TINY,bm25 --passages p1",
        'demo "Kwa nini bahari ina chumvi?"\n': 'COLLECTION "why salty fish ?" --models TINY\n',
        'demo "Kwa nini bahari ina chumvi?" ': 'COLLECTION "why salty fish ?" ',
        'demo "Why is': 'COLLECTION "Why is water',
    },
    "long-documents.md": {"embedded": "TINY", "180 --stride 90": "20 --stride 10"},
    "study.md": {
        "[demo]\nmodels": "[COLLECTION]\nmodels",
        "embedded": "TINY",
        "steps: 20": "steps: 2, batch_size: 4, lora_rank: 4",
    },
}
"""Page -> what is executed instead of what is written: a tiny encoder and collection, few steps."""

NEEDS = {"words.md": "snowballstemmer"}
"""Page -> the package of an extra without which it doesn't run."""


def test_every_howto_says_how_it_is_made_smaller():
    assert set(SMALLER) == set(HOWTOS)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOWTOS)
def test_a_howto_runs_as_it_stands(name, request, tiny_encoder, collection, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    if not SMALLER[name]:  # as written, with the embedded encoder
        request.getfixturevalue("with_embedded")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    space: dict = {}
    executed = 0
    for block in blocks(PAGES / "howto" / name):
        text = block.text
        for written, instead in SMALLER[name].items():
            text = text.replace(written, instead)
        text = text.replace("TINY", str(tiny_encoder)).replace("COLLECTION", str(collection.folder))
        if block.title:
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(text, name, "exec"), space)
        elif block.language == "bash":
            for words in commands(text):
                if any(word.startswith("path/to/") for word in words):
                    parse(words)
                    continue
                done = CliRunner().invoke(app, words, catch_exceptions=False)
                assert done.exit_code == 0, (words, done.output)
                executed += 1
    assert executed
    for written in SMALLER[name]:
        assert written in (PAGES / "howto" / name).read_text("utf-8"), "nothing to replace"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=" ".join(words)[:70])
        for page in (ROOT / "README.md", *sorted(PAGES.glob("*.md")))
        for block in blocks(page)
        if block.language == "bash"
        for words in commands(block.text)
    ],
)
def test_the_command_line_takes_the_commands_of_readme_and_reference(words):
    parse(words)


@pytest.mark.parametrize(
    "words", [["serach", "demo", "x"], ["search"], ["search", "demo", "x", "--topp", "3"]]
)
def test_a_wrong_command_would_be_noticed(words):
    with pytest.raises(Exception, match=r"(?i)no command|missing|no such option"):
        parse(words)


def test_the_readmes_python_runs(tiny_encoder):
    from sentence_transformers import MultiVectorEncoder

    space = {
        "student": MultiVectorEncoder(str(tiny_encoder), device="cpu"),
        "teacher": MultiVectorEncoder(str(tiny_encoder), device="cpu"),
    }
    for block in blocks(ROOT / "README.md"):
        if block.language == "python":
            exec(compile(block.text, "README.md", "exec"), space)
    assert "loss" in space
