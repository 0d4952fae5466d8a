"""Addresses of the app's pages, read outside of a page: which page, and the state that it shows.

A page's controls replace a value that they don't know, and say so. Here such a value is refused: a
picture that is kept must show what its address says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from optical_core.data.languages import closest
from optical_core.errors import InputError
from optical_core.wording import listed

T = TypeVar("T")

AGAIN = {"go": "1"}
"""Belongs to a link from a page to itself. Streamlit leaves the browser's address as it was there;
the page takes this away, which writes the new one."""
START = "start"
"""The start page's name, which its address doesn't have."""
LONGEST = 8000
"""Most characters of an address."""


@dataclass(frozen=True)
class Address:
    """A page and the parameters of its address.

    Attributes:
        page: The page's name; empty for the start page.
        values: (parameter, value), in their order. A parameter may have several values.
    """

    page: str
    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address as a browser shows it, with or without the app's own.

        Raises:
            InputError: It is no address, or a long one.

        Examples:
            >>> Address.parse("http://127.0.0.1:8501/search?lang=so&model=a&model=b").values
            (('lang', 'so'), ('model', 'a'), ('model', 'b'))
        """
        if len(text) > LONGEST:
            raise InputError(f"an address has at most {LONGEST:,} characters")
        try:
            found = urlsplit(text.strip())
            values = parse_qsl(found.query, keep_blank_values=True)
        except ValueError as error:
            raise InputError(f"{text!r:.80} is no address of a page") from error
        name = found.path.rstrip("/").rpartition("/")[2]
        page = "" if name == START else name
        return cls(page, tuple(pair for pair in values if pair not in AGAIN.items()))

    def __str__(self) -> str:
        query = urlencode(self.values)
        return f"/{self.page}?{query}" if query else f"/{self.page}"


class Parameters:
    """The parameters of an address, read as the controls of its page read them.

    Methods raise InputError for a value that the page can't show.
    """

    def __init__(self, address: Address) -> None:
        self._values: dict[str, list[str]] = {}
        for key, value in address.values:
            self._values.setdefault(key, []).append(value)
        self._read: set[str] = set()

    def given(self, key: str) -> list[str]:
        """All texts of a parameter."""
        self._read.add(key)
        return self._values.get(key, [])

    def text(self, key: str, longest: int) -> str:
        """A text; empty if there is none."""
        text = (self.given(key) or [""])[-1].strip()
        if len(text) > longest:
            raise InputError(f"{key}: at most {longest:,} characters, got {len(text):,}")
        return text

    def one(
        self, key: str, options: Sequence[T], default: T, read: Callable[[str], Any] = str
    ) -> T:
        """One of some options."""
        texts = self.given(key)
        return self._allowed(key, texts[-1], options, read) if texts else default

    def many(
        self,
        key: str,
        options: Sequence[T],
        default: Sequence[T],
        read: Callable[[str], Any] = str,
        most: int | None = None,
    ) -> list[T]:
        """Some of the options, each once."""
        texts = self.given(key)
        found = [self._allowed(key, text, options, read) for text in texts] or default
        chosen = list(dict.fromkeys(found))
        if most is not None and len(chosen) > most:
            raise InputError(f"{key}: at most {most} values, got {len(chosen)}")
        return chosen

    def language(self, key: str, codes: Sequence[str], default: str) -> str:
        """The code of one of some languages, which may have any form (`swh`)."""
        return self.one(key, codes, default, read=lambda code: closest(code, codes) or code)

    def languages(
        self, key: str, codes: Sequence[str], default: Sequence[str], most: int | None = None
    ) -> list[str]:
        """Codes of some languages."""
        return self.many(key, codes, default, lambda code: closest(code, codes) or code, most)

    def number(self, key: str, default: int, low: int = 1) -> int:
        """A whole number of at least `low`."""
        texts = self.given(key)
        if not texts:
            return default
        if not texts[-1].isdecimal() or int(texts[-1]) < low:
            raise InputError(f"{key}: a number from {low} on was expected, got {texts[-1]!r:.60}")
        return int(texts[-1])

    def refuse_others(self, known: Sequence[str] = ()) -> None:
        """Refuse parameters that were not read.

        Args:
            known: Those that the page has, but that change nothing of what is shown.
        """
        if lost := [key for key in self._values if key not in {*self._read, *known}]:
            raise InputError(f"this page has no {listed([repr(key[:60]) for key in lost])}")

    def _allowed(self, key: str, text: str, options: Sequence[T], read: Callable[[str], Any]) -> T:
        try:
            value: T = read(text)
        except ValueError:
            pass
        else:
            if value in options:
                return value
        known = listed([str(option) for option in options[:12]], word="or")
        more = f", and {len(options) - 12} more" if len(options) > 12 else ""
        raise InputError(f"{key}: there is no {text!r:.60} here; there is {known or 'none'}{more}")
