"""Requests and answers over HTTP, shared by the server and its client."""

from __future__ import annotations

from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from optical_core.data.lines import check_characters, is_blank
from optical_core.errors import InputError
from optical_core.retrieval.windows import Window
from optical_core.validation import first_problem

API = "1"
"""Version of this interface. It is raised when an older client would misread an answer."""
API_HEADER = "optical-api"
"""Header of every response, errors included: it tells a client that this is our server."""
MOST_EXPLAINED = 20
"""Most results with token matches in an answer: each one costs as much as a search."""

_REQUEST: dict[str, Any] = {
    "collection": "demo",
    "model": "optical-lowres",
    "query": "Kwa nini bahari ina chumvi?",
    "top": 3,
    "explain": True,
}
_BATCH: dict[str, Any] = {
    "collection": "demo",
    "model": "optical-lowres",
    "queries": ["Kwa nini bahari ina chumvi?", "Samaki mkubwa zaidi ni yupi?"],
    "top": 3,
}
_RESULT: dict[str, Any] = {
    "rank": 1,
    "id": "craft-13a",
    "score": 4.5402,
    "title": "Buoyancy and Archimedes",
    "text": "Archimedes of Syracuse, who died in 212 BC, stated that …",
    "matches": [
        {
            "query": "Kwa",
            "passage": "why",
            "contribution": 0.5919,
            "query_span": [0, 3],
            "passage_span": [183, 186],
        }
    ],
}


class _Asked(BaseModel):
    """What requests for one query and for many have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    collection: str
    model: str
    top: int = Field(default=10, ge=1, description="Passages wanted; the server has a limit.")
    explain: bool = Field(
        default=False,
        description=f"With token matches or shares; for at most {MOST_EXPLAINED} passages.",
    )

    where: str = Field(
        default="",
        description="A condition in SQL on the passages' fields, and on `_language`, the code of "
        "the language that a passage says: `year >= 2020 and _language in ('sw', 'so')`.",
    )

    @field_validator("collection", "model", "where")
    @classmethod
    def _whole_characters(cls, text: str, info: ValidationInfo) -> str:
        check_characters(text, f"the {info.field_name}")
        return text

    @model_validator(mode="after")
    def _few_explained(self) -> Self:
        if self.explain and self.top > MOST_EXPLAINED:
            raise ValueError(
                f"token matches are given for at most {MOST_EXPLAINED} passages, top is {self.top}"
            )
        return self


class SearchRequest(_Asked):
    """A query to one of the server's models, on one of its collections."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REQUEST]})

    query: str = Field(description="In any language; not blank.")

    @field_validator("query")
    @classmethod
    def _not_blank(cls, query: str) -> str:
        check_characters(query, "the query")
        if is_blank(query):
            raise ValueError("the query is empty: type at least one word")
        return query


class BatchRequest(_Asked):
    """Queries to one of the server's models. They are encoded together, as far as they fit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    queries: list[str] = Field(min_length=1, description="Each as `query` of a SearchRequest.")


class Match(BaseModel):
    """A query token's best passage token, and its contribution to the score.

    For BM25, a word of the query, where the passage has it first, and its weight there.

    Spans are (start, end) in the query, and in the passage as it was encoded: `title. text`, or
    the text alone if there is no title. After the tokens of the query come those of its gloss, if
    it has one, with spans in the gloss.
    """

    query: str
    passage: str
    contribution: float
    query_span: tuple[int, int]
    passage_span: tuple[int, int]
    gloss: bool = Field(False, description="Whether the query token is one of its gloss.")


class PartShare(BaseModel):
    """The share of one of the joined models, or of a weighted word, in a passage's score."""

    name: str
    rank: int | None = Field(
        description="In the part's ranking; null if it isn't found there, and for a word."
    )
    score: float | None
    share: float = Field(description="The shares add up to `score`; 0 if it chooses passages only.")


class Result(BaseModel):
    """A ranked passage. `matches`, or `shares`, add up to `score` (before it is rounded).

    Models with token vectors and BM25 have matches, joined models have shares; a joined one whose
    last stage has matches has both.
    """

    rank: int
    id: str
    score: float
    title: str
    text: str
    language: str | None = Field(None, description="Code of its language, if the passage says it.")
    fields: dict[str, Any] = Field({}, description="The passage's other fields, if it has some.")
    matches: list[Match] | None = None
    shares: list[PartShare] | None = None
    window: Window | None = Field(
        None, description="With `matches`, where long passages are indexed in windows."
    )


class AddedTerm(BaseModel):
    """A word or token that feedback has added to a query, and how much it counts."""

    text: str
    weight: float


class SearchAnswer(BaseModel):
    """The best passages, best first; equal scores are ordered by falling id, as in trec_eval."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {key: _REQUEST[key] for key in ("collection", "model", "query")}
                | {"results": [_RESULT]}
            ]
        }
    )

    collection: str
    model: str
    query: str
    gloss: str = Field(
        "", description="The query with words put in English, if it is asked so too."
    )
    added: list[AddedTerm] = Field([], description="If the model expands queries (+rm3, +prf).")
    results: list[Result]


class Problem(BaseModel):
    """An error in one sentence."""

    detail: str


class BatchAnswer(BaseModel):
    """The answer to each query of a batch, in their order, or what is wrong with the query."""

    answers: list[SearchAnswer | Problem]


class ServedModel(BaseModel):
    """A model that is served. Only models that explain have matches, only joined ones shares."""

    name: str
    kind: str = Field(examples=["student", "encoder", "baseline", "pipeline", "expansion"])
    languages: list[str]
    token_level: bool = Field(description="Whether its scores are made of token vectors.")
    explains: bool = Field(False, description="Whether its answers can have matches.")
    scale: str = Field("", description="Scores of models with the same scale can be compared.")
    joined: bool = Field(False, description="Whether it joins other models.")
    weights: str = Field(description="Hash of its encoder: changes when it is trained anew.")


class ServedCollection(BaseModel):
    """A collection that is served."""

    name: str
    description: str
    licence: str
    languages: list[str]
    parallel: bool
    passages: int
    passage_languages: dict[str, int] = Field(
        {}, description="Number of passages by language, as far as they say theirs."
    )
    fingerprint: str = Field(description="Hash of its files: equal for equal collections.")


class Topics(BaseModel):
    """A collection's queries in one language, with their judged passages."""

    queries: dict[str, str] = Field(examples=[{"q1": "Kwa nini bahari ina chumvi?"}])
    judgements: dict[str, dict[str, int]] = Field(examples=[{"q1": {"earth-11b": 2}}])


class Health(BaseModel):
    """The state of a server; it is sent only when everything is loaded."""

    status: str = Field(examples=["ok"])
    version: str
    waiting: int = Field(description="Queries that wait to be encoded.")
    most_results: int = Field(description="The largest `top` that is taken.")
    most_queries: int = Field(1, description="Most queries in a request.")


def search_request(**values: Any) -> SearchRequest:
    """Make a request from Python values.

    Raises:
        InputError: the values make no valid request.

    Examples:
        >>> search_request(collection="demo", model="bm25", query="salty sea").top
        10
    """
    try:
        return SearchRequest(**values)
    except ValidationError as error:
        raise InputError(first_problem(error)) from error
