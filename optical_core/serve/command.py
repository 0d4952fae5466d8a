"""`optical serve`: load, listen, answer, and end well."""

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
"""How long a server that is told to stop waits for the searches that it has taken on."""
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
    """Answer searches until SIGTERM, SIGINT or SIGHUP; port 0 takes a free one, which is printed.

    names and token: whom it answers, see `Access.of`. index: mode, engine and uri, see
    `load_holdings`.

    Raises:
        InputError: unknown names, an address that is taken, or without the extra `serve`.
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
    # Bound first: that the port is taken is told at once, not after minutes of indexing.
    with _bound(host, port) as listener:
        holdings = load_holdings(collections, models, device=device, **index)
        _warm_up(holdings)
        config = uvicorn.Config(
            create_app(holdings, limits, access),
            http=guarded(limits.connections),
            # It warns of every stranger's request that is no HTTP.
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
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
    """Have SIGTERM, SIGINT and SIGHUP end the server well; `nohup` is left in force."""
    # uvicorn stops on the first two, and raises them again when all is answered: no failure.
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
    """One search of each kind: what is opened at first use is opened now."""
    from optical_core.serve.answering import answer_together
    from optical_core.serve.schema import SearchRequest

    for model, collection in holdings.searchers:
        answer_together(
            holdings, [SearchRequest(collection=collection, model=model, query="water")]
        )
