"""Logging of every service: one record a line, control characters escaped, nothing about who asked."""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

MINUTE = 60.0
A_MINUTE = 5  # lines of one kind
MOST_KINDS = 1000

_MORE = re.compile(r" \(and \d+ more like it before\)$")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def escape(text: str) -> str:
    r"""`text` with control characters as \n, \r, \x1b …, so that no value can forge a line or move a cursor."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


class Seldom(logging.Filter):
    """Lets a kind of line pass a few times a minute, and says with the next one how many it kept back.

    A kind is what the call's text is, whatever is filled in: a store that is away must not fill a disk with lines.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}  # minute's begin, lines in it

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, str(record.msg)), self._clock()
        since, lines = self._kinds.get(kind, (now, 0))
        if now - since >= MINUTE:
            if lines > A_MINUTE:
                record.msg = f"{record.msg} (and {lines - A_MINUTE} more like it before)"
            since, lines = now, 0
        self._kinds[kind] = (since, lines + 1)
        if len(self._kinds) > MOST_KINDS:
            self._kinds.clear()
        return lines < A_MINUTE


class LineFormatter(logging.Formatter):
    """`time LEVEL part logger: message`; a traceback follows in lines that begin with `  | `, which no record does."""

    def __init__(self, part: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(part)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        record.part = self._part
        lines = [escape(self.formatMessage(record))]
        for trace in (record.exc_info and self.formatException(record.exc_info), record.stack_info):
            if trace:
                lines += [f"  | {escape(line)}" for line in trace.split("\n")]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One object a line. `kind` is the message without what is filled in, by which lines are told apart and counted."""

    def __init__(self, part: str) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S%z")
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname.lower(),
            "part": self._part,
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            "kind": _MORE.sub("", str(record.msg)),
        }
        if trace := (record.exc_info and self.formatException(record.exc_info)) or record.stack_info:
            entry["trace"] = trace
        return json.dumps(entry)


def configure(part: str, level: str = "WARNING", form: str = "text") -> None:
    """Send everything that this process logs to standard error, in one shape; uncaught exceptions too.

    `form`: "text" or "json".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(part) if form == "json" else LineFormatter(part))
    handler.addFilter(Seldom())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # A line for every broken request of every scanner says nothing; what our own code does wrong is an error there.
    logging.getLogger("uvicorn.error").setLevel("ERROR")
    # Whoever calls these decides what a failed attempt means; they would log every retry.
    for chatty in ("kafka", "clickhouse_connect", "urllib3"):
        logging.getLogger(chatty).addHandler(logging.NullHandler())
        logging.getLogger(chatty).propagate = False
    log = logging.getLogger("throughline")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("uncaught exception", exc_info=(kind, error, trace))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
