"""The registry as one process holds it: a copy in memory, kept up to date, and changed only through ClickHouse."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, RedisError

from api.registry.state import Some, State, numbered, read
from ingest.contract import snapshot
from rollups import deadline, registry
from rollups.client import ClickHouseUnavailable, Client
from rollups.registry import RegistryRow

LOCK = "throughline:registry:lock"
_LOCK_SECONDS = 10.0  # longer than a change takes; past it a second writer is stopped by the revision's number
_WAIT_SECONDS = 5.0
_ATTEMPTS = 5
_LOOK_SECONDS = 0.2  # between two looks for a key that is not known


class RegistryUnavailable(Exception):
    """The registry cannot be read or changed now."""


class RegistryGone(RegistryUnavailable):
    """ClickHouse does not hold what others remember of it; nothing is to be written over that."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"ClickHouse's data is gone: {what}. Put a backup of it back; without one, `throughline up --restore` "
            f"(on a cluster `throughline restore`) goes on with what Redis and the event log still hold"
        )


class Registry:
    """Safe to share between threads. Methods block on ClickHouse and Redis."""

    def __init__(self, client: Client, redis: Redis, now: Callable[[], int]) -> None:
        """`now`: ms. Nothing is read before the first `refresh`."""
        self.state = State()
        self.loaded = False
        self.now = now
        self._client = client
        self._redis = redis
        self._guard = threading.Lock()
        self._looked = 0.0
        self._last: RegistryRow | None = None

    def refresh(self) -> bool:
        """Take in what was written since; returns whether there was anything.

        Raises ClickHouseUnavailable, and RegistryGone if what was read before, or published, is not there any more.
        """
        seconds = deadline.left()
        if not self._guard.acquire(timeout=-1 if seconds is None else seconds):
            raise ClickHouseUnavailable("timed out")  # whoever reads it now waits too
        try:
            rows = self._since(self.state.revision)
            state = State() if rows and self._last and rows[0].revision <= self.state.revision else self.state
            for row in rows:
                state.put(read(row.body, row.revision), row.revision)
                self._last = row
            self.state, self.loaded = state, True
        finally:
            self._guard.release()
        return bool(rows)

    def _since(self, revision: int) -> list[RegistryRow]:
        if revision:
            rows = registry.since(self._client, revision - 1)
            if not rows or rows[0].revision != revision:
                raise RegistryGone(f"its registry holds no revision {revision} any more")
            if rows[0] != self._last:  # another registry was restored in the place of this one
                return registry.since(self._client, 0)
            return rows[1:]
        published = 0
        with suppress(RedisError):  # nothing can be changed without it
            published = int(self._redis.hget(snapshot.KEY, "version") or 0)
        # Only now, as somebody may be making the first.
        rows = registry.since(self._client, 0)
        if not rows and published > 0:
            raise RegistryGone(f"it holds no account, though Redis has the sites of revision {published}")
        return rows

    def look_again(self, published: int = 0) -> None:
        """Refresh because somebody asks for what is not known; not soon after the last time, unless there is a revision
        that is `published` already. Never raises.
        """
        if self.state.revision >= published and time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        with suppress(ClickHouseUnavailable, RegistryGone):
            self.refresh()

    def change(self, make: Callable[[State], Some]) -> Some:
        """Store the entry that `make` derives from the latest state, and publish it; returns it as stored.

        `make` may refuse by raising, and is called again if another writer was faster. Raises ClickHouseUnavailable,
        after which the change may have been stored all the same, and RegistryUnavailable.
        """
        with self._locked():
            for _ in range(_ATTEMPTS):
                self.refresh()
                revision = self.state.revision + 1
                entry = numbered(make(self.state), revision)
                row = RegistryRow(entry.kind, entry.id, revision, entry.model_dump_json())
                if registry.append(self._client, row, self.now()):
                    self.refresh()
                    self._publish_quietly()
                    return entry
        raise RegistryUnavailable("too many changes at once")

    def publish(self) -> None:
        """Make the published snapshot this one, unless it is there already or newer. Raises RedisError."""
        held = self._redis.hget(snapshot.KEY, "version")
        if held is None or int(held) < self.state.revision:
            snapshot.publish(self._redis, self.state.snapshot())

    def _publish_quietly(self) -> None:
        with suppress(RedisError):  # the change stands; the refreshing loop publishes it as soon as Redis is back
            self.publish()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._redis.lock(LOCK, timeout=_LOCK_SECONDS, blocking_timeout=_WAIT_SECONDS, thread_local=False)
        try:
            taken = lock.acquire(token=secrets.token_hex(8))
            if not taken and int(self._redis.pttl(LOCK)) > _LOCK_SECONDS * 1000:
                # Left by somebody who died under a clock that was ahead: it would last until it comes there again.
                self._redis.delete(LOCK)
                taken = lock.acquire(token=secrets.token_hex(8))
        except RedisError as error:
            raise RegistryUnavailable("Redis is away") from error
        if not taken:
            raise RegistryUnavailable("another change is taking too long")
        try:
            yield
        finally:
            with suppress(LockError, RedisError):  # it expired, or will
                lock.release()
