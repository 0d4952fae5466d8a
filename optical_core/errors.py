"""The one exception that a user is meant to read."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used. One sentence says what, where, and what would be right.

    The command line prints the sentence and exits with code 2. The app shows it on the page.

    Examples:
        >>> from optical_core.data import language
        >>> language("xx")
        Traceback (most recent call last):
        ...
        optical_core.data.languages.UnknownLanguageError: unknown language code 'xx': use an ISO \
639-1 or 639-3 code such as sw, so or fil, with a script or region if need be (zh-Hant, pt-BR)
    """
