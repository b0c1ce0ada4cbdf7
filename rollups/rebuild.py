"""Rebuilds that somebody asked for: whose past is to be judged anew, by which settings, and how far that is.

The newest wish of a site stands for it; an older one that was under way is over, whatever is written of it.
"""

import secrets
from typing import Any, Literal, NamedTuple, TypeAlias

from rollups.client import TOKEN_SETTINGS, Client
from rollups.sql import statement

State: TypeAlias = Literal["accepted", "running", "done", "failed"]

TRIES = 10  # that are begun and do not end
_TYPES = {
    "site": "String",
    "rebuild": "String",
    "revision": "UInt64",
    "at": "DateTime64(3, 'UTC')",
    "state": "String",
    "step": "UInt64",
    "done": "UInt64",
    "visitors": "UInt64",
}
_STEPS = 1_000_000  # of a try


class Rebuild(NamedTuple):
    """`revision`: of the site's settings; `at`: when it was asked for, ms; `step` grows with whatever is written of it;
    `done` of `visitors` are judged anew.
    """

    site: str
    rebuild: str
    revision: int
    at: int
    state: State
    step: int = 0
    done: int = 0
    visitors: int = 0

    @property
    def open(self) -> bool:
        return self.state in ("accepted", "running")

    def begun(self) -> "Rebuild":
        """The next try, which outdoes whatever an earlier one still writes; failed if there were too many."""
        tries = self.step // _STEPS
        if tries == TRIES:
            return self.now("failed", self.done, self.visitors)
        return self._replace(state="running", step=(tries + 1) * _STEPS, done=0)

    def now(self, state: State, done: int, visitors: int) -> "Rebuild":
        """The same, a step further."""
        return self._replace(state=state, step=self.step + 1, done=done, visitors=visitors)


def accept(client: Client, site: str, revision: int, at: int) -> Rebuild:
    """Write down that a site is to be judged by the settings of a revision; one by it that is under way already is told
    again. Blocks; raises ClickHouseUnavailable.
    """
    was = latest(client, site)
    if was is not None and was.open and was.revision == revision:
        return was
    # After the one that it is to stand before, also when the clock was put back meanwhile.
    made = Rebuild(site, secrets.token_hex(8), revision, at if was is None else max(at, was.at + 1), "accepted")
    write(client, made)
    return made


def latest(client: Client, site: str) -> Rebuild | None:
    """The newest of a site. Blocks; raises ClickHouseUnavailable."""
    return next(iter(_read(client, site)), None)


def waiting(client: Client) -> list[Rebuild]:
    """What is under way or still to be begun, the oldest first. Blocks; raises ClickHouseUnavailable."""
    return sorted((each for each in _read(client, "") if each.open), key=lambda each: (each.at, each.site))


def write(client: Client, one: Rebuild) -> None:
    """Write down how far it is. Blocks; raises ClickHouseUnavailable."""
    columns: list[list[Any]] = [[getattr(one, name)] for name in _TYPES]
    client.insert(
        "rebuild", tuple(_TYPES), tuple(_TYPES.values()), columns, {**TOKEN_SETTINGS, "insert_deduplicate": 0}
    )


def _read(client: Client, site: str) -> list[Rebuild]:
    rows = client.rows(statement("rebuild_latest"), {"site": site})
    return [Rebuild(at=row.pop("at_ms"), **row) for row in rows]
