"""The one exception that a user is meant to read."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used, told in one sentence: what, where, and what would be right.

    The command line prints the sentence and exits with code 2; the app shows it in place.
    """
