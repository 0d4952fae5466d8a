"""The first start ever: convert the encoder, index the demo, with a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from optical_core.errors import InputError
from optical_core.escaping import markdown_text
from optical_core.retrieval.windows import Windows
from optical_core.ui.first_start import prepare
from pages.common import parts
from pages.common.opened import library

if TYPE_CHECKING:
    from optical_core.retrieval.compression import Compression


def prepared(
    collection: str = "demo",
    windows: Windows | None = None,
    compression: Compression | None = None,
) -> bool:
    """Prepare a collection for its first use. Returns False, and shows the error, on failure.

    With `windows` or `compression`, it is indexed so, also if it is indexed already.
    """
    try:
        if windows is compression is None and library().is_prepared(collection):
            return True
        bar = st.progress(0.0, text="Preparing…")
        prepare(
            library(),
            collection,
            lambda share, text: bar.progress(min(share, 1.0), text=markdown_text(text)),
            windows=windows,
            compression=compression,
        )
        bar.empty()
    except InputError as error:
        parts.fault(error)
        return False
    return True
