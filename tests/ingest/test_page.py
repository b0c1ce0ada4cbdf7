"""The page function, the host of a url, and what is stored of urls."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.contract.page import MAX_PAGE, host, page, read_url
from ingest.contract.page import stored_referrer as stored_referrer_of
from ingest.contract.page import stored_url as stored_url_of

URLISH = st.text("aZ9/.%~?#&=:@[]-_é\ud800\\ \0\n2eF", max_size=60)


def stored_url(url: str) -> str:
    return stored_url_of(read_url(url))


def stored_referrer(url: str) -> str:
    return stored_referrer_of(read_url(url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com", "/"),
        ("https://example.com/", "/"),
        ("https://example.com?a=1", "/"),
        ("https://example.com/pricing/", "/pricing"),
        ("https://example.com/pricing?x=1#top", "/pricing"),
        ("https://example.com:8443/A/b", "/A/b"),
        ("https://user:secret@example.com/a", "/a"),
        ("/a", "/a"),
        ("a/b", "/a/b"),
        ("", "/"),
        ("//a//b//", "/a/b"),
        ("/a/./b/../c", "/a/c"),
        ("/../../a", "/a"),
        ("/a//../b", "/a/b"),
        ("/a/..", "/"),
        ("/%7Euser/%2e%2e/x", "/x"),
        ("/%e4%BD%a0", "/%E4%BD%A0"),
        ("/你", "/%E4%BD%A0"),
        ("/a%2fb", "/a%2Fb"),
        ("/%41%62", "/Ab"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/a b", "/a%20b"),
        ("/a;b=1,2:3@4", "/a;b=1,2:3@4"),
    ],
)
def test_a_page_is_the_path_in_one_spelling(url: str, expected: str) -> None:
    assert page(url) == expected


def test_a_page_is_cut_at_2000_characters_without_breaking_what_it_cuts() -> None:
    assert page("/" + "a" * 3000) == "/" + "a" * 1999
    assert page("/" + "a" * 1997 + "é") == "/" + "a" * 1997
    assert page("/" + "a" * 1998 + "/b") == "/" + "a" * 1998
    assert page("/" + "a" * 1996 + "/..b") == "/" + "a" * 1996


@given(URLISH | st.text(max_size=40) | st.builds(lambda end: "/" + "a" * 1990 + end, URLISH))
@example("/" + "a" * 1995 + "/..%C3%A4")
def test_the_page_function_is_idempotent_and_total(url: str) -> None:
    """S8: nothing breaks it."""
    once = page(url)
    assert page(once) == once
    assert once.startswith("/")
    assert once.isascii()
    assert len(once) <= MAX_PAGE
    assert "//" not in once
    assert page("https://example.com" + once) == once


@given(URLISH | st.text(max_size=40), st.text(max_size=20))
def test_what_is_stored_of_a_url_never_raises(url: str, rest: str) -> None:
    """S8: whatever breaks parsers."""
    for text in (url, "https://" + url, "https://example.com/" + url + "?" + rest):
        assert host(text) == host(text).lower()
        assert stored_url(text).encode()
        stored = stored_referrer(text)
        assert stored_referrer(stored) == stored


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://WWW.Example.com:443/a", "www.example.com"),
        ("https://example.com./a", "example.com"),
        ("https://me:pw@example.com/a", "example.com"),
        ("https://example.com@evil.test/a", "evil.test"),
        ("https://evil.test\\@example.com/", "evil.test"),
        ("https://münchen.de/", "xn--mnchen-3ya.de"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("http://10.0.0.1/", "10.0.0.1"),
        ("https:///a", ""),
        ("/a", ""),
        ("//example.com/a", ""),
        ("https://exa mple.com/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_the_host_of_a_url(url: str, expected: str) -> None:
    assert host(url) == expected


def test_of_a_query_only_the_campaign_is_stored() -> None:
    url = "https://example.com/a/?token=secret&utm_source=x&UTM_Medium=e mail&ref=me&email=a@b.c&gclid=1&source=s#frag"
    assert stored_url(url) == "https://example.com/a?utm_source=x&utm_medium=e%20mail&ref=me&source=s"


def test_user_and_password_are_not_stored() -> None:
    assert stored_url("https://me:pw@example.com:8443/a") == "https://example.com:8443/a"


def test_a_referrer_is_stored_as_origin_and_path() -> None:
    assert stored_referrer("https://news.test/a/b?q=private#x") == "https://news.test/a/b"
    assert stored_referrer("about:blank") == ""


def test_an_origin_names_only_unusual_ports() -> None:
    assert read_url("http://example.com:80/").origin == "http://example.com"
    assert read_url("https://example.com:80/").origin == "https://example.com:80"
