"""Who may ask: the server's known names, and its token.

Any web page can make its own name resolve to 127.0.0.1 (DNS rebinding) and then ask the server as
if it were the page's own. Such a request still has the page's name as its Host: requests to unknown
names are refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optical_core.errors import InputError

if TYPE_CHECKING:
    from starlette.types import Scope

ANY = "*"
TOKEN_VARIABLE = "OPTICAL_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with the token that the server asks for and the client sends."""
OPEN_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
"""Paths that need no token: they say nothing about what is served."""
_HOST = re.compile(r"(?P<name>\[[^\]/@]*\]|[^\s/@?#,:\[\]]+)(?::\d*)?")
"""A Host header: a name or an address (in brackets if it has colons), and an optional port."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Refusal:
    """The answer to a request that isn't allowed: a status and a sentence."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Access:
    """Names that the server is known by, and the token that it asks for.

    Attributes:
        names: hosts in lower case; `*` for any.
        addresses: is every numeric address known? For a server that listens on all of them; DNS
            rebinding needs a name.
        token: the token; empty if none is needed.

    Examples:
        >>> access = Access.of("127.0.0.1", ["search.example.org"])
        >>> scope = {"path": "/search", "headers": [(b"host", b"elsewhere.example:8601")]}
        >>> access.refusal(scope).status
        400
    """

    names: frozenset[str]
    addresses: bool = False
    token: str = ""

    @classmethod
    def of(cls, host: str, more: Iterable[str] = (), token: str = "") -> Access:
        """Access by the loopback's names, the `host` that the server listens on, and `more` names.

        Args:
            host: name or address that the server listens on.
            more: further names; `*` allows any.
            token: the token that requests need; empty for none.

        Raises:
            InputError: a name is no host's name, or a header can't contain the token.
        """
        check_token(token)
        names = {_name(text) for text in (*_LOOPBACK, host, *more) if text != ANY}
        everywhere = _is_wildcard(host)
        return cls(frozenset(names | ({ANY} & set(more))), everywhere, token)

    def refusal(self, scope: Scope) -> Refusal | None:
        """The refusal of a request that isn't allowed; None if it is."""
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._knows(host):
            return Refusal(
                400, f"this server isn't known as {host[:80]!r}: start it with --allow-host NAME"
            )
        if self.token and scope["path"] not in OPEN_PATHS:
            scheme, _, sent = headers.get(b"authorization", b"").partition(b" ")
            same = hmac.compare_digest(sent.strip(), self.token.encode())
            if scheme.lower() != b"bearer" or not same:
                return Refusal(
                    401,
                    "a token is needed: send it as `Authorization: Bearer TOKEN`",
                    (("WWW-Authenticate", "Bearer"),),
                )
        return None

    def _knows(self, host: str) -> bool:
        if ANY in self.names:
            return True
        parts = _HOST.fullmatch(host)
        if not parts:
            return False
        name = _compared(parts["name"])
        return name in self.names or (self.addresses and _is_address(name))


def environment_token() -> str:
    """The token in `$OPTICAL_TOKEN`, without blanks around it; empty if the variable isn't set.

    Raises:
        InputError: it is set and empty: whoever wanted a token must not go without one.
    """
    given = os.environ.get(TOKEN_VARIABLE)
    if given is not None and not given.strip():
        raise InputError(f"{TOKEN_VARIABLE} is empty: give it a token, or unset it")
    return (given or "").strip()


def check_token(token: str) -> None:
    """Check a token.

    Raises:
        InputError: a header can't contain it.
    """
    if not token.isascii() or any(character <= " " for character in token):
        raise InputError(
            f"{TOKEN_VARIABLE} must be of ASCII letters, digits and signs, without blanks"
        )


def _name(text: str) -> str:
    """A host's name in the form in which names are compared.

    Raises:
        InputError: the text is no name of a host.
    """
    name = _compared(text)
    if not _is_address(name) and not re.fullmatch(r"[^\s/@?#,:\[\]]+", name):
        raise InputError(f"{text!r} is no name of a host: search.example.org would be one")
    return name


def _compared(text: str) -> str:
    """Lower case, without brackets and the final dot."""
    return text.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _is_wildcard(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
