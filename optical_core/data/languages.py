"""Languages: codes, names, scripts, and which count as high- or low-resource by default.

Inside the product a code has one form: ISO 639-1 (else 639-3), then the script if it isn't the
usual one, then the region if there is one. So `swh_Latn` is sw, `zho_Hant` is zh-Hant and `por_br`
is pt-BR: variants are languages of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from optical_core.data.language_table import LANGUAGES_TABLE, REGIONS, SCRIPTS, VARIANTS
from optical_core.errors import InputError


class UnknownLanguageError(InputError):
    """A code of no known language, or a text whose language isn't stated."""


@dataclass(frozen=True)
class Language:
    """A language.

    Attributes:
        code: in the one form that is used everywhere, such as `sw` or `pt-BR`.
        name: in English.
        script: first word of its letters' Unicode names, such as `LATIN`.
    """

    code: str
    name: str
    script: str

    @property
    def base(self) -> str:
        """The code without script and region."""
        return self.code.partition("-")[0]


LANGUAGES: dict[str, Language] = {}
_ALIASES: dict[str, str] = {}
for _entry in LANGUAGES_TABLE.replace("\n", "|").strip("|").split("|"):
    _code, _name, _script, *_others = _entry.split()
    LANGUAGES[_code] = Language(_code, _name.replace("_", " "), _script)
    _ALIASES.update(dict.fromkeys([_code, *_others], _code))

HIGH_RESOURCE = ("en", "fr", "de", "it", "es", "ru", "zh", "ar")
LOW_RESOURCE = ("sw", "so", "tl", "mr", "ha", "yo", "am", "te", "ig", "rw", "zu", "tw", "bem")

_TRADITIONAL = ("TW", "HK", "MO")
_NOWHERE = ("XX", "ZZ")
"""Regions that mean nothing: mBART calls English en_XX."""
_NAMES = {"Hans": "Simplified", "Hant": "Traditional"}


@lru_cache(maxsize=4096)
def find_language(code: str) -> Language | None:
    """Look a language up as `language` does; None if it isn't known.

    Examples:
        >>> find_language("zho_Hant").name, find_language("xx")
        ('Chinese (Traditional)', None)
    """
    first, *rest = re.split("[-_]", code.strip())
    plain = _ALIASES.get(first.lower())
    if plain is None:
        return None
    usual = LANGUAGES[plain]
    script: str | None = None
    region: str | None = None
    variants: list[str] = []
    for part in rest:
        if part.title() in SCRIPTS and not (script or region or variants):
            script = part.title()
        elif _is_region(part) and not (region or variants):
            region = part.upper()
        elif part.lower() in VARIANTS:
            variants.append(part.lower())
        else:
            return None
    if region in _NOWHERE:
        region = None
    if script and SCRIPTS[script] == usual.script and script == _usual(plain, region, script):
        script = None
    tags = [part for part in (script, region, *variants) if part]
    if not tags:
        return usual
    name = [_NAMES.get(script) or SCRIPTS[script].title()] if script else []
    name += [part for part in (region, *variants) if part]
    return Language(
        "-".join([plain, *tags]),
        f"{usual.name} ({', '.join(name)})",
        SCRIPTS[script] if script else usual.script,
    )


def _usual(base: str, region: str | None, script: str) -> str:
    """The usual one of the scripts whose letters are named as those of `script` are."""
    if base not in ("zh", "yue") or script == "Hani":
        return script
    return "Hant" if base == "yue" or region in _TRADITIONAL else "Hans"


def _is_region(part: str) -> bool:
    return part.upper() in (*REGIONS, *_NOWHERE) or bool(re.fullmatch(r"\d{3}", part))


def language(code: str) -> Language:
    """Look a language up by ISO 639-1 or 639-3 code, with or without script and region.

    Upper and lower case, `-` and `_` are the same.

    Raises:
        UnknownLanguageError: the language isn't known.

    Examples:
        >>> language("fil").code, language("swh_Latn").name, language("PT_br").code
        ('tl', 'Swahili', 'pt-BR')
    """
    known = find_language(code)
    if known is None:
        raise UnknownLanguageError(
            f"unknown language code {code!r}: use an ISO 639-1 or 639-3 code such as sw, so or "
            "fil, with a script or region if need be (zh-Hant, pt-BR)"
        )
    return known


def known_code(code: str) -> str | None:
    """The one form of a code; None if the language isn't known.

    Examples:
        >>> known_code("swa"), known_code("xx")
        ('sw', None)
    """
    known = find_language(code)
    return known.code if known else None


def language_codes(codes: str | Iterable[str]) -> list[str]:
    """Codes, or a comma-separated list of them, each once and in its one form.

    Raises:
        UnknownLanguageError: one of the languages isn't known.

    Examples:
        >>> language_codes("en, swa,fil,sw")
        ['en', 'sw', 'tl']
    """
    parts = codes.split(",") if isinstance(codes, str) else codes
    return list(dict.fromkeys(language(part).code for part in parts if part.strip()))


def given_codes(codes: Any) -> Any:
    """A setting of languages with each code in its one form; other values stay as they are.

    Raises:
        InputError: a code is unknown or empty, or is `false` or `true`, as YAML reads a bare `no`
            or `yes`.
    """
    if isinstance(codes, str) and not codes.replace(",", "").strip():
        raise InputError("it is empty: give language codes, or leave it out for all languages")
    if isinstance(codes, list | tuple):
        for code in codes:
            if isinstance(code, bool):
                raise InputError(f"{str(code).lower()} is no language code: write 'no' in quotes")
            if isinstance(code, str) and not code.strip():
                raise InputError("a language code is empty")
        if not all(isinstance(code, str) for code in codes):
            return codes
    return tuple(language_codes(codes)) if isinstance(codes, list | tuple | str) else codes


def is_english(code: str) -> bool:
    """Is it English of any region, the language of passages and of one side of bitext?"""
    return language(code).base == "en"


def matching(wanted: str, available: Iterable[str]) -> list[str]:
    """The available codes that a wanted code stands for: itself, or its regions.

    A code without a region stands for all its regions. A script never stands for another one.

    Examples:
        >>> matching("pt", ["en", "pt-BR", "pt-PT"]), matching("pt-BR", ["pt"])
        (['pt-BR', 'pt-PT'], [])
        >>> matching("zh", ["zh-CN", "zh-Hant", "zh-TW"])
        ['zh-CN']
    """
    asked = language(wanted).code
    return [code for code in available if code == asked or without_region(code) == asked]


def closest(wanted: str, available: Iterable[str]) -> str | None:
    """The available code that is meant by any form of a code or by a locale; None without one.

    It is the language itself, else it without its region, else one of its regions. A script never
    stands for another one.

    Examples:
        >>> closest("pt_PT.UTF-8", ["pt", "pt-BR"]), closest("pt", ["en", "pt-BR"])
        ('pt', 'pt-BR')
        >>> closest("zh-Hant", ["en", "zh"]) is None
        True
    """
    known = find_language(re.split("[.@]", wanted)[0])
    if known is None:
        return None
    plain = without_region(known.code)
    same = [code for code in available if without_region(code) == plain]
    return next((code for code in (known.code, plain, *same) if code in same), None)


def members(group: Sequence[str], codes: Iterable[str]) -> tuple[str, ...]:
    """The codes that are in a group, or are variants of a language in it.

    Examples:
        >>> members(HIGH_RESOURCE, ["en", "pt-BR", "sw", "zh-Hant"])
        ('en', 'zh-Hant')
    """
    return tuple(code for code in codes if code in group or language(code).base in group)


def without_region(code: str) -> str:
    """A code without its region; a region that implies a script gives it (zh-TW is zh-Hant)."""
    base, *rest = code.split("-")
    kept = [part for part in rest if not _is_region(part)]
    if base == "zh" and not kept and rest[:1] and rest[0] in _TRADITIONAL:
        kept = ["Hant"]
    return "-".join([base, *kept])


def main_script(text: str) -> str | None:
    """Script of most letters in a text, named as in `Language.script`; None without letters.

    Examples:
        >>> main_script("समुद्र"), main_script("東京の天気"), main_script("1984!")
        ('DEVANAGARI', 'CJK', None)
    """
    counts: Counter[str] = Counter()
    for character, times in Counter(text).items():
        if script := _letter_script(character):
            counts[script] += times
    return counts.most_common(1)[0][0] if counts else None


@lru_cache(maxsize=4096)
def _letter_script(character: str) -> str | None:
    """Script of a letter; None for other characters.

    Modifier letters (the apostrophes of Hausa and Yoruba) count for no script.
    """
    name = unicodedata.name(character, "UNKNOWN").split()[0] if character.isalpha() else "MODIFIER"
    if name == "MODIFIER":
        return None
    return "CJK" if name in ("HIRAGANA", "KATAKANA") else name.removesuffix("-")
