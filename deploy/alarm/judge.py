"""What a look at the system means: pure. docs/alarms.md says of each kind what to do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

FRESH_SECONDS = 300
BATCH_SECONDS = 300
FULL, EMPTIER = 0.8, 0.75  # a share that begins an alarm, and one that ends it: not on and off
SILENT_MS = 3_600_000  # that no site is asked about
KINDS = ("fresh", "dead", "batch", "disk", "states", "log", "site")


@dataclass(frozen=True)
class Share:
    """Bytes that are taken of what there is."""

    taken: int
    all: int


@dataclass(frozen=True)
class Silence:
    """Of a site, ms: since its last event, and the longest that it was silent in the weeks before."""

    site: str
    name: str
    now: int
    longest: int


@dataclass(frozen=True)
class Looked:
    """What was seen; None: it could not be. `unfresh`: seconds that the numbers are old; `batch`: that the oldest
    decided batch waits for its end; `heard`: sites about which anything is known.
    """

    unfresh: float | None = None
    dead: Mapping[str, int] | None = None
    batch: float | None = None
    disks: Mapping[str, Share] | None = None
    states: Share | None = None
    log: Share | None = None
    silences: Sequence[Silence] | None = None
    heard: Collection[str] = field(default_factory=frozenset)


def alarms(looked: Looked, held: Collection[str]) -> dict[str, str]:
    """Name → sentence of every alarm that is on; `held`: the names of those that were."""
    found: dict[str, str] = {}
    if looked.unfresh is not None and looked.unfresh > FRESH_SECONDS:
        found["fresh"] = "the numbers have not been up to date for over 5 minutes: events wait and are not counted"
    if looked.dead:
        kinds = "; ".join(f"{count:,} {reason}" for reason, count in looked.dead.items())
        found["dead"] = f"{sum(looked.dead.values()):,} lines of the log are dead letters, not counted: {kinds[:500]}"
    if looked.batch is not None and looked.batch > BATCH_SECONDS:
        found["batch"] = "a batch has not gone into ClickHouse for over 5 minutes"
    for name, share in (looked.disks or {}).items():
        _full(found, held, f"disk:{name}", share, f"the disk of {name}")
    _full(found, held, "states", looked.states, "the room for visitors' states in Redis")
    _full(found, held, "log", looked.log, "the room for the event log in Redis")
    for silence in looked.silences or ():
        limit = max(2 * silence.longest, SILENT_MS)
        if silence.now > limit:
            found[f"site:{silence.site}"] = (
                f"{silence.name} has sent nothing for {silence.now / SILENT_MS:.0f} h; "
                f"in the weeks before it was never silent for over {max(1, silence.longest / SILENT_MS):.0f} h"
            )
    for name in held:
        kind = name.partition(":")[0]
        unseen = kind in unknown(looked) or (kind == "site" and name.partition(":")[2] not in looked.heard)
        if unseen and name not in found:
            found[name] = ""  # whatever it was, it is not known to be over
    return found


def unknown(looked: Looked) -> set[str]:
    """The kinds that could not be looked at."""
    values = (
        *(looked.unfresh, looked.dead, looked.batch, looked.disks, looked.states, looked.log),
        looked.silences,
    )
    return {kind for kind, value in zip(KINDS, values, strict=True) if value is None}


def _full(found: dict[str, str], held: Collection[str], name: str, share: Share | None, what: str) -> None:
    if share is not None and share.all and share.taken >= share.all * (EMPTIER if name in held else FULL):
        found[name] = f"{what} is {100 * share.taken / share.all:.0f} % full"
