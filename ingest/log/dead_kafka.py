"""Dead letters on Kafka: a compacted topic keyed by origin, whose latest record says where a letter stands."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import kafka
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from ingest.log.dead import LIMIT, DeadLetter, TooManyDeadLetters, decode
from ingest.log.kafka_topic import available, make_topic, shared
from ingest.log.protocol import DEAD_TOPIC, LogUnavailable

# A letter of the largest record in base64.
LETTER_BYTES = 8 << 20
_SECONDS = 10.0
# What a record says when it is not a letter (letters are JSON objects).
_BEGUN = b"begun"
_REPLAYED = b"replayed"


class KafkaDeadLetters:
    """Implements `DeadLetters`. Several workers share the limit as far as each has read what the others wrote."""

    def __init__(self, bootstrap: str, *, limit: int = LIMIT, topic: str = DEAD_TOPIC) -> None:
        """Connect, making the topic if it is missing. Raises LogUnavailable."""
        self._limit = limit
        self._at = TopicPartition(topic, 0)
        self._next = 0
        # Origins by where they stand.
        self._waiting: set[str] = set()
        self._begun: set[str] = set()
        self._replayed: set[str] = set()
        with available():
            configs = {"cleanup.policy": "compact", "max.message.bytes": str(LETTER_BYTES + 1024)}
            make_topic(bootstrap, topic, 1, configs)
            self._producer = kafka.KafkaProducer(
                **shared(bootstrap),
                acks="all",
                compression_type="zstd",
                max_request_size=LETTER_BYTES,
                max_block_ms=2000,
                request_timeout_ms=int(_SECONDS * 500),
                delivery_timeout_ms=int(_SECONDS * 1000),
                allow_auto_create_topics=False,
            )
            self._reader = kafka.KafkaConsumer(
                **shared(bootstrap),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=LETTER_BYTES,
            )
            self._reader.assign([self._at])

    def append(self, letter: DeadLetter) -> bool:
        self._catch_up()
        if letter.origin in self._waiting or letter.origin in self._replayed:
            return False
        if len(self._waiting) >= self._limit:
            raise TooManyDeadLetters(f"{len(self._waiting)} dead letters wait; the last: {letter.reason}")
        self._put(letter.origin, letter.encode())
        return True

    def count(self) -> int:
        self._catch_up()
        return len(self._waiting)

    def letters(self) -> Sequence[DeadLetter]:
        found: dict[str, DeadLetter] = {}
        self._catch_up(found)
        return [found[origin] for origin in sorted(self._waiting)]

    def begin(self, origin: str) -> bool:
        self._catch_up()
        if origin in self._begun or origin in self._replayed:
            return False
        # A key of its own: under the letter's it would replace the letter.
        self._put(f"{origin}#", _BEGUN)
        return True

    def finish(self, origin: str) -> None:
        self._put(origin, _REPLAYED)

    def close(self) -> None:
        with suppress(KafkaError):
            self._producer.close(_SECONDS)
        self._reader.close(timeout_ms=2000)

    def _put(self, key: str, value: bytes) -> None:
        with available():
            self._producer.send(self._at.topic, value, key=key.encode(), partition=0).get(_SECONDS)

    def _catch_up(self, found: dict[str, DeadLetter] | None = None) -> None:
        """Read what was written since; with `found`, everything, keeping the letters."""
        with available():
            end = self._reader.end_offsets([self._at], timeout_ms=2000)[self._at]
            self._reader.seek(self._at, 0 if found is not None else self._next)
            deadline = time.monotonic() + _SECONDS
            while self._reader.position(self._at, timeout_ms=2000) < end:
                if time.monotonic() > deadline:
                    raise LogUnavailable("Kafka: the dead letters do not come")
                for record in self._reader.poll(timeout_ms=200).get(self._at, ()):
                    self._take(record, found)
            self._next = end

    def _take(self, record: Any, found: dict[str, DeadLetter] | None) -> None:
        key, value = record.key.decode(), record.value
        if value == _BEGUN:
            self._begun.add(key[:-1])
        elif value == _REPLAYED:
            self._replayed.add(key)
            self._waiting.discard(key)
        elif key not in self._replayed:
            self._waiting.add(key)
            if found is not None:
                found[key] = decode(value)
