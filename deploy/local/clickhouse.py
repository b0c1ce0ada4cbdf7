"""ClickHouse on one machine without Docker: the engine of chDB behind an HTTP door, for the clients of a cluster.

`python -m deploy.local.clickhouse --data DIR --port N [--host 127.0.0.1]`. One engine, one process a folder. The
password is in DIR/password, made on the first start. Listens on loopback unless told otherwise.
"""

import argparse
import fcntl
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from deploy.folder import StackError, private_folder, secret
from deploy.local import sandbox
from deploy.local.door import Door
from deploy.local.engine import LIBRARY, Engine, QueryError, default_memory
from deploy.local.resident import give_back
from deploy.local.writes import WriteFailed, end_unwritten
from deploy.room import spaces

DRAIN_SECONDS = 6.0
LOOK_SECONDS = 5.0  # within this a broken merge is noticed, long before what it was made from is removed
LOW_SECONDS = 1.0
SETTLED_SECONDS = 15.0  # then the code that the start alone needed is given back


def lock(data: Path) -> IO[str]:
    """Take the folder until this process dies. Raises SystemExit with one sentence when another process has it."""
    try:
        private_folder(data)
        held = (data / "lock").open("a")
    except StackError as error:
        raise SystemExit(str(error)) from error
    except OSError as error:
        raise SystemExit(f"cannot use {data} for ClickHouse's data: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SystemExit(f"{data} is in use by another process; one engine a folder") from error
    return held


def watch_writes(engine: Engine, data: Path, reserve: int, stop: threading.Event) -> None:
    """What merges write, nobody is answered for. Returns when told to stop."""
    while True:
        low = any(space.free < 2 * space.reserve for space in spaces([data], reserve))
        if stop.wait(LOW_SECONDS if low else LOOK_SECONDS):
            return
        try:
            with engine.session() as session:
                session.all_written()
        except WriteFailed:
            end_unwritten()


def serve(data: Path, host: str, port: int, memory: int, reserve: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs and close the engine. Ends the process."""
    os.umask(0o077)
    data = data.absolute()
    held = lock(data)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    os.environ["TMPDIR"] = str(data)  # chDB opens a throw-away engine when it is imported
    sandbox.enter(data, [Path(__file__).parents[1]])
    try:
        engine = Engine(data, memory, reserve)
    except OSError as error:
        raise SystemExit(f"cannot write to {data}: {error.strerror}") from error
    except QueryError as error:
        raise SystemExit(f"clickhouse: {error}") from error
    except WriteFailed:
        end_unwritten()
    threading.Thread(target=watch_writes, args=(engine, data, reserve, stop), daemon=True).start()
    try:
        door = Door(host, port, engine, secret(data / "password"))
    except OSError as error:
        raise SystemExit(f"cannot listen on {host}:{port}: {error.strerror}") from error
    threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    sys.stdout.write(f"clickhouse ready http://{host}:{door.server_address[1]}\n")
    sys.stdout.flush()
    if not stop.wait(SETTLED_SECONDS):
        give_back(LIBRARY)
    while not stop.wait(1.0):
        pass
    if door.drain(DRAIN_SECONDS):
        engine.close()
    held.close()
    # Threads of idle connections still sit in recv; everything acknowledged is on disk.
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="deploy.local.clickhouse", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the engine's data, created if missing")
    parser.add_argument("--port", type=int, required=True, help="0: any free one, named in the first line of output")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--memory", type=int, default=default_memory(), help="bytes that queries and merges may use")
    parser.add_argument("--reserve", type=int, default=0, help="bytes of the disk that are not for inserts; 0 = 5 %%")
    given = parser.parse_args()
    serve(given.data, given.host, given.port, given.memory, given.reserve)


if __name__ == "__main__":
    main()
