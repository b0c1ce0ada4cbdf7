"""What an endpoint is: all that routes, checks and describes one question of the API, in one value.

The types of the function that answers are the endpoint's: `def reach(asked: Asked[ReachOf]) -> Reach` is asked with
the parameters of ReachOf and answers a Reach. mypy checks that it does; what a request is read as, how the answer is
sent and what the OpenAPI document says are taken from the same words.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from redis import Redis
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypeVar

from api import client
from api.answer.goals import meaning
from api.caller import Caller
from api.filter import parse
from api.parameter import Filtered, Nothing, NowOf
from api.pulse import Pulse
from api.registry.account import Account
from api.registry.store import Registry
from api.retained import NOTHING, Cut, Reads
from api.rights import PUBLIC, RIGHTS, Right
from api.span import Span
from ingest.contract.address import Network
from ingest.contract.site import Site
from rollups.client import Client
from rollups.read import Reader
from rollups.selection import select

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]
# Of one request nothing is asked but what its endpoint says; of an endpoint somewhere, anything may be.
_Given = TypeVar("_Given", bound=BaseModel, covariant=True, default=Nothing)
_Posted = TypeVar("_Posted", bound=BaseModel | None, covariant=True, default=None)
_Answered = TypeVar("_Answered", covariant=True)
Parameters = TypeVar("Parameters", bound=BaseModel, default=Any)
Body = TypeVar("Body", bound=BaseModel | None, default=Any)
Answer = TypeVar("Answer", default=Any)


@dataclass(frozen=True)
class Parts:
    """What answers are made from."""

    reader: Reader
    registry: Registry
    redis: Redis
    trusted: tuple[Network, ...]
    now: Callable[[], int]  # ms
    pulse: Pulse  # of ClickHouse
    client: Client
    base: str = ""  # path below which a proxy serves us
    elsewhere: Callable[[str, str], Iterable[dict[str, Any]]] = lambda *_: ()  # what others store of a visitor


@dataclass(frozen=True)
class Asked(Generic[_Given, _Posted]):
    """One request, understood. Only some endpoints have a `caller`, a `site`, a `span`; asking others is a bug."""

    parts: Parts
    request: Request
    now: int
    given_caller: Caller | None
    given_site: Site | None
    given_span: Span | None
    parameters: _Given
    body: _Posted
    cut: Cut = NOTHING  # what of the site is gone
    widened: bool = False  # the span is another one than was asked for

    @property
    def reader(self) -> Reader:
        return self.parts.reader

    @property
    def filtered(self) -> bool:
        """Whether `selected` is less than the site."""
        return isinstance(self.parameters, Filtered) and bool(self.parameters.filter or self.site.settings.hide)

    @property
    def sees_sessions(self) -> bool:
        """Whether the range has all its session rows."""
        return not self.cut.sessions or self.span.start >= self.cut.sessions

    @property
    def selected(self: "Asked[Filtered | NowOf, BaseModel | None]") -> Reader:
        """Of a site that had only the sessions which the filters select and its settings do not hide."""
        own = self.site.settings
        hidden = [parse(text) for text in own.hide]
        goals = {goal.name: meaning(goal) for goal in own.goals}
        return self.reader.selecting(select(self.parameters.filter, hidden, goals))

    def url(self, path: str) -> str:
        """The whole address of a page of ours."""
        return client.url(self.request, self.parts.trusted, self.parts.base + path)

    @property
    def registry(self) -> Registry:
        return self.parts.registry

    @property
    def caller(self) -> Account:
        """The account that asks; no public endpoint knows, and whoever has only a share link has none."""
        return self.who.account

    @property
    def who(self) -> Caller:
        """Who asks; no public endpoint knows."""
        assert self.given_caller is not None  # noqa: S101
        return self.given_caller

    @property
    def site(self) -> Site:
        """The site of the path, which is the caller's."""
        assert self.given_site is not None  # noqa: S101
        return self.given_site

    @property
    def span(self) -> Span:
        """The range that the parameters name."""
        assert self.given_span is not None  # noqa: S101
        return self.given_span


AnyAsked: TypeAlias = Asked[BaseModel, BaseModel | None]


@dataclass(frozen=True)
class Reply(Generic[_Answered]):
    """An answer that carries headers of its own."""

    body: _Answered
    headers: Mapping[str, str] = field(default_factory=dict)


class Types(NamedTuple):
    """Of an endpoint. `answer`: what is sent as JSON; None where nothing is, or the answer is a Response itself."""

    parameters: type[BaseModel]
    body: type[BaseModel] | None
    answer: Any


@dataclass(frozen=True)
class Endpoint(Generic[Parameters, Body, Answer]):
    """`answer` blocks, so it runs on a thread. Its annotations say what it is asked with and what it answers."""

    method: Method
    path: str  # behind /api
    name: str
    summary: str
    answer: Callable[[Asked[Parameters, Body]], Answer | Reply[Answer]]
    status: int = 200
    problems: tuple[int, ...] = ()  # statuses beyond those that follow from the rest
    of_data: bool = False  # answered from ClickHouse: has an ETag
    hashes: bool = False  # a password: takes 50 ms of every core and 64 MiB
    light: bool = False  # answered without ClickHouse
    tells_fresh: bool = False  # has a field `fresh_as_of`, null as `answer` leaves it
    bodiless: bool = False  # may come without a body: that is an empty one
    streams: str = ""  # the media type of an answer that is made while it is sent
    csv: bool = False  # `format=csv` gives the rows of its answer
    reads: Reads = "session ends"
    edge: Callable[[Span], Any] = lambda _: None  # what of a range's end shows, besides what happened before it

    @cached_property
    def types(self) -> Types:
        """As `answer` is annotated. Raises KeyError and ValueError where it is not."""
        hints = get_type_hints(self.answer)
        returned = hints.pop("return")
        if get_origin(returned) is Reply:
            (returned,) = get_args(returned)
        (asked,) = hints.values()
        parameters, body = get_args(asked) or (Nothing, type(None))
        sent = None if returned in (type(None), Response) else returned
        return Types(parameters, None if body is type(None) else body, sent)

    @property
    def right(self) -> Right | None:
        """What it asks of its caller; None: nothing. Raises KeyError if the table of rights does not have it."""
        return RIGHTS[self.name]

    @property
    def public(self) -> bool:
        return self.right is PUBLIC

    @property
    def of_site(self) -> bool:
        return "{site_id}" in self.path or "{visitor_id}" in self.path

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def statuses(self) -> list[int]:
        """Every status that it may answer with besides its own."""
        found = {503, *self.problems}
        if not self.public:
            found.add(401)
        if not self.public or self.changes:
            found.add(403)
        if self.types.parameters is not Nothing:
            found.add(400)
        if self.types.body is not None:
            found |= {400, 413}
        if self.of_data:
            found.add(304)
        return sorted(found)
