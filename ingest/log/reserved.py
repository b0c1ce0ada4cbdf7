"""A producer that takes records only while the disks have room for them."""

from collections.abc import Callable, Sequence

from ingest.log.protocol import LogUnavailable, Producer

RETRY_SECONDS = 10


class Reserved:
    """Implements `Producer` by another. `lacking`: which disk has no room, "" if all have; asked at each write."""

    def __init__(self, producer: Producer, lacking: Callable[[], str]) -> None:
        self._producer = producer
        self._lacking = lacking

    @property
    def partitions(self) -> int:
        return self._producer.partitions

    @property
    def ailment(self) -> str | None:
        if lacking := self._lacking():
            return f"events are refused until there is room: {lacking}"
        return self._producer.ailment

    @property
    def succeeded(self) -> bool:
        return self._producer.succeeded

    def successor(self) -> "Reserved":
        return Reserved(self._producer.successor(), self._lacking)

    async def start(self) -> None:
        await self._producer.start()

    async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence[LogUnavailable | None]:
        self._check()
        return await self._producer.write(records)

    async def append(self, partition: int, value: bytes) -> None:
        self._check()
        await self._producer.append(partition, value)

    def _check(self) -> None:
        if lacking := self._lacking():
            raise LogUnavailable(f"the disk is nearly full: {lacking}", RETRY_SECONDS)

    async def holds(self) -> bool:
        return await self._producer.holds()

    async def close(self) -> None:
        await self._producer.close()
