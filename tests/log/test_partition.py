"""Kafka's partitioner, byte by byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import default

from ingest.log.partition import hash31, murmur2, partition


def _of_kafka(data: bytes) -> int:
    return int(default.murmur2(data))


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        # Vectors of Apache Kafka's own UtilsTest.testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_vectors_of_apache_kafka(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=100))
def test_equals_the_client_of_kafka(data: bytes) -> None:
    assert murmur2(data) == _of_kafka(data)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 64))
def test_a_partition_is_the_hash_of_site_and_visitor(site: str, visitor: str, partitions: int) -> None:
    key = (site + visitor).encode()
    assert partition(site, visitor, partitions) == (_of_kafka(key) & 0x7FFFFFFF) % partitions
    assert 0 <= hash31(site, visitor) < 2**31
