"""XOR-TyDi QA, XOR-Retrieve (Asai et al., NAACL 2021): questions of 7 languages, English Wikipedia.

Read from:

    xor_dev_retrieve_eng_span_v1_1.jsonl, xor_train_retrieve_eng_span.jsonl
                                 {"id", "question", "lang", "answers"}
    enwiki_20190201_w100.tsv     its passages, see `answers`
"""

from __future__ import annotations

import re
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.fields import add_once
from optical_core.data.folders import data_files
from optical_core.data.languages import find_language
from optical_core.data.lines import read_jsonl
from optical_core.data.readers.answers import judge, passages_file, read_passages
from optical_core.data.readers.unit import chosen_split
from optical_core.errors import InputError

_FILE = re.compile(r"xor_(dev|train)_retrieve_eng_span\w*\.jsonl")
_SPLITS = ("dev", "train")
_NO_SPAN = ("yes", "no")


def import_xor_tydi(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import the questions whose answers are found in the passages; see `answers.judge`.

    As in the task's own evaluation, questions that are answered by yes or no are left out. Without
    a `split` it takes dev, if that is there.
    """
    files = {
        match[1]: path
        for path in data_files(source, "xor_*.jsonl")
        if (match := _FILE.fullmatch(plain_name(path.name)))
    }
    if not files:
        raise InputError(
            f"{source} has no xor_dev_retrieve_eng_span_v1_1.jsonl: XOR-TyDi's file was expected"
        )
    split = chosen_split(source, files, split, _SPLITS)
    passages = passages_file(source)
    questions: dict[str, dict[str, str]] = {}
    answers: dict[str, list[str]] = {}
    for row in read_jsonl(files[split], ("id", "question", "lang", "answers")):
        key, texts = row.id("id"), row["answers"]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"{row.where}: answers must be a list of texts")
        add_once(answers, key, [text for text in texts if text not in _NO_SPAN], row.where)
        known = find_language(row.text("lang"))
        if known is None:
            raise InputError(f"{row.where}: the language {row['lang']!r} isn't known")
        questions.setdefault(known.code, {})[key] = row.text("question")
    qrels = judge(answers, read_passages(passages))
    judged = {
        code: {key: text for key, text in texts.items() if key in qrels}
        for code, texts in questions.items()
    }
    judged = {code: texts for code, texts in judged.items() if texts}
    if not judged:
        raise InputError(f"{passages} holds no answer to a question of {files[split]}")
    info = CollectionInfo(
        name=name,
        description=f"XOR-TyDi {split}: questions over English Wikipedia. Relevance by answer "
        "string: a passage that holds the English answer counts as relevant; nobody judged it.",
        licence="MIT (text of Wikipedia: CC BY-SA)",
        source="XOR-TyDi QA, github.com/AkariAsai/XORQA",
        languages=tuple(judged),
        parallel=False,
    )
    return write_collection(target, info, read_passages(passages), judged, qrels)
