"""Clients that post like the script does: the same ids again until a 202; what was acknowledged is remembered."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.deploy.stack import Stack

MAX_EVENTS = 60_000  # of one run, all clients together


@dataclass
class Load:
    """Bounded load on one site: runs while it is entered; what was sent last may stay unacknowledged."""

    stack: Stack
    site: dict[str, Any]
    seed: int
    clients: int = 3
    batch: int = 5
    pause: float = 0.1  # seconds between two posts of a client: every batch has some, and cores are left
    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)  # id → index in its body, which is its `seq`
    acknowledged_at: dict[str, float] = field(default_factory=dict)  # id → seconds of the monotonic clock
    unexpected: list[str] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0  # seconds of the slowest answer

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(self.clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def acknowledged(self) -> set[str]:
        return set(self.acknowledged_at)

    def wait_for(self, events: int, seconds: float = 60.0) -> None:
        """Until so many more are acknowledged."""
        before, end = len(self.acknowledged_at), time.monotonic() + seconds
        while len(self.acknowledged_at) < before + events:
            assert time.monotonic() < end, "events are refused"
            time.sleep(0.05)

    def _client(self, number: int) -> None:
        random = Random(self.seed * 100 + number)
        for turn in range(MAX_EVENTS // self.clients // self.batch):
            batch = [self.event(random, f"c{number}-{turn}-{place}") for place in range(self.batch)]
            with self._lock:
                self.posted |= {event["id"]: event for event in batch}
            while not self.post(batch) and not self._stop.is_set():
                time.sleep(0.2)
            if self._stop.is_set():
                return
            time.sleep(self.pause)

    def event(self, random: Random, event_id: str) -> dict[str, Any]:
        kind = random.choice(["pageview", "pageview", "pageview", "signup"])
        return {
            "site": self.site["tracking_id"],
            "id": event_id,
            "type": kind,
            "visitor": f"p{random.randrange(40)}",
            "url": f"https://{self.site['domain']}/page-{random.randrange(9)}?utm_source=s{random.randrange(3)}",
            "sent_at": 10**12,
            # some events waited on the device, so that time and arrival differ
            "at": 10**12 - random.choice([0, 0, 0, 50, 60_000, 31 * 60_000, 5 * 3_600_000]),
        }

    def post(self, batch: list[dict[str, Any]]) -> bool:
        """Whether all of it was acknowledged; what was posted is in `posted` before."""
        began = time.monotonic()
        with self._lock:
            for place, event in enumerate(batch):
                self.places.setdefault(event["id"], place)  # what comes again elsewhere is a duplicate
        try:
            answer = self.stack.request("POST", "/e", batch, key="")
        except (OSError, http.client.HTTPException):
            return False
        with self._lock:
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.refused += answer.status == 503
        if answer.status == 202 and answer.json()["accepted"] == len(batch):
            with self._lock:
                self.acknowledged_at |= dict.fromkeys((event["id"] for event in batch), time.monotonic())
            return True
        if answer.status not in (429, 503) or not answer.headers["Retry-After"]:
            self.unexpected.append(f"{answer.status} {answer.body[:200]!r}")
        return False
