"""AfriQA: questions asked in African languages, human English translations, gold passages.

The collection isn't parallel: each language has its own questions. The English queries are the
translations of them all, so a language can be compared with its own translations.
"""

from __future__ import annotations

import logging
from glob import escape
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.fields import add_once
from optical_core.data.folders import data_files
from optical_core.data.language_files import by_language
from optical_core.data.lines import read_jsonl
from optical_core.data.trec import Qrels
from optical_core.errors import InputError
from optical_core.wording import counted

logger = logging.getLogger(__name__)

_FIELDS = ("id", "context", "question_lang", "question_translated")


def import_afriqa(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import `gold_passages/<lang>/gold_span_passages.afriqa.<lang>.en.<split>.json` files.

    If a question has several passages, all are relevant. The published files have null for a
    question without a passage: such questions are left out and counted. All splits are taken,
    unless `split` names one.
    """
    part = escape(split) if split else "*"
    files = data_files(source / "gold_passages", f"gold_span_passages.afriqa.*.en.{part}.json")
    if not files:
        raise InputError(
            f"{source} has no gold_passages/<lang>/"
            f"gold_span_passages.afriqa.<lang>.en.{split or '*'}.json"
        )
    passages: dict[tuple[str, str], Passage] = {}
    queries: dict[str, dict[str, str]] = {"en": {}}
    qrels: dict[str, Qrels] = {"en": {}}
    without = 0
    for (code, of_split), path in _parts(files, source).items():
        for row in read_jsonl(path, _FIELDS):
            if row["context"] is None:
                without += 1
                continue
            key = (row.text_or_empty("title"), row.text("context"))
            passage = passages.setdefault(key, Passage(f"p{len(passages):04d}", *key))
            identifier = f"{code}-{of_split}-{row.id('id')}"
            texts = {code: row.text("question_lang"), "en": row.text("question_translated")}
            for side, text in texts.items():
                add_once(queries.setdefault(side, {}), identifier, text, row.where, again=True)
                qrels.setdefault(side, {}).setdefault(identifier, {})[passage.id] = 1
    if without:
        logger.warning("%s: left out, without a passage: %s", source, counted(without, "question"))
    info = CollectionInfo(
        name=name,
        description="AfriQA questions with gold English passages; `en` are human translations.",
        licence="CC BY 4.0",
        source="AfriQA, github.com/masakhane-io/afriqa",
        languages=tuple(queries),
        parallel=False,
    )
    return write_collection(
        target, info, passages.values(), queries, qrels, qrels_per_language=True
    )


def _parts(files: list[Path], source: Path) -> dict[tuple[str, str], Path]:
    """Files by language and split."""
    parts: dict[tuple[str, str], Path] = {}
    for split in dict.fromkeys(path.name.split(".")[4] for path in files):
        of_split = [path for path in files if path.name.split(".")[4] == split]
        named = by_language(of_split, lambda path: path.name.split(".")[2], source)
        parts |= {(code, split): path for code, path in named.items()}
    return dict(sorted(parts.items(), key=lambda item: files.index(item[1])))
