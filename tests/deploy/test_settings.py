"""Settings: where they come from, what is refused, and that the documentation lists exactly what the code reads."""

import fcntl
import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from deploy.settings import PREFIX, SettingError, Settings, environment, load, redacted
from deploy.stack import partitions

ROOT = Path(__file__).parents[2]


def test_the_documentation_lists_every_setting_as_the_code_has_it() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = re.findall(r"^\| `(THROUGHLINE_\w+)` \| (.*?) \| (.*) \|$", text, re.MULTILINE)
    coded = [
        (PREFIX + entry.name.upper(), f"`{entry.default}`" if entry.default != "" else "", entry.metadata["meaning"])
        for entry in fields(Settings)
    ]
    assert documented == coded


def test_every_setting_has_a_default() -> None:
    assert all(entry.default is not MISSING for entry in fields(Settings))


def test_a_flag_wins_over_the_environment_over_the_running_stack_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"redis": "redis://stack:1/0", "clickhouse": "http://stack:2/t"}))
    assert load({}, {}, tmp_path).redis == ""  # a copy, or what a killed stack left
    held = (tmp_path / "parts.lock").open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    environ = {"THROUGHLINE_REDIS": "redis://environ:1/0", "THROUGHLINE_PORT": "9000", "THROUGHLINE_HOST": " "}
    assert load({}, {}, tmp_path).redis == "redis://stack:1/0"
    assert load({}, environ, tmp_path).redis == "redis://environ:1/0"
    settings = load({"redis": "redis://flag:1/0", "event_log": None}, environ, tmp_path)
    assert settings.redis == "redis://flag:1/0"
    assert (settings.clickhouse, settings.port, settings.host) == ("http://stack:2/t", 9000, "127.0.0.1")
    held.close()


def test_a_child_loads_the_same_settings() -> None:
    settings = load({"redis": "redis://a:1/0", "port": 0, "address_rate": 0.5}, {})
    assert load({}, environment(settings)) == settings


def test_a_stack_has_no_more_partitions_than_workers_unless_told() -> None:
    assert partitions(load({}, {})) == 1
    assert partitions(load({"workers": 3}, {})) == 3
    assert partitions(load({"workers": 3, "partitions": 8}, {})) == 8


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "http", "port must be a number, not 'http'"),
        ("port", "70000", "port must be 0 to 65535, not 70000"),
        ("workers", "0", "workers must be 1 to 64, not 0"),
        ("address_rate", "-1", "address-rate must be 0 or more, not -1.0"),
        ("address_rate", "nan", "address-rate must be 0 or more, not nan"),
        ("api_origins", "https://a.example,b.example", "api-origins: 'b.example' is no origin such as"),
        ("api_origins", "https://a.example/app", "api-origins: 'https://a.example/app' is no origin such as"),
        ("trusted_proxies", "10.0.0.0/8,proxy", "trusted-proxies: 'proxy' does not appear to be"),
        ("log_level", "loud", "log-level must be one of debug, info, warning, error, not 'loud'"),
        ("event_log", "localhost:9092", "--event-log must begin with redis:// or"),
        ("clickhouse", "http://", "--clickhouse 'http://' names no host"),
        ("clickhouse", "http://host:port/db", "--clickhouse http://… is no address"),
        ("redis", "kafka://host:1", "--redis must begin with redis:// or"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError, match="^" + re.escape(message)) as raised:
        load({}, {PREFIX + name.upper(): value})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://user:secret@host:1/0", "redis://host:1/0"),
        ("redis://host:1/0?password=secret", "redis://host:1/0"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("user:secret@host:1", "host:1"),
        ("http://user:se?secret@host/db", "http://host/db"),
        ("http://user:se/secret@host/db", "http://host/db"),
        ("user:se://secret@host/db", "host/db"),
        ("kafka+ssl://user:secret@a:1,b:2/t?sasl=PLAIN", "kafka+ssl://a:1,b:2/t"),
        ("redis://host:1/0?password=se@secret", "redis://…"),
        ("redis://:secret", "redis://…"),
        (":secret", "…"),
        ("http://user:secret", "http://…"),
        ("redis://user:sec/ret", "redis://…"),
        ("kafka://[::1]:9092,b/t", "kafka://[::1]:9092,b/t"),
        ("kafka://a:1,user:secret", "kafka://…"),
    ],
)
def test_a_password_is_never_shown(address: str, shown: str) -> None:
    assert redacted(address) == shown


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("clickhouse", "ftp://user:secret@host/db"),
        ("clickhouse", "http://user:secret/word@host/db"),
        ("clickhouse", "user:secret@host"),
        ("clickhouse", "http://u:[secret@host/db"),
        ("clickhouse", "http://user:secret"),
        ("redis", "redis://user:secret"),
        ("event_log", "kafka://user:secret"),
        ("event_log", "kafka://user:secret/word@host"),
        ("event_log", "kafka+ssl://user:secret#word@host:9092?sasl=PLAIN"),
    ],
)
def test_a_password_is_in_no_message(name: str, address: str) -> None:
    with pytest.raises(SettingError) as raised:
        load({name: address}, {})
    assert "secret" not in str(raised.value)


def test_a_missing_address_says_where_to_give_it() -> None:
    with pytest.raises(SettingError, match="give --event-log, set THROUGHLINE_EVENT_LOG, or name the folder"):
        load({}, {}).address("event_log")


def test_origins_as_browsers_spell_them() -> None:
    text = " https://App.example.com/, http://localhost:5173,https://a.example:443,http://[::1]:8080, *"
    assert load({}, {PREFIX + "API_ORIGINS": text}).origins() == {
        "https://app.example.com",
        "http://localhost:5173",
        "https://a.example",
        "http://[::1]:8080",
        "*",
    }
    assert load({}, {}).origins() == frozenset()


def test_every_value_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "redis"
    file.write_text("redis://:secret@host:1/0\n")
    environ = {"THROUGHLINE_REDIS_FILE": str(file), "THROUGHLINE_REDIS": " "}
    settings = load({}, environ)
    assert settings.redis == "redis://:secret@host:1/0"
    assert load({"redis": "redis://flag:1/0"}, environ).redis == "redis://flag:1/0"
    assert load({}, {**environ, **environment(settings)}) == settings  # a child inherits both
    for text, message in (("", "must hold one line of text"), ("a\nb\n", "must hold one line of text")):
        file.write_text(text)
        with pytest.raises(SettingError, match=f"THROUGHLINE_REDIS_FILE: .* {message}"):
            load({}, environ)
    file.write_bytes(b"\xff")
    with pytest.raises(SettingError, match="must hold one line of text"):
        load({}, environ)
    with pytest.raises(SettingError, match="THROUGHLINE_REDIS_FILE: cannot read /nowhere: No such file"):
        load({}, {"THROUGHLINE_REDIS_FILE": "/nowhere"})
    with pytest.raises(SettingError, match="set THROUGHLINE_PORT or THROUGHLINE_PORT_FILE, not both"):
        load({}, {"THROUGHLINE_PORT": "80", "THROUGHLINE_PORT_FILE": str(file)})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("redis", "redis://h/0?ca=CA", "has ?ca=, but redis:// is not encrypted: begin it with rediss://"),
        ("redis", "rediss://h/0?ca=/nowhere", "?ca=/nowhere cannot be read: No such file or directory"),
        ("redis", "rediss://h/0?ca=TEXT", "?ca=TEXT is no PEM file"),
        ("redis", "rediss://h/0?ca=KEY", "?ca=KEY holds no certificate"),
        ("redis", "rediss://:hidden@h/0?cakes=1", "'rediss://h/0' has an option that is not known: it can have ca, "),
        ("clickhouse", "http://h/db?cert=CA", "has ?cert=, but http:// is not encrypted: begin it with https://"),
        ("clickhouse", "https://h/db?key=KEY", "needs ?cert= beside ?key="),
        ("event_log", "kafka://u:hidden@h:1/t", "must say how its user signs in: ?sasl=PLAIN or SCRAM-SHA-256"),
        ("event_log", "kafka+ssl://h:1?sasl=GSSAPI", "must say how its user signs in: ?sasl=PLAIN or SCRAM-SHA-256"),
        ("event_log", "kafka+ssl://u@h:1?sasl=PLAIN", "must name a user and a password for PLAIN: kafka+ssl://user:"),
        ("event_log", "kafka+ssl://h:1?sasl=OAUTHBEARER", "must say where tokens come from: ?token_file=/path or "),
        ("event_log", "kafka://h:1?sasl=OAUTHBEARER&token_url=https://i/t", "must name the client that fetches tokens"),
        ("event_log", "kafka://h:1,:2/t", "'…' is no host:port"),
        ("event_log", "kafka://h:port/t", "'…' is no host:port"),
        ("event_log", "kafka://h:1/t?ca=CA", "has ?ca=, but kafka:// is not encrypted: begin it with kafka+ssl://"),
    ],
)
def test_an_address_whose_options_are_wrong(name: str, value: str, message: str, tmp_path: Path) -> None:
    for word, text in (("TEXT", "no key"), ("KEY", "-----BEGIN PRIVATE KEY-----\n"), ("CA", "-----BEGIN CERTIFICATE-")):
        (tmp_path / word).write_text(text)
        value = value.replace(f"={word}", f"={tmp_path / word}")
        message = message.replace(f"={word}", f"={tmp_path / word}")
    with pytest.raises(SettingError, match="^--" + name.replace("_", "-") + " " + re.escape(message)) as raised:
        load({name: value}, {})
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "kafka://a:9092,b:9092/topic",
        "kafka://[::1]:9092,b",
        "kafka+ssl://a:9093",
        "kafka+ssl://u:p%40ss@a:9093,b:9093/topic?sasl=scram-sha-512",
        "kafka://u:p@a:9092?sasl=PLAIN",
        "kafka+ssl://me:secret@a?sasl=OAUTHBEARER&token_url=https://issuer/token&scope=kafka",
        "rediss://:secret@a:1/0?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_an_address_that_is_right(address: str) -> None:
    assert load({"event_log": address}, {}).event_log == address
