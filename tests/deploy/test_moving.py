"""A site goes from one installation to another: the same answers, and every line once however often it is sent."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from api.registry.store import Registry
from deploy import wiring
from deploy.folder import StackError
from deploy.importing.send import append
from deploy.moving.into import _lines, bring, check, site_of
from deploy.moving.line import Counted, Head, counted, decode, encode, event
from deploy.moving.out import export
from ingest.contract.event import Event, Filtered, Revenue, Touch
from ingest.contract.site import Site, SiteSettings
from rollups.migrate import migrate
from tests.deploy.test_repair import System, system, until  # noqa: F401 - a fixture
from tests.workers.streams import SITE, stream

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    st.builds(
        Event, site=st.just("s"), visitor=TEXTS, id=TEXTS, type=TEXTS, time=st.integers(0, 1 << 43),
        received=st.integers(0, 1 << 43), seq=st.integers(0, 1 << 53), view=TEXTS, url=TEXTS, page=TEXTS,
        referrer=TEXTS, title=TEXTS, source=TEXTS, campaign=TEXTS, country=TEXTS, device=TEXTS, browser=TEXTS, os=TEXTS,
        screen=st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)),
        data=st.sampled_from(["", '{"a":1}', '{"a":{"b":[1,2.50,null]},"c":"\\u00e9"}']),
        scroll=st.none() | st.integers(0, 10_000), engaged_ms=st.none() | st.integers(0, 86_400_000),
        revenue=st.none() | st.builds(Revenue, st.integers(-(10**18) + 1, 10**18 - 1), TEXTS, TEXTS),
        settings=st.just(7), touch=st.builds(Touch, *[TEXTS] * 7),
    )
)  # fmt: skip
def test_an_event_comes_back_as_it_was(made: Event) -> None:
    row: dict[str, Any] = {name: getattr(made, name) for name in made.__struct_fields__} | msgspec.structs.asdict(
        made.touch
    )
    row |= {"time_ms": made.time, "received_ms": made.received, "ten_thousandths": None}
    row |= {"screen_width": made.screen[0], "screen_height": made.screen[1]}
    if made.revenue:
        row |= msgspec.structs.asdict(made.revenue) | {"ten_thousandths": made.revenue.amount}
    line = decode(encode(counted(row)))
    assert isinstance(line, Counted) and event(line, "s", 7) == made


def held(system: System) -> dict[str, Any]:  # noqa: F811
    """What is counted, save for where its lines lay on the log and the number of the settings."""
    found = system.answers()
    del found["progress"]
    own = ("log", "partition", "offset", "index", "settings")
    found["events"] = sorted(
        repr({k: v for k, v in row.items() if k not in own}) for row in found["events"] if not row["reason"]
    )
    found["sessions"] = [{k: v for k, v in row.items() if k != "settings"} for row in found["sessions"]]
    return found


@pytest.mark.services
def test_a_moved_site_has_the_same_numbers(system: System, tmp_path: Path) -> None:  # noqa: F811
    now = wiring.now()
    events = [
        msgspec.structs.replace(each, received=now + at % 3) for at, each in enumerate(stream(5, 120, visitors=6))
    ]
    lines: list[Event | Filtered] = [
        *events,
        *events[:7],
        *[Filtered(SITE, "bot", now)] * 3,
        Filtered(SITE, "host", now - 90_000_000),
    ]
    system.count(lines)
    system.equals_the_events()
    berlin = SiteSettings(timezone="Europe/Berlin")
    site = Site(id=SITE, account="a", name="n", domain="example.com", tracking_id="t", secret="s", settings=berlin)
    file = tmp_path / "events.jsonl.zst"
    end = export(system.settings, site, file, lambda *_: None)
    assert end.filtered >= 11 and end.events + end.filtered == len(lines)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b'"secret"' not in zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read()
    before = held(system)

    system.client.command("DROP DATABASE repair SYNC")
    migrate(system.settings.clickhouse)
    redis = wiring.redis_client(system.settings)
    redis.flushdb()
    registry = Registry(system.client, redis, wiring.now)
    head, told = check(file)
    assert told == end
    made = site_of(registry, "a", head, "another")
    assert made == site_of(registry, "a", head, "a third") and made.secret == "another"
    assert (made.id, made.tracking_id, made.settings.timezone) == (SITE, "t", "Europe/Berlin")
    with pytest.raises(StackError, match="was used here before"):
        site_of(registry, "b", head, "x")

    async def some() -> None:  # what an import sent that was stopped
        producer = wiring.producer(system.settings)
        await producer.start()
        sent = [event(each, SITE, made.revision) for _, each in islice(_lines(file), 60) if isinstance(each, Counted)]
        await append([*sent, Filtered(SITE, "bot", now)], producer)
        await producer.close()

    with system.worker():
        asyncio.run(some())
        until(lambda: system.lines() > 50)
        bring(system.settings, made, file, end, lambda *_: None)
        until(lambda: system.lines() == len(lines))
        assert bring(system.settings, made, file, end, lambda *_: None) == 0
        system.equals_the_events()
        assert held(system) == before
    redis.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda packed: packed[:-9], "not whole|broken behind line"),
        (lambda packed: b"x" + packed, "was not made by"),
        (lambda packed: _packed(_unpacked(packed).rsplit(b"\n", 2)[0] + b"\n"), "not whole: export the site again"),
        (lambda packed: _packed(_unpacked(packed).replace(b'"throughline":1', b'"throughline":2')), "is of format 2"),
        (lambda packed: _packed(_unpacked(packed).replace(b'"reason":"bot"', b'"reason":"bob"')), "line 2 cannot be"),
        (lambda packed: _packed(_unpacked(packed).split(b"\n", 1)[1]), "line 1 is out of place"),
    ],
)
def test_a_broken_file_is_told_in_one_sentence(tmp_path: Path, spoil: Any, message: str) -> None:
    lines = (
        encode(Head(1, "s", "t", "n", "d", 0, {})),
        b'{"line":"filtered","reason":"bot","received":5,"count":2}',
        b'{"line":"end","events":0,"filtered":2}\n',
    )
    packed = _packed(b"\n".join(lines))
    file = tmp_path / "made.zst"
    file.write_bytes(packed)
    assert check(file)[0].id == "s"
    file.write_bytes(spoil(packed))
    with pytest.raises(StackError, match=message) as told:
        check(file)
    assert str(file) in str(told.value) and "\n" not in str(told.value)


def _packed(text: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text)


def _unpacked(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(packed)
