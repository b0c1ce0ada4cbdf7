"""`throughline repair`: what broken parts took with them is brought back from the log, the raw events and the sources.

Safe to run twice, and again after it was stopped: the broken parts stay until all is proven right.
"""

import re
from collections.abc import Callable, Container, Iterable, Sequence

from deploy import event_log, wiring
from deploy.folder import StackError
from deploy.peek import log_state
from deploy.prepare import engines
from deploy.rebuild import rebuild
from deploy.settings import Settings
from rollups import control, damage
from rollups.client import Client
from rollups.damage import Part
from rollups.mend import settle, settle_still
from rollups.verify import Difference, verify
from workers import repair as bring
from workers.repair import Placed

PLACES = ("progress", "decision")
_MONTH = re.compile(r"(\d{6})_\d+_\d+_\d+")  # of a part, in its name
MANY = 20  # differences that are told

_GONE = {
    "registry": "accounts, keys or sites may be gone, or their last changes: put the table back from a backup, or make "
    "them again (throughline account, key, site)",
    "migrations": "what was migrated is not known for sure: throughline migrate",
    "logs": "the next worker that starts writes it again",
    "control": "nothing is lost by it",
    "doubt": "nothing is lost by it",
}


def repair(settings: Settings, say: Callable[[str], None], *, lost: bool = False, wait_seconds: float = 60) -> bool:
    """Returns whether all is right again. `lost`: go on also where raw events are lost for good. Blocks.

    Raises StackError, ClickHouseUnavailable, LogUnavailable, RedisError, control.Unfinished, ClaimLost, Running.
    """
    if engines(settings).replicated:
        raise StackError("on a cluster replicas mend each other; one that lost all: SYSTEM RESTORE REPLICA")
    client = wiring.clickhouse(settings)
    with control.claim(client) as held:
        damage.find(client)
        parts = damage.aside(client)
        for part in parts:
            say(f"broken        {part.table}: part {part.name}, {part.bytes:,} bytes")
        tables = {part.table for part in parts}
        if broken := sorted(tables & {"kept", "retained"}):
            raise StackError(
                f"parts of {' and '.join(broken)} are broken, and nothing else says what rollups hold of months that "
                "are gone: put the table back from a backup; until then no rollup is made anew"
            )
        if not lost and (months := sealed(client, parts)):
            raise StackError(
                f"parts of sessions of {', '.join(map(str, months))} are broken. Events of such months are gone, as "
                "sites' retention says, so nobody can make their sessions again, though rollups still count them: "
                "put the table back from a backup. To go on without them, in rollups too: throughline repair --lost"
            )
        for table in sorted(tables & _GONE.keys()):
            say(f"{table:<13} {_GONE[table]}")
        placed = _places(client, log_state(settings).id, tables, parts, say) if parts else []
        if parts:
            control.hold_still(client, held, wait_seconds)
            bring.doubt(client)
        judge = bool(tables & {"events", "sessions"}) and _events(settings, held, tables, placed, lost, say)
        for place in placed:
            bring.recount(client, place)
        if parts:
            settle_still(client, held)
            say("rollups       equal to their sources")
    settle(client)
    differences = list(verify(client))
    if judge and (sites := sorted({each.site for each in differences if each.table == "sessions"})):
        _judge(settings, sites, say)
        differences = list(verify(client))
    return _proven(client, parts, differences, say)


def sealed(client: Client, parts: Iterable[Part]) -> list[int]:
    """The months (YYYYMM) of broken parts of sessions in which some site has no events any more. Blocks."""
    gone = client.rows("SELECT toYYYYMM(max(events)) AS month FROM retained")[0]["month"]
    found = [_MONTH.search(part.name) for part in parts if part.table == "sessions"]
    return sorted({month for each in found if each and (month := int(each[1])) < gone})


def _places(
    client: Client, log: str, tables: Container[str], parts: Iterable[Part], say: Callable[[str], None]
) -> list[Placed]:
    """Until it is known how far is counted, no worker goes on; nor would any hold still."""
    found = bring.places(client, log, decided="decision" not in tables) if "progress" in tables else []
    for placed in found:
        say(f"progress      partition {placed.partition} of {placed.log} is finished up to {placed.position}")
    if "decision" in tables and "progress" not in tables and (lines := bring.undecided(client, log)):
        raise StackError(
            f"the decision of a batch is lost of which {lines:,} lines lie in the raw events: deciding it anew could "
            "count them twice. Put the table decision back from a backup"
        )
    damage.drop(client, [part for part in parts if part.table in PLACES])
    return found


def _events(
    settings: Settings,
    held: control.Claim,
    tables: Container[str],
    placed: Sequence[Placed],
    lost: bool,
    say: Callable[[str], None],
) -> bool:
    """Whether visitors can be judged anew."""
    client, redis, consumer = wiring.clickhouse(settings), wiring.redis_client(settings), wiring.consumer(settings)
    try:
        if "events" in tables:
            back = bring.Back(0, 0, 0)
            for link in event_log.chain(settings):
                with event_log.member(settings, link, consumer) as each:
                    back = bring.Back(*map(sum, zip(back, bring.events(client, each), strict=True)))
            say(f"events        {back.lines:,} lines are back, of {back.batches:,} batches")
            if back.gone:
                say(f"events        of {back.gone:,} more the log no longer has the records")
            short = bring.missing(client, bool(placed), bool(back.gone))
            if short != 0 and not lost:
                some = "it is not known how many" if short is None else f"{short:,}"
                say(f"events        {some} lines that were counted are gone: of batches decided over a week ago, of")
                say("              records the log no longer has, or of a deleted site. Sessions stay as they are; to")
                say("              judge visitors by the events that are left: throughline repair --lost")
                return False
        held.check()
        bring.untear(client, redis, consumer)
        return True
    finally:
        consumer.close()
        redis.close()


def _judge(settings: Settings, sites: Iterable[str], say: Callable[[str], None]) -> None:
    known = wiring.registry(settings).state.site_by_id
    for name in sites:
        if (site := known.get(name)) is None:
            say(f"sessions      of site {name}, which the registry does not know: left as they are")
            continue
        visitors = rebuild(settings, site.id, site.revision, lambda _: None)
        say(f"sessions      {visitors:,} visitors of {site.domain} judged anew, by the settings of today")


def _proven(client: Client, parts: Iterable[Part], differences: list[Difference], say: Callable[[str], None]) -> bool:
    for each in differences[:MANY]:
        expected, found = each.expected or "nothing", each.found or "nothing"
        say(f"{each.site} {each.table} {each.key}: expected {expected}, found {found}")
    say(f"verify        {len(differences)} differences" if differences else "verify        no difference")
    proven = [part for part in damage.aside(client) if part in parts and part.table not in _GONE and not differences]
    damage.drop(client, proven)
    if proven:
        say(f"deleted       the broken parts: {damage.told(proven)}")
    for part in damage.aside(client):
        say(f"kept          ALTER TABLE {part.table} DROP DETACHED PART '{part.name}' deletes it")
    return not differences
