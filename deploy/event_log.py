"""The event log that the settings name, on whichever system it lies; only here is the scheme of its address looked at.

It is a chain of logs (`ingest/log/succession.py`): the last takes records, and the first that is not counted to its end
is the one that workers count.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from deploy.room import Room
from deploy.settings import Settings
from ingest.log.kafka_address import topic
from ingest.log.protocol import TOPIC, Consumer, Producer
from ingest.log.reserved import Reserved
from ingest.log.succession import Link, Succession, due
from rollups import control
from rollups.client import Client, connect

if TYPE_CHECKING:
    from ingest.log.dead import DeadLetters

PARTITIONS = 4  # of a new log, if nobody said


def on_kafka(address: str) -> bool:
    """Whether the event log at the address is Kafka."""
    return address.startswith(("kafka://", "kafka+ssl://"))


def first_topic(settings: Settings) -> str:
    """The topic of the chain's first log."""
    address = settings.address("event_log")
    return topic(address) if on_kafka(address) else TOPIC


def succession(settings: Settings) -> Succession:
    """The logs. May block; raises LogUnavailable."""
    address = settings.address("event_log")
    if on_kafka(address):
        from ingest.log.kafka_succession import KafkaSuccession

        return KafkaSuccession(address, topic(address))
    from ingest.log.redis_succession import RedisSuccession

    return RedisSuccession(address, TOPIC)


def chain(settings: Settings) -> Sequence[Link]:
    """See `Succession.chain`."""
    with closing(succession(settings)) as logs:
        return logs.chain()


def counting(logs: Succession, client: Client) -> Link | None:
    """The log to be counted now. Blocks; raises what `due` raises, LogUnavailable, ClickHouseUnavailable."""
    return due(logs.chain(), partial(control.positions, client))


def take_up(logs: Succession, client: Client, over: Callable[[Link], None] = lambda _: None) -> Link | None:
    """The same; those before it are counted, and kept no longer than counted records are. `over` is told of each."""
    chain_ = logs.chain()
    found = due(chain_, partial(control.positions, client))
    for each in takewhile(lambda each: each != found, chain_):
        logs.release(each)
        over(each)
    if found:
        logs.keep(found)
    return found


def room(settings: Settings) -> Room:
    """The disks that the settings name."""
    return Room(settings.disk_folders(), settings.disk_reserve)


def producer(settings: Settings) -> Producer:
    """The producing end, not yet started; it takes nothing while the disks have no room."""
    return Reserved(_producer(settings), room(settings).lacking)


def _producer(settings: Settings) -> Producer:
    address = settings.address("event_log")
    if on_kafka(address):
        from ingest.log.kafka_producer import KafkaProducer

        return KafkaProducer(address, topic=topic(address), partitions=settings.partitions or PARTITIONS)
    from ingest.log.redis_producer import RedisProducer

    return RedisProducer(
        address, partitions=settings.partitions or PARTITIONS, max_bytes=settings.log_max_bytes or None
    )


def consumer(settings: Settings, log: Link | None = None) -> Consumer:
    """A member of the worker group of a log, or of the one to be counted now. Blocks; raises what `counting` raises."""
    if log is None:
        with closing(succession(settings)) as logs:
            log = due(logs.chain(), lambda: control.positions(connect(settings.address("clickhouse"))))
    address = settings.address("event_log")
    name = log.topic if log else first_topic(settings)
    if on_kafka(address):
        from ingest.log.kafka_consumer import KafkaConsumer

        return KafkaConsumer(
            address, topic=name, group=f"throughline-{name}", partitions=settings.partitions or PARTITIONS
        )
    from ingest.log.redis_consumer import RedisConsumer

    return RedisConsumer(
        address, topic=name, partitions=settings.partitions or PARTITIONS, max_bytes=settings.log_max_bytes or None
    )


@contextmanager
def member(settings: Settings, log: Link, other: Consumer) -> Iterator[Consumer]:
    """A member of the worker group of a log, which may be the `other` one."""
    if log.log == other.log_id():
        yield other
    else:
        with closing(consumer(settings, log)) as found:
            yield found


def dead_letters(settings: Settings) -> "DeadLetters":
    """Where the lines that no worker can read are kept. Blocks; may raise LogUnavailable."""
    address = settings.address("event_log")
    if on_kafka(address):
        from ingest.log.dead_kafka import KafkaDeadLetters

        return KafkaDeadLetters(address, topic=f"{topic(address)}.dead")
    from ingest.log.dead_redis import RedisDeadLetters

    return RedisDeadLetters(address)
