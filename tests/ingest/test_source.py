"""Where visits come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.page import read_url
from ingest.source import Attribution, read_list
from ingest.source import attribute as attribute_urls


def attribute(url: str, referrer: str, domain: str) -> Attribution:
    return attribute_urls(read_url(url), read_url(referrer), domain)


def source(query: str = "", referrer: str = "", host: str = "example.com") -> str:
    return attribute(f"https://{host}/{query}", referrer, "example.com").source


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?utm_source=Newsletter&source=b&ref=c&gclid=d", "newsletter"),
        ("?source=b&ref=c&gclid=d", "b"),
        ("?ref=c&gclid=d", "c"),
        ("?UTM_SOURCE=%20Fb%20", "facebook"),
        ("?utm_source=ig", "instagram"),
        ("?utm_source=adwords", "google"),
        ("?utm_source=twitter.com", "x"),
        ("?utm_source=&ref=c", "c"),
        ("?utm_source=a&utm_source=b", "a"),
        ("?utm_source=" + "a" * 300, "a" * 200),
        ("?gclid=1", "google"),
        ("?gbraid=1", "google"),
        ("?wbraid=1", "google"),
        ("?msclkid=1", "bing"),
        ("?FBCLID=1", "facebook"),
        ("?ttclid=1", "tiktok"),
        ("?li_fat_id=1", "linkedin"),
        ("?twclid=1", "x"),
        ("?fbclid=", "direct"),
        ("#?utm_source=x", "direct"),
    ],
)
def test_parameters_name_the_source_in_their_order(query: str, expected: str) -> None:
    assert source(query) == expected


def test_parameters_win_over_click_ids_and_those_over_the_referrer() -> None:
    assert source("?ref=mail&fbclid=1", "https://www.google.com/") == "mail"
    assert source("?fbclid=1", "https://www.google.com/") == "facebook"


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.com/", "google"),
        ("https://www.google.co.uk/search?q=x", "google"),
        ("https://google.evil.test/", "evil.test"),
        ("https://google.github.io/", "google.github.io"),
        ("https://mail.google.com/mail", "gmail"),
        ("https://t.co/abc", "x"),
        ("https://l.facebook.com/l.php", "facebook"),
        ("https://lnkd.in/a", "linkedin"),
        ("https://news.bbc.co.uk/a", "bbc.co.uk"),
        ("https://a.blog.example.org/", "example.org"),
        ("http://198.51.100.7:8080/x", "198.51.100.7"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("android-app://com.google.android.gm/", "gmail"),
        ("http://intranet/", "intranet"),
        ("", "direct"),
        ("not a url", "direct"),
        ("https://", "direct"),
        ("javascript:alert(1)", "direct"),
        ("about:blank", "direct"),
        ("file:///home/me/page.html", "direct"),
        ("http://localhost:3000/", "direct"),
        ("https://example.com/a", "direct"),
        ("https://EXAMPLE.com./a", "direct"),
        ("https://shop.example.com/a", "direct"),
        ("https://notexample.com/a", "notexample.com"),
    ],
)
def test_a_referrer_names_the_source_else_its_registrable_domain(referrer: str, expected: str) -> None:
    assert source("", referrer) == expected


def test_the_events_own_host_is_no_referrer() -> None:
    assert source("", "https://partner.test/a", host="partner.test") == "direct"
    assert source("", "https://partner.test/a", host="www.partner.test") == "partner.test"


def test_the_campaign_keeps_its_case() -> None:
    assert attribute("https://a.test/?utm_campaign=%20Spring%20Sale%20", "", "a.test").campaign == "Spring Sale"
    assert attribute("https://a.test/?utm_campaign=", "", "a.test").campaign == "(none)"


@given(st.text(max_size=80), st.text(max_size=80))
def test_attribution_is_total(url: str, referrer: str) -> None:
    """S8: any text has a source of 1 to 255 characters."""
    for start in ("", "https://", "https://a.test/?utm_source="):
        assert 1 <= len(attribute(start + url, start + referrer, "example.com").source) <= 255


def test_no_word_of_the_list_may_name_two_sources() -> None:
    with pytest.raises(ValueError, match=r"'a\.test' is listed for 'one' and for 'two'"):
        read_list("one: a.test\ntwo: a.test\n")
