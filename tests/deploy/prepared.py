"""Folders whose ClickHouse has this version's schema already, for tests of what comes after the first start."""

import atexit
import functools
import shutil
import sys
import tempfile
from pathlib import Path

from deploy.folder import private_folder, secret
from rollups.migrate import migrate
from tests.services.clickhouse import ask
from tests.services.process import PATIENCE_SECONDS, free_port, start, stop, wait_until


def prepared(data: Path) -> Path:
    """The folder of a stack, made; as a first start leaves it that ends when ClickHouse has its tables."""
    private_folder(data)
    put_engine(data / "clickhouse", "throughline")
    return data


def put_engine(folder: Path, database: str) -> None:
    """A local engine's folder, made; its `database` is migrated. Nothing else may run there yet."""
    shutil.copytree(_migrated(database), folder, symlinks=True)


@functools.cache
def _migrated(database: str) -> Path:
    made = Path(tempfile.mkdtemp(prefix="engine-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    folder, port, log = made / "clickhouse", free_port(), made / "log"
    private_folder(folder)
    url = f"http://default:{secret(folder / 'password')}@127.0.0.1:{port}"
    command = [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(folder), "--port", str(port)]
    door = start(command, log)
    try:
        wait_until(lambda: _answers(url), door, log, PATIENCE_SECONDS)
        migrate(f"{url}/{database}")
    finally:
        stop(door)
    return folder


def _answers(url: str) -> bool:
    try:
        return bool(ask(url))
    except OSError:
        return False
