"""Search over HTTP: the server (`optical serve`) and its client."""

from typing import TYPE_CHECKING

from optical_core.lazy import lazy_names

if TYPE_CHECKING:
    from optical_core.serve.access import Access
    from optical_core.serve.app import create_app
    from optical_core.serve.client import RemoteSearcher, Server
    from optical_core.serve.command import serve
    from optical_core.serve.holdings import Holdings, load_holdings
    from optical_core.serve.limits import Limits
    from optical_core.serve.schema import search_request

__all__ = [
    "Access",
    "Holdings",
    "Limits",
    "RemoteSearcher",
    "Server",
    "create_app",
    "load_holdings",
    "search_request",
    "serve",
]

__getattr__ = lazy_names(__name__, __file__)
