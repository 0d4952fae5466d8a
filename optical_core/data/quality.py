"""Problems of a collection or a bitext, for people who write or translate one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from optical_core.data.bitext import SentencePair, normalise
from optical_core.data.collection import Collection
from optical_core.data.corpus import LANGUAGE_FIELDS
from optical_core.data.languages import is_english, language, main_script
from optical_core.data.words import words
from optical_core.wording import counted

_SENTENCE_END = re.compile(r"(?<=[.!?।])\s+|(?<=[。！？])")
MINIMUM_WORDS = 6
"""Shorter sentences may repeat by chance."""


def check_collection(collection: Collection) -> list[str]:
    """Problems of a collection, a sentence each; an empty list if it is sound.

    It looks for repeated passages and sentences, empty texts, judged queries without a relevant
    passage, queries that are repeated, untranslated (the same as the English one) or in a script
    that isn't their language's, and languages of passages that aren't known.
    """
    problems = list(_passage_problems(collection))
    english = collection.queries(collection.english) if collection.english else {}
    for code in collection.languages:
        queries = collection.queries(code)
        problems += _text_problems(code, queries)
        if not is_english(code):
            for identifier, text in queries.items():
                if identifier in english and normalise(text) == normalise(english[identifier]):
                    problems.append(f"{code} query {identifier} is untranslated: {text}")
        for identifier, grades in collection.qrels(code).items():
            if not any(grade > 0 for grade in grades.values()):
                problems.append(f"{code} query {identifier} has no relevant passage")
        if unjudged := len(queries.keys() - collection.qrels(code).keys()):
            problems.append(
                f"{counted(unjudged, f'{code} query', f'{code} queries')} without judgements"
            )
    return problems


def check_pairs(pairs: list[SentencePair]) -> list[str]:
    """Problems of a bitext: untranslated, repeated or empty sides, wrong scripts."""
    problems = []
    by_language: dict[str, dict[str, str]] = {}
    for number, pair in enumerate(pairs, 1):
        by_language.setdefault(pair.language, {})[f"{number}"] = pair.foreign
        if normalise(pair.english) == normalise(pair.foreign):
            problems.append(f"{pair.language} pair {number} is untranslated: {pair.english}")
    for code, texts in by_language.items():
        problems += _text_problems(code, texts)
    return problems


def _passage_problems(collection: Collection) -> Iterator[str]:
    texts: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for passage in collection.passages():
        told = (passage.fields.get(name) for name in LANGUAGE_FIELDS)
        if not passage.language and (code := next(filter(None, told), None)):
            unknown[f"{code!r}"] += 1
        if not passage.text.strip():
            yield f"passage {passage.id} is empty"
        texts[normalise(passage.text)] += 1
        sentences.update(
            {
                sentence
                for part in _SENTENCE_END.split(passage.text)
                if len(words(sentence := normalise(part))) >= MINIMUM_WORDS
            }
        )
    for code, count in unknown.items():
        yield f"{counted(count, 'passage says', 'passages say')} an unknown language: {code[:80]}"
    for text, count in texts.items():
        if count > 1:
            yield f"{count} passages have the same text: {text[:80]}"
    for sentence, count in sentences.items():
        if count > 1:
            yield f"{count} passages share the sentence: {sentence[:80]}"


def _text_problems(code: str, texts: dict[str, str]) -> Iterator[str]:
    expected = language(code).script
    seen: dict[str, str] = {}
    for identifier, text in texts.items():
        key = normalise(text)
        if not key:
            yield f"{code} text {identifier} is empty"
            continue
        if key in seen:
            yield f"{code} texts {seen[key]} and {identifier} are the same: {text[:80]}"
        seen.setdefault(key, identifier)
        script = main_script(text)
        if script is not None and script != expected:
            yield f"{code} text {identifier} is in {script.lower()} script: {text[:80]}"
