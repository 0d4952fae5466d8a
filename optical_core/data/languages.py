"""Languages: codes, names, scripts, and which count as high- or low-resource by default.

A code has one form everywhere, whatever form it is given in: ISO 639-1 (else 639-3), then the
script where it isn't the usual one, then the region where one is told. So `swh_Latn` is sw,
`zho_Hant` is zh-Hant and `por_br` is pt-BR: variants are languages of their own.
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
    """A code that stands for no known language, or text whose language isn't told."""


@dataclass(frozen=True)
class Language:
    """A language as the product knows it; `script` is the prefix of its letters' Unicode names."""

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
"""Regions that are none: mBART calls English en_XX."""
_NAMES = {"Hans": "Simplified", "Hant": "Traditional"}


@lru_cache(maxsize=4096)
def find_language(code: str) -> Language | None:
    """The language of a code as `language` reads it; None where it isn't known."""
    first, *rest = re.split("[-_]", code.strip())
    plain = _ALIASES.get(first.lower())
    if plain is None:
        return None
    usual = LANGUAGES[plain]
    script: str | None = None
    region: str | None = None
    others: list[str] = []
    for part in rest:
        if part.title() in SCRIPTS and not (script or region or others):
            script = part.title()
        elif _is_region(part) and not (region or others):
            region = part.upper()
        elif part.lower() in VARIANTS:
            others.append(part.lower())
        else:
            return None
    if region in _NOWHERE:
        region = None
    if script and SCRIPTS[script] == usual.script and script == _usual(plain, region, script):
        script = None
    told = [part for part in (script, region, *others) if part]
    if not told:
        return usual
    name = [_NAMES.get(script) or SCRIPTS[script].title()] if script else []
    name += [part for part in (region, *others) if part]
    return Language(
        "-".join([plain, *told]),
        f"{usual.name} ({', '.join(name)})",
        SCRIPTS[script] if script else usual.script,
    )


def _usual(base: str, region: str | None, script: str) -> str:
    """Of the scripts that share their letters' names with `script`, the one that is usual."""
    if base not in ("zh", "yue") or script == "Hani":
        return script
    return "Hant" if base == "yue" or region in _TRADITIONAL else "Hans"


def _is_region(part: str) -> bool:
    return part.upper() in (*REGIONS, *_NOWHERE) or bool(re.fullmatch(r"\d{3}", part))


def language(code: str) -> Language:
    """Look a language up by ISO 639-1 or 639-3 code, with or without script and region.

    Upper and lower case, `-` and `_` are the same.

    Examples:
        >>> language("fil").code, language("swh_Latn").name, language("PT_br").code
        ('tl', 'Swahili', 'pt-BR')
    """
    found = find_language(code)
    if found is None:
        raise UnknownLanguageError(
            f"unknown language code {code!r}: use an ISO 639-1 or 639-3 code such as sw, so or "
            "fil, with a script or region if need be (zh-Hant, pt-BR)"
        )
    return found


def language_codes(codes: str | Iterable[str]) -> list[str]:
    """Codes, or a comma-separated list of them, each in its one form and once.

    Examples:
        >>> language_codes("en, swa,fil,sw")
        ['en', 'sw', 'tl']
    """
    parts = codes.split(",") if isinstance(codes, str) else codes
    return list(dict.fromkeys(language(part).code for part in parts if part.strip()))


def given_codes(codes: Any) -> Any:
    """What a setting of languages says, each code in its one form; anything else as it is.

    Raises InputError: an unknown code, or `false` or `true`, as YAML reads a bare `no` or `yes`.
    """
    if isinstance(codes, list | tuple):
        for code in codes:
            if isinstance(code, bool):
                raise InputError(f"{str(code).lower()} is no language code: write 'no' in quotes")
        if not all(isinstance(code, str) for code in codes):
            return codes
    return tuple(language_codes(codes)) if isinstance(codes, list | tuple | str) else codes


def is_english(code: str) -> bool:
    """English of any region: what the other side of a bitext is, and what passages are in."""
    return language(code).base == "en"


def matching(wanted: str, available: Iterable[str]) -> list[str]:
    """Those of the available codes that a wanted one stands for: itself, or its regions.

    A code without a region takes them all. Scripts are never taken for one another.

    Examples:
        >>> matching("pt", ["en", "pt-BR", "pt-PT"]), matching("pt-BR", ["pt"])
        (['pt-BR', 'pt-PT'], [])
        >>> matching("zh", ["zh-CN", "zh-Hant", "zh-TW"])
        ['zh-CN']
    """
    asked = language(wanted).code
    return [code for code in available if code == asked or without_region(code) == asked]


def members(group: Sequence[str], codes: Iterable[str]) -> tuple[str, ...]:
    """Those of the codes that are in a group, or are variants of a language that is.

    Examples:
        >>> members(HIGH_RESOURCE, ["en", "pt-BR", "sw", "zh-Hant"])
        ('en', 'zh-Hant')
    """
    return tuple(code for code in codes if code in group or language(code).base in group)


def without_region(code: str) -> str:
    """A code without its region, which may stand for a script (zh-TW is zh-Hant)."""
    base, *rest = code.split("-")
    kept = [part for part in rest if not _is_region(part)]
    if base == "zh" and not kept and rest[:1] and rest[0] in _TRADITIONAL:
        kept = ["Hant"]
    return "-".join([base, *kept])


def main_script(text: str) -> str | None:
    """Script of most letters of a text, named as in `Language.script`; None without letters.

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
    """Script of a letter; None for all else.

    Modifier letters (Hausa's and Yoruba's apostrophes) belong to whatever they stand in.
    """
    name = unicodedata.name(character, "UNKNOWN").split()[0] if character.isalpha() else "MODIFIER"
    if name == "MODIFIER":
        return None
    return "CJK" if name in ("HIRAGANA", "KATAKANA") else name.removesuffix("-")
