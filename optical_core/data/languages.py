"""Languages: codes, names, scripts, and which count as high- or low-resource by default."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from optical_core.errors import InputError


@dataclass(frozen=True)
class Language:
    """A language as the product knows it; `script` is the prefix of its letters' Unicode names."""

    code: str
    name: str
    script: str


_TABLE = """
af Afrikaans LATIN afr|am Amharic ETHIOPIC amh|ar Arabic ARABIC arb ara|az Azerbaijani LATIN aze azj
be Belarusian CYRILLIC bel|bem Bemba LATIN bem|bg Bulgarian CYRILLIC bul|bn Bengali BENGALI ben
bs Bosnian LATIN bos|ca Catalan LATIN cat|ceb Cebuano LATIN ceb|cs Czech LATIN ces cze
cy Welsh LATIN cym wel|da Danish LATIN dan|de German LATIN deu ger|el Greek GREEK ell gre
en English LATIN eng|eo Esperanto LATIN epo|es Spanish LATIN spa|et Estonian LATIN est ekk
eu Basque LATIN eus baq|fa Persian ARABIC fas per pes|ff Fulah LATIN ful fuv|fi Finnish LATIN fin
fr French LATIN fra fre|ga Irish LATIN gle|gd Gaelic LATIN gla|gl Galician LATIN glg
gu Gujarati GUJARATI guj|ha Hausa LATIN hau|he Hebrew HEBREW heb iw|hi Hindi DEVANAGARI hin
hr Croatian LATIN hrv|hu Hungarian LATIN hun|hy Armenian ARMENIAN hye arm|id Indonesian LATIN ind
ig Igbo LATIN ibo|is Icelandic LATIN isl ice|it Italian LATIN ita|ja Japanese CJK jpn
jv Javanese LATIN jav|ka Georgian GEORGIAN kat geo|kk Kazakh CYRILLIC kaz|km Khmer KHMER khm
kn Kannada KANNADA kan|ko Korean HANGUL kor|ku Kurdish LATIN kur kmr|ky Kyrgyz CYRILLIC kir
la Latin LATIN lat|ln Lingala LATIN lin|lo Lao LAO lao|lt Lithuanian LATIN lit|lv Latvian LATIN lav
lg Ganda LATIN lug|mg Malagasy LATIN mlg plt|mk Macedonian CYRILLIC mkd mac
ml Malayalam MALAYALAM mal|mn Mongolian CYRILLIC mon khk|mr Marathi DEVANAGARI mar
ms Malay LATIN msa may zsm|my Burmese MYANMAR mya bur|ne Nepali DEVANAGARI nep npi
nl Dutch LATIN nld dut|no Norwegian LATIN nor nb nob|ny Nyanja LATIN nya|om Oromo LATIN orm gaz
or Odia ORIYA ori ory|pa Punjabi GURMUKHI pan|pl Polish LATIN pol|ps Pashto ARABIC pus pbt
pt Portuguese LATIN por|ro Romanian LATIN ron rum|ru Russian CYRILLIC rus|rw Kinyarwanda LATIN kin
sa Sanskrit DEVANAGARI san|sd Sindhi ARABIC snd|si Sinhala SINHALA sin|sk Slovak LATIN slk slo
sl Slovenian LATIN slv|sn Shona LATIN sna|so Somali LATIN som|sq Albanian LATIN sqi alb als
sr Serbian CYRILLIC srp|st Sotho LATIN sot|su Sundanese LATIN sun|sv Swedish LATIN swe
sw Swahili LATIN swa swh|ta Tamil TAMIL tam|te Telugu TELUGU tel|tg Tajik CYRILLIC tgk
th Thai THAI tha|ti Tigrinya ETHIOPIC tir|tl Tagalog LATIN tgl fil|tn Tswana LATIN tsn
tr Turkish LATIN tur|tw Twi LATIN twi aka|ug Uyghur ARABIC uig|uk Ukrainian CYRILLIC ukr
ur Urdu ARABIC urd|uz Uzbek LATIN uzb uzn|vi Vietnamese LATIN vie|wo Wolof LATIN wol
xh Xhosa LATIN xho|yi Yiddish HEBREW yid|yo Yoruba LATIN yor|zh Chinese CJK zho chi cmn
zu Zulu LATIN zul
"""
LANGUAGES: dict[str, Language] = {}
_ALIASES: dict[str, str] = {}
for _entry in _TABLE.replace("\n", "|").strip("|").split("|"):
    _code, _name, _script, *_others = _entry.split()
    LANGUAGES[_code] = Language(_code, _name, _script)
    _ALIASES.update(dict.fromkeys([_code, *_others], _code))

HIGH_RESOURCE = ("en", "fr", "de", "it", "es", "ru", "zh", "ar")
LOW_RESOURCE = ("sw", "so", "tl", "mr", "ha", "yo", "am", "te", "ig", "rw", "zu", "tw", "bem")


def find_language(code: str) -> Language | None:
    """The language of a code as `language` reads it; None where the table doesn't have it."""
    plain = code.strip().lower().replace("-", "_").split("_")[0]
    return LANGUAGES[_ALIASES[plain]] if plain in _ALIASES else None


def language(code: str) -> Language:
    """Look a language up by ISO 639-1 or 639-3 code, with or without a script (`swh_Latn`).

    Examples:
        >>> language("fil").code, language("swh_Latn").name
        ('tl', 'Swahili')
    """
    found = find_language(code)
    if found is None:
        raise InputError(
            f"unknown language code {code!r}: use an ISO 639-1 or 639-3 code such as sw, so or fil"
        )
    return found


def language_codes(text: str) -> list[str]:
    """Split a comma-separated list of codes and bring each to its standard form.

    Examples:
        >>> language_codes("en, swa,fil")
        ['en', 'sw', 'tl']
    """
    return [language(part).code for part in text.split(",") if part.strip()]


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
