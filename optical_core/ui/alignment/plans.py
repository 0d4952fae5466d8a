"""Plans of two texts, kept in the library: a page that is drawn anew neither encodes nor solves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optical_core.ui.library import Library

if TYPE_CHECKING:
    from optical_core.models.alignment import EncodedPair
    from optical_core.transport import TransportPlan


def encoded_texts(
    library: Library, model: str, foreign: str, english: str, marginals: str
) -> EncodedPair:
    """Token vectors of two texts; kept, so that trying solvers doesn't encode again."""

    def encode() -> EncodedPair:
        from optical_core.models.alignment import encode_pair

        pair = library.pair(model)
        with library.encoding:
            return encode_pair(pair, foreign, english, marginals=marginals)

    return library.keep("encoded texts", encode, model=model, key=(foreign, english, marginals))


def plan_of_texts(
    library: Library,
    model: str,
    foreign: str,
    english: str,
    marginals: str = "real-tokens",
    *,
    method: str = "exact",
    epsilon: float = 0.05,
) -> TransportPlan:
    """The transport plan of two texts."""

    def solve() -> TransportPlan:
        from optical_core.models.alignment import solve_pair

        texts = encoded_texts(library, model, foreign, english, marginals)
        return solve_pair(texts, method=method, epsilon=epsilon)

    key = (foreign, english, marginals, method, epsilon)
    return library.keep("plan", solve, model=model, key=key)
