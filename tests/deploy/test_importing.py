"""Reading files and sending events: pure parts on files in a temp folder, a log and a memory of ids in this process."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.folder import StackError
from deploy.importing.identity import Found, Identity
from deploy.importing.line import Rules, Tally, events, recognise
from deploy.importing.merge import merged
from deploy.importing.run import Report, Workers
from deploy.importing.send import GaveUp, Sent, append, send
from deploy.importing.source import Source
from deploy.settings import Settings
from ingest.access_log.address import client_of
from ingest.access_log.prefix import MAX_LINE
from ingest.contract.address import LOOPBACK
from ingest.contract.event import Event, Filtered, decode
from ingest.contract.site import Site
from ingest.enrich import no_place
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable
from tests.ingest.fake import FakeProducer

NOW = 1_700_000_000_000
SITE = Site(id="shop1234", account="a", name="Shop", domain="shop.example", tracking_id="site_1", secret="s")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def rules(**more: Any) -> Rules:
    return Rules(SITE, NOW, lambda: NOW, no_place, client_of(LOOPBACK), **more)


def combined(second: int, path: str = "/", status: int = 200, ip: str = "192.0.2.1") -> str:
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f'{ip} - - [17/May/2015:{clock} +0000] "GET {path} HTTP/1.1" {status} 5 "-" "{AGENT}"\n'


def written(path: Path, text: str | bytes) -> Source:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Source(str(path))


def found(source: Source, tally: Tally | None = None, number: int = 0, **more: Any) -> list[Found]:
    by = rules(**more)
    return list(events(number, recognise(source, by), by, tally or Tally()))


def taken(source: Source, tally: Tally | None = None, **more: Any) -> list[Event]:
    return [one.event for one in found(source, tally, **more)]


class Log(FakeProducer):
    """Three partitions in memory; fails the appends whose numbers it is told."""

    def __init__(self, failing: Sequence[int] = ()) -> None:
        super().__init__(3)
        self.failing = set(failing)
        self.appends = 0

    async def holds(self) -> bool:
        return True

    async def append(self, partition: int, value: bytes) -> None:
        self.appends += 1
        if self.appends in self.failing:
            raise LogUnavailable("full")
        await asyncio.sleep(0)
        await super().append(partition, value)

    @property
    def parts(self) -> list[list[Event]]:
        """The events by partition."""
        held: list[list[Event]] = [[] for _ in range(self.partitions)]
        for number, value in self.records:
            lines = [decode(line) for line in value.splitlines()]
            held[number] += [line for line in lines if isinstance(line, Event)]
        return held


def sent(log: Log, *files: list[Found], held: dict[str, int] | None = None) -> Sent:
    outcome = Sent()
    stream = merged([(0, iter(file)) for file in files], lambda one: one.event.time)
    identity = Identity(
        lambda ids, first, last: {id_: held[id_] for id_ in ids if id_ in held} if held else {}, lambda *_: set()
    )
    asyncio.run(send(stream, identity, log, outcome, lambda: None, lambda: None))
    return outcome


def test_an_import_stops_at_once_when_its_log_takes_no_more_for_good() -> None:
    log = Log(range(1, 100))
    log.succeeded = True
    with pytest.raises(GaveUp, match="other partitions"):
        asyncio.run(append([Filtered("shop01", "bot", 5)], log))
    assert log.appends == 1


class Counting:
    """A reader that tells how many events of the import the workers have judged: a step more each time."""

    def __init__(self, *steps: int) -> None:
        self.steps = list(steps)

    def rows(self, name: str, **params: object) -> list[dict[str, object]]:
        counted = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        return [{"reason": "", "events": counted}]


def workers_with(report: Report, *steps: int) -> Workers:
    return Workers(Settings(), Counting(*steps), "s1", NOW, report)  # type: ignore[arg-type]


def test_an_import_keeps_the_workers_near_so_that_what_comes_now_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.importing.run._LOOK_SECONDS", 0.0)
    report = Report()
    report.sent.sent = 100_000
    workers = workers_with(report, 0, 30_000, 30_000, 59_999, 60_000)
    ticks: list[int] = []
    workers.near(lambda: ticks.append(sum(report.became.values())))
    assert ticks == [0, 30_000, 30_000, 59_999, 60_000]
    workers.near(lambda: ticks.append(-1))
    assert ticks[-1] == 60_000, "near enough already"


def test_an_import_goes_on_where_no_worker_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.importing.run._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("deploy.importing.run._STALL_SECONDS", 0.0)
    report = Report()
    report.sent.sent = 100_000
    workers = workers_with(report, 0)
    workers.near(lambda: None)
    report.sent.sent = 200_000
    workers.near(lambda: pytest.fail("it was waited for once"))


def test_how_far_history_is_counted_is_told_by_its_own_time() -> None:
    sent = Sent()
    for times in ((10, 20, 30), (), (40, 50, 60)):
        sent.add([Event(SITE.id, "0" * 16, f"e{time}", "pageview", time, NOW) for time in times])
    assert [sent.history(counted) for counted in (0, 2, 3, 5, 6)] == [None, None, 30, 30, 60]


def test_gzip_is_recognised_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    text = "".join(combined(second) for second in range(200))
    plain = taken(written(tmp_path / "a.log", text))
    assert len(plain) == 200
    assert taken(written(tmp_path / "b.log", gzip.compress(text.encode()))) == plain


def test_a_broken_gzip_tells_the_last_line_that_could_be_read(tmp_path: Path) -> None:
    packed = gzip.compress("".join(combined(second, f"/{second * 7919}") for second in range(9000)).encode())
    source = written(tmp_path / "a.gz", packed[: len(packed) // 2])
    tally = Tally()
    with pytest.raises(StackError, match=r"a\.gz cannot be read beyond line \d+: "):
        taken(source, tally)
    assert 0 < tally.read < 9000


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"^cannot read .*/none: No such file or directory$"):
        Source(str(tmp_path / "none"))


def test_an_endless_line_is_one_malformed_line_and_the_next_one_counts(tmp_path: Path) -> None:
    tally = Tally()
    found = taken(written(tmp_path / "a", combined(1) + "x" * (3 * MAX_LINE) + "\n" + combined(2)), tally)
    assert [event.seq for event in found] == [1, 3]
    assert (tally.read, tally.left_out, tally.bad[0][1:]) == (3, {"malformed": 1}, (2, "the line is too long"))


def test_lines_left_out_are_told_by_reason_and_malformed_ones_by_number(tmp_path: Path) -> None:
    text = combined(1) + "what is this\n" * 25 + combined(2, "/a.css") + combined(3, status=404)
    tally = Tally()
    assert len(taken(written(tmp_path / "a", text), tally)) == 1
    assert tally.left_out == {"malformed": 25, "static": 1, "status": 1}
    assert [bad.number for bad in tally.bad] == list(range(2, 22))


def test_own_events_keep_their_time_and_visitor(tmp_path: Path) -> None:
    line = {"type": "pageview", "url": "https://shop.example/a", "at": NOW - 5000, "visitor": "v", "id": "e1"}
    wrong = [{**line, "at": NOW + 300_001}, {**line, "site": "site_2"}, {**line, "url": "no"}, {"type": "x"}, []]
    bot = {**line, "user_agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
    tally = Tally()
    text = "\n".join(json.dumps(one) for one in [line, *wrong, bot])
    (found,) = taken(written(tmp_path / "a", text), tally, format="events")
    assert (found.id, found.time, found.page) == ("e1", NOW - 5000, "/a")
    assert tally.left_out == {"malformed": 5, "bot": 1}


def test_own_events_of_one_moment_stay_in_their_order(tmp_path: Path) -> None:
    """And whatever a page did not choose costs no line."""
    own = [
        {"at": 1000, "type": kind, "url": "https://shop.example/", "visitor": "v", **more}
        for kind, more in (("a", {}), ("b", {"title": "\ud83d"}), ("c", {"seq": 7}), ("d", {"seq": None, "id": 5}))
    ]
    text = "".join(json.dumps(one) + "\n" for one in own)
    found = taken(written(tmp_path / "a.jsonl", text), format="events")
    assert [(event.type, event.seq) for event in found] == [("a", 1), ("b", 2), ("c", 7), ("d", 4)]
    assert (found[1].title, found[3].id) == ("\ufffd", "5")
    assert taken(written(tmp_path / "b.jsonl", text), format="events") == found


def test_files_are_merged_by_time_and_go_to_their_visitors_partitions(tmp_path: Path) -> None:
    ips = [f"192.0.2.{number % 50}" for number in range(400)]
    odd = found(written(tmp_path / "a", "".join(combined(n, ip=ips[n]) for n in range(1, 400, 2))))
    even = found(written(tmp_path / "b", "".join(combined(n, ip=ips[n]) for n in range(0, 400, 2))))
    log = Log()
    assert sent(log, odd, even) == Sent(sent=400, known=0)
    assert sum(map(len, log.parts)) == 400
    for number, part in enumerate(log.parts):
        assert [event.time for event in part] == sorted(event.time for event in part)
        assert {partition(event.site, event.visitor, 3) for event in part} == {number}


def test_what_the_raw_events_hold_is_not_sent_again(tmp_path: Path) -> None:
    lines = found(written(tmp_path / "a", "".join(combined(n) for n in range(10))))
    log = Log()
    held = {one.event.id: one.event.seq for one in lines[:7]}
    assert sent(log, lines, held=held) == Sent(sent=3, known=7)
    assert sorted(event.id for part in log.parts for event in part) == sorted(one.event.id for one in lines[7:])


def test_a_log_that_refuses_is_asked_again_and_the_order_stays(tmp_path: Path) -> None:
    lines = found(written(tmp_path / "a", "".join(combined(n) for n in range(12_000))))
    log = Log(failing=[1, 3, 4])
    assert sent(log, lines).sent == 12_000
    (only,) = [part for part in log.parts if part]
    assert [event.id for event in only] == [one.event.id for one in lines]
