"""From a sender and a body to the lines of the log and the answer: the one way, whatever brought the request here."""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from ingest.admission import Knowledge, Sender, admit
from ingest.answer import Answer, Reply, accepted, refuse, too_many
from ingest.contract.address import Network, bucket, client_address, read_address
from ingest.contract.batch import Batch
from ingest.contract.event import Event, Line
from ingest.contract.incoming import Problem
from ingest.contract.posted import Posted
from ingest.contract.site import Site
from ingest.gather import Gatherer
from ingest.limit import Limiter
from ingest.log.protocol import LogUnavailable
from ingest.metrics import Metrics
from ingest.salt import Salts
from ingest.sites import Sites, SitesUnknown
from ingest.turn import SECONDS, in_turns

_REMEMBERED_BYTES = 200  # of forwarded addresses

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]  # names in lower case

Tell: TypeAlias = Callable[[Reply | None], None]

log = logging.getLogger(__name__)


class Caller(NamedTuple):
    """Who sends, as the head of the request tells; `key`: what the rate of its address is counted by.

    `token`: the hash of the key that a program came with; it is believed of whom it sends, the first of `forwarded`.
    """

    address: str
    key: bytes
    agent: str
    gpc: bool
    token: str = ""
    forwarded: str = ""


class Admitted(NamedTuple):
    """What goes to the log, and what was wrong beside it."""

    lines: list[Line]
    problems: list[Problem]


Steps: TypeAlias = Generator[Awaitable[bool] | None, bool | None, Reply | Admitted]


class Intake:
    """Turns requests into lines of the log and the log's acknowledgement into replies."""

    def __init__(
        self,
        sites: Sites,
        salts: Salts,
        gatherer: Gatherer,
        knowledge: Knowledge,
        address_limit: Limiter,
        site_limit: Limiter,
        trusted: Sequence[Network],
        now: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._sites = sites
        self._salts = salts
        self._gatherer = gatherer
        self._knowledge = knowledge
        self._address_limit = address_limit
        self._site_limit = site_limit
        self._now = now
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()

        def place(peer: str, forwarded: tuple[str, ...]) -> tuple[str, bytes]:
            address = client_address(peer, forwarded, trusted)
            return str(address), bucket(address)

        self._place = place
        self._place_again = lru_cache(4_096)(place)

    def caller(self, peer: str, headers: Headers) -> Caller | Reply:
        """Who sends, or the refusal of what need not even be read. The server bounds headers."""
        agent, gpc, authorization = None, None, None
        forwarded: tuple[str, ...] = ()
        for name, value in headers:
            if name == b"user-agent":
                agent = value if agent is None else agent
            elif name == b"sec-gpc":
                gpc = value if gpc is None else gpc
            elif name == b"x-forwarded-for":
                forwarded = (*forwarded, value.decode("latin-1"))
            elif name == b"authorization":
                authorization = value
        again = not forwarded or sum(map(len, forwarded)) <= _REMEMBERED_BYTES
        address, key = (self._place_again if again else self._place)(peer, forwarded)
        if wait := self._address_limit.wait(key, 1, self._now()):
            return too_many("address", wait)
        caller = Caller(address, key, (agent or b"").decode("latin-1"), (gpc or b"").strip() == b"1")
        if authorization is None:
            return caller
        return caller._replace(token=_token(authorization), forwarded=",".join(forwarded))

    async def take(self, caller: Caller, reading: Generator[None, None, Batch]) -> Reply:
        """The reply, once the log has what it accepts."""
        return await self._settle(await in_turns(self._steps(caller, reading)))

    def take_at_once(self, caller: Caller, reading: Generator[None, None, Batch], tell: Tell) -> None:
        """As `take`, without a task where nothing but the log is waited for.

        Calls `tell` once, now or later; with None where something broke. What breaks at once is raised.
        """
        steps = self._steps(caller, reading)
        end = time.perf_counter() + SECONDS
        try:
            while (wanted := next(steps)) is None and time.perf_counter() < end:
                pass
        except StopIteration as stop:
            outcome: Reply | Admitted = stop.value
            if isinstance(outcome, Reply):
                tell(outcome)
            else:
                self._write(outcome, tell)
            return
        task = asyncio.ensure_future(self._go_on(steps, wanted, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _go_on(self, steps: Steps, wanted: Awaitable[bool] | None, tell: Tell) -> None:
        try:
            tell(await self._settle(await in_turns(steps, wanted)))
        except Exception:
            log.exception("a request failed")
            tell(None)

    async def _settle(self, outcome: Reply | Admitted) -> Reply:
        if isinstance(outcome, Reply):
            return outcome
        settled: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._write(outcome, lambda reply: None if settled.done() else settled.set_result(reply))
        return await settled

    def _steps(self, caller: Caller, reading: Generator[None, None, Batch]) -> Steps:
        """Yields None where others may have a turn, or what has to be waited for."""
        poster = None
        if caller.token:
            # Before the body costs anything. The key may be a moment old.
            poster = self._sites.poster(caller.token)
            if poster is None and not (yield self._look_for_key()):
                return refuse(503, "the list of keys is unavailable", 2)
            poster = poster or self._sites.poster(caller.token)
            if poster is not None:
                caller = _believed(caller)
        batch = yield from reading
        received = self._now()
        if poster is not None:
            self._sites.note_use(poster, received)
        if wait := self._address_limit.wait(caller.key, batch.size, received):
            return too_many("address", wait)
        self._address_limit.take(caller.key, batch.size, received)
        if not batch.events:
            return Reply(400, Answer(errors=batch.problems))
        sites = {posted.site for _, posted in batch.events}
        if not self._sites.knows(sites) and not (yield self._look_again(sites)):
            # A 404 would make the sender give up events of a site that may exist.
            return refuse(503, "the list of sites is unavailable", 2)
        known: list[tuple[Posted, Site]] = []
        problems = list(batch.problems)
        for index, posted in batch.events:
            site = self._sites.find(posted.site)
            if site is None:
                problems.append(Problem(index, "site", "unknown tracking id"))
            elif poster is not None and site.id not in poster.sites:
                problems.append(Problem(index, "site", "not a site of this key"))
            else:
                known.append((posted, site))
        problems.sort(key=lambda problem: problem.index)
        if not known:
            return Reply(400 if batch.problems else 404, Answer(errors=problems))
        if wait := self._over_site_rate(known, received):
            return too_many("site", wait)
        if not self._salts.held(received):
            yield self._hold_salts(received)
        sender = Sender(received, caller.address, caller.agent, caller.gpc, poster is not None)
        lines: list[Line] = []
        for posted, site in known:
            lines.append(admit(posted, site, sender, self._knowledge))
            yield None
        return Admitted(lines, problems)

    def _write(self, admitted: Admitted, tell: Callable[[Reply], None]) -> None:
        lines, problems = admitted
        begun = time.perf_counter()

        def written(error: LogUnavailable | None) -> None:
            self._metrics.write_seconds.observe(time.perf_counter() - begun)
            if error is not None:
                tell(_unavailable(error))
                return
            filtered: dict[str, int] = Counter([line.reason for line in lines if not isinstance(line, Event)])
            if filtered or problems:
                tell(Reply(202, Answer(len(lines) - sum(filtered.values()), filtered, problems)))
            else:
                tell(accepted(len(lines)))

        self._gatherer.add(lines, written)

    async def _look_again(self, tracking_ids: set[str]) -> bool:
        """Whether anybody can say which of them exist."""
        try:
            await self._sites.look_again(tracking_ids)
        except SitesUnknown:
            return False
        return True

    async def _look_for_key(self) -> bool:
        """Whether anybody can say which keys there are."""
        try:
            await self._sites.look()
        except SitesUnknown:
            return False
        return self._sites.known

    async def _hold_salts(self, received: int) -> bool:
        await self._salts.hold(received)
        return True

    def _over_site_rate(self, known: list[tuple[Posted, Site]], now: int) -> float:
        """Seconds until every site of the batch has room, or 0 after its events are taken from their rates."""
        if not self._site_limit.on:
            return 0
        events = Counter(site.id.encode() for _, site in known)
        wait = max(self._site_limit.wait(key, count, now) for key, count in events.items())
        if not wait:
            for key, count in events.items():
                self._site_limit.take(key, count, now)
        return wait


def _token(authorization: bytes) -> str:
    """The hash of the key in the header; "" if there is none: a proxy before us may ask for a password of its own."""
    scheme, _, key = authorization.strip().partition(b" ")
    key = key.strip()
    return hashlib.sha256(key).hexdigest() if scheme.lower() == b"bearer" and key.startswith(b"sk_") else ""


def _believed(caller: Caller) -> Caller:
    """The caller as who the program says that it sends for, if it says so."""
    address = read_address(caller.forwarded.partition(",")[0])
    return caller if address is None else caller._replace(address=str(address), key=bucket(address))


def _unavailable(error: LogUnavailable) -> Reply:
    return refuse(503, f"the event log is unavailable: {error.brief}", error.retry_after)
