"""The page function, the host of a url, and what is stored of urls."""

import re
import tracemalloc
from urllib.parse import unquote_plus

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.contract.page import MAX_PAGE, MAX_PARAMETERS, MAX_VALUE, host, page, parameters, read_url
from ingest.contract.page import stored_referrer as stored_referrer_of
from ingest.contract.page import stored_url as stored_url_of

CONTROL = "[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\u2066-\u2069]"
URLISH = st.text("aZ9/.%~?#&=:@[]-_é\ud800\\ \0\n2eF", max_size=60) | st.lists(
    st.sampled_from(
        (";", "%3b", "sid", "jsessionid=", "%3D", "/", "//", "..", "(S(", "a" * 20, "))", "1", "%", "?", "é")
    )
).map("".join)


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
        ("/a;jsessionid=ABC123", "/a"),
        ("/a;JSESSIONID=ABC.node1!-12/b", "/a/b"),
        ("/a;sid=1;v=1.2", "/a;v=1.2"),
        ("/a;v=1.2;PHPSESSID=9/b;w=3", "/a;v=1.2/b;w=3"),
        ("/a%3bphpsessid%3d9/b", "/a/b"),
        ("/a;jsessionid=1%3Bsid=2;q=1", "/a;q=1"),
        ("/a;jsessionid=", "/a"),
        ("/a;session_id=1?x=1#top", "/a"),
        ("/;jsessionid=1/a/..;sid=2/b", "/b"),
        ("/a/;jsessionid=1", "/a"),
        ("/a;jsessionid=\u00e9%C3%A9", "/a"),
        ("/a;side=1;presidio=2", "/a;side=1;presidio=2"),
        ("/(S(lit3py55t21z5v55vlm25s55))/orders.aspx", "/orders.aspx"),
        ("/(f(x))/b", "/(f(x))/b"),
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
@example("/" + "a" * 1985 + ";sidecar=" + ";sid=1" * 3)
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
@example("..", "")
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
        ("https://../a", ""),
        ("https://example.com../a", ""),
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


@given(URLISH | st.text(max_size=40))
@example("%C3%A4%C3a%zz%+%4")
def test_values_are_decoded_as_everybody_does(value: str) -> None:
    """Like urllib, which takes three times as long."""
    value = value.translate(dict.fromkeys(map(ord, "&#?=\ud800")))
    found = parameters(read_url(f"https://example.com/?a=x{value}x"))
    decoded = unquote_plus(value)
    spaced = re.sub(f"(?:{CONTROL}|\\s)+", " ", f"x{decoded}x")
    assert found == (("a", spaced[:MAX_VALUE].strip()),)


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        ("Black%C2%A0Friday", "Black Friday"),
        ("夏%E3%80%80セール", "夏 セール"),
        ("a%0Ab", "a b"),
        ("a%0D%0A%09%20+b+", "a b"),
        ("%E2%80%A8a%C2%85b", "a b"),
        ("a%00b%1B%7F%C2%90c", "a b c"),
        ("می%E2%80%8Cخواهم", "می\u200cخواهم"),
        ("👩%E2%80%8D💻", "👩\u200d💻"),
        ("%E2%80%8Fשלום", "\u200fשלום"),
        ("soft%C2%ADhyphen", "soft\u00adhyphen"),
        ("%E2%80%AEevil%E2%81%A6x%E2%81%A9", "evil x"),
        ("private%EE%80%80use", "private\ue000use"),
        ("%ED%A0%BDhalf", "\ufffd\ufffd\ufffdhalf"),
        ("%20%C2%A0", ""),
    ],
)
def test_white_space_and_controls_in_a_value_are_one_space_and_joiners_stay(escaped: str, read: str) -> None:
    url = read_url(f"https://example.com/?utm_campaign={escaped}")
    assert parameters(url) == (("utm_campaign", read),)
    assert parameters(read_url(stored_url_of(url))) == ((("utm_campaign", read),) if read else ())


def test_fifty_parameters_that_tell_something_are_looked_at() -> None:
    query = "&".join(["&=&utm_a&utm_b=", *(f"p{number}=&utm_{number}={number}" for number in range(100))])
    found = parameters(read_url("https://example.com/?" + query))
    assert found == tuple((f"utm_{number}", str(number)) for number in range(MAX_PARAMETERS))


@pytest.mark.parametrize("name", ["utm_source", "UTM_Source", "source", "ref", "gclid", "ScCid", "utm%5Fsource"])
@pytest.mark.parametrize("before", ["p{}={}&", "resource{}={}&", "xref{}={}&", "ref{}={}&", "utm{}={}&"])
def test_any_number_of_others_may_stand_before_them(name: str, before: str) -> None:
    query = "".join(before.format(number, number) for number in range(5_000)) + f"{name}=News"
    assert parameters(read_url("https://example.com/?" + query)) == ((unquote_plus(name).lower(), "News"),)


def test_a_stored_url_has_all_parameters_that_campaigns_know() -> None:
    names = ["source", "medium", "campaign", "term", "content", "id"]
    names += ["source_platform", "creative_format", "marketing_tactic"]
    query = "&".join(["source=a", "ref=b", *(f"utm_{name}=c" for name in names)])
    assert stored_url_of(read_url(f"https://example.com/?private=1&{query}")) == f"https://example.com/?{query}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("faß-z.de", "xn--fa-z-wna.de"),
        ("FAẞ-Z.de", "xn--fa-z-wna.de"),
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.gr", "xn--nxasmm1c.gr"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("😀.example", "xn--e28h.example"),
        ("a_b.ä.de", "a_b.xn--4ca.de"),
        ("ﬃ.de", "ffi.de"),
        ("ä\u00ad.de", "xn--4ca.de"),
        ("a℀b.de", ""),
        ("ä b.de", ""),
        ("xn--zz--zz.de", "xn--zz--zz.de"),
        ("XN--FA-Z-WNA.de", "xn--fa-z-wna.de"),
        ("r3---sn-a.example", "r3---sn-a.example"),
        ("-a-.b-.example", "-a-.b-.example"),
        ("_dmarc.example_", "_dmarc.example_"),
        ("a!$&'()*+,;=~b.example", "a!$&'()*+,;=~b.example"),
        ("ex%41mple.de", "example.de"),
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),
        ("%", ""),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("ä" * 57 + ".de", "xn--" + "4ca" + "a" * 56 + ".de"),
        ("ä" * 63 + ".de", ""),
        ("ä" * 64 + ".de", ""),
        ("ä.ö..de", "xn--4ca.xn--nda..de"),
        (".".join(["ä" * 50] * 4) + ".de", ".".join(["xn--4ca" + "a" * 49] * 4) + ".de"),
        (".".join(["ä"] * 127), ""),
        ("a" * 63 + ".ä.de", "a" * 63 + ".xn--4ca.de"),
        ("\ufdfa" * 60 + ".de", ""),
    ],
)
def test_hosts_beyond_ascii_are_encoded_up_to_their_limits(name: str, expected: str) -> None:
    assert host(f"https://{name}/") == expected


@given(st.lists(st.text("aäößςЖ中あ\u0301\u00ad\u0627\u200d-ﬃİ😀", min_size=1, max_size=63), min_size=1, max_size=4))
def test_a_host_that_idna_2008_knows_is_as_it_says(labels: list[str]) -> None:
    name = ".".join(labels)
    try:
        expected = idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return
    if len(name) <= 253:
        assert host(f"https://{name}") == expected.removesuffix(".")


def test_long_urls_are_not_remembered() -> None:
    """2,048 of them would be 130 MB."""
    tracemalloc.start()
    try:
        for number in range(300):
            long = f"https://example.com/{number}?utm_source={number}" + "a" * 64_000
            stored_url(long)
        assert tracemalloc.get_traced_memory()[0] < 3_000_000
    finally:
        tracemalloc.stop()
