"""The last fence: any error while a page is drawn becomes one sentence on the page."""

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
    """Show an `InputError` as it is. Log any other error, and show where to find it in the log.

    Streamlit's own signals (stop, rerun) aren't an `Exception`, so they pass.
    """
    try:
        yield
    except InputError as error:
        st.error(markdown_text(error))
    except Exception:
        reference = secrets.token_hex(4)
        logger.exception("error %s", reference)
        st.error(
            "The app itself has failed. Please report this; the app's log has the details under "
            f"“error {reference}”."
        )


def fragment(draw: Callable[..., None], *, run_every: float | None = None) -> Callable[..., None]:
    """Make a part of a page that reruns by itself. It needs a fence of its own."""

    @wraps(draw)
    def fenced(*arguments: Any, **settings: Any) -> None:
        with fence():
            draw(*arguments, **settings)

    drawn: Callable[..., None] = st.fragment(fenced, run_every=run_every)
    return drawn
