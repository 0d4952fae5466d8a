"""WikiCLIR: sentences of Wikipedia as queries, articles in another language as documents.

Two data sets go by the name:

- 2018, English queries, documents in 25 languages (Sasaki et al., NAACL 2018):
  `wiki-clir/english/wiki_en.queries` (id, title, sentence),
  `wiki-clir/<language>/wiki_<code>.documents` (id, title, text) and `en2<code>.rel` (query id,
  document id, level). Level 2 is the article on the same topic, 1 one that links to it and is
  linked by it.
- 2014, German queries, English documents (Schamoni et al., ACL 2014): `<split>.queries` (id,
  sentence), `<split>.docs` (id, text) and `<split>.qrels`, with the levels 3 and 2.
"""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.folders import data_files, only
from optical_core.data.languages import known_code
from optical_core.data.lines import read_table, read_topics
from optical_core.data.trec import read_qrels
from optical_core.errors import InputError


def import_wikiclir(
    source: Path,
    target: Path,
    *,
    name: str,
    unit: str | None = None,
    split: str | None = None,
) -> Collection:
    """Import one document language of the 2018 set, or a split of the 2014 one.

    2018: `source` is a language's folder beside `english`, or a folder that holds one language's
    documents. The sentence is the query, as in the paper: the words of the title were removed
    from it; judged queries alone are taken. It has one split, `train`. 2014: the test split where
    there are several, unless `split` names another.
    """
    if documents := data_files(source, "wiki_*.documents"):
        if split not in (None, "train"):
            raise InputError(f"{source} has no split {split!r}: WikiCLIR of 2018 has only train")
        return _import_2018(source, documents, target, name)
    if qrels := data_files(source, "*.qrels"):
        chosen = [path for path in qrels if (split or "test") in path.name]
        if split and not chosen:
            raise InputError(f"{source} has no split {split!r}: no *{split}*.qrels")
        return _import_2014(_only(chosen or qrels, ""), target, name)
    raise InputError(
        f"{source} has neither wiki_<language>.documents (2018) nor *.qrels, *.queries and *.docs "
        "(2014): the WikiCLIR folder was expected"
    )


def _import_2018(source: Path, documents: list[Path], target: Path, name: str) -> Collection:
    if len(documents) > 1:
        raise InputError(
            f"{source} has documents in {len(documents)} languages: "
            f"give the folder of one, such as {documents[0].parent}"
        )
    folder = documents[0].parent
    judgements = _only(
        data_files(folder, "en2*.rel", deep=False), f"{folder} has no en2<language>.rel"
    )
    query_files = data_files(source, "wiki_en.queries") or data_files(
        folder.parent / "english", "wiki_en.queries", deep=False
    )
    query_file = _only(query_files, f"{source} has no english/wiki_en.queries in it or beside it")
    qrels = read_qrels(judgements)
    texts = read_topics(query_file, ("id", "title", "sentence"))
    queries = {key: text for key, text in texts.items() if key in qrels and text}
    if not queries:
        raise InputError(f"{judgements} judges none of the queries of {query_file}")
    info = CollectionInfo(
        name=name,
        description=f"English sentences as queries, {folder.name} Wikipedia articles as passages.",
        licence="as the source's (text of Wikipedia: CC BY-SA)",
        source="WikiCLIR 2018 (Sasaki et al.), cs.jhu.edu/~kevinduh/a/wikiclir2018",
        languages=("en",),
        parallel=True,
        passage_language=known_code(re.split(r"[_.]", documents[0].name)[1]),
    )
    passages = (
        Passage(key, title, text)
        for key, title, text in read_table(documents[0], ("id", "title", "text"))
    )
    return write_collection(target, info, passages, {"en": queries}, qrels)


def _import_2014(judgements: Path, target: Path, name: str) -> Collection:
    folder, stem = judgements.parent, judgements.name.split(".qrels")[0]
    query_file = _only(
        data_files(folder, f"{escape(stem)}.queries", deep=False),
        f"{judgements} has no {stem}.queries beside it",
    )
    documents = _only(
        data_files(folder, f"{escape(stem)}.docs", deep=False),
        f"{judgements} has no {stem}.docs beside it",
    )
    queries = read_topics(query_file, ("id", "sentence"))
    info = CollectionInfo(
        name=name,
        description="First sentences of German Wikipedia articles as queries, English articles "
        "as passages.",
        licence="CC BY-SA 4.0",
        source="WikiCLIR 2014 (Schamoni et al.), cl.uni-heidelberg.de/statnlpgroup/wikiclir",
        languages=("de",),
        parallel=True,
    )
    passages = (Passage(key, "", text) for key, text in read_table(documents, ("id", "text")))
    return write_collection(target, info, passages, {"de": queries}, read_qrels(judgements))


def _only(files: list[Path], complaint: str) -> Path:
    path = only(files)
    if path is None:
        raise InputError(complaint)
    return path
