"""The last fence: whatever goes wrong while a page is drawn becomes one sentence on it."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def fence() -> Iterator[None]:
    """Show an `InputError` as it is; of anything else, where the log has its traceback.

    Streamlit's own signals (stop, rerun) are no `Exception` and pass.
    """
    try:
        yield
    except InputError as error:
        st.error(markdown_text(error))
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("error %s", reference)
        st.error(
            "The app itself has failed at this. Its log says how, under the words "
            f"“error {reference}”: please report it."
        )


def fragment(draw: Callable[..., None], *, run_every: float | None = None) -> Callable[..., None]:
    """A part of a page that runs again by itself, without the page's fence: it has its own."""

    @wraps(draw)
    def fenced(*arguments: Any, **settings: Any) -> None:
        with fence():
            draw(*arguments, **settings)

    drawn: Callable[..., None] = st.fragment(fenced, run_every=run_every)
    return drawn
