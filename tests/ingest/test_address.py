"""Whose address counts."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.address import LOOPBACK, bucket, client_address, networks


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["198.51.100.1, 127.0.0.2"], "198.51.100.1"),
        ("::1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("127.0.0.1", ["198.51.100.1:5555"], "198.51.100.1"),
        ("127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["198.51.100.1, unknown"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1, 127.0.0.1, junk, 127.0.0.1"], "127.0.0.1"),
        ("", ["198.51.100.1"], "198.51.100.1"),
        ("testclient", [], "127.0.0.1"),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str, forwarded: list[str], expected: str) -> None:
    """S9: a forged X-Forwarded-For is ignored."""
    assert str(client_address(peer, forwarded, LOOPBACK)) == expected


@pytest.mark.parametrize("peer", ["10.1.1.1", "::ffff:10.1.1.1", "::ffff:a01:101", "[::ffff:10.1.1.1]:443"])
@pytest.mark.parametrize(
    "name", ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:a01:101", "::ffff:10.1.1.1", "::ffff:0:0/96"]
)
def test_ipv4_inside_ipv6_is_the_same_proxy(name: str, peer: str) -> None:
    trusted = networks([name])
    assert str(client_address(peer, ["198.51.100.1"], trusted)) == "198.51.100.1"
    assert str(client_address("2001:db8::1", ["198.51.100.1"], trusted)) == "2001:db8::1"
    outside = "203.0.113.9" if "/96" not in name else "2001:db8::2"
    assert str(client_address(outside, ["198.51.100.1"], trusted)) == outside


def test_a_network_that_holds_more_than_ipv4_stays_what_it_is() -> None:
    assert [str(each) for each in networks(["::/0", "::ffff:0:0/95", "::ffff:10.0.0.0/104", "fe80::1"])] == [
        *("::/0", "::fffe:0:0/95", "10.0.0.0/8", "fe80::1/128")
    ]


def test_nobody_is_believed_without_trusted_proxies() -> None:
    assert str(client_address("127.0.0.1", ["198.51.100.1"], ())) == "127.0.0.1"


def test_a_chain_of_trusted_networks_is_followed() -> None:
    trusted = networks(["10.0.0.0/8", " 192.0.2.1 "])
    assert str(client_address("10.1.1.1", ["6.6.6.6, 198.51.100.1, 192.0.2.1"], trusted)) == "198.51.100.1"
    with pytest.raises(ValueError, match="proxy"):
        networks(["proxy"])


@given(st.text(max_size=30), st.lists(st.text(max_size=60), max_size=3))
def test_no_header_breaks_it(peer: str, forwarded: list[str]) -> None:
    """S8, S9: ill-formed headers are safe."""
    client_address(peer, forwarded, LOOPBACK)
    client_address("127.0.0.1", forwarded, LOOPBACK)


def test_the_rate_of_ipv6_counts_by_64() -> None:
    assert bucket(ip_address("2001:db8::1")) == bucket(ip_address("2001:db8::2:1"))
    assert bucket(ip_address("2001:db8::1")) != bucket(ip_address("2001:db8:0:1::1"))
    assert bucket(ip_address("10.0.0.1")) != bucket(ip_address("10.0.0.2"))
