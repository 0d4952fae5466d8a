"""`optical serve`: load, listen, answer, and stop cleanly."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optical_core.errors import InputError
from optical_core.serve.access import TOKEN_VARIABLE, Access
from optical_core.serve.limits import Limits

if TYPE_CHECKING:
    import uvicorn

    from optical_core.serve.holdings import Holdings

logger = logging.getLogger(__name__)

GRACE_SECONDS = 30
"""Seconds that a stopping server waits for the searches that it has accepted."""
_BACKLOG = 1024


def serve(
    collections: Sequence[str],
    models: Sequence[str],
    *,
    host: str,
    port: int,
    limits: Limits,
    names: Sequence[str] = (),
    token: str = "",
    device: str | None = None,
    **index: Any,
) -> None:
    """Answer searches until SIGTERM, SIGINT or SIGHUP.

    Args:
        collections: names or folders of the collections.
        models: names of the models.
        host: address to listen on.
        port: port to listen on; 0 takes a free one, which is printed.
        limits: sizes and rates.
        names: further names that the server is known by, see `Access.of`.
        token: the token that requests need, see `Access.of`.
        device: of the encoders.
        index: mode, engine and uri, see `load_holdings`.

    Raises:
        InputError: a name is unknown, the address is taken, or the extra `serve` is missing.

    Examples:
        >>> serve([], ["bm25"], host="127.0.0.1", port=0, limits=Limits())
        Traceback (most recent call last):
        ...
        optical_core.errors.InputError: a server needs at least one collection and one model: \
name them
    """
    try:
        import uvicorn

        from optical_core.serve.app import create_app
        from optical_core.serve.connections import guarded
    except ImportError as error:
        raise InputError(
            'serving is an optional extra: pip install "optical-workbench[serve]"'
        ) from error
    from optical_core.serve.holdings import load_holdings

    access = Access.of(host, names, token)
    # Bound first: a port that is taken is reported at once, not after minutes of indexing.
    with _bound(host, port) as listener:
        holdings = load_holdings(collections, models, device=device, **index)
        _warm_up(holdings)
        config = uvicorn.Config(
            create_app(holdings, limits, access),
            # At lower levels it logs every foreign request that isn't HTTP.
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            **guarded(limits.connections),
        )
        server = uvicorn.Server(config)
        _stop_on_signals(server)
        listener.listen(_BACKLOG)
        print(f"ready: {_address(listener)}", flush=True)
        if not token and not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
            logger.warning("others can reach this server: %s asks them for a token", TOKEN_VARIABLE)
        server.run(sockets=[listener])
    print("stopped", file=sys.stderr)


def _stop_on_signals(server: uvicorn.Server) -> None:
    """Have SIGTERM, SIGINT and SIGHUP stop the server cleanly; `nohup` still works."""
    # uvicorn stops on the first two, and raises them again when everything is answered. That is no
    # failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup and signal.getsignal(hangup) != signal.SIG_IGN:
        signal.signal(hangup, server.handle_exit)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"cannot listen on {host}, port {port}: {reason}; choose others by --host and --port"
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _warm_up(holdings: Holdings) -> None:
    """Search once with each searcher: things that are opened on first use are opened now."""
    from optical_core.serve.answering import answer_together
    from optical_core.serve.schema import SearchRequest

    for model, collection in holdings.searchers:
        answer_together(
            holdings, [SearchRequest(collection=collection, model=model, query="water")]
        )
