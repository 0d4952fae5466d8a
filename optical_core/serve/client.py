"""The client of `optical serve`: a server's models can be used like local ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from optical_core.data.corpus import Passage
from optical_core.data.trec import Hits
from optical_core.errors import InputError
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import Share, TokenMatch
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.windows import Window
from optical_core.serve.access import check_token, environment_token
from optical_core.serve.schema import (
    API,
    API_HEADER,
    MOST_EXPLAINED,
    BatchAnswer,
    BatchRequest,
    Health,
    Match,
    Problem,
    SearchAnswer,
    SearchRequest,
    ServedCollection,
    ServedModel,
    Topics,
    search_request,
)

T = TypeVar("T")

ANSWER_SECONDS = 60.0
"""Seconds to wait for an answer: a full queue on a small machine takes that long."""
CONNECT_SECONDS = 5.0
_AT_ONCE = 2
"""Requests of a run that are sent at the same time."""
_CHARACTERS = 10_000
"""Most characters of a batch: escaped, they fit into the body that a server takes by default."""


class Server:
    """A server of `optical serve`.

    Every method raises InputError if the server is away, is busy, has another version, or doesn't
    serve the name.

    Examples:
        >>> Server("localhost:8601")
        Traceback (most recent call last):
        ...
        optical_core.errors.InputError: a server's address is http://HOST:PORT, got 'localhost:8601'
    """

    def __init__(self, address: str, *, client: Any = None) -> None:
        """Connect on first use.

        Args:
            address: `http://host:port`.
            client: an httpx client. The default one sends the token in `$OPTICAL_TOKEN`, if there
                is one.

        Raises:
            InputError: it is no such address, or the extra `serve` is missing.
        """
        self.address = address.strip().rstrip("/")
        if not self.address.startswith(("http://", "https://")):
            raise InputError(f"a server's address is http://HOST:PORT, got {address!r}")
        if client is None:
            httpx = _httpx()
            client = httpx.Client(
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS), headers=_headers()
            )
        self._client = client

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> Health:
        """The server's state."""
        return self._ask("GET", "/health", Health)

    def models(self) -> list[ServedModel]:
        """The models that are served."""
        return self._ask("GET", "/models", list[ServedModel])

    def collections(self) -> list[ServedCollection]:
        """The collections that are served."""
        return self._ask("GET", "/collections", list[ServedCollection])

    def topics(self, collection: str, code: str) -> Topics:
        """A collection's queries in one language, and their judgements."""
        return self._ask("GET", f"/collections/{quote(collection, safe='')}/queries/{code}", Topics)

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Search one of the collections."""
        # An older server doesn't know the condition.
        body = request.model_dump(exclude=None if request.where else {"where"})
        return self._ask("POST", "/search", SearchAnswer, json=body)

    def search_all(self, request: BatchRequest) -> BatchAnswer:
        """Search one of the collections for many queries; `health` tells how many are taken."""
        return self._ask("POST", "/search", BatchAnswer, json=request.model_dump())

    def _ask(self, method: str, path: str, form: type[T], **options: Any) -> T:
        httpx = _httpx()
        try:
            response = self._client.request(method, self.address + path, **options)
        except httpx.ReadTimeout as error:
            raise InputError(
                f"the server at {self.address} did not answer within {ANSWER_SECONDS:g} s"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(
                f"no server answers at {self.address} ({error}); start one with `optical serve`"
            ) from error
        spoken = response.headers.get(API_HEADER)
        if spoken is None:
            raise InputError(f"the server at {self.address} is not a server of `optical serve`")
        if spoken != API:
            raise InputError(
                f"the server at {self.address} speaks version {spoken} of the interface, this "
                f"program version {API}: install the same version of optical-workbench on both"
            )
        if response.status_code != 200:
            raise InputError(self._refusal(response))
        try:
            return TypeAdapter(form).validate_json(response.content)
        except ValidationError as error:
            raise InputError(
                f"the server at {self.address} sent an answer that can't be read"
            ) from error

    def _refusal(self, response: Any) -> str:
        try:
            text = str(response.json()["detail"])
        except (ValueError, KeyError, TypeError):
            text = f"status {response.status_code}"
        pause = response.headers.get("retry-after")
        when = f" in {pause} s" if pause else ""
        return f"the server at {self.address} says: {text}{when}"


class RemoteSearcher(Searcher):
    """Searches one of a server's collections with one of its models.

    Examples:
        >>> from optical_core.serve.schema import ServedCollection, ServedModel
        >>> model = ServedModel(
        ...     name="bm25", kind="baseline", languages=[], token_level=False, weights=""
        ... )
        >>> demo = ServedCollection(
        ...     name="demo", description="", licence="CC0", languages=["en"], parallel=True,
        ...     passages=420, fingerprint="",
        ... )
        >>> searcher = RemoteSearcher(Server("http://localhost:8601", client=object()), model, demo)
        >>> searcher.name, searcher.explains
        ('bm25', False)
    """

    def __init__(self, server: Server, model: ServedModel, collection: ServedCollection) -> None:
        self.server, self.name, self.collection = server, model.name, collection.name
        self.weights, self.scale = model.weights, model.scale
        self.explains = model.explains or model.token_level  # which is all that older servers tell
        self.fuses = model.joined
        self._version = collection.fingerprint

    @property
    def identity(self) -> str:
        return f"{self.server.address} {self.name} {self.weights} {self._version}"

    def answer(
        self, query: str, *, top: int = 10, explain: bool = False, where: str = ""
    ) -> SearchAnswer:
        """The server's answer, with the passages' texts.

        Args:
            query: as it was typed.
            top: most results.
            explain: with token matches?
            where: a condition on the passages' fields.

        Raises:
            InputError: the server can't answer, or the query is empty.
        """
        request = search_request(
            collection=self.collection,
            model=self.name,
            query=query,
            top=top,
            explain=explain,
            where=where,
        )
        return self.server.search(request)

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        if among is not None:
            raise InputError("a server takes a condition (`answer`), not a list of passages")
        answers = self.answers([query.text for query in queries], top=top)
        return [[(result.id, result.score) for result in answer.results] for answer in answers]

    def answers(self, queries: Sequence[str], *, top: int = 10) -> list[SearchAnswer]:
        """The server's answers to many queries, in their order; arguments as of `answer`.

        Raises:
            InputError: the server can't answer one of them.
        """
        most = self.server.health().most_queries if len(queries) > 1 else 1
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            if most == 1:
                return list(threads.map(lambda query: self.answer(query, top=top), queries))
            batches = [self._batch(part, top) for part in _parts(queries, most)]
            answered = threads.map(self.server.search_all, batches)
            found = [one for batch in answered for one in batch.answers]
        for query, answer in zip(queries, found, strict=True):
            if isinstance(answer, Problem):
                raise InputError(f"the query {query!r:.80}: {answer.detail}")
        return [answer for answer in found if isinstance(answer, SearchAnswer)]

    def _batch(self, queries: Sequence[str], top: int) -> BatchRequest:
        return BatchRequest(
            collection=self.collection, model=self.name, queries=list(queries), top=top
        )

    def shares(
        self, query: Query, passages: Sequence[Passage], *, among: frozenset[str] | None = None
    ) -> list[list[Share]]:
        """Shares of passages that are among the query's best `MOST_EXPLAINED`."""
        if among is not None:
            raise InputError("a server takes a condition (`shares_where`), not a list of passages")
        return self.shares_where(query.text, passages, "")

    def shares_where(
        self, query: str, passages: Sequence[Passage], where: str
    ) -> list[list[Share]]:
        """`shares`, for passages that were found with a condition."""
        results = self.answer(query, top=MOST_EXPLAINED, explain=True, where=where).results
        shares = {r.id: [Share(**share.model_dump()) for share in r.shares or ()] for r in results}
        return [shares.get(passage.id, []) for passage in passages]

    def explain(self, query: Query, passages: Sequence[Passage]) -> list[list[TokenMatch]]:
        """Token matches of passages that are among the query's best `MOST_EXPLAINED`."""
        return self.explain_where(query.text, passages, "")

    def explain_where(
        self, query: str, passages: Sequence[Passage], where: str
    ) -> list[list[TokenMatch]]:
        """`explain`, for passages that were found with a condition."""
        results = self.answer(query, top=MOST_EXPLAINED, explain=True, where=where).results
        matches = {r.id: [_match(m, r.window) for m in r.matches or ()] for r in results}
        return [matches.get(passage.id, []) for passage in passages]


def _parts(queries: Sequence[str], most: int) -> Iterator[list[str]]:
    """Divide queries into requests of at most `most` queries and `_CHARACTERS` characters."""
    part: list[str] = []
    for query in queries:
        if part and (len(part) == most or sum(map(len, part)) + len(query) > _CHARACTERS):
            yield part
            part = []
        part.append(query)
    if part:
        yield part


def _match(match: Match, window: Window | None) -> TokenMatch:
    query = _token(match.query, match.query_span)
    passage = _token(match.passage, match.passage_span)
    return TokenMatch(query, passage, match.contribution, window, match.gloss)


def _token(piece: str, span: tuple[int, int]) -> Token:
    return Token(piece, -1, *span, "text", True)


def _headers() -> dict[str, str]:
    token = environment_token()
    check_token(token)
    return {"Authorization": f"Bearer {token}"} if token else {}


def _httpx() -> Any:
    try:
        import httpx2
    except ImportError as error:
        raise InputError(
            'asking a server is an optional extra: pip install "optical-workbench[serve]"'
        ) from error
    return httpx2
