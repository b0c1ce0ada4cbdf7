"""A member of the worker group in a process of its own: `python -m tests.log.member redis|kafka ADDRESS TOPIC`.

Prints its assignment as JSON, one line whenever it changes.
"""

import json
import sys

from ingest.log.kafka_consumer import KafkaConsumer
from ingest.log.protocol import Consumer
from ingest.log.redis_consumer import RedisConsumer
from tests.log.conftest import LEASE_SECONDS


def main(kind: str, address: str, topic: str) -> None:
    consumer: Consumer = (
        RedisConsumer(address, topic=topic, lease_seconds=LEASE_SECONDS)
        if kind == "redis"
        else KafkaConsumer(address, topic=topic, group=topic, session_seconds=LEASE_SECONDS)
    )
    shown = None
    while True:
        consumer.poll(0.1)
        if consumer.assigned() != shown:
            shown = dict(consumer.assigned())
            sys.stdout.write(json.dumps(shown) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
