"""What a visit's channel is, and what urls stored by an earlier build still tell of it."""

import pytest

from ingest.channel import channel, of_stored
from ingest.contract.event import Touch
from ingest.contract.page import read_url
from ingest.source import Attribution, attribute

PAID_SEARCH, DIRECT = "Paid Search", "Direct"


@pytest.mark.parametrize(
    ("source", "medium", "ad", "expected"),
    [
        ("google", "", False, "Organic Search"),
        ("google", "cpc", False, PAID_SEARCH),
        ("bing", "ppc", False, PAID_SEARCH),
        ("google", "", True, PAID_SEARCH),
        ("duckduckgo", "paid", False, PAID_SEARCH),
        ("google", "organic", True, PAID_SEARCH),
        ("google", "unpaid", False, "Organic Search"),
        ("facebook", "paid_social", False, "Paid Social"),
        ("linkedin", "", True, "Paid Social"),
        ("google", "cpm", True, PAID_SEARCH),  # the first match
        ("google", "cpm", False, "Display"),
        ("example.com", "banner", True, "Display"),
        ("newsletter", "display", False, "Display"),
        ("youtube", "cpc", False, "Paid Other"),
        ("direct", "retargeting", False, "Paid Other"),
        ("newsletter", "", True, "Paid Other"),
        ("example.com", "affiliate", False, "Affiliates"),
        ("google", "affiliate", False, "Affiliates"),
        ("direct", "e-mail", False, "Email"),
        ("e_mail", "social", False, "Email"),
        ("newsletter", "", False, "Email"),
        ("gmail", "", False, "Referral"),
        ("chatgpt", "", False, "AI Assistant"),
        ("copilot", "organic", False, "AI Assistant"),
        ("chatgpt", "email", False, "Email"),
        ("direct", "organic", False, "Organic Search"),
        ("google", "social", False, "Organic Search"),
        ("x", "", False, "Organic Social"),
        ("direct", "sm", False, "Organic Social"),
        ("youtube", "social-media", False, "Organic Social"),
        ("vimeo", "", False, "Video"),
        ("example.com", "video", False, "Video"),
        ("example.com", "", False, "Referral"),
        ("hacker-news", "", False, "Referral"),
        ("direct", "referral", False, "Referral"),
        ("google", "referral", False, "Organic Search"),
        ("direct", "", False, DIRECT),
        ("direct", "something else", False, DIRECT),
        ("search", "", False, "Referral"),  # a source of that name, no kind of one
        ("", "", False, "Referral"),
    ],
)
def test_the_first_rule_that_holds(source: str, medium: str, ad: bool, expected: str) -> None:
    assert channel(source, medium, ad) == expected


@pytest.mark.parametrize("name", ["gclid", "GBRAID", "wbraid", "msclkid", "ttclid", "li_fat_id", "twclid"])
def test_a_click_id_of_an_ad_is_paid_for_whatever_names_the_source(name: str) -> None:
    assert at(f"?{name}=1").channel.startswith("Paid ")
    assert at(f"?utm_source=example&{name}=1").channel == "Paid Other"
    assert at(f"?utm_source=google&{name}=1", "https://bing.com/").channel == PAID_SEARCH
    assert at(f"?utm_source=google&amp;{name}=1").channel == PAID_SEARCH
    assert at(f"?utm_source=example&{name}=").channel == "Referral"  # an empty one says nothing


@pytest.mark.parametrize("name", ["fbclid", "gad_source", "dclid", "yclid", "epik", "ScCid", "rdt_cid", "igshid"])
def test_other_click_ids_are_not(name: str) -> None:
    assert at(f"?{name}=1").channel in ("Organic Search", "Organic Social")


def at(query: str, referrer: str = "") -> Attribution:
    return attribute(read_url(f"https://www.shop.example/{query}"), read_url(referrer), "shop.example")


def test_medium_term_and_content() -> None:
    found = at("?UTM_Medium=%20Paid%20%20Social&utm_term=Red+Shoes&utm_content=A%7CB&utm_medium=second")
    assert (found.medium, found.term, found.content) == ("paid social", "Red Shoes", "A|B")
    assert at("?utm_medium=&utm_term=%20&utm_content")[2:5] == ("", "", "")
    assert len(at("?utm_term=" + "x" * 300).term) == 200
    assert at("").channel == DIRECT


def test_what_a_stored_url_tells() -> None:
    url = "https://www.shop.example:8080/a?utm_medium=CPC&utm_term=100%25&utm_content=%C3%A9&utm_source=google"
    assert of_stored(url, "google") == Touch("cpc", "100%", "é", PAID_SEARCH, "shop.example", "", "")
    assert of_stored("https://blog.shop.example/", "x") == Touch(
        "", "", "", "Organic Social", "blog.shop.example", "", ""
    )
    assert of_stored("", "direct") == Touch("", "", "", DIRECT, "", "", "")
