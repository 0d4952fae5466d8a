"""Code-switching: English sentences with some words replaced by their translations.

A dictionary is all that it needs. Where bitext is rare, such sentences teach a student the words of
a language in an English context. Litschko et al. (2023, arXiv 2305.05295) train rankers on them.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from optical_core.data.dictionaries import LONGEST, Dictionary
from optical_core.data.relevance import Relevance
from optical_core.data.sentence_pairs import SentencePair
from optical_core.data.trec import Qrels
from optical_core.data.words import fold, word_spans
from optical_core.errors import InputError


@dataclass(frozen=True)
class Switched:
    """A code-switched sentence.

    Attributes:
        text: the sentence.
        words: number of its English words.
        replaced: number of those that were replaced.
    """

    text: str
    words: int
    replaced: int


class Switcher:
    """Replaces words and phrases of English sentences by translations.

    Examples:
        >>> switcher = Switcher({"sea": {"bahari": 1.0}, "salty": {"chumvi": 1.0}}, rate=1.0)
        >>> switcher.switch("The Sea is salty.")
        Switched(text='The Bahari is chumvi.', words=4, replaced=2)
    """

    def __init__(self, dictionary: Dictionary, *, rate: float = 0.5, seed: int = 1) -> None:
        """Keep the dictionary.

        Args:
            dictionary: English phrase -> translation -> weight.
            rate: share of a sentence's words to replace, in (0, 1]. Words that the dictionary
                lacks stay, so less may be replaced. At least one word or phrase is, if it has any.
            seed: of what is drawn: which words, and which of several translations. A sentence is
                switched alike among any others.

        Raises:
            InputError: the rate is out of range.
        """
        if not 0 < rate <= 1:
            raise InputError(f"the rate must be above 0 and at most 1, got {rate}")
        self.dictionary = dictionary
        self.rate = rate
        self.seed = seed

    def switch(self, text: str) -> Switched:
        """Switch a sentence; long phrases go before their words."""
        text = " ".join(unicodedata.normalize("NFC", text).split())
        draw = random.Random(f"{self.seed} {text}")
        spans = [(span.start, span.end) for span in word_spans(text)]
        entries = list(self._entries([fold(text[start:end]) for start, end in spans]))
        draw.shuffle(entries)
        wanted = max(round(self.rate * len(spans)), 1)
        chosen: list[tuple[int, int, str]] = []
        replaced = 0
        for first, last, key in entries:
            if replaced >= wanted:
                break
            chosen.append((spans[first][0], spans[last][1], key))
            replaced += last - first + 1
        for start, end, key in sorted(chosen, reverse=True):
            translations = self.dictionary[key]
            [foreign] = draw.choices(list(translations), list(translations.values()))
            if text[start].isupper():
                foreign = foreign[0].upper() + foreign[1:]
            text = text[:start] + foreign + text[end:]
        return Switched(text, len(spans), replaced)

    def _entries(self, found: list[str]) -> Iterator[tuple[int, int, str]]:
        """First and last word, and key, of the longest entries from left to right."""
        first = 0
        while first < len(found):
            for last in range(min(first + LONGEST, len(found)) - 1, first - 1, -1):
                if (key := " ".join(found[first : last + 1])) in self.dictionary:
                    yield first, last, key
                    first = last
                    break
            first += 1


def switched_pairs(
    sentences: Iterable[str], switcher: Switcher, code: str
) -> Iterator[tuple[SentencePair, Switched]]:
    """Pair each English sentence with its switched form; those without a known word are left out.

    Examples:
        >>> switcher = Switcher({"sea": {"bahari": 1.0}})
        >>> [(pair, _)] = switched_pairs(["The sea", "A moon"], switcher, "sw")
        >>> pair.english, pair.foreign
        ('The sea', 'The bahari')
    """
    for sentence in sentences:
        switched = switcher.switch(sentence)
        if switched.replaced:
            yield SentencePair(" ".join(sentence.split()), switched.text, code), switched


def switched_queries(
    relevance: Relevance, switchers: Mapping[str, Switcher]
) -> tuple[dict[str, dict[str, Switched]], dict[str, Qrels]]:
    """Switch the queries of relevance data, with the judgements of each language's.

    A query's id is its place in the examples. Queries without a known word are left out.
    """
    queries: dict[str, dict[str, Switched]] = {code: {} for code in switchers}
    qrels: dict[str, Qrels] = {code: {} for code in switchers}
    for number, example in enumerate(relevance.examples):
        key = f"q{number}"
        grades = dict.fromkeys(example.negatives, 0)
        grades |= dict.fromkeys(example.positives, 1)
        for code, switcher in switchers.items():
            switched = switcher.switch(example.query)
            if switched.replaced:
                queries[code][key] = switched
                qrels[code][key] = grades
    return queries, qrels
