"""Who may ask: under which names the server is known, and with which token.

A web page of anywhere can have its own name resolved to 127.0.0.1 (DNS rebinding) and ask as if
the server were its own. Such a request still says the page's name as its Host: what isn't known is
refused.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optical_core.errors import InputError

if TYPE_CHECKING:
    from starlette.types import Scope

ANY = "*"
TOKEN_VARIABLE = "OPTICAL_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable: the token that the server asks for and its client sends."""
OPEN_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
"""Answered without the token: they say nothing of what is served."""
_HOST = re.compile(r"(?P<name>\[[^\]/@]*\]|[^\s/@?#,:\[\]]+)(?::\d*)?")
"""A Host header: a name or an address (in brackets if it has colons), and maybe a port."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Refusal:
    """Status and sentence of a request that isn't let in."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Access:
    """Names that the server is known by, and the token it asks for (none if empty).

    addresses: any address in numbers is known, for a server that listens on all of them. No page
    can be rebound from such a one.
    """

    names: frozenset[str]
    addresses: bool = False
    token: str = ""

    @classmethod
    def of(cls, host: str, more: Iterable[str] = (), token: str = "") -> Access:
        """Known by the loopback's names, by the `host` it listens on and by `more`; `*` is any.

        Raises:
            InputError: what is no name of a host, or a token that no header can hold.
        """
        check_token(token)
        names = {_name(text) for text in (*_LOOPBACK, host, *more) if text != ANY}
        everywhere = _is_wildcard(host)
        return cls(frozenset(names | ({ANY} & set(more))), everywhere, token)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request isn't let in; None where it is."""
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


def check_token(token: str) -> None:
    """Raise InputError for a token that no header can hold."""
    if not token.isascii() or any(character <= " " for character in token):
        raise InputError(
            f"{TOKEN_VARIABLE} must be of ASCII letters, digits and signs, without blanks"
        )


def _name(text: str) -> str:
    """A host's name as it is compared; InputError for what is none."""
    name = _compared(text)
    if not _is_address(name) and not re.fullmatch(r"[^\s/@?#,:\[\]]+", name):
        raise InputError(f"{text!r} is no name of a host: search.example.org would be one")
    return name


def _compared(text: str) -> str:
    """Lower case, without brackets and the root's dot."""
    return text.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _is_wildcard(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
