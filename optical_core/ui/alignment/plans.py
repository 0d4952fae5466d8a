"""Plans of two texts, kept in the library: a rerun of a page neither encodes nor solves again."""

from __future__ import annotations

from typing import Any

from optical_core.models.alignment import EXACT, EncodedPair, encode_pair, solve_pair
from optical_core.transport import TransportPlan, TransportSettings
from optical_core.ui.alignment.process import process_data
from optical_core.ui.library import Library


def encoded_texts(
    library: Library,
    model: str,
    foreign: str,
    english: str,
    marginals: str,
    *,
    spaces: bool = False,
) -> EncodedPair:
    """Token vectors of two texts. Kept: another solver doesn't encode again.

    Texts of a gold alignment are cut into words already: only their `spaces` separate words.
    """

    def encode() -> EncodedPair:
        pair = library.pair(model)
        with library.encoding:
            return encode_pair(pair, foreign, english, marginals=marginals, spaces=spaces)

    key = (foreign, english, marginals, spaces)
    return library.keep("encoded texts", encode, model=model, key=key)


def plan_of_texts(
    library: Library,
    model: str,
    foreign: str,
    english: str,
    settings: TransportSettings = EXACT,
    *,
    spaces: bool = False,
) -> TransportPlan:
    """The transport plan of two texts; arguments as of `encoded_texts`."""

    def solve() -> TransportPlan:
        texts = encoded_texts(library, model, foreign, english, settings.marginals, spaces=spaces)
        return solve_pair(texts, settings)

    return library.keep("plan", solve, model=model, key=(foreign, english, settings, spaces))


def process_of_texts(
    library: Library,
    model: str,
    foreign: str,
    english: str,
    settings: TransportSettings,
    unit: str,
    *,
    languages: tuple[str, str],
    spaces: bool = False,
) -> dict[str, Any] | None:
    """How solvers find the plan of two texts, as `process_data` gives it."""

    def solve() -> dict[str, Any] | None:
        pair = encoded_texts(library, model, foreign, english, settings.marginals, spaces=spaces)
        return process_data(pair, settings, unit, languages=languages)

    key = (foreign, english, settings, unit, languages, spaces)
    return library.keep("process", solve, model=model, key=key)
