"""What BM25 counts of a text: its words, or by choice their stems, without stop words.

Options follow a model's name, as in `bm25-stem`, `bm25-stop` and `bm25-stem-stop`. Passages and
queries are treated alike, in the language of the passages, as Anserini's `-language` does. Stems
are Snowball's. Stop words are those of bm25s (English: Lucene's 33) or else of stopwords-iso.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata

import bm25s.stopwords

from optical_core.data.languages import language
from optical_core.data.words import fold, word_rules, word_spans, words
from optical_core.errors import InputError

OPTIONS = ("stem", "stop")
_EXTRA = 'an optional extra: pip install "optical-workbench[words]"'


@dataclass(frozen=True)
class Terms:
    """What is counted of a text.

    Attributes:
        language: code of the passages' language; None if it isn't known.
        stem: count stems instead of words?
        stop: leave stop words out?

    Raises:
        InputError: the language has no stemmer or no stop words here.

    Examples:
        >>> Terms(stop=True).of_text("The sea is salty")
        ['sea', 'salty']
    """

    language: str | None = "en"
    stem: bool = False
    stop: bool = False

    def __post_init__(self) -> None:
        if self.suffix and self.language is None:
            raise InputError(
                f"{self.suffix} needs the passages' language: write it into collection.json, as "
                '"passage_language": "sw"'
            )
        _ = self._stem, self._stop_words

    def of_text(self, text: str) -> list[str]:
        """The terms of a text, in order."""
        return [self._stem(word) for word in words(text) if word not in self._stop_words]

    def places(self, text: str) -> list[tuple[str, int, int]]:
        """The terms of a text, in order, each with where its word begins and ends in the text.

        Examples:
            >>> Terms(stop=True).places("The sea is salty")
            [('sea', 4, 7), ('salty', 11, 16)]
        """
        folded = fold(text)
        spans = places = word_spans(folded)
        if len(folded) != len(text):  # places in the text itself, if they are the same words
            own = word_spans(text)
            places = own if len(own) == len(spans) else spans
        found = [
            (self.of_word(folded[span.start : span.end]), place.start, place.end)
            for span, place in zip(spans, places, strict=True)
        ]
        return [each for each in found if each[0]]

    def of_word(self, word: str) -> str:
        """The term of one word, of a lexicon say; empty for a stop word."""
        return "" if word in self._stop_words else self._stem(word)

    @property
    def suffix(self) -> str:
        """The options as they follow a model's name."""
        return "".join(f"-{option}" for option in OPTIONS if getattr(self, option))

    @property
    def identity(self) -> str:
        """Changes with everything that decides the terms of a text."""
        packages = ("snowballstemmer", self.stem), ("stopwordsiso", self.stop)
        used = [f"{name} {_version(name)}" for name, asked in packages if asked]
        options = [str(self.language), self.suffix, *used] if self.suffix else []
        return " ".join([word_rules(), *options])

    @cached_property
    def _stem(self) -> Callable[[str], str]:
        return _stemmer(self.language) if self.stem and self.language else str

    @cached_property
    def _stop_words(self) -> frozenset[str]:
        return _stop_words(self.language) if self.stop and self.language else frozenset()


def terms_named(name: str, family: str, code: str | None) -> Terms | None:
    """The terms that a model's name stands for; None if it isn't of the family.

    Args:
        name: of the model.
        family: the name without options, such as `bm25`.
        code: of the passages' language.

    Raises:
        InputError: there are options and the language has no stemmer or no stop words here.

    Examples:
        >>> terms_named("bm25-stop", "bm25", "de"), terms_named("embedded", "bm25", "de")
        (Terms(language='de', stem=False, stop=True), None)
    """
    options = _options(name, family)
    return None if options is None else Terms(code, **dict.fromkeys(options, True))


def is_of(name: str, family: str) -> bool:
    """Is a model's name that of a family, perhaps with options?

    Examples:
        >>> is_of("bm25-stem", "bm25"), is_of("bm25-x", "bm25"), is_of("embedded", "bm25")
        (True, False, False)
    """
    return _options(name, family) is not None


def _options(name: str, family: str) -> list[str] | None:
    """The options in a model's name; None if it isn't of the family."""
    first, *options = name.split("-")
    once = len(set(options)) == len(options)
    return options if first == family and once and set(options) <= set(OPTIONS) else None


@cache
def _stemmer(code: str) -> Callable[[str], str]:
    """Snowball's stemmer of a language; a word is stemmed once."""
    try:
        import snowballstemmer
    except ImportError as error:
        raise InputError(f"the stemmers are {_EXTRA}") from error
    known = language(language(code).base)
    if known.name.lower() not in snowballstemmer.algorithms():
        raise InputError(
            f"there is no stemmer for {known.name}, the language of the passages: leave -stem out"
        )
    stemmer = snowballstemmer.stemmer(known.name.lower())
    stemming = threading.Lock()  # it works on its own state

    @cache
    def stem(word: str) -> str:
        with stemming:
            return stemmer.stemWord(word)

    return stem


@cache
def _stop_words(code: str) -> frozenset[str]:
    known = language(language(code).base)
    name = "EN" if known.code == "en" else known.name.upper()
    listed = getattr(bm25s.stopwords, f"STOPWORDS_{name}", None)
    if listed is None:
        try:
            import stopwordsiso
        except ImportError as error:
            raise InputError(f"the stop words of {known.name} are {_EXTRA}") from error
        if not stopwordsiso.has_lang(known.code):
            raise InputError(
                f"there are no stop words of {known.name}, the language of the passages: "
                "leave -stop out"
            )
        listed = stopwordsiso.stopwords(known.code)
    return frozenset(map(fold, listed))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
