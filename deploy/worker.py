"""A worker process: the loop in the main thread, /health and /metrics on a port of their own."""

import argparse
import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import RedisError

from deploy import torn, wiring, wrong
from deploy.erasing import Erasing
from deploy.folder import StackError
from deploy.logs import configure
from deploy.notify import READY, STOPPING, Notifier
from deploy.rebuilding import Rebuilding
from deploy.retaining import Retaining
from deploy.settings import SettingError, Settings, load
from deploy.stack import listen
from deploy.supervise import die_with_parent
from ingest.log.dead import TooManyDeadLetters
from ingest.log.protocol import LogTruncated, LogUnavailable, PartitionsChanged
from rollups.client import ClickHouseUnavailable
from rollups.control import ClaimLost, Unfinished
from rollups.decided import Outlived, Running, TwoDecided
from workers.aside import Refused
from workers.report import Report, reason
from workers.take import Forgotten, Torn
from workers.world import LogOver

NOT_YET = (Refused, Running, Unfinished, ClaimLost, ClickHouseUnavailable, LogUnavailable, RedisError)
STOPPED = (
    LogTruncated,
    PartitionsChanged,
    TwoDecided,
    Outlived,
    TooManyDeadLetters,
    Forgotten,
)  # for a human to look at

STOP_SECONDS = 5.0  # `up` kills after a little more

Health = Callable[[], Mapping[str, str]]
log = logging.getLogger("throughline.worker")


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish the batch in hand. Blocks. Raises StackError.

    A store that hangs does not keep it: after STOP_SECONDS the process ends, and whoever takes its partitions finishes
    the batch, as after a crash.
    """
    stop = threading.Event()

    def ask_to_stop(*_: object) -> None:
        if not stop.is_set():
            notifier.tell(STOPPING)
            timer = threading.Timer(STOP_SECONDS, _leave)
            timer.daemon = True
            timer.start()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    notifier = Notifier()
    wrong.tell(settings, ("event_log", "redis", "clickhouse"))
    connecting, report = {"worker": "connecting"}, Report()
    if settings.metrics_port:
        serve_metrics(
            settings.host,
            settings.metrics_port,
            lambda: connecting or report.health(time.monotonic()),
            lambda: {} if connecting else report.lately(time.monotonic()),
        )
    threading.Thread(target=Erasing(settings).run, args=(stop,), name="erasing", daemon=True).start()
    threading.Thread(target=Rebuilding(settings, stop).run, name="rebuilding", daemon=True).start()
    threading.Thread(target=Retaining(settings).run, args=(stop,), name="retaining", daemon=True).start()
    while not stop.is_set():
        try:
            worker = wiring.worker(settings, report)
        except (LogUnavailable, ClickHouseUnavailable) as error:
            connecting["worker"] = reason(error)
            stop.wait(0.2)
            continue
        except LogTruncated as error:
            raise _stopped(error) from error
        report.turned(set(), time.monotonic())
        connecting.clear()
        notifier.tell(READY)
        # States are trees without cycles: collecting them often was a third of the fold's time.
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)
        try:
            worker.run(stop)
        except Torn as error:
            log.error("%s", error)
            connecting["worker"] = "a batch is set aside"
            try:
                torn.mend(settings, error.partition)
            except NOT_YET as why:
                log.warning("it is not set aside yet: %s", why)
                stop.wait(2.0)
        except LogOver:
            log.info("another log is to be counted now")
        except STOPPED as error:
            raise _stopped(error) from error


def _stopped(error: Exception) -> StackError:
    return StackError(f"the worker has stopped, because going on could lose or double events: {error}")


def _leave() -> None:
    log.warning("a store does not answer; the batch in hand is left to whoever takes its partition next")
    os._exit(0)


def serve_metrics(host: str, port: int, health: Health, lately: Health) -> None:
    """Answer /health (how the parts are, and what they did lately) and /metrics in the background for the life of the
    process. Raises StackError.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/health":
                state = dict(health())
                well = all(value == "ok" for value in state.values())
                body = {"status": "ok" if well else "unavailable", "parts": state, "lately": dict(lately())}
                self._answer(200 if well else 503, "application/json", json.dumps(body).encode())
            else:
                self._answer(404, "text/plain", b"not found\n")

        def log_message(self, *_: object) -> None:
            """Nothing about who asked."""

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((host, port), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listen(host, port)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def main() -> None:
    """A worker of a stack."""
    parser = argparse.ArgumentParser(prog="deploy.worker")
    parser.add_argument("--name", default="worker")
    parser.add_argument("--metrics-port", type=int)
    given = parser.parse_args()
    die_with_parent()
    try:
        settings = load({"metrics_port": given.metrics_port, "host": "127.0.0.1"})
        configure(given.name, settings.log_level, settings.log_format)
        run(settings)
    except (StackError, SettingError) as error:
        sys.stderr.write(f"throughline: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
