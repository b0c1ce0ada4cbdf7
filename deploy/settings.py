"""Every setting there is, and the only reader of the environment.

A value comes from, in this order: the flag, `THROUGHLINE_<NAME>`, the `stack.json` of a running stack, the default.
`docs/settings.md` is the same table for operators; a test holds the two together.
"""

import fcntl
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from deploy.address import redacted as redacted
from deploy.address import wrong

if TYPE_CHECKING:
    from ingest.contract.address import Network

PREFIX = "THROUGHLINE_"
FILE = "_FILE"  # of a variable that names a file with the value
STACK_FILE = "stack.json"
PARTS_LOCK = "parts.lock"
DEFAULT_DATA = Path("data")


class SettingError(Exception):
    """A setting that cannot be used; the message is one sentence for the operator."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """All settings of one process, checked. Empty addresses: not given."""

    event_log: str = _setting(
        "", "address of the event log: `redis[s]://…` or `kafka[+ssl]://[user:password@]host:port[,host:port][/topic]`"
    )
    clickhouse: str = _setting("", "address of ClickHouse: `http[s]://user:password@host:port/database`")
    clickhouse_cluster: str = _setting(
        "", "name of the ClickHouse cluster to create replicated tables on; empty = one server"
    )
    redis: str = _setting(
        "", "address of the Redis that holds sites, salts, limits and workers' states: `redis[s]://…`"
    )
    host: str = _setting("127.0.0.1", "address that HTTP services listen on")
    port: int = _setting(8080, "port that HTTP services listen on")
    base_path: str = _setting(
        "", "path below which a proxy serves this installation, such as `/analytics`; it may pass it on or strip it"
    )
    metrics_port: int = _setting(0, "port of a worker's `/health` and `/metrics`; 0 = none")
    workers: int = _setting(1, "workers that `up` starts")
    partitions: int = _setting(
        0,
        "partitions of a new event log; 0 = one a worker in `up`, else 4; an existing one keeps its own, until "
        "`throughline repartition`",
    )
    address_rate: float = _setting(100.0, "events a second from one address (burst: 10 seconds' worth); 0 = no limit")
    site_rate: float = _setting(0.0, "events a second of one site (burst: 10 seconds' worth); 0 = no limit")
    trusted_proxies: str = _setting(
        "127.0.0.0/8,::1/128", "networks whose `X-Forwarded-For` is believed, comma-separated"
    )
    api_origins: str = _setting(
        "",
        "origins whose pages may ask the read API from a browser, comma-separated (`https://app.example.com`); `*` any",
    )
    country_db: str = _setting(
        "",
        "MMDB file of countries, or of cities and regions too; empty = the one that `make setup` fetched, if any",
    )
    log_max_bytes: int = _setting(0, "bytes of log on Redis above which events are refused; 0 = half of `maxmemory`")
    state_bytes: int = _setting(
        0, "bytes of visitors' states that workers keep in Redis, all partitions together; 0 = a quarter of `maxmemory`"
    )
    values_a_day: int = _setting(
        20_000,
        "distinct sources, campaigns, pages, types, data keys of a site and day in the rollups; the rest is `(other)`",
    )
    redis_memory: str = _setting("1gb", "`maxmemory` of the Redis that `up` starts")
    disks: str = _setting(
        "", "folders of stores on this machine, comma-separated, whose disks keep a reserve; `up` adds those of its own"
    )
    disk_reserve: int = _setting(
        0, "bytes of each of those disks below which no events are taken; 0 = 5 % of the disk, at most 256 MB"
    )
    alert_url: str = _setting("", 'webhook that alarms are posted to, `{"text": …}` as Slack takes it; `https://…`')
    alert_mail: str = _setting("", "addresses that alarms are mailed to, comma-separated; needs `THROUGHLINE_SMTP`")
    smtp: str = _setting("", "mail server: `smtp[s]://[user:password@]host[:port][?from=ADDRESS]`")
    log_format: str = _setting("text", "`text`, or `json`: one object a line")
    log_level: str = _setting("warning", "`debug`, `info`, `warning` or `error`")

    def address(self, name: str) -> str:
        """The address called `name`; raises SettingError, saying where to give it, when there is none."""
        value = str(getattr(self, name))
        if not value:
            raise SettingError(
                f"no address for {name.replace('_', ' ')}: give --{name.replace('_', '-')}, "
                f"set {PREFIX}{name.upper()}, or name the folder of a running stack with --data"
            )
        return value

    def disk_folders(self) -> list[Path]:
        """`disks`, parsed."""
        return [Path(unquote(part.strip())) for part in self.disks.split(",") if part.strip()]

    def mail_to(self) -> list[str]:
        """`alert_mail`, parsed."""
        return [part.strip() for part in self.alert_mail.split(",") if part.strip()]

    def networks(self) -> "tuple[Network, ...]":
        """`trusted_proxies`, parsed. Raises ValueError."""
        from ingest.contract.address import networks

        return networks(part for part in self.trusted_proxies.split(",") if part.strip())

    def origins(self) -> frozenset[str]:
        """`api_origins`, parsed: `scheme://host[:port]` as browsers spell it. Raises ValueError."""
        given = [part.strip() for part in self.api_origins.split(",")]
        return frozenset(_origin(part) for part in given if part)


def _origin(text: str) -> str:
    if text == "*":
        return text
    found = re.fullmatch(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?/?", text.lower())
    if found is None:
        raise ValueError(f"{text!r} is no origin such as https://app.example.com")
    scheme, host, port = found.groups("")
    return f"{scheme}://{host}" + ("" if (scheme, port) in (("http", ":80"), ("https", ":443")) else port)


SCHEMES = {
    "event_log": ("redis", "rediss", "unix", "kafka", "kafka+ssl"),
    "clickhouse": ("http", "https"),
    "redis": ("redis", "rediss", "unix"),
    "smtp": ("smtp", "smtps"),
}
_OF_A_STACK = ("event_log", "clickhouse", "redis", "disks", "disk_reserve")
_LEVELS = ("debug", "info", "warning", "error")


def load(flags: Mapping[str, Any], environ: Mapping[str, str] | None = None, data: Path | None = None) -> Settings:
    """Settings from flags (None = not given), environment, and the stack running in `data`. Raises SettingError."""
    environ = os.environ if environ is None else environ
    known = {entry.name for entry in fields(Settings)}
    given = {name: value for name, value in flags.items() if value is not None}
    if unknown := given.keys() - known:
        raise TypeError(f"no such settings: {unknown}")
    for name in known - given.keys():
        if (text := _given(PREFIX + name.upper(), environ)) != "":
            given[name] = text
    for name, value in (running(data) if data else {}).items():
        if name in _OF_A_STACK:
            given.setdefault(name, value)
    settings = Settings(**{name: _typed(name, value) for name, value in given.items()})
    _check(settings)
    return settings


def environment(settings: Settings) -> dict[str, str]:
    """What a child process needs in its environment to load the same settings, whatever else it inherits."""
    plain = {PREFIX + entry.name.upper(): str(getattr(settings, entry.name)) for entry in fields(Settings)}
    return {**plain, **{name + FILE: "" for name in plain}}


def _given(variable: str, environ: Mapping[str, str]) -> str:
    """What the variable says, or the file that its name with `_FILE` names; "" for neither. Raises SettingError."""
    text, file = environ.get(variable, "").strip(), environ.get(variable + FILE, "").strip()
    if not file:
        return text
    if text:
        raise SettingError(f"set {variable} or {variable}{FILE}, not both")
    try:
        text = Path(file).read_text().strip()
    except OSError as error:
        raise SettingError(f"{variable}{FILE}: cannot read {file}: {error.strerror}") from None
    except ValueError:
        text = ""
    if not text or "\n" in text:
        raise SettingError(f"{variable}{FILE}: {file} must hold one line of text")
    return text


def running(data: Path) -> dict[str, str]:
    """Url, addresses and disks of the stack that runs in the folder, {} if none does: a copy names another's."""
    try:
        stack = json.loads((data / STACK_FILE).read_text())
        with (data / PARTS_LOCK).open() as parts:
            fcntl.flock(parts, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # held by every part
        pass
    except (OSError, ValueError):
        return {}
    else:
        return {}
    return {name: str(value) for name, value in stack.items() if value}


def _typed(name: str, value: Any) -> Any:
    kind = type(getattr(Settings, name))
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise SettingError(f"{name.replace('_', '-')} must be a number, not {value!r}") from None


def _check(settings: Settings) -> None:
    for name, schemes in SCHEMES.items():
        value = getattr(settings, name)
        if value and (why := wrong(value, schemes)):
            raise SettingError(f"{'--' if name in _OF_A_STACK else ''}{name.replace('_', '-')} {why}")
    for name in ("address_rate", "site_rate", "log_max_bytes", "state_bytes", "disk_reserve"):
        if not 0 <= getattr(settings, name) < 1e18:
            raise SettingError(f"{name.replace('_', '-')} must be 0 or more, not {getattr(settings, name)}")
    for name, low, high in (
        ("port", 0, 65535),
        ("metrics_port", 0, 65535),
        ("workers", 1, 64),
        ("values_a_day", 10, 10_000_000),
        ("partitions", 0, 1024),
    ):
        if not low <= getattr(settings, name) <= high:
            raise SettingError(f"{name.replace('_', '-')} must be {low} to {high}, not {getattr(settings, name)}")
    try:
        settings.networks()
    except ValueError as error:
        raise SettingError(f"trusted-proxies: {error}") from None
    try:
        settings.origins()
    except ValueError as error:
        raise SettingError(f"api-origins: {error}") from None
    if settings.base_path and not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+", settings.base_path):
        raise SettingError(f"base-path must be a path such as /analytics, not {settings.base_path!r}")
    for folder in settings.disk_folders():
        if not folder.is_dir():
            raise SettingError(f"disks: {folder} is no folder of this machine")
    if settings.alert_url and not _is_webhook(settings.alert_url):
        raise SettingError("alert-url must be an address such as https://hooks.example.com/…")  # it is a secret
    if bool(settings.alert_mail) != bool(settings.smtp):
        raise SettingError("alert-mail and smtp need each other: who gets the mail, and which server takes it")
    if wrong_mail := [one for one in settings.mail_to() if not re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", one)]:
        raise SettingError(f"alert-mail: {wrong_mail[0]!r} is no address of mail")
    if settings.log_format not in ("text", "json"):
        raise SettingError(f"log-format must be text or json, not {settings.log_format!r}")
    if settings.log_level.lower() not in _LEVELS:
        raise SettingError(f"log-level must be one of {', '.join(_LEVELS)}, not {settings.log_level!r}")


def _is_webhook(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return re.fullmatch(r"https?://[^\s/@]+(/\S*)?", url) is not None
