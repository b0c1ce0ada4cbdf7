"""Clicks, inputs and submits are found wherever they happen: in shadow roots, on maps and drawings, by code."""

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.site import Counted
from tests.browser.web import Web

pytestmark = [pytest.mark.browser, pytest.mark.services]

ALL = "data-outbound data-downloads data-forms"
STAY = "addEventListener('click', event => event.composedPath().some(n => n.href) && event.preventDefault())"
# A shadow root in a shadow root, and content of the page in the slot of a link.
SHADOW = """<x-card><b id="slotted">to the shop</b></x-card><script>
    customElements.define('x-inner', class extends HTMLElement { constructor() {
        super();
        this.attachShadow({mode: 'open'}).innerHTML = `<a id="file" href="/list.pdf?id=7"><i>list</i></a>
        <button data-event="choose" data-event-plan="pro"><b id="plan">Pro</b></button>
        <form id="signup" action="/thanks" target="elsewhere"><input id="mail"><button id="send">Go</button></form>`;
    } });
    customElements.define('x-card', class extends HTMLElement { constructor() {
        super();
        this.attachShadow({mode: 'open'}).innerHTML =
        `<a href="https://partner.example/offer?token=1"><slot></slot></a><x-inner></x-inner>`;
    } });
</script>"""


def data(site: Counted, *types: str) -> dict[str, object]:
    return {event["type"]: event["data"] for event in site.wait("pageview", *types, "end") if event["type"] in types}


def end(tab: Tab) -> None:
    tab.evaluate("throughline.track('end')")


def test_links_files_buttons_and_forms_inside_shadow_roots(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", SHADOW, script=ALL))
    tab.evaluate(STAY)
    tab.click("#slotted")
    tab.click("#file i")
    tab.click("#plan")
    tab.fill("#mail", "a@b.c")
    tab.fill("#mail", "d@b.c")
    tab.click("#send")
    tab.wait_for_timeout(100)
    end(tab)
    assert data(site, "outbound_link", "download", "choose", "form_start", "form_submit") == {
        "outbound_link": {"url": "https://partner.example/offer"},
        "download": {"url": f"{web.url}/list.pdf"},
        "choose": {"plan": "pro"},
        "form_start": {"form": "signup"},
        "form_submit": {"form": "signup"},
    }


def test_a_form_of_the_page_whose_fields_are_components(tab: Tab, web: Web, site: Counted) -> None:
    field = """<script>customElements.define('x-field', class extends HTMLElement { constructor() {
        super(); this.attachShadow({mode: 'open'}).innerHTML = '<input id="deep">' } })</script>"""
    tab.goto(web.page("/", f'<form id="order"><x-field></x-field></form>{field}', script=ALL))
    tab.fill("#deep", "x")
    end(tab)
    assert data(site, "form_start") == {"form_start": {"form": "order"}}


def test_a_form_inside_a_shadow_root_that_is_prevented_is_not_sent(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", SHADOW, script=ALL))
    tab.evaluate(
        """document.querySelector('x-card').shadowRoot.querySelector('x-inner').shadowRoot.querySelector('form')
        .addEventListener('submit', event => event.preventDefault())"""
    )
    tab.fill("#mail", "x")
    tab.press("#mail", "Enter")
    tab.wait_for_timeout(100)
    end(tab)
    site.wait("pageview", "form_start", "end")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            '<svg width="99" height="99"><a id="link" href="{to}"><rect width="99" height="99"/></a></svg>', id="svg"
        ),
        pytest.param(
            '<svg width="99" height="99"><a id="link" xlink:href="{to}"><rect width="99" height="99"/></a></svg>',
            id="xlink",
        ),
        pytest.param(
            '<img id="link" usemap="#map" width="99" height="99" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
            '<map name="map"><area shape="rect" coords="0,0,99,99" href="{to}"></map>',
            id="area",
        ),
    ],
)
def test_links_on_drawings_and_maps(body: str, tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", body.replace("{to}", "https://partner.example/offer?token=1#x"), script=ALL))
    tab.evaluate(STAY)
    tab.click("#link")
    end(tab)
    assert data(site, "outbound_link") == {"outbound_link": {"url": "https://partner.example/offer"}}


@pytest.mark.parametrize(("kind", "url"), [("blob", "blob:report.csv"), ("data", "data:report.csv")])
def test_what_a_page_makes_itself_is_a_download_by_its_name(
    kind: str, url: str, tab: Tab, web: Web, site: Counted
) -> None:
    tab.goto(web.page("/", '<a id="made" download="report.csv">report</a>', script=ALL))
    tab.evaluate(
        """kind => document.getElementById('made').href =
        kind == 'blob' ? URL.createObjectURL(new Blob(['secret'])) : 'data:text/csv,secret'""",
        kind,
    )
    with tab.expect_download():
        tab.click("#made")
    end(tab)
    assert data(site, "download") == {"download": {"url": url}}, "neither what is in it nor a random name"


def test_what_leads_nowhere_else_is_no_outbound_link(tab: Tab, web: Web, site: Counted) -> None:
    links = "".join(
        f'<a class="link" href="{to}">x</a> '
        for to in ("mailto:a@b.zip", "tel:+1", "whatsapp://send?text=x", "javascript:void 0", "#a", "", "http://[bad/")
    )
    head = '<base href="/deep/">'
    tab.goto(web.page("/", f'{links}<a class="link">x</a>', script=ALL, head=head))
    tab.evaluate("addEventListener('click', event => event.preventDefault())")
    for link in tab.query_selector_all(".link"):
        link.click()
    end(tab)
    site.wait("pageview", "end")


def test_an_element_with_a_name_is_counted_whatever_its_address(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", '<a href="http://[bad/" data-event="tried">x</a>', script=ALL))
    tab.evaluate("addEventListener('click', event => event.preventDefault())")
    tab.click("a")
    end(tab)
    site.wait("pageview", "tried", "end")


FORM = '<form id="form" data-event="order" action="/thanks" target="elsewhere">{}<button>Go</button></form>'
PREVENT = "event => event.preventDefault()"


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(f"form.addEventListener('submit', {PREVENT})", id="by the form"),
        pytest.param(f"document.addEventListener('submit', {PREVENT})", id="by the document"),
        pytest.param(f"window.addEventListener('submit', {PREVENT})", id="last of all"),
        pytest.param(f"form.noValidate = true; form.onsubmit = {PREVENT}", id="by checks of its own"),
        pytest.param("form.innerHTML += '<input required>'", id="invalid"),
        pytest.param("form.onsubmit = () => false", id="the old way"),
    ],
)
def test_a_form_that_is_not_sent_is_not_counted(prepare: str, tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", FORM.format(""), script=ALL))
    tab.evaluate(f"{{ const form = document.getElementById('form'); {prepare}; 0 }}")
    tab.click("button")
    tab.wait_for_timeout(100)
    end(tab)
    site.wait("pageview", "end")


@pytest.mark.parametrize(
    "send",
    [
        pytest.param("form.querySelector('button').click()", id="clicked"),
        pytest.param("form.requestSubmit()", id="requested"),
        pytest.param(
            "form.noValidate = true; form.innerHTML += '<input required>'; form.requestSubmit()", id="unchecked"
        ),
    ],
)
def test_a_form_that_is_sent_is_counted(send: str, tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", FORM.format(""), script=ALL))
    tab.evaluate(f"const form = document.getElementById('form'); {send}")
    tab.wait_for_timeout(100)
    end(tab)
    site.wait("pageview", "form_submit", "order", "end")


def test_a_form_that_leads_to_the_next_page_is_counted(tab: Tab, web: Web, site: Counted) -> None:
    """It is looked at after its handlers, and the page is left at the same time."""
    web.page("/thanks")
    tab.goto(web.page("/", FORM.format("").replace("elsewhere", "_self"), script=ALL))
    site.wait("pageview")
    tab.click("button")
    site.wait("pageview", "form_submit", "order", "pageview")
