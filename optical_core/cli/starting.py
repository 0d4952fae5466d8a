"""The app, started from any folder."""

from __future__ import annotations

import runpy
import sys
from typing import Annotated

import typer

from optical_core.cli.application import app
from optical_core.storage import app_file


@app.command(
    "app",
    epilog="Example:  optical app --port 8600\n\nWhat else is given goes to `streamlit run`: "
    "optical app --theme.base dark",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def start_app(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of this machine.")] = 8501,
    browser: Annotated[bool, typer.Option(help="Open the app in a browser.")] = True,
) -> None:
    """Start the app; files that its pages are given paths of lie in the folder you are in."""
    options = {"server.port": port, "server.headless": str(not browser).lower()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    sys.argv = ["streamlit", "run", str(app_file()), *flags, *context.args]
    runpy.run_module("streamlit", run_name="__main__")
