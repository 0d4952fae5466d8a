"""What is loaded, as lines for the start page."""

from __future__ import annotations

from optical_core import __version__
from optical_core.data.collection import installed_collections
from optical_core.process import cores
from optical_core.ui.library import Library
from optical_core.ui.search.served import server_address


def loaded(library: Library) -> list[str]:
    """Version, device, encoders, students and collections, one per line."""
    import torch

    device = (
        torch.cuda.get_device_name(0)
        if torch.cuda.is_available()
        else f"CPU, {torch.get_num_threads()} threads of {cores()} cores"
    )
    lines = [f"OPTICAL Workbench {__version__}", f"Device: {device}"]
    if address := server_address():
        lines.append(f"Searches ask the server at {address}")
    for entry in library.models():
        about = f" ({', '.join(entry.languages)})" if entry.languages else None
        about = about or f": {library.description(entry.name)}"
        lines.append(f"{entry.kind.capitalize()}: {entry.name}{about}")
    for collection in installed_collections():
        lines.append(f"Collection: {collection.name} ({', '.join(collection.languages)})")
    return lines
