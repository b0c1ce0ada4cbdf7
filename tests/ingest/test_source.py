"""Where visits come from."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.page import read_url
from ingest.source import Attribution
from ingest.source import attribute as attribute_urls


def attribute(url: str, referrer: str, domain: str, direct: Collection[str] = ()) -> Attribution:
    return attribute_urls(read_url(url), read_url(referrer), domain, frozenset(direct))


def source(query: str = "", referrer: str = "", host: str = "example.com", direct: Collection[str] = ()) -> str:
    return attribute(f"https://{host}/{query}", referrer, "example.com", direct).source


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
        ("?gad_source=1", "google"),
        ("?dclid=1", "google"),
        ("?yclid=1", "yandex"),
        ("?epik=1", "pinterest"),
        ("?ScCid=1", "snapchat"),
        ("?sccid=1", "snapchat"),
        ("?rdt_cid=1", "reddit"),
        ("?igsh=1", "instagram"),
        ("?IGSHID=1", "instagram"),
        ("?igshid=1&GCLID=1", "google"),
        ("?gad_source=1&fbclid=1", "facebook"),
        ("?fbclid=", "direct"),
        ("?a=1&amp;utm_source=x", "x"),
        ("?a=1&amp;amp;UTM_SOURCE=news", "news"),
        ("?a=1&amp%3Butm_source=news", "news"),
        ("?a=1&amp;gclid=1", "google"),
        ("??utm_source=news", "news"),
        ("??gclid=1", "google"),
        ("?id=1?utm_source=news", "news"),
        ("#?utm_source=x", "direct"),
    ],
)
def test_parameters_name_the_source_in_their_order(query: str, expected: str) -> None:
    assert source(query) == expected


def test_parameters_win_over_click_ids_and_those_over_the_referrer() -> None:
    assert source("?ref=mail&fbclid=1", "https://www.google.com/") == "mail"
    assert source("?fbclid=1", "https://www.google.com/") == "facebook"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?ref=https://t.co/x", "x"),
        ("?ref=https%3A%2F%2Ft.co%2Fx", "x"),
        ("?ref=https%253A%252F%252Ft.co%252Fx", "x"),
        ("?ref=HTTPS://News.Ycombinator.com/item?id=1", "hacker-news"),
        ("?utm_source=https://www.google.com/search", "google"),
        ("?source=http://blog.partner.test/a", "partner.test"),
        ("?ref=//t.co/x", "x"),
        ("?ref=www.partner.test", "partner.test"),
        ("?ref=www.google.de/search", "google"),
        ("?ref=android-app://com.slack", "slack"),
        ("?ref=https://198.51.100.7/", "198.51.100.7"),
        ("?ref=partner.test", "partner.test"),
        ("?ref=t.co/x", "x"),
        ("?ref=News.Ycombinator.com%2Fitem%3Fid%3D1", "hacker-news"),
        ("?utm_source=blog.partner.com:8080/a", "partner.com"),
        ("?utm_source=blog.partner.co.uk%252Fa", "partner.co.uk"),
        ("?ref=and/or", "and/or"),
        ("?ref=/t.co/x", "/t.co/x"),
        ("?ref=v1.2/final", "v1.2/final"),
        ("?ref=team.newsletter/june", "team.newsletter/june"),
        ("?ref=com/x", "com/x"),
        ("?ref=https://", "https://"),
        ("?utm_source=paypal.com", "paypal.com"),
    ],
)
def test_a_value_that_is_a_web_address_counts_as_a_referrer(query: str, expected: str) -> None:
    assert source(query) == expected


@pytest.mark.parametrize(
    "own", ["https://example.com/a", "https://shop.example.com/", "https://login.live.com/", "//own.test"]
)
def test_an_address_from_where_a_visit_is_direct_says_nothing(own: str) -> None:
    """What comes after it in the order does."""
    assert source(f"?ref={own}", direct=["own.test"]) == "direct"
    assert source(f"?utm_source={own}&ref=partner", direct=["own.test"]) == "partner"
    assert source(f"?utm_source={own}&ref=https://t.co/&gclid=1", direct=["own.test"]) == "x"
    assert source(f"?ref={own}&gclid=1", direct=["own.test"]) == "google"
    assert source(f"?ref={own}", "https://news.test/", direct=["own.test"]) == "news.test"


@pytest.mark.parametrize(
    "referrer",
    [
        *("https://accounts.google.com/o/oauth2", "https://accounts.google.co.uk/", "https://accounts.youtube.com/"),
        *("https://login.live.com/", "https://login.microsoftonline.com/x", "https://appleid.apple.com/auth"),
        *(
            "https://shop.eu.auth0.com/",
            "https://dev-1.okta.com/",
            "https://shop.b2clogin.com/",
            "https://id.twitch.tv/",
        ),
        *(
            "https://login.yahoo.com/",
            "https://shop.auth.eu-west-1.amazoncognito.com/",
            "https://accounts.shopify.com/",
        ),
        *(
            "https://checkout.stripe.com/c/pay",
            "https://hooks.stripe.com/",
            "https://www.paypal.com/",
            "https://paypal.com/",
        ),
        *("https://pay.google.com/", "https://payments.klarna.com/", "https://checkoutshopper-live.adyen.com/"),
        *(
            "https://www.mollie.com/checkout",
            "https://pay.ideal.nl/",
            "https://api.razorpay.com/",
            "https://secure.payu.com/",
        ),
        *("https://www.mercadopago.com.ar/", "https://go.przelewy24.pl/", "https://secure-test.worldpay.com/"),
        *("https://payments.amazon.de/", "https://centinelapi.cardinalcommerce.com/", "https://secure5.arcot.com/"),
        *("https://accounts.google.com./", "HTTPS://WWW.PAYPAL.COM/", "android-app://www.paypal.com/"),
    ],
)
def test_signing_in_and_paying_is_no_visit_from_there(referrer: str) -> None:
    assert source("", referrer) == "direct"


@pytest.mark.parametrize(
    "referrer",
    ["https://mail.live.com/", "https://www.youtube.com/", "https://stripe.com/blog", "https://www.apple.com/"],
)
def test_the_rest_of_a_company_is_a_source(referrer: str) -> None:
    assert source("", referrer) != "direct"


@pytest.mark.parametrize(
    ("direct", "referrer", "expected"),
    [
        (["partner.test"], "https://partner.test/a", "direct"),
        (["partner.test"], "https://pay.partner.test/", "direct"),
        (["pay.partner.test"], "https://partner.test/", "partner.test"),
        (["partner.test"], "https://notpartner.test/", "notpartner.test"),
        (["google.com"], "https://www.google.com/", "direct"),
        (["203.0.113.7"], "http://203.0.113.7:8080/", "direct"),
        (["xn--bcher-kva.example"], "https://www.bücher.example/", "direct"),
    ],
)
def test_hosts_of_the_site_and_ignored_referrers_are_direct(direct: list[str], referrer: str, expected: str) -> None:
    assert source("", referrer, direct=direct) == expected


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ("com.google.android.gm", "gmail"),
        ("com.google.android.googlequicksearchbox", "google"),
        ("com.google.android.apps.searchlite", "google"),
        ("com.google.android.apps.magazines", "google-news"),
        ("com.android.chrome", "google"),
        ("com.microsoft.bing", "bing"),
        ("com.facebook.orca", "messenger"),
        ("com.linkedin.android", "linkedin"),
        ("org.telegram.messenger", "telegram"),
        ("m.facebook.com", "facebook"),
        ("www.google.com", "google"),
        ("www.google.co.uk", "google"),
        ("t.me", "telegram"),
        ("www.blog.test", "blog.test"),
        ("com.example.reader", "com.example.reader"),
        ("com.example.app", "com.example.app"),
        ("example.com", "direct"),
    ],
)
def test_an_app_is_known_by_its_package_or_by_its_web_host(app: str, expected: str) -> None:
    for end in ("", "/", "/https/example.org/a"):
        assert source("", f"android-app://{app}{end}") == expected


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
        ("http://app.localhost/", "direct"),
        ("http://localhost.localdomain/", "direct"),
        ("http://127.0.0.1:8000/", "direct"),
        ("http://127.9.9.9/", "direct"),
        ("http://[::1]:3000/", "direct"),
        ("http://[0:0::1]/", "direct"),
        ("http://[::ffff:127.0.0.1]/", "direct"),
        ("http://0.0.0.0:8000/", "direct"),
        ("http://192.168.1.10/", "192.168.1.10"),
        ("http://127.0.0.1.example.org/", "example.org"),
        ("https://example.com/a", "direct"),
        ("https://EXAMPLE.com./a", "direct"),
        ("https://shop.example.com/a", "direct"),
        ("https://notexample.com/a", "notexample.com"),
    ],
)
def test_a_referrer_names_the_source_else_its_registrable_domain(referrer: str, expected: str) -> None:
    assert source("", referrer) == expected


def test_a_letter_that_is_two_in_lower_case_makes_no_name_longer() -> None:
    found = attribute(f"https://a.test/?utm_source={'İ' * 200}&utm_medium={'İ' * 200}", "", "a.test")
    assert (len(found.source), len(found.medium)) == (200, 200)


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
