"""W3C extended logs: IIS separates by blanks and writes + for them, CloudFront by tabs and writes %20."""

import re
from collections.abc import Mapping, Sequence

from ingest.access_log import escape, moment
from ingest.access_log.address import Client
from ingest.access_log.hit import Hit, Malformed

_CELL = re.compile(r'"[^"]*"|\S+')
_STATUS = re.compile(r"(?:\d{3})?", re.ASCII)
_FIELDS = "#fields:"
_DATE = "#date:"
# The first of them that a file has.
_NAMES: Mapping[str, Sequence[str]] = {
    "ip": ("c-ip", "cs-ip", "x-client-ip", "c-dns"),
    "method": ("cs-method",),
    "target": ("cs-uri-stem", "cs-uri"),
    "query": ("cs-uri-query",),
    "status": ("sc-status",),
    "referrer": ("cs(referer)", "cs(referrer)"),
    "agent": ("cs(user-agent)",),
}


def is_header(text: str) -> bool:
    return text[:8].lower() == _FIELDS


class W3c:
    """Reads the lines of one file, whose `#Fields:` say what they hold and may change within it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names: list[str] = []
        self._place: dict[str, int] = {}
        self._day = ""

    def read(self, text: str) -> Hit | None:
        """None for a directive. Raises Malformed."""
        if text.startswith("#"):
            self._direct(text)
            return None
        cells = _cells(text)
        if not self._names:
            raise Malformed("no #Fields: line says what it holds")
        if len(cells) != len(self._names):
            raise Malformed(f"it has {len(cells)} fields, not {len(self._names)}")
        value = {name: "" if cells[place] == "-" else cells[place] for name, place in self._place.items()}
        method, target, ip, status = (value.get(name, "") for name in ("method", "target", "ip", "status"))
        if not (method and target and ip):
            raise Malformed("it has no request or no address")
        if not _STATUS.fullmatch(status):
            raise Malformed("it has no status")
        query, agent = value.get("query"), value.get("agent")
        if agent is not None and "\t" not in text:
            agent = agent.replace("+", " ")
        return Hit(
            moment.clf(f"{value.get('date') or self._day} {value.get('time', '')}"),
            self._client(ip.replace("+", " ")),
            method,
            escape.target(f"{target}?{query}" if query else target),
            int(status or "0"),
            escape.text(value.get("referrer", "")),
            None if agent is None else escape.text(escape.percent(agent)),
        )

    def _direct(self, text: str) -> None:
        if is_header(text):
            self._names = text[len(_FIELDS) :].lower().split()
            known = {"time": ("time",), "date": ("date",), **_NAMES}
            self._place = {
                name: self._names.index(found)
                for name, keys in known.items()
                if (found := next((key for key in keys if key in self._names), None))
            }
        elif text[: len(_DATE)].lower() == _DATE:
            self._day = text[len(_DATE) :].strip()[:10]


def _cells(text: str) -> list[str]:
    if "\t" in text:
        return text.strip("\r\n").split("\t")
    if '"' in text:
        return [cell[1:-1] if cell[0] == '"' else cell for cell in _CELL.findall(text)]
    return text.split()
