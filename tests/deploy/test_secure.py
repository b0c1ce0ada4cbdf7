"""Stores behind TLS and passwords: the real ones, with the right words and with wrong ones."""

import asyncio
import base64
import gc
import http.server
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from kafka.errors import SaslAuthenticationFailedError
from redis import Redis, RedisError

from deploy import wiring
from deploy.patience import away
from deploy.peek import log_state
from deploy.reason import reason
from deploy.settings import Settings, load
from deploy.wrong import wrong
from ingest.log.kafka_token import Token
from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable
from tests.services.kafka import KafkaBroker, Secure
from tests.services.process import ServiceUnavailable, free_port
from tests.services.redis import RedisServer
from tests.services.tls import Authority, TlsProxy, authority

USER, PASSWORD = "throughline", "s3cret/with:marks@"
SHOWN = "s3cret"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    try:
        return authority(tmp_path_factory.mktemp("authority"))
    except ServiceUnavailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("other"), "IP:127.0.0.2")


@pytest.fixture(scope="module")
def broker(signed: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    secure = Secure(signed.pem, USER, PASSWORD)
    started = KafkaBroker(tmp_path_factory.mktemp("broker"), secure=secure)
    try:
        started.start()
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    yield secure
    started.stop()


def address(secure: Secure, ca: Path, sasl: str, password: str = PASSWORD, topic: str = "events") -> str:
    return f"kafka+ssl://{USER}:{quote(password, '')}@127.0.0.1:{secure.port}/{topic}?sasl={sasl}&ca={quote(str(ca))}"


def unsigned(subject: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = time.time()
    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now, 'exp': now + 3600})}."


def written_and_read(settings: Settings, wanted: bytes) -> None:
    async def write() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        assert [*await producer.write([(0, wanted)])] == [None]
        await producer.close()

    asyncio.run(write())
    consumer, dead = wiring.consumer(settings), wiring.dead_letters(settings)
    end = consumer.bounds(0).end
    assert consumer.read(0, end - 1, end)[0].value == wanted
    assert dead.count() == 0
    consumer.close()
    dead.close()
    assert log_state(settings).ends[0] == end


@pytest.mark.services
@pytest.mark.parametrize("sasl", ["PLAIN", "SCRAM-SHA-256", "scram-sha-512"])
def test_the_log_lies_on_a_kafka_with_tls_and_passwords(broker: Secure, signed: Authority, sasl: str) -> None:
    written_and_read(load({"event_log": address(broker, signed.ca, sasl), "partitions": 1}, {}), sasl.encode())


@pytest.mark.services
def test_the_log_lies_on_a_kafka_with_tokens(broker: Secure, signed: Authority, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(unsigned(USER) + "\n")
    place = f"kafka+ssl://127.0.0.1:{broker.port}/tokens?sasl=OAUTHBEARER&ca={signed.ca}&token_file={file}"
    written_and_read(load({"event_log": place, "partitions": 1}, {}), b"by token")


@pytest.mark.services
@pytest.mark.filterwarnings("ignore:unclosed <ssl")  # kafka-python leaves those of failed connections behind
def test_a_kafka_that_cannot_be_used_says_which_setting_is_wrong(
    broker: Secure, signed: Authority, other: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("kafka").setLevel("ERROR")  # no process of ours shows what it says
    for place, why in (
        (address(broker, signed.ca, "PLAIN", "not the s3cret"), "wrong user or password"),
        (address(broker, other.ca, "PLAIN"), r"its certificate is not trusted: name the CA's file, \?ca=…"),
    ):
        settings = load({"event_log": place}, {})
        with pytest.raises(LogUnavailable) as raised:
            log_state(settings)
        said = away(settings, raised.value)
        assert re.fullmatch(
            rf"the event log at kafka\+ssl://127.0.0.1:\d+/events cannot be used: {why} \(THROUGHLINE_EVENT_LOG\)", said
        )
        assert SHOWN not in str(raised.value) + caplog.text
    del raised
    gc.collect()


@pytest.fixture(scope="module")
def secure_redis(signed: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`rediss://…` of a server that wants a password, which is in the address."""
    port, files = free_port(), ("--tls-cert-file", str(signed.cert), "--tls-key-file", str(signed.key))
    options = ("--tls-port", str(port), *files, "--tls-ca-cert-file", str(signed.ca), "--tls-auth-clients", "no")
    started = RedisServer(tmp_path_factory.mktemp("redis"), options=options)
    try:
        started.start()
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    with Redis.from_url(started.url) as client:
        client.config_set("requirepass", PASSWORD)
    yield f"rediss://:{quote(PASSWORD, '')}@127.0.0.1:{port}/0"
    started.stop()


@pytest.mark.services
def test_states_and_log_lie_on_a_redis_with_tls(secure_redis: str, signed: Authority) -> None:
    place = f"{secure_redis}?ca={signed.ca}"
    settings = load({"event_log": place, "redis": place, "partitions": 1}, {})
    written_and_read(settings, b"by TLS")
    assert wiring.redis_client(settings).ping()

    async def ping() -> bool:
        async with wiring.async_redis_client(settings) as client:
            return bool(await client.ping())

    assert asyncio.run(ping())


@pytest.mark.services
def test_a_redis_that_cannot_be_used_says_which_setting_is_wrong(
    secure_redis: str, signed: Authority, other: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    no_password = re.sub("//.*@", "//", secure_redis)
    plain_port = no_password.replace("rediss", "redis")
    for place, why in (
        (secure_redis.replace(SHOWN, "not-the-s3cret") + f"?ca={signed.ca}", "wrong user or password"),
        (f"{no_password}?ca={signed.ca}", "wrong user or password"),
        (f"{secure_redis}?ca={other.ca}", "its certificate is not trusted: name the CA's file, ?ca=…"),
        (secure_redis, "its certificate is not trusted: name the CA's file, ?ca=…"),
    ):
        settings = load({"redis": place}, {})
        with pytest.raises(RedisError) as raised:
            wiring.redis_client(settings).ping()
        said = away(settings, raised.value)
        assert said == f"Redis at {plain_port.replace('redis', 'rediss', 1)} cannot be used: {why} (THROUGHLINE_REDIS)"
        assert SHOWN not in said + caplog.text
    with pytest.raises(LogUnavailable) as unavailable:
        log_state(load({"event_log": f"{secure_redis}?ca={other.ca}"}, {}))
    assert reason(unavailable.value).endswith("(THROUGHLINE_EVENT_LOG)")


@pytest.mark.services
def test_clickhouse_behind_tls(clickhouse_url: str, signed: Authority, other: Authority) -> None:
    place = urlsplit(clickhouse_url)
    assert place.port
    with TlsProxy(signed, place.port) as proxy:
        secured = place._replace(
            scheme="https", netloc=place.netloc.rpartition("@")[0] + f"@127.0.0.1:{proxy.port}", path="/default"
        ).geturl()
        client = wiring.clickhouse(load({"clickhouse": f"{secured}?ca={signed.ca}"}, {}))
        assert client.rows("SELECT 1 AS one") == [{"one": 1}]
        assert client.patient(7.0).rows("SELECT 1 AS one") == [{"one": 1}]
        client.close()
        wrong = re.sub("//.*@", "//default:not-the-s3cret@", secured)
        for url, why in (
            (f"{secured}?ca={other.ca}", "its certificate is not trusted: name the CA's file, ?ca=…"),
            (secured, "its certificate is not trusted: name the CA's file, ?ca=…"),
            (f"{wrong}?ca={signed.ca}", "wrong user or password"),
            (secured.replace("127.0.0.1", "localhost") + f"?ca={signed.ca}", "its certificate is for another host"),
            (secured.replace(str(proxy.port), str(place.port)) + f"?ca={signed.ca}", "it does not speak TLS"),
        ):
            settings = load({"clickhouse": url}, {})
            with pytest.raises(ClickHouseUnavailable) as raised:
                wiring.clickhouse(settings).rows("SELECT 1")
            said = away(settings, raised.value)
            assert said.endswith(f" cannot be used: {why} (THROUGHLINE_CLICKHOUSE)"), said
            assert SHOWN not in said


@pytest.mark.services
def test_a_service_says_at_its_start_which_of_its_addresses_is_wrong(
    secure_redis: str, clickhouse_url: str, signed: Authority
) -> None:
    turned_away = secure_redis.replace(SHOWN, "not-the-s3cret") + f"?ca={signed.ca}"
    settings = load({"event_log": turned_away, "redis": turned_away, "clickhouse": clickhouse_url}, {})
    said = list(wrong(settings, ("event_log", "redis", "clickhouse")))
    assert [re.findall(r"wrong user or password \((\w+)\)", each) for each in said] == [
        ["THROUGHLINE_EVENT_LOG"],
        ["THROUGHLINE_REDIS"],
    ]
    assert SHOWN not in "".join(said)
    away = load({"event_log": "redis://127.0.0.1:1", "redis": "redis://127.0.0.1:1", "clickhouse": clickhouse_url}, {})
    assert list(wrong(away, ("event_log", "redis"))) == []  # it may come


class Issuer(http.server.BaseHTTPRequestHandler):
    """Gives tokens to one client."""

    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        form = self.rfile.read(int(self.headers["Content-Length"]))
        known = base64.b64decode(self.headers["Authorization"].partition(" ")[2]) == b"me:its+s3cret"
        self.send_response(200 if known else 401)
        self.end_headers()
        body = {"access_token": f"token {form.decode()} {self.asked}", "expires_in": 100}
        self.wfile.write(json.dumps(body if known else {"error": "s3cret"}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_token_is_fetched_once_until_it_is_old() -> None:
    at = 0.0
    with http.server.HTTPServer(("127.0.0.1", 0), Issuer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/token"
        token = Token(url=url, client="me", secret="its s3cret", scope="kafka", clock=lambda: at)
        first = token.token()
        assert first == token.token() == "token grant_type=client_credentials&scope=kafka 1"
        at = 81.0
        assert token.token() != first
        for wrong in (
            Token(url=url, client="me", secret="s3cret"),
            Token(url="http://127.0.0.1:1/"),
            Token(file="/no"),
        ):
            with pytest.raises(SaslAuthenticationFailedError, match="no token from") as raised:
                wrong.token()
            assert SHOWN not in str(raised.value)
        server.shutdown()
