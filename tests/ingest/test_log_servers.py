"""Lines as servers write them: IIS, CloudFront, load balancers, and JSON of every shape."""

import json
from typing import Any

import pytest

from ingest.access_log.hit import Hit, Malformed, judge
from ingest.access_log.reader import Reader, recognise
from tests.ingest.test_log_format import CLIENT, NOW, TIME, combined, format_of, read

IIS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status"
)
IIS_LINE = (
    "2026-11-10 10:01:00 10.0.0.1 GET /a+b utm_source=x+y 443 - 8.8.8.8 Mozilla/5.0+(Windows+NT) https://t.co/ 200"
)
CLOUDFRONT = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query"
)
CLOUDFRONT_LINE = (
    "2026-11-10\t10:01:00\tFRA2\t9\t8.8.8.8\tGET\td.cloudfront.net\t/a\t200\t-\t"
    "Mozilla/5.0%20(Windows%2520NT)\tutm_source=x"
)


def test_iis() -> None:
    head = (
        "#Software: Microsoft Internet Information Services 10.0",
        "#Version: 1.0",
        "#Date: 2026-11-10 00:00:00",
        IIS,
    )
    hit = read(*head, IIS_LINE)
    assert hit == Hit(TIME, "8.8.8.8", "GET", "/a+b?utm_source=x+y", 200, "https://t.co/", "Mozilla/5.0 (Windows NT)")
    assert read(*head, IIS_LINE.replace("utm_source=x+y", "-").replace("https://t.co/", "-")) == hit._replace(
        target="/a+b", referrer=""
    )
    # The fields change within the file; without an agent nobody is judged by it, without a date the day's stands.
    assert read(
        *head, IIS_LINE, "#Fields: time c-ip cs-method cs-uri-stem sc-status", "10:01:00 8.8.8.8 GET /b 200"
    ) == Hit(TIME, "8.8.8.8", "GET", "/b", 200, "", None)


def test_cloudfront() -> None:
    hit = read("#Version: 1.0", CLOUDFRONT, CLOUDFRONT_LINE)
    assert hit == Hit(TIME, "8.8.8.8", "GET", "/a?utm_source=x", 200, "", "Mozilla/5.0 (Windows NT)")


def test_w3c_lines_that_do_not_fit_their_fields() -> None:
    reader = recognise([IIS.encode(), IIS_LINE.encode()], CLIENT, {})
    assert reader is not None
    for line in (IIS_LINE, IIS_LINE + " x", IIS_LINE.replace("8.8.8.8", "-"), IIS_LINE.replace(" 200", " OK")):
        fresh = Reader("w3c", CLIENT, {})
        if line is not IIS_LINE:
            fresh.read(IIS.encode())
        with pytest.raises(Malformed):
            fresh.read(line.encode())


@pytest.mark.parametrize("kind", ["http ", "https ", "h2 ", "wss ", ""])
def test_an_aws_load_balancer(kind: str) -> None:
    line = (
        f"{kind}2026-11-10T10:01:00.250000Z app/my-lb/50dc 8.8.8.8:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
        '"GET https://www.example.com:443/a?b=1 HTTP/2.0" "UA x" ECDHE TLSv1.2 arn:aws:x "Root=1" "d" "-" 0 '
        '2026-11-10T10:01:00.1Z "forward" "-"'
    )
    assert read(line) == Hit(TIME + 250, "8.8.8.8", "GET", "https://www.example.com:443/a?b=1", 200, "", "UA x")
    assert (
        judge(
            read(line, line.replace(" 200 200 ", " - - ").replace(" 10.0.0.1:80 0.000 0.001 0.000 ", " - -1 -1 -1 ")),
            NOW,
        )
        == "status"
    )


CADDY: dict[str, Any] = {
    "level": "info",
    "ts": 1794304860.25,
    "logger": "http.log.access",
    "msg": "handled request",
    "request": {
        "remote_ip": "10.0.0.9",
        "client_ip": "8.8.8.8",
        "method": "GET",
        "uri": "/a?utm_source=x",
        "headers": {"User-Agent": ["UA x"], "Referer": ["https://t.co/"]},
    },
    "status": 200,
}
TRAEFIK: dict[str, Any] = {
    "ClientAddr": "8.8.8.8:50001",
    "ClientHost": "8.8.8.8",
    "DownstreamStatus": 200,
    "RequestMethod": "GET",
    "RequestPath": "/a?utm_source=x",
    "StartUTC": "2026-11-10T10:01:00.250123456Z",
    "time": "2026-11-10T10:01:09Z",
    "request_User-Agent": "UA x",
    "request_Referer": "https://t.co/",
}
CLOUDFLARE: dict[str, Any] = {
    "ClientIP": "8.8.8.8",
    "ClientRequestHost": "example.com",
    "ClientRequestMethod": "GET",
    "ClientRequestURI": "/a?utm_source=x",
    "EdgeResponseStatus": 200,
    "EdgeStartTimestamp": 1794304860250000000,
    "ClientRequestReferer": "https://t.co/",
    "ClientRequestUserAgent": "UA x",
}
NGINX: dict[str, Any] = {
    "msec": "1794304860.250",
    "remote_addr": "8.8.8.8",
    "request_method": "GET",
    "uri": "/a",
    "args": "utm_source=x",
    "status": "200",
    "http_referer": "https://t.co/",
    "http_user_agent": "UA x",
}


@pytest.mark.parametrize("line", [CADDY, TRAEFIK, CLOUDFLARE, NGINX], ids=["caddy", "traefik", "cloudflare", "nginx"])
def test_servers_that_write_json(line: dict[str, Any]) -> None:
    hit = Hit(TIME + 250, "8.8.8.8", "GET", "/a?utm_source=x", 200, "https://t.co/", "UA x")
    assert read(json.dumps(line)) == hit


def test_traefik_writes_clf_too() -> None:
    assert read(combined(more=' 42 "web@docker" "http://10.0.0.1:80" 3ms')) == read(combined())


def test_json_without_a_place_for_agents_is_not_judged_by_them() -> None:
    bare = {name: value for name, value in TRAEFIK.items() if not name.startswith("request_")}
    assert read(json.dumps(bare)).agent is None
    assert read(json.dumps(TRAEFIK), json.dumps(bare)).agent == ""
    headers = {**CADDY, "request": {**CADDY["request"], "headers": {"Accept": ["*/*"]}}}
    assert read(json.dumps(headers)).agent == ""


def test_json_as_nginx_breaks_it() -> None:
    line = (
        rb'{"time":1794304860,"remote_addr":"8.8.8.8","request":"GET /caf\xC3\xA9\x22 HTTP/1.1","status":200,'
        rb'"http_user_agent":"a \x22b\x22 \xff"}'
    )
    hit = read(line)
    assert (hit.target, hit.agent) == ('/café"', 'a "b" \ufffd')


def test_nuls_and_lone_halves_in_json() -> None:
    line = (
        r'{"time":1794304860,"remote_addr":"8.8.8.8\u0000","request":"GET /a HTTP/1.1","status":200,'
        r'"ua":"a\ud83d\u0000b"}'
    )
    hit = read(line)
    assert (hit.ip, hit.agent) == ("8.8.8.8", "a\ufffdb")


@pytest.mark.parametrize(
    "lines",
    [
        ["what is this"],
        ['2026/11/10 10:01:00 [error] 12#12: *1 open() failed, client: 8.8.8.8, request: "GET / HTTP/1.1"'],
        ['{"level":"info","msg":"hello"}'],
        [IIS_LINE],
        ["<html>", "</html>"],
        ["time,ip,url", "2026-11-10,8.8.8.8,/a"],
    ],
)
def test_formats_that_nobody_knows(lines: list[str]) -> None:
    assert format_of(*lines) is None
