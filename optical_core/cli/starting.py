"""The command that starts the app from any folder."""

from __future__ import annotations

import runpy
import sys
from typing import Annotated

import typer

from optical_core.cli.application import app
from optical_core.storage import app_file


@app.command(
    "app",
    epilog="Example:  optical app --port 8600\n\nOther options are passed on to `streamlit run`: "
    "optical app --theme.base dark",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def start_app(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of this machine.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open the app in a browser.")] = True,
) -> None:
    """Start the app. Paths that you type in its pages are relative to the current folder."""
    options = {"server.port": port, "server.headless": str(not browser).lower()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    sys.argv = ["streamlit", "run", str(app_file()), *flags, *context.args]
    runpy.run_module("streamlit", run_name="__main__")
